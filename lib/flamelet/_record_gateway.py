"""How Firebase Express SDK takes the records of an outbox: one PUT for each, under an id that was made here."""

from . import InvalidArgument
from ._gateway_flows import _ask, _encoded

CLOSING = 0  # bytes behind a row that belong to the request


def encode(feed, path, value) -> bytes:
    """The document `value` as JSON, nothing to delete it."""
    return b"" if value is None else _encoded(value)


def put_many(feed, members):
    """Flow: write the readings `members`, [(id, JSON), ...]."""
    path, mark, query = feed._target.partition("?")
    for id, body in members:
        yield from put(feed, path.strip("/") + "/" + id.decode() + mark + query, body)


def put(feed, path, body):
    """Flow: write `body` at `path`."""
    yield from _ask(feed._database, "PUT" if body else "DELETE", path, body)


def ask_time(feed):
    """Flow: any answer of the server, whose Date sets the clock."""
    from ._gateway_target import headers, target
    from ._request import build

    gateway = feed._database
    request = build(gateway, "GET", target(gateway, feed._target), b"", headers(gateway, b""))
    yield from gateway._exchange(request, len(request), True)


def check(post) -> None:
    """InvalidArgument for a feed whose readings cannot be sent twice."""
    if post:
        raise InvalidArgument("a POST that is sent again makes another document: an outbox needs a route for PUT")
