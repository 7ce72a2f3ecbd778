"""Keeps records in the memory of ESP32's RTC: 2,048 bytes that survive deep sleep and a reset, but not a power cut.

It holds the count of dropped readings, and the buffer; each record has its CRC. Every record is stored at once: nothing
wears. Undated readings get their keys in place.
"""

from ..core.runtime import const
from .crc import record, seal, sort_out, take_stock
from .ram import RamOutbox
from .record import COUNT

_MEMORY = const(2048)
_COUNT_SIZE = const(11)  # of the record with the count, which is always the first one
_NUMBER = const(0x464C)  # in place of the number of a segment: data of other programs is not a valid record


class RtcOutbox(RamOutbox):
    """Records in `rtc.memory()`."""

    pending = 0

    def __init__(self, rtc, drop: str) -> None:
        super().__init__(_MEMORY, drop)
        self._rtc = rtc
        stored = bytearray(rtc.memory()[:_MEMORY])
        end, self._held, self.corrupt = sort_out(stored, len(stored), _NUMBER)
        take_stock(self, stored, end)
        self.undated = bool(self.lasts)
        # The count is never removed with the records after it.
        self._stored = memoryview(self.buffer)
        start = _COUNT_SIZE if end and stored[2] == COUNT else 0
        self.buffer = self._stored[_COUNT_SIZE:]
        self.used = end - start
        self.buffer[: self.used] = stored[start:end]

    def commit(self) -> bool:
        """Store everything, which costs nothing."""
        if self.undated:
            from . import before_clock as _undated

            _undated.assign_keys_if_clock_known(self)
        count = record(COUNT, (self.dropped, 4))
        seal(count, len(count), _NUMBER)
        self._stored[: len(count)] = count
        self._rtc.memory(self._stored[: len(count) + self.used])
        return True

    def begin_record(self, room: int) -> int:
        """Begin a record of at most `room` bytes. Returns where to write its payload, or -1 if there is no room."""
        at = super().begin_record(room)
        if at < 0:
            # Store the count of dropped readings.
            self.commit()
        return at

    def keys_assigned(self) -> None:
        """Note that the undated readings in the buffer have their keys now."""
        super().keys_assigned()
        seal(self.buffer, self.used, _NUMBER)
        self.commit()

    def _kept(self):
        size = self.used - self._start
        seal(self.buffer[self._start : self.used], size, _NUMBER)
        self.commit()
        return "durable"

    def _remove(self, size):
        super()._remove(size)
        self.commit()
