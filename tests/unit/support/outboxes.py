"""What the tests of outboxes share: a clock, a folder, an RTC, feeds, and what waits in an outbox.

A `Time` moves when told, for keys and for outboxes; its `restart` is a boot: ticks begin anew, and the clock is known
or not. `Folder` is an empty folder, in whose files a test can look, and which can be full.
"""

import json
import os
import sys

try:
    import socket  # noqa: F401
except ImportError:
    # The 32-bit MicroPython has none. Nothing here opens one.
    sys.modules["socket"] = sys

import flamelet
from flamelet.core import clock, push_id
from flamelet.outbox import before_clock, flash, record
from flamelet.outbox.record import HEAD, TAIL, behind

from clock import Clock

FIELDS = (("n", 0), ("t", 1))
from flamelet.outbox import ram  # noqa: E402

TIMED = (ram, flash)
NO_SPACE = 28
IO_ERROR = 5


class Time(Clock):
    """A clock that moves when told, for keys and for outboxes."""

    def __enter__(self):
        super().__enter__()
        self._kept = [(module, module.ticks_ms) for module in TIMED], before_clock.epoch_ms, clock.epoch_ms
        for module in TIMED:
            module.ticks_ms = lambda: self.ticks
        before_clock.epoch_ms = clock.epoch_ms = lambda: self.epoch
        return self

    def __exit__(self, *_):
        super().__exit__()
        for module, ticks_ms in self._kept[0]:
            module.ticks_ms = ticks_ms
        before_clock.epoch_ms, clock.epoch_ms = self._kept[1:]

    def restart(self, epoch=None):
        """A boot, after `ticks` have begun anew; `epoch`: what the clock says, by default what it said."""
        self.ticks = 500
        self.epoch = self.epoch if epoch is None else epoch
        push_id.forget()
        push_id.offset[:] = [0] * len(push_id.offset)

    def forget(self):
        """A boot without a clock."""
        self.restart(0)

    def set(self, epoch):
        self.epoch = epoch
        push_id.forget()


class Folder:
    """An empty folder, in a `with` block. `error`: the number of the OSError for what is opened to be written."""

    def __init__(self):
        self.name = "/tmp/flamelet-" + "".join(["%02x" % byte for byte in os.urandom(8)])
        self.error = None
        self.unreadable = ()
        self.written = None  # of what is written at once, how many bytes arrive before the error

    def __enter__(self):
        os.mkdir(self.name)
        flash.open = self._open
        return self

    def __exit__(self, *_):
        del flash.open
        for name in os.listdir(self.name):
            os.remove(self.path(name))
        os.rmdir(self.name)

    def _open(self, path, mode):
        if self.error and mode != "rb":
            if self.written:
                with open(path, mode) as file:
                    file.write(self.written)
            raise OSError(self.error, "as the test wants it")
        if mode == "rb" and path.split("/")[-1] in self.unreadable:
            raise OSError(IO_ERROR, "as the test wants it")
        return open(path, mode)

    def path(self, name):
        return self.name + "/" + name

    def segments(self):
        return sorted([name for name in os.listdir(self.name) if name.endswith(".out")])

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)

    def outbox(self, **options):
        return flamelet.Outbox(self.name, **options)


class RTC:
    """`machine.RTC()` of an ESP32."""

    def __init__(self, content=b""):
        self.content = content

    def memory(self, content=None):
        if content is None:
            return self.content
        assert len(content) <= 2048
        self.content = bytes(content)


def feed(box, path="t", fields=FIELDS):
    return flamelet.Database("https://demo.firebaseio.com").feed(path, fields, outbox=box)


def fill(box, numbers, time=None):
    """Record a reading for each number, a second apart; what `record` said."""
    one = feed(box)
    said = []
    for n in numbers:
        if time:
            time.move(1000)
        said.append(one.record(n, n / 2))
    return said


def waiting(box, date=False):
    """(kind, key or path, body) of all that waits, in order."""
    found = []
    place = 0
    while True:
        batch = box.batch(place)
        if batch is None:
            return found
        buffer, end = batch
        if date and box.lasts:
            before_clock.assign_keys(box, buffer, end)
        at = 0
        while at < end:
            next_at = behind(buffer, at)
            payload = bytes(buffer[at + HEAD : next_at - TAIL])
            if buffer[at + 2] == record.SET:
                path, _, body = payload.partition(b"\0")
                found.append((record.SET, path, body))
            elif buffer[at + 2] < record.SET:
                found.append((buffer[at + 2], payload[: push_id.SIZE], payload[push_id.SIZE :]))
            at = next_at
        place += 1


def numbers(box):
    """The numbers of the readings that wait, in order."""
    return [json.loads(body)["n"] for kind, _, body in waiting(box) if kind != record.SET]


def keys(box, date=False):
    return [key.decode() for _, key, _ in waiting(box, date)]


