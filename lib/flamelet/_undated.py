"""Readings that were taken before the clock was known: they get their time when the clock comes.

Such a record has, where a key has its time, the number of the boot (2 bytes) and the milliseconds since it began (6),
and then the random part of the key. When the time is known, the moment at which the boot began is stored first, and
only then is anything sent: so a reading has the same key for ever, also when it is sent again after a power cut. A boot
that ended before it knew the time is taken to have ended just before the next one began.
"""

import os

from . import _push_id
from ._records import integer
from ._runtime import epoch_ms
from .outbox import CLOCK, HEAD, READING, TAIL, UNDATED, behind

_TIME = 8
_PAUSE_MS = 1000  # between the end of a boot and the beginning of the next one
_LONGEST_BOOT = 0xFFFF


def put(outbox, at: int) -> int:
    """Write what becomes a key at buffer[at] of `outbox`; the position behind it."""
    outbox.kind = UNDATED
    buffer = outbox.buffer
    buffer[at : at + 2] = (outbox.boot & _LONGEST_BOOT).to_bytes(2, "little")
    buffer[at + 2 : at + _TIME] = outbox.elapsed().to_bytes(6, "little")
    random = os.urandom(_push_id.SIZE - _TIME)
    for i in range(len(random)):
        buffer[at + _TIME + i] = _push_id.ALPHABET[random[i] & 63]
    return at + _push_id.SIZE


def is_in(buffer, end: int) -> bool:
    """Whether there are undated readings in buffer[:end]."""
    at = 0
    while at < end:
        if buffer[at + 2] == UNDATED:
            return True
        at = behind(buffer, at)
    return False


def is_known() -> bool:
    """Whether the time is known."""
    return epoch_ms() + _push_id.offset[0] >= _push_id.EARLIEST


def date(outbox, buffer, end: int) -> None:
    """Give the undated readings in buffer[:end] their keys. The time is known, or that of their boots is stored."""
    at = 0
    while at < end:
        if buffer[at + 2] == UNDATED:
            key = at + HEAD
            ms = _start(outbox, integer(buffer, key, 2)) + integer(buffer, key + 2, 6)
            for i in range(_TIME - 1, -1, -1):
                buffer[key + i] = _push_id.ALPHABET[ms & 63]
                ms >>= 6
            buffer[at + 2] = READING
        at = behind(buffer, at)


def _start(outbox, boot):
    """When `boot` began, in milliseconds since 1970; it is stored with the first question."""
    if boot not in outbox.starts:
        number = outbox.boot
        if number not in outbox.starts:
            _keep(outbox, number, epoch_ms() + _push_id.offset[0] - outbox.elapsed())
        ms = outbox.starts[number]
        while number > boot:
            number -= 1
            ms = outbox.starts.get(number, ms - outbox.lasts.get(number, 0) - _PAUSE_MS)
        _keep(outbox, boot, ms)
    return outbox.starts[boot]


def _keep(outbox, boot, ms):
    """Remember when a boot began, also across a power cut: from now on its readings have a time."""
    outbox.starts[boot] = ms
    at = outbox.begin(HEAD + _TIME + TAIL)
    if at >= 0:
        outbox.kind = CLOCK
        outbox.buffer[at : at + _TIME] = boot.to_bytes(2, "little") + ms.to_bytes(6, "little")
        outbox.close_record(at + _TIME)
        outbox.commit()
