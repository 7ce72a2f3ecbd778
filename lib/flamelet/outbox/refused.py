"""Sets aside the records that the server refused, and sends the newest one to see whether it still refuses."""

from ..core.push_id import SIZE
from .record import HEAD, SET, TAIL, behind
from .sending import ensure_keys, parts, send


def send_newest(outbox, records):
    """Flow: send the newest record alone. Raises its refusal."""
    newest = outbox.newest()
    if newest:
        buffer, end = newest
        yield from ensure_keys(outbox, records, buffer, end)
        at = 0
        last = -1
        while at < end:
            if buffer[at + 2] <= SET:
                last = at
            at = behind(buffer, at)
        if last >= 0:
            yield from send(records, buffer, last, behind(buffer, last))
    outbox.blocked = False


def set_aside(outbox, buffer, refusals: dict) -> None:
    """Keep the refused records of `buffer`; `refusals`: {position: error}."""
    for at in sorted(refusals):
        if buffer[at + 2] == SET:
            name, body = parts(buffer, at)
        else:
            view = memoryview(buffer)
            key_end = at + HEAD + SIZE
            name = bytes(view[at + HEAD : key_end]).decode()
            body = bytes(view[key_end : behind(buffer, at) - TAIL])
        outbox.set_aside(name, str(refusals[at]), body)
