"""Copies a piece of one buffer into another."""

from .runtime import const

_BY_SLICE = const(128)


def copy(target: bytearray, at: int, source, start: int, end: int) -> int:
    """Copy source[start:end] to target[at:]. Returns the position after it.

    Short pieces are copied byte by byte, since a slice of a memoryview costs 32 bytes.
    """
    if end - start > _BY_SLICE:
        target[at : at + end - start] = memoryview(source)[start:end]
        return at + end - start
    while start < end:
        target[at] = source[start]
        at += 1
        start += 1
    return at
