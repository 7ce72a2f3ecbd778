"""Many readings as one body: what stands around them differs from service to service.

In: a run of readings in the buffer of an outbox. Out: their JSON in one piece, which is all that it takes: a list of
them would take twice as much.
"""

from ._copy import copy
from ._push_id import SIZE
from .outbox import HEAD, TAIL, behind


def joined(buffer, start: int, end: int, before: bytes, between: bytes, opening: bytes, closing: bytes) -> bytearray:
    """`opening`, then of each reading `before`, its key, `between`, its JSON, parted by commas; `closing`."""
    # Each reading has what stands around it and a comma in place of what a record has.
    extra = len(before) + len(between) + 1 - HEAD - TAIL
    body = bytearray(len(opening) + end - start + extra * count(buffer, start, end) - 1 + len(closing))
    body[: len(opening)] = opening
    to = len(opening)
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
    body[to:] = closing
    return body


def count(buffer, start: int, end: int) -> int:
    """How many records there are."""
    number = 0
    while start < end:
        start = behind(buffer, start)
        number += 1
    return number
