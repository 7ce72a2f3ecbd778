"""A board for the tests of the tools: MicroPython's unix port on a pseudo-terminal, with the flash of a board.

In: a folder for its flash. Out: `port`, which a serial port's client can open. The root is littlefs on a file, of the
size and the blocks of a board's. machine.reset() and the end of the process start it anew, main.py first, as a board
does; machine.WDT kills it when it is not fed in time; sys tells whatever firmware the test wants. Two pseudo-terminals
and a relay between them stand for the cable: it can be pulled, and it can spoil what passes.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import threading
import tty
from pathlib import Path

BLOCK = 4096
DEADLINE_SECONDS = 10
FIRMWARE = {
    "name": "micropython",
    "version": (1, 22, 0),
    "mpy": 6,
    "platform": "rp2",
    "machine": "Raspberry Pi Pico W with RP2040",
    "network": True,
}

# Runs first in each life of the board. Its own files are open before the root is another one.
BOOT = """
import os, sys, termios, vfs
firmware = eval(os.getenv("BOARD_FIRMWARE"))
blocks = int(os.getenv("BOARD_BLOCKS"))
flash = open(os.getenv("BOARD_FLASH"), "r+b")
watched = open(os.getenv("BOARD_WATCHDOG"), "wb")
class Flash:
    def readblocks(self, number, buffer, offset=0):
        flash.seek(number * 4096 + offset)
        flash.readinto(buffer)
    def writeblocks(self, number, buffer, offset=0):
        flash.seek(number * 4096 + offset)
        flash.write(buffer)
        flash.flush()
    def ioctl(self, request, argument):
        return {4: blocks, 5: 4096}.get(request, 0)
class WDT:
    def __init__(self, id=0, timeout=5000):
        self.timeout = timeout
        self.feed()
    def feed(self):
        watched.write(b"%d\\n" % self.timeout)
        watched.flush()
class Machine:
    WDT = WDT
    def reset(self):
        sys.exit(75)
    def bootloader(self):
        sys.exit(76)
class Implementation:
    name = firmware["name"]
    version = firmware["version"] + ("",)
    _mpy = firmware["mpy"]
    _machine = firmware["machine"]
class Sys:
    implementation = Implementation
    platform = firmware["platform"]
    modules = sys.modules
    path = sys.path
    exit = sys.exit
    print_exception = sys.print_exception
    stdout = sys.stdout
sys.modules["machine"] = Machine()
if firmware["network"]:
    sys.modules["network"] = object()
try:
    root = vfs.VfsLfs2(Flash())
except OSError:
    vfs.VfsLfs2.mkfs(Flash())
    root = vfs.VfsLfs2(Flash())
vfs.umount("/")
vfs.mount(root, "/")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"]
sys.modules["sys"] = Sys
sys = Sys
# From here on Ctrl-C is a signal while a program runs, as on a board; the REPL takes it as a character.
modes = termios.tcgetattr(0)
modes[3] |= int(os.getenv("BOARD_ISIG"))
termios.tcsetattr(0, 0, modes)
try:
    with open("/main.py") as file:
        program = file.read()
except OSError:
    program = ""
try:
    exec(program)
except Exception as error:
    sys.print_exception(error)
"""

# Runs as the leader of the terminal's session: it outlives each MicroPython, and so the terminal does too.
LIVES = """
import os, pathlib, subprocess, sys, time, tty
watchdog, lives = pathlib.Path(os.environ["BOARD_WATCHDOG"]), pathlib.Path(os.environ["BOARD_LIVES"])
def late():
    lines = watchdog.read_bytes().split() if watchdog.exists() else []
    return bool(lines) and time.time() - watchdog.stat().st_mtime > int(lines[-1]) / 1000
while True:
    watchdog.unlink(missing_ok=True)
    tty.setraw(0)
    board = subprocess.Popen(sys.argv[1:])
    while board.poll() is None:
        time.sleep(0.02)
        if late():
            board.kill()
    names = {0: "soft reset", 75: "reset", 76: "bootloader", -9: "watchdog"}
    with lives.open("a") as file:
        print(names.get(board.returncode, board.returncode), file=file)
    if board.returncode == 76:
        break
"""


class PtyBoard:
    """A board that is plugged in, until it is unplugged."""

    def __init__(self, folder, micropython, kilobytes=848, heap="512k", **firmware):
        self.folder = Path(folder)
        self.port = str(self.folder / "ttyBOARD")
        self.flash = self.folder / "flash"
        self.lives = self.folder / "lives"
        if not self.flash.exists():
            self.flash.write_bytes(b"\xff" * (kilobytes * 1024))
        (self.folder / "boot.py").write_text(BOOT)
        self.command = [micropython, "-X", f"heapsize={heap}", "-i", str(self.folder / "boot.py")]
        self.environment = os.environ | {
            "BOARD_FIRMWARE": repr(FIRMWARE | firmware),
            "BOARD_BLOCKS": str(self.flash.stat().st_size // BLOCK),
            "BOARD_FLASH": str(self.flash),
            "BOARD_WATCHDOG": str(self.folder / "watchdog"),
            "BOARD_LIVES": str(self.lives),
            "BOARD_ISIG": str(termios.ISIG),
        }
        self.spoil = lambda data: data
        self.passed = 0  # bytes, towards the board
        self.pull_after = None
        self.plug()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.pull()

    def plug(self):
        """Plug it in: it starts."""
        self.inner, inside = terminal()
        self.outer, self.outside = terminal()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LIVES, *self.command],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=self.environment,
            start_new_session=True,
            preexec_fn=lead_the_terminal,
        )
        os.close(inside)
        os.symlink(os.ttyname(self.outside), self.port)
        self.plugged = True
        self.relay = threading.Thread(target=self.run_cable, daemon=True)
        self.relay.start()

    def run_cable(self):
        """Pass bytes both ways until the cable is pulled."""
        queued = {self.inner: b"", self.outer: b""}  # by where they go
        while self.plugged:
            readable = [self.other_end(end) for end, data in queued.items() if len(data) < 4096]
            writable = [end for end, data in queued.items() if data]
            readable, writable, _ = select.select(readable, writable, [], 0.05)
            for end in readable:
                queued[self.other_end(end)] += self.passing(end)
            for end in writable:
                queued[end] = queued[end][os.write(end, queued[end][:1024]) :]
            if self.pull_after is not None and self.passed >= self.pull_after:
                self.plugged, self.pull_after = False, None
        os.unlink(self.port)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)
        for end in (self.inner, self.outside, self.outer):
            os.close(end)

    def other_end(self, end):
        return self.outer if end == self.inner else self.inner

    def passing(self, end):
        try:
            data = os.read(end, 1024)
        except OSError:  # The terminal inside hangs up when the board has ended for good.
            return b""
        if end == self.inner:
            return data
        self.passed += len(data)
        return self.spoil(data)

    def pull(self):
        """Take the port away from its client; the board goes without power."""
        self.plugged = False
        self.relay.join(DEADLINE_SECONDS)

    def end_of_lives(self):
        """How each life of the board has ended so far: "reset", "soft reset", "watchdog", "bootloader"."""
        return self.lives.read_text().split("\n")[:-1] if self.lives.exists() else []


def lead_the_terminal():
    """Take the terminal on standard input for this session. MicroPython alone hears Ctrl-C, once it runs."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def terminal():
    """A pseudo-terminal that changes nothing of what passes; both ends."""
    outer, inner = os.openpty()
    tty.setraw(inner)
    return outer, inner
