"""The flow of `feed.flush`: what waits in an outbox goes to the server, a batch after the other.

A batch is as many records as the memory of the outbox holds. One that is refused (400, 401 or 403 by the rules, an
error in the envelope) is halved until the refused records are alone. They are set aside if others of their batch, or of
one behind it, are accepted: where nothing is, the fault is not theirs. Until then they stay where they are, and the
next flush asks by the newest record alone whether anything has changed.

Everything here may be done twice: the keys were made when the readings were taken.

Memory: a segment of 4 KB, and a request of the size of a batch.
"""

from . import FlameletError, _push_id
from .outbox import HEAD, READING, SET, TAIL, UNDATED, behind

_POLL_MS = 10


def flush(feed, batches):
    """Flow: send what waits; how many records were taken."""
    outbox = feed.outbox
    while outbox.flushing:
        yield _POLL_MS
    outbox.flushing = True
    try:
        _push_id.forget()
        if outbox.blocked:
            from . import _set_aside

            yield from _set_aside.probe(feed)
        if feed.sends_alone:
            from . import _flush_alone

            return (yield from _flush_alone.flush(feed, batches))
        return (yield from _all(feed, batches))
    finally:
        outbox.flushing = False


def _all(feed, batches):
    outbox = feed.outbox
    taken = place = 0
    error = None  # the last refusal, as long as nothing behind it was accepted
    before = 0  # so many of the oldest batches stand before one that was accepted
    while True:
        batch = outbox.batch(place)
        if batch is None:
            if error:
                outbox.blocked = True
                raise error
            return taken
        buffer, end = batch
        mark = outbox.mark(place)
        yield from date(feed, buffer, end)
        refusals: dict = {}
        accepted = yield from _slices(feed, buffer, end, refusals)
        if not (accepted or before) and (refusals or error):
            error = list(refusals.values())[-1] if refusals else error
            place += 1
            continue
        if error:
            # From the beginning: what was refused there is refused by itself.
            error = None
            before = place
            place = 0
            continue
        if refusals:
            from . import _set_aside

            _set_aside.set_aside(outbox, buffer, refusals)
        outbox.done(0, mark, end)
        before = max(0, before - 1)
        taken += accepted
        batches -= 1
        if not batches:
            return taken


def date(feed, buffer, end):
    """Flow: give the undated readings their time."""
    if _has_undated(buffer, end):
        from . import _undated

        if not _undated.is_known():
            # Whatever the server answers, it says what time it is.
            yield from feed._service.ask_time(feed)
        if not _undated.is_known():
            from .errors import ClockNotSet

            raise ClockNotSet("the clock is not set, and readings wait for it: call ntptime.settime(), or use https")
        _undated.date(feed.outbox, buffer, end)


def _has_undated(buffer, end):
    at = 0
    while at < end and buffer[at + 2] != UNDATED:
        at = behind(buffer, at)
    return at < end


def _slices(feed, buffer, end, refusals):
    """Flow: send buffer[:end] in slices of the outbox's memory; how many records were accepted."""
    accepted = at = start = 0
    while start < end:
        # At least one record.
        at = behind(buffer, start)
        while at < end and behind(buffer, at) - start <= len(feed.outbox.buffer):
            at = behind(buffer, at)
        accepted += yield from halves(feed, buffer, start, at, refusals)
        start = at
    return accepted


def halves(feed, buffer, start, end, refusals):
    """Flow: send buffer[start:end]; how many records were accepted. `refusals`: {position: error} of the others."""
    count = _count(buffer, start, end)
    if not count:
        return 0
    try:
        yield from send(feed, buffer, start, end)
        return count
    except FlameletError as error:
        if not _is_refused(error):
            raise
        if count == 1:
            refusals[next_of(buffer, start, end)] = error
            return 0
    middle = start
    for _ in range(count // 2):
        middle = behind(buffer, next_of(buffer, middle, end))
    accepted = yield from halves(feed, buffer, start, middle, refusals)
    return accepted + (yield from halves(feed, buffer, middle, end, refusals))


def _is_refused(error):
    # Here, since a flush that goes well has no use for all errors.
    from .errors import BadRequest, GatewayError, PermissionDenied

    return isinstance(error, (BadRequest, PermissionDenied, GatewayError)) and not error.retry


def send(feed, buffer, start, end):
    """Flow: send the records of buffer[start:end] in order: readings that follow each other together, writes alone."""
    service = feed._service
    while start < end:
        next_at = behind(buffer, start)
        if buffer[start + 2] == READING:
            while next_at < end and buffer[next_at + 2] == READING:
                next_at = behind(buffer, next_at)
            yield from service.put_many(feed, buffer, start, next_at)
        elif buffer[start + 2] == SET:
            path, body = parts(buffer, start)
            yield from service.put(feed, path, body)
        start = next_at


def parts(buffer, at):
    """(path, body) of the write at buffer[at]."""
    payload = bytes(memoryview(buffer)[at + HEAD : behind(buffer, at) - TAIL])
    path, _, body = payload.partition(b"\0")
    return path.decode(), body


def next_of(buffer, at, end):
    """The first reading or write at or behind buffer[at]."""
    while at < end and buffer[at + 2] > SET:
        at = behind(buffer, at)
    return at


def _count(buffer, start, end):
    count = 0
    while start < end:
        count += buffer[start + 2] <= SET
        start = behind(buffer, start)
    return count
