"""Adds a CRC to each record that is stored, and finds the valid ones: after a power cut, or with worn flash.

The CRC covers length, kind, payload and the number of the segment: records that an earlier file left on the same blocks
are not valid in this one. (CRC-32 of zlib.)
"""

import binascii

from ..core.runtime import const
from .record import CLOCK, COUNT, HEAD, SET, TAIL, UNDATED, behind

_BOOTS = const(256)  # boots without a clock whose ends are remembered


def seal(buffer, end: int, number: int) -> None:
    """Fill in the CRC of each record in buffer[:end], for the segment `number`."""
    at = 0
    while at < end:
        next_at = behind(buffer, at)
        buffer[next_at - TAIL : next_at] = _crc(buffer, at, next_at - TAIL, number)
        at = next_at


def record(kind: int, *fields) -> bytearray:
    """Return a record of little-endian integers, each (integer, size), to be sealed."""
    payload = b"".join([number.to_bytes(size, "little") for number, size in fields])
    return bytearray(bytes((len(payload), 0, kind)) + payload + bytes(TAIL))


def sort_out(buffer, end: int, number: int) -> tuple:
    """Move the valid records of buffer[:end] to its beginning. Returns (their end, how many wait, how many gaps)."""
    at = to = count = gaps = 0
    was_valid = True
    while at < end:
        next_at = _end_of(buffer, at, end, number)
        if not next_at:
            gaps += was_valid
            was_valid = False
            at += 1
            continue
        was_valid = True
        count += buffer[at + 2] <= SET
        if to < at:
            buffer[to : to + next_at - at] = bytes(memoryview(buffer)[at:next_at])
        to += next_at - at
        at = next_at
    return to, count, gaps


def _end_of(buffer, at, end, number):
    """Return the position after the record at buffer[at], or 0 if there is none."""
    if at + HEAD + TAIL > end or not 0 < buffer[at + 2] <= COUNT:
        return 0
    next_at = behind(buffer, at)
    if next_at > end or buffer[next_at - TAIL : next_at] != _crc(buffer, at, next_at - TAIL, number):
        return 0
    return next_at


def _crc(buffer, start, end, number):
    return (binascii.crc32(memoryview(buffer)[start:end], number) & 0xFFFFFFFF).to_bytes(TAIL, "little")


def take_stock(outbox, buffer, end: int) -> None:
    """Take over the clocks and counts of earlier boots, in the valid records of buffer[:end], into `outbox`."""
    at = 0
    while at < end:
        kind = buffer[at + 2]
        payload = at + HEAD
        if kind == COUNT:
            outbox.dropped = max(outbox.dropped, integer(buffer, payload, 4))
        elif kind in (UNDATED, CLOCK):
            boot = integer(buffer, payload, 2)
            number = integer(buffer, payload + 2, 6)
            outbox.boot = max(outbox.boot, boot + 1)
            if kind == CLOCK:
                outbox.starts[boot] = number
            elif boot in outbox.lasts or len(outbox.lasts) < _BOOTS:
                outbox.lasts[boot] = max(outbox.lasts.get(boot, 0), number)
        at = behind(buffer, at)


def integer(buffer, at: int, size: int) -> int:
    """Return the little-endian integer buffer[at:at+size]."""
    return int.from_bytes(bytes(memoryview(buffer)[at : at + size]), "little")
