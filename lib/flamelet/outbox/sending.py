"""Sends a run of records: assigns keys to undated readings, and halves a batch that the server refuses."""

from .. import FlameletError
from .record import HEAD, READING, SET, TAIL, UNDATED, behind


def ensure_keys(outbox, records, buffer, end):
    """Flow: assign keys to the undated readings. Raises ClockNotSet if the time cannot be had."""
    if _has_undated(buffer, end):
        from . import before_clock as _undated

        if not _undated.is_known():
            # Any answer of the server has the time.
            yield from records.ask_time()
        if not _undated.is_known():
            from ..errors import ClockNotSet

            raise ClockNotSet("the clock is not set, and readings wait for it: call ntptime.settime(), or use https")
        _undated.assign_keys(outbox, buffer, end)


def _has_undated(buffer, end):
    at = 0
    while at < end and buffer[at + 2] != UNDATED:
        at = behind(buffer, at)
    return at < end


def send_or_split(records, buffer, start, end, refusals):
    """Flow: send buffer[start:end]. Returns how many records were accepted; adds {position: error} to `refusals`."""
    count = _count(buffer, start, end)
    if not count:
        return 0
    try:
        yield from send(records, buffer, start, end)
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
    accepted = yield from send_or_split(records, buffer, start, middle, refusals)
    return accepted + (yield from send_or_split(records, buffer, middle, end, refusals))


def _is_refused(error):
    # Imported here, since a flush without errors does not need them.
    from ..errors import BadRequest, GatewayError, PermissionDenied

    return isinstance(error, (BadRequest, PermissionDenied, GatewayError)) and not error.retry


def send(records, buffer, start, end):
    """Flow: send the records of buffer[start:end] in order: consecutive readings together, writes alone."""
    while start < end:
        next_at = behind(buffer, start)
        if buffer[start + 2] == READING:
            while next_at < end and buffer[next_at + 2] == READING:
                next_at = behind(buffer, next_at)
            yield from records.put_many(buffer, start, next_at)
        elif buffer[start + 2] == SET:
            path, body = parts(buffer, start)
            yield from records.put(path, body)
        start = next_at


def parts(buffer, at):
    """Return (path, body) of the write at buffer[at]."""
    payload = bytes(memoryview(buffer)[at + HEAD : behind(buffer, at) - TAIL])
    path, _, body = payload.partition(b"\0")
    return path.decode(), body


def next_of(buffer, at, end):
    """Return the position of the first reading or write from buffer[at] on."""
    while at < end and buffer[at + 2] > SET:
        at = behind(buffer, at)
    return at


def _count(buffer, start, end):
    count = 0
    while start < end:
        count += buffer[start + 2] <= SET
        start = behind(buffer, start)
    return count
