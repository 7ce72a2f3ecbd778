"""Writing into a preallocated bytearray: text, integers, fixed-point numbers, copies.

Each function takes the buffer and the position to write at, and returns the position behind what it wrote. None
checks for room: whoever sizes the buffer counts the widest case (`NUMBER_WIDTH` for a number). None allocates, with
integers that are small ints (31 bits on a board, 63 on a desktop); a float costs one float.
"""

from ._runtime import const
from .errors import InvalidArgument

NUMBER_WIDTH = 28  # "-9000000000000000.123456789" and one to spare
_COPY_BY_SLICE = const(128)
_POWERS = (1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000)
MAX_DECIMALS = 9


def put_text(buffer: bytearray, at: int, text: bytes) -> int:
    """Copy `text`."""
    end = at + len(text)
    buffer[at:end] = text
    return end


def put_int(buffer: bytearray, at: int, number: int) -> int:
    """Write `number` in decimal."""
    if number < 0:
        buffer[at] = 45
        at += 1
        number = -number
    end = at + 1
    rest = number
    while rest > 9:
        rest //= 10
        end += 1
    put_digits(buffer, at, end, number)
    return end


def put_digits(buffer: bytearray, start: int, end: int, number: int) -> None:
    """Write the last `end - start` decimal digits of `number`, with leading zeros."""
    while end > start:
        end -= 1
        buffer[end] = 48 + number % 10
        number //= 10


def put_fixed(buffer: bytearray, at: int, number: int, decimals: int) -> int:
    """Write `number / 10**decimals` with all its decimals: 215, 1 gives 21.5."""
    if number < 0:
        buffer[at] = 45
        at += 1
        number = -number
    scale = _POWERS[decimals]
    at = put_int(buffer, at, number // scale)
    if decimals:
        buffer[at] = 46
        put_digits(buffer, at + 1, at + 1 + decimals, number % scale)
        at += 1 + decimals
    return at


def put_number(buffer: bytearray, at: int, value, decimals: int) -> int:
    """Write a reading as JSON: an int as it is, a float rounded to `decimals`, a bool, or null for None.

    Raises InvalidArgument for what a reading cannot be: NaN, an infinity, more than 64 bits, text, an object.
    """
    if value is None:
        return put_text(buffer, at, b"null")
    if value is True or value is False:
        return put_text(buffer, at, b"true" if value else b"false")
    if isinstance(value, float):
        # Also false for NaN. Beyond 2**53 a float holds no decimals worth writing.
        if not -9e15 < value < 9e15:
            raise InvalidArgument("a reading of %r cannot be sent as JSON: send None where a sensor failed" % value)
        return put_fixed(buffer, at, round(value * _POWERS[decimals]), decimals)
    if not isinstance(value, int):
        raise InvalidArgument("a reading is a number, a bool or None, not %s" % type(value).__name__)
    if not -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
        raise InvalidArgument("a reading has at most 64 bits")
    return put_int(buffer, at, value)


def copy(target: bytearray, at: int, source, start: int, end: int) -> int:
    """Copy source[start:end] to `target`; short pieces byte by byte, since a slice of a memoryview costs 32 bytes."""
    if end - start > _COPY_BY_SLICE:
        target[at : at + end - start] = memoryview(source)[start:end]
        return at + end - start
    while start < end:
        target[at] = source[start]
        at += 1
        start += 1
    return at
