"""An outbox in the memory of ESP32's RTC: 2,048 bytes that outlive deep sleep and a reset, but no power cut.

What is stored there is the buffer, in which each record has its CRC. Every record is stored at once: nothing wears.
"""

from ._records import seal, sort_out
from ._runtime import const
from .outbox import RamOutbox

_MEMORY = const(2048)
_NUMBER = const(0x464C)  # stands for the number of a segment: what other programs left there is no record


class RtcOutbox(RamOutbox):
    """Records in `rtc.memory()`."""

    pending = 0

    def __init__(self, rtc, drop: str) -> None:
        super().__init__(_MEMORY, drop)
        self._rtc = rtc
        stored = rtc.memory()[:_MEMORY]
        self.buffer[: len(stored)] = stored
        self._end, self._held, _ = sort_out(self, self.buffer, len(stored), _NUMBER)

    def commit(self) -> bool:
        """Store all: it costs nothing."""
        seal(self.buffer, self._end, _NUMBER)
        self._rtc.memory(memoryview(self.buffer)[: self._end])
        return True

    def _kept(self):
        self.commit()
        return "durable"

    def _remove(self, size):
        super()._remove(size)
        self.commit()
