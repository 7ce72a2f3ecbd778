"""Collects the body of an answer in one buffer that grows. Loaded with the first answer that has one.

Limits: `answer_bytes` of the connection; of the body of an error, the first 8 KiB are kept.
"""

from ..core.copy import copy
from ..core.runtime import const

_ERROR_BYTES = const(8192)  # an error in JSON is only readable whole; an HTML page is cut
_KEPT = const(1024)  # a larger buffer is freed at the next answer


def collect(connection) -> bool:
    """Add the piece that the parser has found to the body. Returns False if the body gets too large."""
    response = connection.response
    start = response.piece_start
    size = connection.body_size + response.piece_end - start
    limit = connection.answer_bytes
    # The body of a 412 is the present value.
    if response.status >= 400 and response.status != 412:
        limit = _ERROR_BYTES
        size = min(size, limit)
    elif max(size, response.length) > limit:
        return False
    if not connection.body_size and len(connection.body) > _KEPT:
        connection.body = bytearray()
    if size > len(connection.body):
        _grow(connection, max(size, min(response.length, limit), 2 * connection.body_size, 128))
    end = start + size - connection.body_size
    connection.body_size = copy(connection.body, connection.body_size, connection.buffer, start, end)
    return True


def _grow(connection, size):
    body = bytearray(size)
    body[: connection.body_size] = memoryview(connection.body)[: connection.body_size]
    connection.body = body
