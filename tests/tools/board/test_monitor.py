"""flamelet monitor beside MicroPython on a pseudo-terminal: what it shows, and that the program goes on."""

import re
import signal
import subprocess
import sys
import threading
import time

import click
import pytest
import serial
from click.testing import CliRunner
from pty_board import PtyBoard

from flamelet_tools.board import link as board_link
from flamelet_tools.board import monitor
from flamelet_tools.shared.micropython import MISSING, find_micropython

pytestmark = [
    pytest.mark.skipif(find_micropython() is None, reason=MISSING),
    pytest.mark.timeout(60),
]
PROGRAM = b"""
import time
count = 0
try:
    while True:
        count += 1
        print("reading  %d" % count)
        time.sleep_ms(20)
except KeyboardInterrupt:
    print("interrupted")
"""


# What a program prints with the compiled library.
TRACEBACK_PROGRAM = b"""
import time
while True:
    print("Traceback (most recent call last):")
    print('  File "main.py", line 9, in main')
    print('  File "f", line 1, in check_key')
    print("InvalidArgument: the key")
    time.sleep_ms(50)
"""


@pytest.fixture
def board(tmp_path):
    with PtyBoard(tmp_path, find_micropython()) as board:
        with board_link.connected(board.port) as link:
            board_link.write(link, "/main.py", PROGRAM)
        assert reading(board) > 0
        yield board


class Monitor:
    """`flamelet monitor` while it runs."""

    def __init__(self, *arguments):
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flamelet_tools.cli", "monitor", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, pattern, after=0):
        """Return the first line after so many that matches."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for line in self.lines[after:]:
                if re.search(pattern, line):
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no line matched {pattern!r}: {self.lines}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()

    def end(self):
        """End it by Ctrl-C. Returns: its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(10)
        self.reader.join(10)
        return code


def reading(board):
    """The number of the reading that the program makes now, as the port tells it."""
    with serial.Serial(board.port, timeout=5) as port:
        port.readline()
        return int(port.readline().split()[1])


def test_each_line_is_shown_with_its_time(board):
    with Monitor("--port", board.port) as shown:
        line = shown.wait_for("reading")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  reading  \d+", line)
    numbers = [int(line.split()[-1]) for line in shown.lines if re.match(r"\d\d:.*reading  \d+$", line)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_ctrl_c_ends_it_and_the_program_goes_on(board):
    lives = board.end_of_lives()
    with Monitor("--port", board.port) as shown:
        last = int(shown.wait_for("reading").split()[-1])
        assert shown.end() == 0
    assert not any("Traceback" in line or "interrupted" in line for line in shown.lines)
    assert reading(board) > last
    assert board.end_of_lives() == lives


def test_reset_restarts_the_board_first(board):
    while reading(board) < 60:
        time.sleep(0.1)
    lives = len(board.end_of_lives())
    with Monitor("--port", board.port, "--reset") as shown:
        shown.wait_for("starts anew")
        assert int(shown.wait_for("reading  ").split()[-1]) < 60
    assert board.end_of_lives()[lives:] == ["reset"]


def test_a_port_that_goes_away_is_awaited(board):
    with Monitor("--port", board.port) as shown:
        shown.wait_for("reading")
        board.pull()
        shown.wait_for("went away: the board was unplugged, or sleeps")
        before = len(shown.lines)
        board.plug()
        shown.wait_for(r"reading  \d", after=before)
        assert shown.end() == 0


def test_a_dry_run_only_opens_the_port(board):
    lives, passed = board.end_of_lives(), board.passed
    done = CliRunner().invoke(monitor.monitor, ["--port", board.port, "--reset", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "can be opened, and the board would be restarted" in done.output
    assert (board.end_of_lives(), board.passed) == (lives, passed)


def test_a_busy_port_is_named(board):
    with serial.Serial(board.port, exclusive=True):
        done = CliRunner().invoke(monitor.monitor, ["--port", board.port])
    assert done.exit_code == 1
    assert "is busy: another program has it open" in done.output


def test_a_port_that_is_not_there_is_named(tmp_path):
    done = CliRunner().invoke(monitor.monitor, ["--port", str(tmp_path / "ttyNONE")])
    assert done.exit_code == 1
    assert "there is no port" in done.output


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("reading  temp=21.5", ""),
        ("error    the token is refused", "red"),
        ("Traceback (most recent call last):", "red"),
        ('  File "device.py", line 3, in run', "red"),
        ("ValueError: incompatible .mpy file", "red"),
        ("OSError: [Errno 116] ETIMEDOUT", "red"),
        ("MemoryError: memory allocation failed", "red"),
        ("E (1234) wifi: no memory", "red"),
        ("W (1234) wifi: weak", "yellow"),
        ("safe mode: 3 starts in a row have failed", "yellow"),
        ("online   devices/d1", "green"),
        ("what a program of one's own prints", ""),
    ],
)
def test_a_line_has_the_colour_of_what_it_tells(line, style):
    assert monitor.style_of(line) == style


def test_colours_and_control_characters_of_the_board_do_not_reach_the_terminal(capsys):
    monitor.Screen(monitor.Console(force_terminal=False)).show(b"\x1b[0;31mE (5) phy: \x07bad\x1b[0m\xff\r")
    assert capsys.readouterr().out.endswith("  E (5) phy: bad\ufffd\n")


TRACEBACK = [
    b"Traceback (most recent call last):",
    b'  File "f", line 1, in keys',
    b'  File "f", line 1, in check_key',
    b"InvalidArgument: the key",
]


def shown(capsys):
    """The lines on the terminal, without their times."""
    return [line.partition("  ")[2] for line in capsys.readouterr().out.splitlines()]


def test_a_traceback_is_shown_when_it_is_whole_with_the_files_of_the_sources(capsys):
    screen = monitor.Screen(monitor.Console(force_terminal=False, soft_wrap=True))
    screen.show(b"online")
    for line in TRACEBACK[:3]:
        screen.show(line)
    assert shown(capsys) == ["online"]
    screen.show(TRACEBACK[3])
    assert shown(capsys) == [
        "Traceback (most recent call last):",
        '  File "f", line 1, in keys  core/path.py: keys',
        '  File "f", line 1, in check_key  core/path.py: check_key',
        "InvalidArgument: the key",
    ]


def test_a_traceback_that_is_cut_is_shown_all_the_same(capsys):
    screen = monitor.Screen(monitor.Console(force_terminal=False, soft_wrap=True))
    for line in TRACEBACK[:3] * 2:
        screen.show(line)
    assert len(shown(capsys)) == 3
    screen.end_traceback()
    screen.end_traceback()
    assert len(shown(capsys)) == 3


def test_without_the_sources_a_traceback_is_shown_as_it_came(capsys, monkeypatch):
    def missing():
        raise click.ClickException("this command works on a checkout of flamelet")

    monkeypatch.setattr(monitor, "checkout", missing)
    assert monitor.explained(["Traceback", '  File "f", line 1, in keys']) == [
        "Traceback",
        '  File "f", line 1, in keys',
    ]
    assert "shown as it came: this command works on a checkout" in capsys.readouterr().err


def test_a_traceback_of_a_board_reaches_the_terminal(tmp_path):
    with PtyBoard(tmp_path, find_micropython()) as board:
        with board_link.connected(board.port) as link:
            board_link.write(link, "/main.py", TRACEBACK_PROGRAM)
        with Monitor("--port", board.port) as shown:
            assert "core/path.py: check_key" in shown.wait_for("in check_key")
            assert shown.wait_for("in main").endswith('File "main.py", line 9, in main')


def test_a_line_without_an_end_is_shown_in_pieces(tmp_path):
    with PtyBoard(tmp_path, find_micropython()) as board:
        with board_link.connected(board.port) as link:
            board_link.write(
                link, "/main.py", b"import time\nwhile True:\n    print('x' * 700, end='')\n    time.sleep(0.1)\n"
            )
        with Monitor("--port", board.port) as shown:
            assert len(shown.wait_for("xxx")) > monitor.LINE_BYTES
