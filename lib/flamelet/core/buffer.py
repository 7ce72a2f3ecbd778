"""Writes text and numbers into a preallocated bytearray.

Each function takes the buffer and the position to write at, and returns the position after what it wrote. None
checks for room: the caller sizes the buffer for the widest case (`NUMBER_WIDTH` for a number). None allocates with
small ints (31 bits on a board, 63 on a desktop); a float costs one float.
"""

from .. import _invalid

NUMBER_WIDTH = 28  # "-9000000000000000.123456789" and one to spare
POWERS = (1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000)


def put_text(buffer: bytearray, at: int, text: "bytes | bytearray") -> int:
    """Copy `text` to buffer[at:]."""
    end = at + len(text)
    buffer[at:end] = text
    return end


def put_int(buffer: bytearray, at: int, number: int, decimals: int = 0) -> int:
    """Write `number / 10**decimals`, with all its decimals: 215, 1 gives 21.5."""
    if number < 0:
        buffer[at] = 45
        at += 1
        number = -number
    point = at + 1
    rest = number // POWERS[decimals]
    while rest > 9:
        rest //= 10
        point += 1
    at = end = point + 1 + decimals if decimals else point
    while at > point:
        at -= 1
        if at > point:
            buffer[at] = 48 + number % 10
            number //= 10
        else:
            buffer[at] = 46
    while number or at == point:
        at -= 1
        buffer[at] = 48 + number % 10
        number //= 10
    return end


def put_number(buffer: bytearray, at: int, value, decimals: int) -> int:
    """Write a reading as JSON: an int as it is, a float rounded to `decimals`, a bool, or null for None.

    Raises InvalidArgument for NaN, an infinity, more than 64 bits, text, or another object.
    """
    if value is None:
        return put_text(buffer, at, b"null")
    if value is True or value is False:
        return put_text(buffer, at, b"true" if value else b"false")
    if isinstance(value, float):
        # Also false for NaN. Above 2**53 a float has no decimals.
        if -9e15 < value < 9e15:
            return put_int(buffer, at, round(value * POWERS[decimals]), decimals)
    elif isinstance(value, int) and -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
        return put_int(buffer, at, value)
    raise _invalid("reading", value)
