"""How Firestore takes the records of an outbox: many readings as one commit, a write as another."""

from .. import InvalidArgument
from ..client.request import build
from .rest import ask, check_written, headers, target
from .writes import Writes
from ..outbox.batch_body import joined


CLOSING = 2  # bytes behind a row that belong to the request: what ends the whole commit


def encode(feed, path, value) -> bytes:
    """The write of the document `value`, None to delete it, as JSON."""
    writes = Writes(feed._database)
    if value is None:
        writes.delete(path)
    else:
        writes.set(path, value)
    if not writes.repeatable:
        raise InvalidArgument("a transform that is sent again is done again: record the value itself")
    return writes.encoded[0]


def put_many(feed, buffer, start, end):
    """Flow: write the readings in buffer[start:end]."""
    before = b'{"update":{"name":"%s/' % feed._name.encode()
    yield from _commit(feed, joined(buffer, start, end, (before, b'","fields":', b'{"writes":[', b"]}")))


def put(feed, path, body):
    """Flow: do the write `body`."""
    yield from _commit(feed, b'{"writes":[%s]}' % body)


def ask_time(feed):
    """Flow: any answer of the server, whose Date sets the clock."""
    fs = feed._database
    request = build(fs, "GET", target(fs, feed._name + "/-", None, "GET"), b"", headers(fs, None))
    yield from fs._exchange(request, len(request), True)


def _commit(feed, body):
    fs = feed._database
    check_written((yield from ask(fs, "POST", fs._root + ":commit", body)))
