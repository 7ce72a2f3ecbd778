"""The one module that talks to a board: finds its port, stops its program, runs code on it, writes its files.

In: a serial port, or none where one board is plugged in. Out: mpremote's SerialTransport in the raw REPL, which the
functions here take; every failure of the port, the board and its flash as one click.ClickException that says what to
do. Nothing is written that holds a private key.

The board is not reset first: a watchdog that runs goes on running, and only the program that was stopped knows how to
feed it. So the board is asked to do that at least each second of all that takes longer. Afterwards it is restarted, so
that its program runs again whatever happened here.
"""

import ast
import contextlib
import errno
import hashlib
import io
import os
import struct
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import click
import serial
import serial.tools.list_ports
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from flamelet_tools.shared.private_key import secret_in

OLDEST = (1, 22)
STOP_SECONDS = 20  # A lookup of a name or a TLS handshake can keep a board from hearing Ctrl-C for ten.
PROMPT_SECONDS = 2
READ_SECONDS = 1
WRITE_SECONDS = 10
ANSWER_SECONDS = 60
FEED_SECONDS = 1
CHUNK_BYTES = 512

# A restart that was ordered from here is no failed start, as boards/shared/startup.py counts them.
RESTART = """
import machine, os
try:
    os.remove("/boot.failed")
except OSError:
    pass
machine.reset()
"""
# Runs on the board. It feeds by board.py, or whatever machine.WDT the stopped program has left in a module.
HELPERS = """
import binascii, gc, hashlib, os, sys
def _feeders():
    board = sys.modules.get("board")
    if hasattr(board, "feed_watchdog"):
        return [board.feed_watchdog]
    try:
        from machine import WDT
    except ImportError:
        return []
    names = [globals()] + [getattr(module, "__dict__", {}) for module in sys.modules.values()]
    return [value.feed for table in names for value in table.values() if isinstance(value, WDT)]
_feeders = _feeders()
def _feed():
    for feed in _feeders:
        feed()
def _hash(path):
    digest = hashlib.sha256()
    buffer = bytearray(512)
    view = memoryview(buffer)
    with open(path, "rb") as file:
        count = file.readinto(buffer)
        while count:
            digest.update(view[:count])
            count = file.readinto(buffer)
    return binascii.hexlify(digest.digest()).decode()
def _walk(path):
    _feed()
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        entries = []
    for entry in entries:
        inner = path + "/" + entry[0]
        if entry[1] & 0x4000:
            _walk(inner)
        else:
            print(repr((inner, os.stat(inner)[6], _hash(inner))))
def _copy(source, target):
    buffer = bytearray(512)
    with open(source, "rb") as old, open(target, "wb") as new:
        count = old.readinto(buffer)
        while count:
            new.write(memoryview(buffer)[:count])
            count = old.readinto(buffer)
def _has(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True
os.chdir("/")
gc.collect()
_feed()
"""

FACTS = (
    "(sys.implementation.name, tuple(sys.implementation.version)[:3], getattr(sys.implementation, '_mpy', 0) & 255, "
    "sys.platform, getattr(sys.implementation, '_machine', ''), _has('network'), "
    "getattr(sys.modules.get('board'), '__file__', '') or '', os.statvfs('/')[0], "
    "os.statvfs('/')[0] * os.statvfs('/')[3])"
)


class Board(SerialTransport):
    """A board that is connected. Each wait for its answer has an end, also where it prints for ever."""

    fed = 0.0  # when its watchdog was fed

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = 10,
        data_consumer: Callable[[bytes], object] | None = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        seconds = timeout_overall or ANSWER_SECONDS
        return super().read_until(min_num_bytes, ending, timeout, data_consumer, seconds)


class Facts(NamedTuple):
    """What a board says of itself."""

    port: str
    implementation: str  # "micropython"
    version: tuple[int, ...]
    mpy: int  # the version of .mpy files that it takes; 0: none
    platform: str  # "esp32", "rp2"
    machine: str  # "Raspberry Pi Pico W with RP2040"
    network: bool
    running: str  # the file of the board.py that its program has imported, or nothing
    block: int  # bytes that a file takes at the least
    free: int  # bytes


class File(NamedTuple):
    """A file on the board."""

    size: int
    sha256: str


def find_port(port: str | None) -> str:
    """Return the port to use: the given one, or that of the one board that is plugged in.

    Raises: click.ClickException if there is none, or if there are several.
    """
    found = usb_ports()
    if port is not None:
        if not os.path.exists(port) and "://" not in port and os.name == "posix":
            raise click.ClickException(f"there is no port {port}: {listed(found)}")
        return port
    if len(found) != 1:
        raise click.ClickException(listed(found))
    return found[0]


def usb_ports() -> list[str]:
    return sorted(port.device for port in serial.tools.list_ports.comports() if port.vid is not None)


def listed(found: list[str]) -> str:
    if not found:
        return "no board is plugged in: connect it by a USB cable that carries data, not power alone"
    return f"say which one with --port: {', '.join(found)}"


def open_port(port: str) -> Board:
    """Open a port and send nothing: a program that runs on the board goes on.

    Raises: click.ClickException if it cannot be opened, or another program has it.
    """
    try:
        board = Board(port, timeout=READ_SECONDS)
    except TransportError:
        raise click.ClickException(why_closed(port)) from None
    board.serial.write_timeout = WRITE_SECONDS
    return board


def why_closed(port: str) -> str:
    """Return why a port cannot be opened: mpremote does not tell."""
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except (OSError, ValueError) as error:
        number, text = getattr(error, "errno", None), str(error)
        if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in text or "Access is denied" in text:
            return f"{port} is busy: another program has it open, such as a monitor, Thonny or mpremote; end that one"
        if number in (errno.EACCES, errno.EPERM):
            return f"you may not use {port}. Linux: sudo usermod -a -G dialout $USER, then log out and in again"
        if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
            return f"there is no port {port}: {listed(usb_ports())}"
        return f"{port} cannot be opened: {error}"
    return f"{port} could not be opened at first: try again"


@contextlib.contextmanager
def connected(port: str | None, seconds: float = STOP_SECONDS) -> Iterator[Board]:
    """Stop the board's program and hold the board in its raw REPL; restart the board at the end, failed or not.

    Arguments: the port, or None for that of the only board; how long the board may take to hear.
    Raises: click.ClickException, for whatever fails within too.
    """
    port = find_port(port)
    board = open_port(port)
    try:
        with plain_errors(port):
            stop_program(board, seconds)
            board.exec(HELPERS)
            board.fed = time.monotonic()
            yield board
    finally:
        leave(board)


@contextlib.contextmanager
def plain_errors(port: str) -> Iterator[None]:
    """Turn what pyserial, mpremote and the board raise into a click.ClickException."""
    try:
        yield
    except TransportExecError as error:
        raise click.ClickException(failed(error.error_output, port)) from None
    except serial.SerialTimeoutException:
        raise click.ClickException(f"the board on {port} takes nothing any more: reset it, and try again") from None
    except (TransportError, struct.error) as error:
        if not os.path.exists(port):
            raise click.ClickException(gone(port)) from None
        text = f"the board on {port} stopped answering ({error}): reset it, and try again"
        raise click.ClickException(text) from None
    except serial.SerialException:
        raise click.ClickException(gone(port)) from None
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF):
            raise click.ClickException(gone(port)) from None
        name = errno.errorcode.get(error.errno or 0, "")
        raise click.ClickException(failed(f"OSError: {name} {error.args[-1]}", port)) from None


def gone(port: str) -> str:
    return f"{port} went away in the middle: was the board unplugged? Plug it in and repeat the command"


def failed(output: str, port: str) -> str:
    line = output.strip().rpartition("\n")[2].strip()
    if "ENOSPC" in line or line == "OSError: 28":
        return f"the flash of the board on {port} is full: remove files from it, or deploy less with --service"
    return f"the board on {port} failed: {line}"


def stop_program(board: Board, seconds: float) -> None:
    """Interrupt the program until the board gives its raw REPL.

    Raises: click.ClickException if it does not in time; the text says what was heard instead.
    """
    deadline = time.monotonic() + seconds
    heard = b""
    while time.monotonic() < deadline:
        board.serial.write(b"\r\x03\x03")
        time.sleep(0.1)
        heard += board.serial.read(board.serial.in_waiting)
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                enter_raw_repl(board)
            return
        except TransportError:
            heard += unexpected(printed.getvalue())
    raise click.ClickException(silent(board.device_name, heard))


def enter_raw_repl(board: Board) -> None:
    """Enter the raw REPL, twice: a board that was deaf for a while answers to all that it was sent meanwhile.

    Raises: mpremote's TransportError.
    """
    board.enter_raw_repl(soft_reset=False, timeout_overall=PROMPT_SECONDS)
    deadline = time.monotonic() + PROMPT_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.1)
        if not board.serial.read(board.serial.in_waiting):
            break
    board.enter_raw_repl(soft_reset=False, timeout_overall=PROMPT_SECONDS)


def unexpected(printed: str) -> bytes:
    """Return the bytes that mpremote heard and did not expect: it prints them, as repr() shows them."""
    try:
        return bytes(ast.literal_eval(printed))
    except (SyntaxError, ValueError, TypeError):
        return b""


def silent(port: str, heard: bytes) -> str:
    lines = [line.strip() for line in heard.decode(errors="replace").splitlines()]
    line = next((line for line in reversed(lines) if line.isprintable() and line), "")
    if line:
        return (
            f"what is on {port} does not answer as MicroPython does; it said: {line[:100]}\n"
            "If that is no MicroPython, flamelet flash writes it; if it is, reset the board and try again"
        )
    return (
        f"the board on {port} says nothing. Is it the right port? If the board sleeps, press its reset button now and "
        "try again; if it is new, flamelet flash writes MicroPython to it"
    )


def leave(board: Board) -> None:
    """Restart the board and close the port; a board that is gone needs neither."""
    if board.in_raw_repl:
        restart(board)
    close(board)


def close(board: Board) -> None:
    """Close a port, which may be gone."""
    with contextlib.suppress(OSError):
        board.close()
    board.serial.close()


def restart(board: Board) -> None:
    """Restart a board that may be in the middle of something, or gone."""
    with contextlib.suppress(OSError, TransportError, struct.error), contextlib.redirect_stdout(io.StringIO()):
        enter_raw_repl(board)
        board.exec_raw_no_follow(RESTART)
    board.in_raw_repl = False


def facts(board: Board) -> Facts:
    """Ask a board what it is."""
    return Facts(board.device_name, *board.eval(FACTS))


def ask(board: Board) -> Facts:
    """Ask a board what it is, and refuse one on which flamelet does not run.

    Raises: click.ClickException if it does not run MicroPython of version 1.22 or newer, with a network.
    """
    told = facts(board)
    name = f"the board on {told.port}"
    if told.implementation != "micropython":
        raise click.ClickException(
            f"{name} runs {told.implementation}, not MicroPython: write MicroPython with flamelet flash"
        )
    if told.version < OLDEST:
        raise click.ClickException(
            f"{name} runs MicroPython {dotted(told.version)}; flamelet supports {dotted(OLDEST)} and later: "
            "write a newer one with flamelet flash"
        )
    if not told.network:
        raise click.ClickException(
            f"the firmware of {name} ({told.machine}) has no network. Is it a Pico W? Then write the firmware of "
            "the Pico W with flamelet flash"
        )
    return told


def start_bootloader(board: Board) -> None:
    """Start the bootloader, by which a board takes firmware; it cannot be asked for anything more."""
    board.exec_raw_no_follow("import machine\nmachine.bootloader()")
    board.in_raw_repl = False


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)


def feed(board: Board) -> None:
    """Feed the board's watchdog, if it has one, when it is time: call this within all that takes long."""
    if time.monotonic() - board.fed >= FEED_SECONDS:
        board.exec("_feed()")
        board.fed = time.monotonic()


def files(board: Board, *folders: str) -> dict[str, File]:
    """Return all files in these folders of the board, by path; a folder that is not there has none."""
    found = {}
    for folder in folders:
        for line in board.exec(f"_walk({folder!r})").decode().splitlines():
            path, size, sha256 = ast.literal_eval(line)
            found[path] = File(size, sha256)
    return found


def read(board: Board, path: str) -> bytes | None:
    """Return what a file of the board holds; None if there is no such file."""
    try:
        return bytes(board.fs_readfile(path))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise


def write(board: Board, path: str, data: bytes, advance: Callable[[int], object] = lambda count: None) -> None:
    """Write a file of the board; a folder that is missing is made.

    Arguments: the whole path; what the file is to hold; `advance`, called with each number of bytes that went over.
    Raises: click.ClickException if `data` holds a private key.
    """
    refuse_secret(path, data)
    make_folders(board, path.rpartition("/")[0])
    done = 0

    def show(written: int, size: int) -> None:
        nonlocal done
        advance(written - done)
        done = written
        feed(board)

    board.fs_writefile(path, data, chunk_size=CHUNK_BYTES, progress_callback=show)


def replace(board: Board, path: str, data: bytes, advance: Callable[[int], object] = lambda count: None) -> None:
    """Write a file of the board so that at any time the old or the new one is there, whole.

    Raises: click.ClickException if it did not arrive as it was sent; then the old one stays.
    """
    new = f"{path}.new"
    write(board, new, data, advance)
    if board.fs_hashfile(new, "sha256") != hashlib.sha256(data).digest():
        raise click.ClickException(f"{path} did not arrive as it was sent: try another cable, and repeat the command")
    board.exec(f"os.rename({new!r}, {path!r})")


def copy(board: Board, source: str, target: str) -> None:
    """Copy a file on the board itself."""
    make_folders(board, target.rpartition("/")[0])
    board.exec(f"_copy({source!r}, {target!r})")
    feed(board)


def make_folders(board: Board, path: str) -> None:
    parts = path.strip("/").split("/") if path.strip("/") else []
    for count in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:count])
        try:
            board.fs_mkdir(folder)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise


def remove(board: Board, path: str) -> None:
    board.fs_rmfile(path)
    feed(board)


def refuse_secret(path: str, data: bytes) -> None:
    found = secret_in(data)
    if found:
        raise click.ClickException(f"{path} would hold {found}, which must never be on a device")
