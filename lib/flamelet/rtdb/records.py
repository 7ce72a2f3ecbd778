"""How the Realtime Database takes the records of an outbox: many readings as one PATCH, a write as a PUT."""

from .. import InvalidArgument
from ..client.request import build
from ..core.path import keys
from ..outbox.batch_body import size_of, write


CLOSING = 0  # bytes behind a row that belong to the request
_INCREMENT = b'".sv":{'
_AROUND = (b'"', b'":', b"{", b"}")


def encode(feed, path, value) -> bytes:
    """`value` as the body of a write; InvalidArgument where sending it twice would not be the same as once."""
    from .write import body_of

    keys(path)
    body = body_of(value)
    if body.find(_INCREMENT) >= 0:
        raise InvalidArgument("an increment that is sent again adds up again: record the value itself")
    return body


def put_many(feed, buffer, start, end):
    """Flow: write the readings in buffer[start:end]."""
    # The body is written into the request: a small heap has no room for both.
    size = size_of(buffer, start, end, _AROUND)
    request = _request(feed, "PATCH", feed._path, b"", size)
    write(request, len(request) - size, buffer, start, end, _AROUND)
    yield from feed._database._answered(request, len(request), True)


def put(feed, path, body):
    """Flow: write `body` at `path`."""
    request = _request(feed, "PUT", path, body, 0)
    yield from feed._database._answered(request, len(request), True)


def ask_time(feed):
    """Flow: any answer of the server, whose Date sets the clock."""
    request = build(feed._database, "GET", feed._database._target(feed._path + "/-", "print=silent"))
    yield from feed._database._exchange(request, len(request), True)


def _request(feed, method, path, body, room):
    database = feed._database
    return build(database, method, database._target(path, "print=silent"), body, (), room)
