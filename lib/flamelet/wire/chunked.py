"""Reads the lines between the chunks of an answer (RFC 9112, section 7.1), which few answers have.

In: the `Response` that reads the answer, and a line. Out: NEED or BAD_CHUNK, and the state that follows. Extensions and
trailers are skipped. Limit: a chunk has at most 256 MB, the largest answer of the service.
"""

from ..core.runtime import const

# As in wire/http1.py.
_BAD_CHUNK = const(-15)
_TRAILER = const(2)
_CHUNK_SIZE = const(3)
_CHUNK_END = const(4)
_SIZED = const(5)
NEED = const(0)
_DIGITS = const(7)


def read_line(response, text: bytearray, at: int, end: int) -> int:
    """Read the size of the next chunk, or the empty line after a chunk. Returns NEED or BAD_CHUNK."""
    if response.state == _CHUNK_END:
        response.state = _CHUNK_SIZE
        return _BAD_CHUNK if at < end else NEED
    size = _size(text, at, end)
    response.left = size
    response.state = _SIZED if size else _TRAILER
    return _BAD_CHUNK if size < 0 else NEED


def _size(text, at, end):
    """Return the size of the chunk whose line is text[at:end], or -1 if it has none."""
    size = digits = 0
    while at < end and digits <= _DIGITS:
        byte = text[at]
        if 48 <= byte <= 57:
            byte -= 48
        elif 97 <= (byte | 32) <= 102:
            byte = (byte | 32) - 87
        else:
            break
        size = size << 4 | byte
        digits += 1
        at += 1
    while at < end and text[at] in b" \t":
        at += 1
    if not 0 < digits <= _DIGITS or at < end and text[at] != 59 or text.find(b"\r", at, end) >= 0:
        return -1
    return size
