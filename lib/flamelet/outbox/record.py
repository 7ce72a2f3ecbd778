"""Defines the layout of a record in the buffer of an outbox."""

from ..core.runtime import const

READING = const(1)
UNDATED = const(2)  # taken before the time was known: boot and elapsed time in place of the time of the key
SET = const(3)  # a path, a zero byte, a body
CLOCK = const(4)  # when a boot began: its number (2), milliseconds since 1970 (6)
COUNT = const(5)  # how many were dropped until then (4)
DROPPED = "dropped"
HEAD = const(3)
TAIL = const(4)
OVERHEAD = const(27)  # of a reading: HEAD, key, TAIL


def behind(buffer, at: int) -> int:
    """Return the position after the record at buffer[at]."""
    return at + HEAD + buffer[at] + (buffer[at + 1] << 8) + TAIL
