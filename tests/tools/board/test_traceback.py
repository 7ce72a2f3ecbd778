"""Tracebacks of a board, led back to the sources: those that MicroPython prints of the compiled library, and others."""

import re
import subprocess

import pytest
from clients import ROOT, compiled_library

from flamelet_tools.board.traceback import Sources, sources
from flamelet_tools.shared.flat_build import FlatBuildError, flat_library
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path

DEADLINE_SECONDS = 30
HEAD = "Traceback (most recent call last):"

on_micropython = pytest.mark.skipif(find_micropython() is None, reason=MISSING)


def compiled(*names):
    """The lines of a traceback through these functions of .mpy files, the caller first."""
    return [HEAD, *(f'  File "f", line 1, in {name}' for name in names)]


def printed(code, folder):
    """The lines of the traceback with which this code ends on MicroPython."""
    done = subprocess.run(
        [find_micropython(), "-c", code],
        env=module_path(str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout.splitlines()


@on_micropython
def test_a_refused_connection_leads_from_the_feed_to_the_transport():
    code = "import flamelet\nflamelet.Database('http://127.0.0.1:1').feed('a', (('n', 0),)).push(1)"
    lines = printed(code, compiled_library())
    assert any(line == '  File "f", line 1, in push' for line in lines), lines
    explained = sources(ROOT).explained(lines)
    assert '  File "f", line 1, in push  feed/feed.py: ' in "\n".join(explained)
    assert [line for line in explained if "net/" in line] == [
        '  File "f", line 1, in open  net/connection.py: open',
        '  File "f", line 1, in open  net/transport.py: open',
    ]
    # What is no frame of the library is as it was.
    assert explained[:2] == lines[:2] and explained[-1] == lines[-1]


@on_micropython
def test_a_refused_key_leads_to_what_refuses_it():
    lines = printed("import flamelet\nflamelet.Database('http://127.0.0.1:1').set('a.b', 1)", compiled_library())
    explained = sources(ROOT).explained(lines)
    assert explained[-2] == '  File "f", line 1, in check_key  core/path.py: check_key'
    assert explained[-3] == '  File "f", line 1, in keys  core/path.py: keys'


@on_micropython
def test_a_flat_source_has_the_file_and_the_line_that_it_is_made_of(tmp_path):
    flat_library(ROOT).write(tmp_path)
    lines = printed("import flamelet\nflamelet.Database('http://127.0.0.1:1').set('a.b', 1)", tmp_path)
    assert re.fullmatch(rf'  File "{tmp_path}/flamelet/_core_path.py", line \d+, in check_key', lines[-2])
    explained = sources(ROOT).explained(lines)
    file, line = re.fullmatch(rf'  File "{tmp_path}/(flamelet/.*)", line (\d+), in check_key', explained[-2]).groups()
    assert file == "flamelet/core/path.py"
    assert "raise " in (ROOT / "lib" / file).read_text().splitlines()[int(line) - 1]
    assert '"flamelet/wire/http1.py", line 12' in sources(ROOT).explained(['  File "flamelet/_http1.py", line 12'])[0]


def test_a_name_that_one_file_has_leads_there():
    assert sources(ROOT).explained(compiled("check_key")) == [
        HEAD,
        '  File "f", line 1, in check_key  core/path.py: check_key',
    ]


SMALL = {
    "__init__.py": "",
    "one/first.py": "from . import second\n\ndef begin():\n    second.step()\n",
    "one/second.py": "def step():\n    last(lambda: 1)\n\ndef last(function):\n    function()\n",
    "two/other.py": "class Other:\n    def step(self):\n        last(self)\n    def last(self): pass\n",
    "two/twice.py": "class A:\n    def go(self): pass\n\nclass B:\n    def go(self): pass\n\ndef run(): import one\n",
}


@pytest.fixture
def small(tmp_path):
    """The Sources of SMALL, with a board's own module."""
    for path, text in SMALL.items():
        file = tmp_path / "lib" / "flamelet" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "boards" / "shared").mkdir(parents=True)
    (tmp_path / "boards" / "shared" / "wifi.py").write_text("def step():\n    pass\n\ndef join():\n    step()\n")
    (tmp_path / "main.py").write_text("def main():\n    begin()\n")
    return Sources(tmp_path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["begin", "step"], ["one/first.py: begin", "one/second.py: step"]),  # by what the caller imports
        (["join", "step"], ["boards/shared/wifi.py: join", "boards/shared/wifi.py: step"]),  # and has itself
        (["step"], ["one/second.py: step or two/other.py: step or boards/shared/wifi.py: step"]),
        (["step", "last", "<lambda>"], ["one/second.py: step", "one/second.py: last", "one/second.py: <lambda>"]),
        (["go"], ["two/twice.py: A.go or two/twice.py: B.go"]),
        (["unknown", "begin"], ["", "one/first.py: begin"]),
    ],
)
def test_the_frames_beside_a_name_decide_whose_it_is(small, names, expected):
    explained = small.explained(compiled(*names))[1:]
    for line, name, told in zip(explained, names, expected, strict=True):
        assert line == f'  File "f", line 1, in {name}' + (f"  {told}" if told else "")


def test_main_py_has_its_lines_and_is_left_as_it_is(small):
    lines = [HEAD, '  File "main.py", line 2, in main', '  File "f", line 1, in begin']
    assert small.explained(lines) == [*lines[:2], f"{lines[2]}  one/first.py: begin"]


def test_many_candidates_are_counted(small, tmp_path):
    for number in range(6):
        (tmp_path / "lib" / "flamelet" / "one" / f"n{number}.py").write_text("def many(): pass\n")
    # Built anew: the library is read once in a process.
    flat_library.cache_clear()
    [_, line] = Sources(tmp_path).explained(compiled("many"))
    assert line.endswith("one/n0.py: many or one/n1.py: many or one/n2.py: many or one/n3.py: many or 2 others")


def test_sources_that_are_not_in_order_are_refused(tmp_path):
    (tmp_path / "lib" / "flamelet").mkdir(parents=True)
    (tmp_path / "lib" / "flamelet" / "__init__.py").write_text("from .gone import x\n")
    (tmp_path / "main.py").write_text("")
    with pytest.raises(FlatBuildError, match="line 1: flamelet.gone is no module"):
        Sources(tmp_path)
