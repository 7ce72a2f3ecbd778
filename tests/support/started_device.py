"""Starts main.py as a device of its own, on CPython or on MicroPython, and reads what it prints."""

import json
import re
import signal
import subprocess
import sys
import threading

import pytest
from clients import ROOT, wait_until
from fixtures import runtimes

from flamelet_tools.shared.micropython import environment, find_micropython

DEADLINE_SECONDS = 30


class Device:
    """main.py while it runs; `lines`: what it has told the person so far, as (what, value)."""

    def __init__(self, runtime, folder, url, **config):
        path = folder / "config.json"
        path.write_text(json.dumps({"url": url, "device": "d1", **config}))
        command = [find_micropython(), "-X", "heapsize=512k"] if runtime == "micropython" else [sys.executable, "-u"]
        self.runtime = runtime
        self.lines = []
        self.process = subprocess.Popen(
            [*command, "main.py"],
            cwd=ROOT,
            env=environment(ROOT, "boards/desktop") | {"FLAMELET_CONFIG": str(path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Whoever runs the tests in the background ignores Ctrl-C, and so would the device.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            what, _, value = line.rstrip().partition(" ")
            self.lines.append((what, value.strip()))

    def told(self, what):
        """Return the values of all that it told of this kind."""
        return [value for kind, value in self.lines if kind == what]

    def wait_for(self, what, count=1, seconds=DEADLINE_SECONDS):
        wait_until(lambda: len(self.told(what)) >= count, seconds)

    def end(self):
        """Wait for its end.

        Returns: the numbers of its summary: sent, not sent, commands; and how many wait, if any do.
        """
        assert self.process.wait(DEADLINE_SECONDS) == 0, self.lines
        self._reader.join(DEADLINE_SECONDS)
        [summary] = self.told("summary")
        return tuple(map(int, re.findall(r"\d+", summary)))

    def stop(self):
        """End it from outside; the numbers of readings taken and of commands obeyed.

        On CPython by what Ctrl-C sends. MicroPython's unix port takes that at any moment, also amid a collection, after
        which no memory can be had any more: there it is killed, and its lines are counted.
        """
        if self.runtime == "cpython":
            self.process.send_signal(signal.SIGINT)
            sent, not_sent, obeyed, *waiting = self.end()
            taken = sent + not_sent + sum(waiting)
            assert (taken, obeyed) == (len(self.told("reading")), len(self.told("answer")))
        else:
            self.process.kill()
            self.process.wait()
            self._reader.join(DEADLINE_SECONDS)
        return len(self.told("reading")), len(self.told("answer"))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(DEADLINE_SECONDS)
        self.process.stdout.close()


@pytest.fixture(params=runtimes("cpython", "micropython"))
def start(request, tmp_path):
    """Starts the device on each Python."""
    devices = []

    def start_device(url, **config):
        devices.append(Device(request.param, tmp_path, url, **config))
        return devices[-1]

    yield start_device
    for device in devices:
        device.kill()


def readings(device):
    """Return the readings that the device says it has taken."""
    pairs = [reading.split() for reading in device.told("reading")]
    return [{name: value(text) for name, _, text in (pair.partition("=") for pair in reading)} for reading in pairs]


def value(text):
    return None if text == "None" else float(text)
