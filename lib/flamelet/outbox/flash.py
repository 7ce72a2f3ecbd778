"""Keeps records on flash, in segments: each is a file that is only appended to, and removed as a whole.

A segment fits into one block of flash; its name is its number. The count of dropped readings is written with the next
readings. If the server answers in time nothing is written: what is pending is sent from RAM. After a power cut a record
is valid if its CRC is; a segment with a torn end is not appended to. Records that were sent just before a power cut may
be sent again, under the same keys.

Memory: the buffer, two small ints for each segment, and 4 KB while one is sent or loaded.
"""

import os

from ..core.runtime import MICROPYTHON, const, getrandbits, ticks_diff, ticks_ms
from .crc import record, seal, sort_out, take_stock
from .ram import RamOutbox
from .record import CLOCK, COUNT

if MICROPYTHON:

    def sync(file):
        # close() writes the file, on both file systems.
        pass

else:
    from ..core.runtime_cpython import sync


_BLOCK = const(4096)
_SEGMENT = const(4000)
_NO_SPACE = const(28)
_REFUSALS = const(2048)  # bytes of one of the two files of refused records
_LONGEST_LINE = const(1024)
_LONGEST_FILE = const(65536)  # a longer file was not written by this class


class FlashOutbox(RamOutbox):
    """Records in files of `folder`."""

    is_flash = True

    def __init__(self, folder: str, memory: int, size: int, group: int, seconds: float, drop: str) -> None:
        super().__init__(memory, drop)
        self._folder = folder.rstrip("/")
        self._group = group
        self._longest_ms = int(seconds * 1000)
        self._limit = max(2, size // max(_BLOCK, memory))
        self._numbers: list = []  # of the segments, the oldest first
        self._counts: list = []  # how many records wait in each
        self._newest = 0  # the number of the newest segment so far
        self._size = _BLOCK  # of the last segment; one that is no longer appended to counts as full
        self._is_new = False  # whether the last segment is still empty
        self._counted = 0  # the value of `dropped` that is on flash
        self._since = ticks_ms()  # when the oldest pending record was recorded, or could not be written
        self._is_failing = False
        self._refusals_file = 0
        try:
            os.stat(self._folder)
        except OSError:
            self._make_folder()
        self._load()

    def _make_folder(self):
        try:
            os.mkdir(self._folder)
        except OSError as error:
            text = "the folder %s of the outbox cannot be made: does its parent exist, and is there room?"
            raise OSError(error.errno, text % self._folder)

    @property
    def waiting(self) -> int:
        """How many records the server has not answered for."""
        return self._held + sum(self._counts)

    @property
    def capacity(self) -> int:
        """Bytes of records that fit."""
        return self._limit * max(_SEGMENT, len(self.buffer)) + len(self.buffer)

    def commit(self) -> bool:
        """Write what is pending. Returns False if flash fails; `error` says why."""
        if self.undated:
            from . import before_clock as _undated

            _undated.assign_keys_if_clock_known(self)
        if self.used and self._write(memoryview(self.buffer)[: self.used], self._held):
            self._removed_bytes += self.used
            self.used = self._held = 0
        self._is_failing = self.used > 0 and self.error is not None
        return not self.used

    def _kept(self):
        if self._held == 1:
            self._since = ticks_ms()
        self.commit_if_due()
        return "pending" if self._held else "durable"

    def commit_if_due(self) -> None:
        """Write what is pending, if it is a group or old enough. Call it if readings are rare."""
        is_old = ticks_diff(ticks_ms(), self._since) >= self._longest_ms
        is_due = self._held and is_old or self._held >= self._group and not self._is_failing
        if is_due and not self.commit():
            # Each attempt wears the flash, so the next one waits.
            self._since = ticks_ms()

    def _make_room(self, room):
        return self.commit() and room <= len(self.buffer) or super()._make_room(room)

    # Segments.

    def _write(self, records, count):
        """Write records, of which `count` wait. Returns False if flash fails; `error` says why."""
        while True:
            try:
                if not self._append(records, count):
                    return False
                self.error = None
                return True
            except OSError as error:
                # Its end may be torn.
                self._size = _BLOCK
                if self._is_new:
                    self._drop(-1)
                self.error = error
                if error.errno != _NO_SPACE or not self._keeps_newest or not self._drop(0):
                    return False

    def _append(self, records, count):
        if self._size + len(records) > max(_SEGMENT, len(self.buffer)):
            # Records other than readings do not wait for room.
            if count and len(self._numbers) >= self._limit and not (self._keeps_newest and self._drop(0)):
                return False
            # The first number is random, so records of earlier files on the same blocks are not valid.
            self._newest = (self._newest or getrandbits(24)) + 1
            self._numbers.append(self._newest)
            self._counts.append(0)
            self._size = self._counted = 0
            self._is_new = True
        number = self._numbers[-1]
        dropped = self.dropped
        head = record(COUNT, (dropped, 4)) if dropped != self._counted else b""
        seal(head, len(head), number)
        seal(records, len(records), number)
        with open(self._name(number), "ab") as file:
            file.write(head)
            file.write(records)
            sync(file)
        self._is_new = False
        self._counted = dropped
        self._size += len(head) + len(records)
        self._counts[-1] += count
        return True

    def store_start(self, boot: int, ms: int) -> None:
        """Keep for the next boots when this one began."""
        self._write(record(CLOCK, (boot, 2), (ms, 6)), 0)

    def _drop(self, index):
        """Drop a segment, and what waits in it. Returns False if there is none."""
        if not self._numbers:
            return False
        self._unlink(index)
        self.dropped += self._counts.pop(index)
        return True

    def _unlink(self, index):
        if index in (-1, len(self._numbers) - 1):
            self._size = _BLOCK
        try:
            os.remove(self._name(self._numbers.pop(index)))
        except OSError as error:
            # It is loaded again at the next start, and sent again under the same keys.
            self.error = error

    def _name(self, number):
        return "%s/%08d.out" % (self._folder, number)

    # Batches.

    def batch(self, place: int):
        """Return (buffer, end of its records) of the batch at `place`, or None after the last one."""
        while place < len(self._numbers):
            content = self._read(place)
            if content:
                return content[0], content[1]
        return super().batch(0) if place == len(self._numbers) else None

    def newest(self):
        """Return the last batch, or None if there is none."""
        return super().batch(0) or self.batch(len(self._numbers) - 1) if self.waiting else None

    def mark(self, place: int) -> int:
        """Return the mark of the batch at `place`, for `done`."""
        if place < len(self._numbers):
            # New records must not go into it meanwhile.
            if place == len(self._numbers) - 1:
                self._size = _BLOCK
            return -self._numbers[place]
        return self._removed_bytes

    def done(self, place: int, mark: int, end: int) -> None:
        """Remove the batch at `place`: the server has answered for it."""
        if mark >= 0:
            super().done(0, mark, end)
        elif -mark in self._numbers:
            index = self._numbers.index(-mark)
            self._counts.pop(index)
            self._unlink(index)

    def _read(self, place):
        """Return (buffer, end of its records, its size, how many gaps it has), or None if it cannot be read."""
        number = self._numbers[place]
        try:
            size = min(os.stat(self._name(number))[6], _LONGEST_FILE)
            buffer = bytearray(size)
            with open(self._name(number), "rb") as file:
                size = file.readinto(buffer)
        except OSError as error:
            # The file stays: the next start may be able to read it.
            self.error = error
            self._numbers.pop(place)
            self._counts.pop(place)
            return None
        end, self._counts[place], gaps = sort_out(buffer, size, number)
        return buffer, end, size, gaps

    def _load(self):
        """Load the segments of earlier starts."""
        try:
            names = sorted(os.listdir(self._folder))
        except (OSError, ValueError) as error:
            # ValueError: names that are not UTF-8. A broken folder must not stop the device.
            self.error = error
            names = []
        for name in names:
            if len(name) == 12 and name.endswith(".out") and name[:-4].isdigit():
                self._newest = int(name[:-4])
                self._numbers.append(self._newest)
                self._counts.append(0)
        place = 0
        while place < len(self._numbers):
            # A segment with gaps, or that cannot be read, is not appended to.
            self._size = _BLOCK
            content = self._read(place)
            if content:
                buffer, end, size, gaps = content
                take_stock(self, buffer, end)
                self.corrupt += gaps
                if not gaps:
                    self._size = size
                place += 1
        self._counted = self.dropped
        self.undated = bool(self.lasts)
        # Remove the first ones, if nothing waits in them. Later ones may have the clock for earlier ones.
        while self._counts and not self._counts[0]:
            self._counts.pop(0)
            self._unlink(0)

    # Refused records.

    def set_aside(self, name: str, reason: str, body: bytes) -> None:
        """Keep a record that the server refused, in the folder's refused.0 and refused.1, in turn."""
        super().set_aside(name, reason, body)
        line = b"%s %s %s\n" % (name.encode(), bytes(body), reason.replace("\n", " ").encode())
        path = self._folder + "/refused."
        try:
            # If this file is full, the other one is emptied and used.
            mode = "ab"
            if _size(path + str(self._refusals_file)) > _REFUSALS:
                self._refusals_file ^= 1
                mode = "wb"
            with open(path + str(self._refusals_file), mode) as file:
                file.write(line[:_LONGEST_LINE])
        except OSError as error:
            self.error = error


def _size(name):
    try:
        return os.stat(name)[6]
    except OSError:
        return 0
