"""How the Realtime Database takes the records of an outbox: many readings as one PATCH, a write as a PUT."""

from . import InvalidArgument
from ._joined import joined
from ._request import build
from .database import keys

CLOSING = 0  # bytes behind a row that belong to the request
_INCREMENT = b'".sv":{'


def encode(feed, path, value) -> bytes:
    """`value` as the body of a write; InvalidArgument where sending it twice would not be the same as once."""
    from ._values import body_of

    keys(path)
    body = body_of(value)
    if body.find(_INCREMENT) >= 0:
        raise InvalidArgument("an increment that is sent again adds up again: record the value itself")
    return body


def put_many(feed, buffer, start, end):
    """Flow: write the readings in buffer[start:end]."""
    yield from _write(feed, "PATCH", feed._path, joined(buffer, start, end, b'"', b'":', b"{", b"}"))


def put(feed, path, body):
    """Flow: write `body` at `path`."""
    yield from _write(feed, "PUT", path, body)


def ask_time(feed):
    """Flow: any answer of the server, whose Date sets the clock."""
    request = build(feed._database, "GET", feed._database._target(feed._path + "/-", "print=silent"))
    yield from feed._database._exchange(request, len(request), True)


def _write(feed, method, path, body):
    database = feed._database
    request = build(database, method, database._target(path, "print=silent"), body)
    yield from database._answered(request, len(request), True)
