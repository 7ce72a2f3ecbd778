"""A board that is played: main.py and the board's own modules on MicroPython's unix port, over the fakes of fakes/.

In: the kind of board, its settings, its world (fakes/world.py says what is in it). Out: a process that starts anew
where a board would: after deep sleep, a reset, and when the watchdog was not fed in time. Then it is killed at once, so
that nothing of the program has a turn that it would not have on a board.
"""

import atexit
import calendar
import functools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from clients import ROOT, compiled_library, wait_until

from flamelet_tools.shared.compile import compile_file
from flamelet_tools.shared.micropython import find_micropython

FAKES = Path(__file__).resolve().parent / "fakes"
MACHINES = {
    "esp32": "Generic ESP32 module with ESP32",
    "pico_w": "Raspberry Pi Pico W with RP2040",
}
POWER_ON = {"esp32": (2000, 1, 1), "pico_w": (2021, 1, 1)}
NETWORKS = [["home", "secret12"]]
IN_REACH = {"home": {"password": "secret12"}}
HONEST = {"pool.ntp.org": 0, "time.google.com": 0, "time.cloudflare.com": 0}
DEADLINE_SECONDS = 40
LOOK_SECONDS = 0.01


class FakeBoard:
    """A board with its files; `kind`: "esp32" or "pico_w"; `world`: what differs from a peaceful world."""

    def __init__(self, folder, kind, **world):
        self.kind = kind
        self.root, self.state = folder / "root", folder / "state"
        self.root.mkdir(parents=True)
        self.state.mkdir()
        self.lines = []  # (what, value) of all starts
        self.starts = []  # (cause, time.monotonic())
        self.ends = []  # what ended each start, but the last
        self.watchdog_factor = 1.0  # its time, beside what the program asks for
        self._world = {
            "port": "esp32" if kind == "esp32" else "rp2",
            "machine": MACHINES[kind],
            "networks": IN_REACH,
            "ntp": HONEST,
            "cause": "power on",
            **world,
        }
        self._process = None
        self._stopping = threading.Event()
        self._keeper = None
        self.set_world()
        self.lose_clock()

    # Its files.

    def configure(self, **settings):
        """Write config.json."""
        (self.root / "config.json").write_text(json.dumps({"networks": NETWORKS, **settings}))

    def install(self, folder="a"):
        """Put everything where `flamelet deploy` puts it, as .mpy, and name `folder` as the active one."""
        place = self.root / folder
        shutil.copytree(compiled_board(self.kind), place)
        shutil.copytree(Path(compiled_library()) / "flamelet", place / "flamelet")
        shutil.copy(ROOT / "main.py", self.root)
        (self.root / "active").write_text(folder)

    # Its world.

    def set_world(self, **world):
        self._world |= world
        self.keep("world", self._world)

    def keep(self, name, value):
        new = self.state / f"{name}.host"
        new.write_text(json.dumps(value))
        new.replace(self.state / f"{name}.json")

    def kept(self, name):
        """Return what the chip keeps under this name, or None: then it keeps nothing, or is just writing it."""
        try:
            return json.loads((self.state / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def lose_clock(self):
        self.keep("clock", calendar.timegm((*POWER_ON[self.kind], 0, 0, 0)) - int(time.time()))

    def log(self):
        """Return what the chip noted: [(milliseconds, text), ...]."""
        path = self.state / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(ms), text) for ms, _, text in (line.partition(" ") for line in lines)]

    # A function of its tests.

    def call(self, function):
        """Run a function of fakes/board_functions.py, in virtual time.

        Returns: the exit code and what it printed.
        """
        self.set_world(virtual=True)
        for path in [*(ROOT / "boards" / "shared").glob("*.py"), ROOT / "boards" / self.kind / "board.py"]:
            shutil.copy(path, self.root)
        done = subprocess.run(
            [*self._command(), "board_functions", function],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.returncode, done.stdout

    def _command(self, heap="512k"):
        folders = [str(self.root), str(self.state), str(FAKES)]
        return [find_micropython(), "-X", f"heapsize={heap}", str(FAKES / "start.py"), *folders]

    # The program.

    def power_on(self):
        """Give it power: it runs, with all its restarts, until `power_off`."""
        for name in ("rtc_memory", "registers"):
            (self.state / f"{name}.json").unlink(missing_ok=True)
        self.lose_clock()
        self._stopping.clear()
        self._keeper = threading.Thread(target=self._keep_alive, daemon=True)
        self._keeper.start()

    def power_off(self):
        """Take its power, at once."""
        self._stopping.set()
        if self._keeper:
            self._keeper.join(DEADLINE_SECONDS)

    def told(self, what):
        return [value for kind, value in self.lines if kind == what]

    def wait_for(self, what, count=1, seconds=DEADLINE_SECONDS):
        try:
            wait_until(lambda: len(self.told(what)) >= count, seconds)
        except AssertionError:
            raise AssertionError(f"{what!r} was not told {count} times; {self}") from None

    def wait_for_starts(self, count, seconds=DEADLINE_SECONDS):
        try:
            wait_until(lambda: len(self.starts) >= count, seconds)
        except AssertionError:
            raise AssertionError(f"it has not started {count} times; {self}") from None

    def __str__(self):
        text = "\n".join(f"{what:9}{value}" for what, value in self.lines[-60:])
        return f"starts {[cause for cause, _ in self.starts]}, ends {self.ends}:\n{text}"

    def _keep_alive(self):
        cause = "power on"
        while cause:
            cause = self._run(cause)

    def _run(self, cause):
        """Run from one start to its end.

        Returns: why it starts again, or None where the power is gone.
        """
        if self.kind == "pico_w":
            self.lose_clock()
        for name in ("end.json", "watchdog.json", "fed"):
            (self.state / name).unlink(missing_ok=True)
        self.set_world(cause=cause)
        self.starts.append((cause, time.monotonic()))
        process = subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        reader.start()
        what, ms = "power off", 0
        try:
            what, ms = self._watch(process)
        finally:
            process.kill()
            process.wait()
            reader.join(DEADLINE_SECONDS)
            process.stdout.close()
            self.ends.append(what)
        if what == "deep sleep":
            self._stopping.wait(ms / 1000)
        return None if self._stopping.is_set() or what == "died" else what

    def _watch(self, process):
        """Wait for the end of a start: one of its own, the watchdog's, or that of the power."""
        size, fed = 0, time.monotonic()
        while not self._stopping.wait(LOOK_SECONDS):
            end = self.kept("end")
            if end and end[0] != "repl":
                return end
            if process.poll() is not None:
                return "died", 0
            timeout = self.kept("watchdog")
            if timeout is None:
                fed = time.monotonic()
                continue
            grown = os.stat(self.state / "fed").st_size
            if grown != size:
                size, fed = grown, time.monotonic()
            if time.monotonic() - fed > timeout / 1000 * self.watchdog_factor:
                return "watchdog", 0
        return "power off", 0

    def _read(self, stream):
        for line in stream:
            what, _, value = line.rstrip().partition(" ")
            self.lines.append((what, value.strip()))


@functools.cache
def compiled_board(kind):
    """Return a folder with the modules of this kind of board, as .mpy."""
    folder = Path(tempfile.mkdtemp(prefix="flamelet-board-"))
    atexit.register(shutil.rmtree, folder)
    for path in [*(ROOT / "boards" / "shared").glob("*.py"), ROOT / "boards" / kind / "board.py"]:
        if path.stem != "sensors_example":
            compile_file(path, folder / f"{path.stem}.mpy")
    return folder
