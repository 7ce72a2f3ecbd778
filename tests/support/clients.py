"""Plays a scenario of tests/support/scenarios on a Python: in a thread of this process, or in a MicroPython of its own.

In: the scenario's function and its arguments. Out: a `Play`, from which the test takes what the scenario says and what
it returns; each has a deadline, so that a client that hangs is a failed test.
"""

import atexit
import functools
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from scenarios import connector

from flamelet_tools.shared.compile import compile_library
from flamelet_tools.shared.flat_build import flat_library
from flamelet_tools.shared.micropython import find_micropython, module_path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 40
RUNTIMES = ("cpython", "cpython-aio", "micropython", "micropython-aio")


class Client:
    """A Python that plays scenarios; `runtime`: one of RUNTIMES; its requests may go through the module `requests`."""

    def __init__(self, runtime, through_requests=False):
        self.runtime = runtime
        self.through_requests = through_requests
        self.on_micropython = runtime.startswith("micropython")
        self.awaited = runtime.endswith("aio")
        self._plays = []

    def run(self, scenario, heap="256k", **arguments):
        """Play `scenario` to its end.

        Returns: what it returned.
        """
        return self.play(scenario, heap, **arguments).result()

    def play(self, scenario, heap="256k", **arguments):
        """Begin to play `scenario`, on MicroPython with this heap.

        Returns: a Play.
        """
        kind = MicroPythonPlay if self.on_micropython else ThreadPlay
        play = kind(scenario, self.awaited, self.through_requests, arguments, heap)
        self._plays.append(play)
        return play

    def close(self):
        """End what still plays: only a scenario whose test has failed."""
        for play in self._plays:
            play.close()


class Play:
    """A scenario under way."""

    def __init__(self):
        self._heard = queue.Queue()

    def heard(self):
        """Return the next value that the scenario says."""
        return self._next("said")

    def result(self):
        """Return what the scenario returns."""
        return self._next("result")

    def _next(self, wanted):
        try:
            kind, value = self._heard.get(timeout=DEADLINE_SECONDS)
        except queue.Empty:
            raise AssertionError(f"the scenario gave no {wanted} within {DEADLINE_SECONDS} s") from None
        if kind == "error":
            raise value
        assert kind == wanted, f"the scenario gave {kind} {value!r}, not {wanted}"
        return value


class ThreadPlay(Play):
    """A scenario in a thread of this process."""

    def __init__(self, scenario, awaited, through_requests, arguments, heap):
        super().__init__()
        self._scenario = scenario
        self._connect = connector(sys.modules[scenario.__module__], awaited, through_requests)
        self._thread = threading.Thread(target=self._run, args=(arguments,), daemon=True)
        self._thread.start()

    def _run(self, arguments):
        try:
            self._tell("result", self._scenario(self._connect, lambda value: self._tell("said", value), **arguments))
        except Exception as error:
            self._heard.put(("error", error))

    def _tell(self, kind, value):
        # Through JSON, as from the other process.
        self._heard.put((kind, json.loads(json.dumps(value))))

    def close(self):
        self._thread.join(1)


class MicroPythonPlay(Play):
    """A scenario in a MicroPython of its own."""

    def __init__(self, scenario, awaited, through_requests, arguments, heap):
        super().__init__()
        order = {
            "module": scenario.__module__,
            "name": scenario.__name__,
            "awaited": awaited,
            "through_requests": through_requests,
            "arguments": arguments,
        }
        # As text, since MicroPython's json does not join surrogates.
        code = f"import scenarios\nscenarios.main({json.dumps(order, ensure_ascii=False)!r})"
        self._process = subprocess.Popen(
            [find_micropython(), "-X", f"heapsize={heap}", "-c", code],
            env=module_path(compiled_library(), translated_scenarios()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        other = []
        for line in self._process.stdout:
            try:
                self._heard.put(tuple(json.loads(line)))
            except ValueError:
                other.append(line.decode(errors="replace"))
        exit_code = self._process.wait()
        self._heard.put(("error", AssertionError(f"MicroPython ended with exit code {exit_code}:\n{''.join(other)}")))

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join(DEADLINE_SECONDS)
        self._process.stdout.close()


@functools.cache
def compiled_library():
    """Return a folder with the library as .mpy, as boards have it: to compile it there would take the memory."""
    folder = tempfile.mkdtemp(prefix="flamelet-")
    atexit.register(shutil.rmtree, folder)
    compile_library(ROOT, Path(folder))
    return folder


@functools.cache
def translated_scenarios():
    """Return a folder with the scenarios, in which the parts of the library have the names that a board has."""
    folder = Path(tempfile.mkdtemp(prefix="flamelet-"))
    atexit.register(shutil.rmtree, folder)
    (folder / "scenarios").mkdir()
    for script in (ROOT / "tests" / "support" / "scenarios").glob("*.py"):
        (folder / "scenarios" / script.name).write_text(flat_library(ROOT).translated(script))
    return str(folder)


def wait_until(holds, seconds=10):
    """Return as soon as `holds()` is true; AssertionError if it is not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.005)


def trust(sim, folder):
    """Return the options of a client that is to trust `sim`, whose root is written into `folder`."""
    if not sim.ca_pem:
        return {}
    path = folder / f"{sim.port}.pem"
    path.write_bytes(sim.ca_pem)
    return {"ca": str(path)}
