"""Writes many readings as one body; the text around them depends on the service.

In: a run of readings in the buffer of an outbox, and `around`, the text (before each key, between it and its JSON, at
the beginning, at the end). Out: their JSON in one piece, or written into a request, which takes half the memory.
"""

from ..core.copy import copy
from ..core.push_id import SIZE
from .record import HEAD, TAIL, behind


def body(buffer, start: int, end: int, around: tuple) -> bytearray:
    """Return the body of the readings in buffer[start:end]."""
    made = bytearray(size_of(buffer, start, end, around))
    write(made, 0, buffer, start, end, around)
    return made


def size_of(buffer, start: int, end: int, around: tuple) -> int:
    """Return the size of the body in bytes."""
    before, between, opening, closing = around
    size = len(opening) - 1 + len(closing) + end - start
    while start < end:
        # The text around it and a comma, in place of the bytes around it in a record.
        size += len(before) + len(between) + 1 - HEAD - TAIL
        start = behind(buffer, start)
    return size


def write(body, to: int, buffer, start: int, end: int, around: tuple) -> None:
    """Write the body of the readings in buffer[start:end] at body[to:]."""
    before, between, opening, closing = around
    to = copy(body, to, opening, 0, len(opening))
    while start < end:
        key = start + HEAD
        start = behind(buffer, start)
        to = copy(body, to, before, 0, len(before))
        to = copy(body, to, buffer, key, key + SIZE)
        to = copy(body, to, between, 0, len(between))
        to = copy(body, to, buffer, key + SIZE, start - TAIL)
        if start < end:
            body[to] = 44
            to += 1
    copy(body, to, closing, 0, len(closing))
