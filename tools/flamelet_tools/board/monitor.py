"""`flamelet monitor`: what a board prints, line by line, with the time.

In: a board on a serial port. Out: its lines, coloured by what they tell, until Ctrl-C, which ends this and not the
board's program: nothing is sent to the board, but for --reset. A traceback is shown when it is whole, with the files of
this checkout that it comes from (traceback.py). When the port goes away, because the board was unplugged or sleeps, its
return is awaited.
"""

import contextlib
import os
import re
import sys
import time
from datetime import datetime

import click
from rich.console import Console
from rich.text import Text

from flamelet_tools.board import link
from flamelet_tools.board.link import Board
from flamelet_tools.board.traceback import FRAME, sources
from flamelet_tools.shared.checkout import checkout

WAIT_SECONDS = 0.2
LINE_BYTES = 1000  # A line that is longer is shown in pieces.
# By the first word of a line, as the boards' report() prints it.
STYLES = {
    "answer": "cyan",
    "command": "cyan",
    "end": "bold",
    "error": "red",
    "hold": "bold yellow",
    "identify": "bold magenta",
    "led": "magenta",
    "offline": "yellow",
    "online": "green",
    "reading": "",
    "restart": "yellow",
    "start": "bold",
    "summary": "bold",
}
# A traceback, and what the ESP-IDF logs as errors and warnings.
TROUBLE = (
    (re.compile(r"Traceback |  File \"|[A-Z]\w*(Error|Exception|Interrupt)\b|E \(\d+\)"), "red"),
    (re.compile(r"W \(\d+\)|safe mode"), "yellow"),
)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


@click.command()
@click.option("--port", metavar="PORT", help="The board's serial port (default: the only one there is).")
@click.option("--reset", is_flag=True, help="Restart the board first.")
@click.option("--dry-run", is_flag=True, help="Open the port, send nothing, show nothing, and end.")
def monitor(port: str | None, reset: bool, dry_run: bool) -> None:
    """Show what a board prints. Ctrl-C ends this; the board's program runs on."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    port = link.find_port(port)
    if dry_run:
        link.close(link.open_port(port))
        console.print(f"dry run  {port} can be opened" + (", and the board would be restarted" if reset else ""))
        return
    if reset:
        with link.connected(port):
            console.print(f"reset    the board on {port} starts anew")
    tell(f"{port}; Ctrl-C ends this, and leaves the program running")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            follow(wait_for(port), console)
            tell(f"{port} went away: the board was unplugged, or sleeps. It is awaited; Ctrl-C ends this")


def tell(text: str) -> None:
    """Say something that is not the board's: not where the board's lines go."""
    click.echo(f"monitor: {text}", err=True)


def wait_for(port: str) -> Board:
    """Open the port as soon as it is there.

    Raises: click.ClickException if it is there and cannot be opened.
    """
    while True:
        while os.name == "posix" and not os.path.exists(port):
            time.sleep(WAIT_SECONDS)
        try:
            return link.open_port(port)
        except click.ClickException:
            # The system makes a port first, and gives it to its users a moment later.
            time.sleep(1)
            if os.path.exists(port):
                return link.open_port(port)


def follow(board: Board, console: Console) -> None:
    """Show the board's lines until its port goes away."""
    line = b""
    screen = Screen(console)
    try:
        while True:
            received = board.serial.read(board.serial.in_waiting or 1)
            line += received
            *whole, line = line.split(b"\n")
            if len(line) > LINE_BYTES:
                whole, line = [*whole, line], b""
            for each in whole:
                screen.show(each)
            if not received:  # within READ_SECONDS
                screen.end_traceback()
    except OSError:  # pyserial's own errors are such
        if line:
            screen.show(line)
        screen.end_traceback()
    finally:
        link.close(board)


class Screen:
    """Shows lines of a board; those of a traceback together, when the last one is there."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.traceback: list[tuple[datetime, str]] = []

    def show(self, line: bytes) -> None:
        text = CONTROL.sub("", line.decode(errors="replace")).rstrip()
        begins = text.startswith("Traceback (most recent call last)")
        if begins or not FRAME.match(text):
            self.end_traceback()
        if begins or self.traceback:
            self.traceback.append((datetime.now(), text))
        else:
            self.print(datetime.now(), text)

    def end_traceback(self) -> None:
        """Show the traceback that has come until now, if there is one."""
        times = [at for at, _ in self.traceback]
        lines = explained([text for _, text in self.traceback])
        self.traceback = []
        for at, text in zip(times, lines, strict=True):
            self.print(at, text)

    def print(self, at: datetime, text: str) -> None:
        now = at.strftime("%H:%M:%S.%f")[:-3]
        self.console.print(Text.assemble((now, "dim"), "  ", (text, style_of(text))))
        sys.stdout.flush()


def explained(lines: list[str]) -> list[str]:
    """Return the lines of a traceback with the files that they come from; as they are, if there is no checkout here or
    its sources are not in order."""
    if not lines:
        return []
    try:
        return sources(checkout()).explained(lines)
    except (click.ClickException, SyntaxError, ValueError) as error:
        tell(f"the traceback is shown as it came: {error}")
        return lines


def style_of(text: str) -> str:
    """Return the colour of a line."""
    for pattern, style in TROUBLE:
        if pattern.match(text):
            return style
    return STYLES.get(text.partition(" ")[0], "")
