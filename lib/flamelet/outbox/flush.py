"""Sends what waits in an outbox to the server, one batch after another: the flow of `Feed.flush`.

A batch has as many records as the memory of the outbox holds. If one is refused (400, 401 or 403 by the rules, an error
in the envelope), it is halved until the refused records are alone. They are set aside if others of their batch, or of a
later one, are accepted: if none is, the records are not the reason. Until then they stay in the outbox, and the next
flush first sends the newest record alone, to see whether the server still refuses.

Everything here is idempotent: the keys were made when the readings were taken.

Memory: a segment of 4 KB, and a request of the size of a batch.
"""

from ..core import push_id as _push_id
from .record import behind
from .sending import ensure_keys, send_or_split

_POLL_MS = 10


def flush(outbox, records, batches):
    """Flow: send what waits in `outbox`, with `records`, at most `batches` (0: all). Returns how many were accepted."""
    while outbox.flushing:
        yield _POLL_MS
    outbox.flushing = True
    try:
        _push_id.forget()
        if outbox.blocked:
            from . import refused as _set_aside

            yield from _set_aside.send_newest(outbox, records)
        if records.one_by_one:
            from . import flush_one_by_one as _flush_alone

            return (yield from _flush_alone.flush(outbox, records, batches))
        return (yield from _all(outbox, records, batches))
    finally:
        outbox.flushing = False


def _all(outbox, records, batches):
    taken = place = 0
    error = None  # the last refusal, as long as nothing after it was accepted
    before = 0  # how many of the oldest batches are before one that was accepted
    while True:
        batch = outbox.batch(place)
        if batch is None:
            if error:
                outbox.blocked = True
                raise error
            return taken
        buffer, end = batch
        mark = outbox.mark(place)
        yield from ensure_keys(outbox, records, buffer, end)
        refusals: dict = {}
        accepted = yield from _slices(outbox, records, buffer, end, refusals)
        if not (accepted or before) and (refusals or error):
            error = list(refusals.values())[-1] if refusals else error
            place += 1
            continue
        if error:
            # From the beginning: those records are refused for a reason of their own.
            error = None
            before = place
            place = 0
            continue
        if refusals:
            from . import refused as _set_aside

            _set_aside.set_aside(outbox, buffer, refusals)
        outbox.done(0, mark, end)
        before = max(0, before - 1)
        taken += accepted
        batches -= 1
        if not batches:
            return taken


def _slices(outbox, records, buffer, end, refusals):
    """Flow: send buffer[:end] in slices as large as the outbox's memory. Returns how many records were accepted."""
    accepted = at = start = 0
    while start < end:
        # At least one record.
        at = behind(buffer, start)
        while at < end and behind(buffer, at) - start <= len(outbox.buffer):
            at = behind(buffer, at)
        accepted += yield from send_or_split(records, buffer, start, at, refusals)
        start = at
    return accepted
