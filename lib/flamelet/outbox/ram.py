"""Keeps records in RAM until the server has answered for them."""

from .. import FlameletError
from ..core import push_id as _push_id
from ..core.copy import copy
from ..core.runtime import const, ticks_diff, ticks_ms
from .record import DROPPED, HEAD, READING, SET, TAIL, UNDATED, behind

_REMEMBERED = const(8)  # refused records that RAM keeps


class RamOutbox:
    """Records in RAM.

    `dropped`, `refused`, `corrupt`, `unknown`: how many went for want of room, were set aside as refused, could not be
    read any more, were sent by a POST whose answer was lost; `error`: why flash did not take the last ones, or None.
    """

    is_flash = False

    def __init__(self, memory: int, drop: str) -> None:
        self.buffer = bytearray(memory)
        self.dropped = self.refused = self.corrupt = self.unknown = 0
        self.error: object = None
        self.flushing = False
        self.blocked = False  # the last flush had everything refused
        self.boot = 1
        self.undated = False  # whether the buffer has readings without a time
        self.starts: dict = {}  # {boot: when it began, in milliseconds since 1970}, of some boots
        self.lasts: dict = {}  # {boot: the elapsed time of its last undated record}
        self.kind = READING
        self.reading_size = 0  # of the last one, with its overhead
        self._keeps_newest = drop == "oldest"
        self._refusals: list = []
        self._elapsed = 0
        self._ticks = ticks_ms()
        self._start = self.used = 0  # of the record that is being written; of all
        self._removed_bytes = 0  # bytes that ever left the buffer at its front
        self._held = 0  # how many readings and writes are in the buffer

    @property
    def pending(self) -> int:
        """How many of those that wait a restart would lose."""
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
        """Make durable what is pending; whether all is."""
        return not self._held

    def commit_if_due(self) -> None:
        """Make durable what is pending, if it is a group or old enough: only flash waits for that."""

    def refusals(self) -> list:
        """(key or path, reason, JSON) of the last records that the server refused, the newest last."""
        return list(self._refusals)

    # Recording: begin, put_key or the payload itself, end.

    def begin_record(self, room: int) -> int:
        """Where the payload of a record of at most `room` bytes is written; -1 where there is no room for it."""
        if self.used + room > len(self.buffer) and not self._make_room(room):
            self.dropped += 1
            return -1
        self._start = self.used
        return self.used + HEAD

    def put_key(self, at: int) -> int:
        """Write the key of a reading at buffer[at], or, as long as the clock is not known, what becomes one."""
        self.kind = READING
        end = _put_id(self.buffer, at)
        if end < 0:
            from . import before_clock as _undated

            end = _undated.put_provisional_key(self, at)
        return end

    def end_record(self, end: int) -> str:
        """End the record of `kind` whose payload ends at buffer[end]: "durable" or "pending"."""
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
        """Add a record of `kind` with this payload: "durable", "pending" or "dropped"."""
        at = self.begin_record(HEAD + len(payload) + TAIL)
        if at < 0:
            return DROPPED
        self.kind = kind
        self.buffer[at : at + len(payload)] = payload
        return self.end_record(at + len(payload))

    def _kept(self):
        return "pending"

    def elapsed(self) -> int:
        """Milliseconds since this outbox was made, later than the last time."""
        now = ticks_ms()
        self._elapsed += max(1, ticks_diff(now, self._ticks))
        self._ticks = now
        return self._elapsed

    def store_start(self, boot: int, ms: int) -> None:
        """Keep for the next boots when this one began: RAM has no next one."""

    def keys_assigned(self) -> None:
        """The undated readings in the buffer have got their keys."""
        self.undated = False

    # Room.

    def _make_room(self, room):
        """Drop the oldest: an eighth more than is needed, since what remains has to be moved."""
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
        # Piece by piece: memory that overlaps is not copied right by every firmware.
        while at < left:
            at = copy(self.buffer, at, self.buffer, at + size, min(at + 2 * size, self.used))
        self.used = left
        self._removed_bytes += size

    # Batches, for flush.py: `place` counts from the oldest.

    def batch(self, place: int):
        """(buffer, end of its records) at `place`; None behind the last one."""
        return (bytearray(memoryview(self.buffer)[: self.used]), self.used) if place == 0 and self.used else None

    def newest(self):
        """The last batch, None where there is none."""
        return self.batch(0)

    def mark(self, place: int) -> int:
        """What `done` wants to know of a batch, before it is sent."""
        return self._removed_bytes

    def done(self, place: int, mark: int, end: int) -> None:
        """The server has answered for the batch at `place`, which was buffer[:end]."""
        # While it was on its way, some may have been dropped, and others recorded behind it.
        end -= self._removed_bytes - mark
        if end > 0:
            at = 0
            while at < end:
                self._held -= self.buffer[at + 2] <= SET
                at = behind(self.buffer, at)
            self._remove(end)

    def put_back(self, record: bytes) -> None:
        """Put a record of a batch behind all others."""
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
    """As _push_id.put, -1 where the clock is not known. By itself: with what stands around it, its frame would be too
    long for the stack, and come from the heap."""
    try:
        return _push_id.put(buffer, at)
    except FlameletError:
        return -1
