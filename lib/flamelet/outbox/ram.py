"""Keeps records in RAM until the server has answered for them."""

from .. import FlameletError
from ..core import push_id as _push_id
from ..core.copy import copy
from ..core.runtime import const, ticks_diff, ticks_ms
from .record import DROPPED, HEAD, READING, SET, TAIL, UNDATED, behind

_REMEMBERED = const(8)  # refused records that RAM keeps


class RamOutbox:
    """Records in RAM.

    `dropped`, `refused`, `corrupt`, `unknown`: how many were dropped because it was full, were set aside as refused,
    can no longer be read, were sent by a POST whose answer was lost; `error`: why flash failed the last time, or None.
    """

    is_flash = False

    def __init__(self, memory: int, drop: str) -> None:
        self.buffer = bytearray(memory)
        self.dropped = self.refused = self.corrupt = self.unknown = 0
        self.error: object = None
        self.flushing = False
        self.blocked = False  # the server refused everything in the last flush
        self.boot = 1
        self.undated = False  # whether the buffer has readings without a time
        self.starts: dict = {}  # {boot: when it began, in milliseconds since 1970}, of some boots
        self.lasts: dict = {}  # {boot: the elapsed time of its last undated record}
        self.kind = READING
        self.reading_size = 0  # of the last reading, with its overhead
        self._keeps_newest = drop == "oldest"
        self._refusals: list = []
        self._elapsed = 0
        self._ticks = ticks_ms()
        self._start = self.used = 0  # start of the record that is being written; end of all
        self._removed_bytes = 0  # bytes that were removed from the front of the buffer so far
        self._held = 0  # how many readings and writes are in the buffer

    @property
    def pending(self) -> int:
        """How many records a restart would lose."""
        return self._held

    @property
    def waiting(self) -> int:
        """How many records the server has not answered for."""
        return self._held

    @property
    def capacity(self) -> int:
        """Bytes of records that fit."""
        return len(self.buffer)

    def commit(self) -> bool:
        """Make durable what is pending. Returns whether all of it is."""
        return not self._held

    def commit_if_due(self) -> None:
        """Make durable what is pending, if it is a group or old enough: only flash waits for that."""

    def refusals(self) -> list:
        """Return (key or path, reason, JSON) of the last records that the server refused, the newest last."""
        return list(self._refusals)

    # Recording: begin_record, put_key or the payload itself, end_record.

    def begin_record(self, room: int) -> int:
        """Begin a record of at most `room` bytes. Returns where to write its payload, or -1 if there is no room."""
        if self.used + room > len(self.buffer) and not self._make_room(room):
            self.dropped += 1
            return -1
        self._start = self.used
        return self.used + HEAD

    def put_key(self, at: int) -> int:
        """Write the key of a reading at buffer[at], provisional as long as the time is not known. Returns its end."""
        self.kind = READING
        end = _put_id(self.buffer, at)
        if end < 0:
            from . import before_clock as _undated

            end = _undated.put_provisional_key(self, at)
        return end

    def end_record(self, end: int) -> str:
        """End the record of `kind` whose payload ends at buffer[end]. Returns "durable" or "pending"."""
        start = self._start
        size = end - start - HEAD
        self.buffer[start] = size & 255
        self.buffer[start + 1] = size >> 8
        self.buffer[start + 2] = self.kind
        self.used = end + TAIL
        self._held += 1
        if self.kind <= UNDATED:
            self.reading_size = end + TAIL - start
        return self._kept()

    def put(self, kind: int, payload: bytes) -> str:
        """Add a record of `kind` with this payload. Returns "durable", "pending" or "dropped"."""
        at = self.begin_record(HEAD + len(payload) + TAIL)
        if at < 0:
            return DROPPED
        self.kind = kind
        self.buffer[at : at + len(payload)] = payload
        return self.end_record(at + len(payload))

    def _kept(self):
        return "pending"

    def elapsed(self) -> int:
        """Return the milliseconds since this outbox was made, more than in the call before."""
        now = ticks_ms()
        self._elapsed += max(1, ticks_diff(now, self._ticks))
        self._ticks = now
        return self._elapsed

    def store_start(self, boot: int, ms: int) -> None:
        """Keep the start of this boot for the next ones; in RAM there are none."""

    def keys_assigned(self) -> None:
        """Note that the undated readings in the buffer have their keys now."""
        self.undated = False

    # Room.

    def _make_room(self, room):
        """Drop the oldest, an eighth more than needed, since the rest has to be moved.

        Returns whether there is room.
        """
        if not self._keeps_newest:
            return False
        most = max(0, len(self.buffer) - room - (len(self.buffer) >> 3))
        at = 0
        while self.used - at > most:
            if self.buffer[at + 2] <= SET:
                self.dropped += 1
                self._held -= 1
            at = behind(self.buffer, at)
        self._remove(at)
        return True

    def _remove(self, size):
        at = 0
        left = self.used - size
        # In pieces: not every firmware copies overlapping memory right.
        while at < left:
            at = copy(self.buffer, at, self.buffer, at + size, min(at + 2 * size, self.used))
        self.used = left
        self._removed_bytes += size

    # Batches, for flush.py: `place` counts from the oldest.

    def batch(self, place: int):
        """Return (buffer, end of its records) of the batch at `place`, or None after the last one."""
        return (bytearray(memoryview(self.buffer)[: self.used]), self.used) if place == 0 and self.used else None

    def newest(self):
        """Return the last batch, or None if there is none."""
        return self.batch(0)

    def mark(self, place: int) -> int:
        """Return the mark of the batch at `place` before it is sent, for `done`."""
        return self._removed_bytes

    def done(self, place: int, mark: int, end: int) -> None:
        """Remove the batch at `place`, which was buffer[:end]: the server has answered for it."""
        # Meanwhile some may have been dropped, and others recorded after it.
        end -= self._removed_bytes - mark
        if end > 0:
            at = 0
            while at < end:
                self._held -= self.buffer[at + 2] <= SET
                at = behind(self.buffer, at)
            self._remove(end)

    def put_back(self, record: bytes) -> None:
        """Put a record of a batch after all others."""
        self.put(record[2], record[HEAD:-TAIL])

    def set_aside(self, name: str, reason: str, body: bytes) -> None:
        """Keep a record that the server refused."""
        self.refused += 1
        self._refusals.append((name, reason, bytes(body)))
        if len(self._refusals) > _REMEMBERED:
            self._refusals.pop(0)

    def close(self) -> None:
        """Make durable what is pending."""
        self.commit()


def _put_id(buffer, at):
    """Write a key as _push_id.put does. Returns its end, or -1 if the time is not known."""
    # frame: with the code of the caller, that of this function would come from the heap.
    try:
        return _push_id.put(buffer, at)
    except FlameletError:
        return -1
