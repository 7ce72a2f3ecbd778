"""Sends each record of an outbox by itself: the flow of `Feed.flush` if an accepted record must not be sent again."""

from .record import behind
from .refused import set_aside
from .sending import ensure_keys, next_of, send_or_split


def flush(outbox, records, batches):
    """Flow: send what waits, at most `batches` records (0: all). Returns how many were accepted."""
    taken = moved = 0
    while outbox.waiting and (not batches or taken < batches or moved):
        buffer, end = outbox.batch(0)
        at = next_of(buffer, 0, end)
        end = behind(buffer, at)
        mark = outbox.mark(0)
        yield from ensure_keys(outbox, records, buffer, end)
        refusals: dict = {}
        accepted = yield from send_or_split(records, buffer, at, end, refusals)
        record = bytes(memoryview(buffer)[at:end])
        if accepted or taken:
            if refusals:
                set_aside(outbox, record, {0: refusals[at]})
                moved = max(0, moved - 1)
        elif moved == outbox.waiting:
            raise refusals[at]
        outbox.done(0, mark, end)
        if not accepted and not taken:
            # Put it after the others, to see whether any of them is accepted.
            outbox.put_back(record)
            moved += 1
        taken += accepted
    return taken
