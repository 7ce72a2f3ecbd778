"""Gives readings that were taken before the time was known their keys, when it is known.

Such a record has a provisional key: the number of the boot (2 bytes) and the milliseconds since it began (6) in place
of the time, and then the random part. When the time is known, the start of the boot is stored before anything is sent:
so the key of a reading never changes, even if it is sent again after a power cut. If a boot ended before the time was
known, it is assumed to have ended just before the next one began: no other guess keeps the order.
"""

import os

from ..core import push_id as _push_id
from ..core.clock import corrected
from ..core.runtime import const, epoch_ms
from .crc import integer
from .record import HEAD, READING, UNDATED, behind

_TIME = const(8)  # bytes of a key that are its time
_BOOT_MASK = const(0xFFFF)


def put_provisional_key(outbox, at: int) -> int:
    """Write a provisional key at buffer[at] of `outbox`. Returns the position after it."""
    outbox.kind = UNDATED
    buffer = outbox.buffer
    boot = outbox.boot & _BOOT_MASK
    elapsed = outbox.elapsed()
    outbox.lasts[boot] = elapsed
    outbox.undated = True
    buffer[at : at + 2] = boot.to_bytes(2, "little")
    buffer[at + 2 : at + _TIME] = elapsed.to_bytes(6, "little")
    random = os.urandom(_push_id.SIZE - _TIME)
    for i in range(len(random)):
        buffer[at + _TIME + i] = _push_id.ALPHABET[random[i] & 63]
    return at + _push_id.SIZE


def is_known() -> bool:
    """Return whether the time is known."""
    return corrected(epoch_ms()) >= _push_id.EARLIEST


def assign_keys(outbox, buffer, end: int) -> None:
    """Assign keys to the undated readings in buffer[:end] and in the memory of `outbox`. The time must be known."""
    # For those on flash.
    _start(outbox, max(outbox.lasts))
    _assign_keys(outbox, outbox.buffer, outbox.used)
    outbox.keys_assigned()
    _assign_keys(outbox, buffer, end)


def assign_keys_if_clock_known(outbox) -> None:
    """Assign keys to the readings in the memory of `outbox`, if the time is known by now."""
    if outbox.boot in outbox.starts or is_known():
        assign_keys(outbox, b"", 0)


def _assign_keys(outbox, buffer, end):
    at = 0
    last = -1
    start = 0
    while at < end:
        if buffer[at + 2] == UNDATED:
            key = at + HEAD
            boot = integer(buffer, key, 2)
            if boot != last:
                last = boot
                start = _start(outbox, boot)
            ms = start + integer(buffer, key + 2, 6)
            for i in range(_TIME - 1, -1, -1):
                buffer[key + i] = _push_id.ALPHABET[ms & 63]
                ms >>= 6
            buffer[at + 2] = READING
        at = behind(buffer, at)


def _start(outbox, boot):
    """Return when `boot` began, in milliseconds since 1970: counted back from the next boot whose start is stored.

    Only the start of the present boot is ever added, so the result never changes.
    """
    known = boot
    while known not in outbox.starts and known < outbox.boot:
        known += 1
    if known not in outbox.starts:
        outbox.starts[known] = corrected(epoch_ms()) - outbox.elapsed()
        outbox.store_start(known, outbox.starts[known])
    ms = outbox.starts[known]
    while known > boot:
        known -= 1
        ms -= outbox.lasts.get(known, 0) + 1
    return ms
