"""Records as they are stored: with a CRC each, so that what a power cut left half, or a worn cell changed, is known.

The CRC covers length, kind, payload and the number of the segment: what an earlier file left behind on the same blocks
is no record of this one. (CRC-32 of zlib.)
"""

import binascii

from ._runtime import const
from .outbox import CLOCK, COUNT, HEAD, SET, TAIL, UNDATED, behind

_BOOTS = const(64)  # whose ends are remembered: a device that sleeps boots often


def seal(buffer, end: int, number: int) -> None:
    """Fill in the CRC of each record in buffer[:end], for the segment `number`."""
    at = 0
    while at < end:
        next_at = behind(buffer, at)
        buffer[next_at - TAIL : next_at] = _crc(buffer, at, next_at - TAIL, number)
        at = next_at


def sort_out(outbox, buffer, end: int, number: int) -> tuple:
    """Move the valid records of buffer[:end] to its beginning: (their end, how many wait, whether all was valid).

    What they say of clocks and counts is told to `outbox`.
    """
    at = to = count = 0
    is_whole = True
    was_valid = True
    while at < end:
        next_at = _end_of(buffer, at, end, number)
        if not next_at:
            outbox.corrupt += was_valid
            is_whole = was_valid = False
            at += 1
            continue
        was_valid = True
        if buffer[at + 2] <= SET:
            count += 1
        _learn(outbox, buffer, at)
        if to < at:
            buffer[to : to + next_at - at] = bytes(memoryview(buffer)[at:next_at])
        to += next_at - at
        at = next_at
    return to, count, is_whole


def _end_of(buffer, at, end, number):
    """The position behind the record at buffer[at], 0 where there is none."""
    if at + HEAD + TAIL > end or not 0 < buffer[at + 2] <= COUNT:
        return 0
    next_at = behind(buffer, at)
    if next_at > end or buffer[next_at - TAIL : next_at] != _crc(buffer, at, next_at - TAIL, number):
        return 0
    return next_at


def _crc(buffer, start, end, number):
    return (binascii.crc32(memoryview(buffer)[start:end], number) & 0xFFFFFFFF).to_bytes(TAIL, "little")


def _learn(outbox, buffer, at):
    kind = buffer[at + 2]
    payload = at + HEAD
    if kind < UNDATED:
        return
    if kind == COUNT:
        outbox.dropped = max(outbox.dropped, integer(buffer, payload, 4))
    elif kind != SET:
        boot = integer(buffer, payload, 2)
        number = integer(buffer, payload + 2, 6)
        outbox.boot = max(outbox.boot, boot + 1)
        if kind == CLOCK:
            outbox.starts[boot] = number
        elif boot in outbox.lasts or len(outbox.lasts) < _BOOTS:
            outbox.lasts[boot] = max(outbox.lasts.get(boot, 0), number)


def integer(buffer, at: int, size: int) -> int:
    """The little-endian integer buffer[at:at+size]."""
    return int.from_bytes(bytes(memoryview(buffer)[at : at + size]), "little")
