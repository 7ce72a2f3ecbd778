"""How Firebase Express SDK takes the records of an outbox: one PUT for each, under an id that was made here."""

from .. import InvalidArgument
from ..core.push_id import SIZE
from .documents import _ask, _encoded
from ..outbox.record import HEAD, TAIL, behind


CLOSING = 0  # bytes behind a row that belong to the request


def encode(feed, path, value) -> bytes:
    """The document `value` as JSON, nothing to delete it."""
    return b"" if value is None else _encoded(value)


def put_many(feed, buffer, start, end):
    """Flow: write the readings in buffer[start:end]."""
    path, mark, query = feed._target.partition("?")
    view = memoryview(buffer)
    while start < end:
        key_end = start + HEAD + SIZE
        id = bytes(view[key_end - SIZE : key_end]).decode()
        start = behind(buffer, start)
        body = bytes(view[key_end : start - TAIL])
        if feed._is_post:
            yield from _post(feed, body)
        else:
            yield from put(feed, path.strip("/") + "/" + id + mark + query, body)


def _post(feed, body):
    """Flow: write one reading; where the answer is lost it is `unknown`, since a repeat could make a second one."""
    from ..errors import OutcomeUnknown

    try:
        yield from _ask(feed._database, "POST", feed._target, body, False)
    except OutcomeUnknown:
        feed.outbox.unknown += 1


def put(feed, path, body):
    """Flow: write `body` at `path`."""
    yield from _ask(feed._database, "PUT" if body else "DELETE", path, body)


def ask_time(feed):
    """Flow: any answer of the server, whose Date sets the clock."""
    from .target import headers, target
    from ..client.request import build

    gateway = feed._database
    request = build(gateway, "GET", target(gateway, feed._target), b"", headers(gateway, b""))
    yield from gateway._exchange(request, len(request), True)


def check(post, outbox) -> None:
    """InvalidArgument where a reading that the server has answered for could not leave the outbox by itself."""
    if post and outbox.is_flash:
        text = "a POST that is sent again makes another document: it takes an outbox in RAM, or in RTC memory"
        raise InvalidArgument(text)
