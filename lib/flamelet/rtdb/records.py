"""Sends the records of an outbox to the Realtime Database: many readings as one PATCH, a write as a PUT."""

from .. import InvalidArgument
from ..client.request import build
from ..core.path import keys
from ..outbox.batch_body import size_of, write
from ..outbox.recording_feed import RecordingFeed
from .exchange import answered, target

_INCREMENT = b'".sv":{'
_AROUND = (b'"', b'":', b"{", b"}")


class Records:
    """Sends the records of an outbox to `client`: readings below `path`, and writes.

    `closing`: bytes after a row that belong to the request; `one_by_one`: each record leaves the outbox by itself.
    """

    closing = 0
    one_by_one = False

    def __init__(self, client, path: str) -> None:
        self._client = client
        self._path = path

    def encode(self, path, value) -> bytes:
        """Return `value` as the body of a write. Raises InvalidArgument if the write is not idempotent."""
        from .write import body_of

        keys(path)
        body = body_of(value)
        if body.find(_INCREMENT) >= 0:
            raise InvalidArgument("a repeated increment adds up again: record the value itself")
        return body

    def put_many(self, buffer, start, end):
        """Flow: write the readings in buffer[start:end]."""
        # heap: the body is written into the request, since there is no room for both.
        size = size_of(buffer, start, end, _AROUND)
        request = self._request("PATCH", self._path, b"", size)
        write(request, len(request) - size, buffer, start, end, _AROUND)
        yield from answered(self._client, request, len(request), True)

    def put(self, path, body):
        """Flow: write `body` at `path`."""
        request = self._request("PUT", path, body, 0)
        yield from answered(self._client, request, len(request), True)

    def ask_time(self):
        """Flow: get any answer of the server, whose Date sets the clock."""
        request = build(self._client, "GET", target(self._client, self._path + "/-", "print=silent"))
        yield from self._client.exchange(request, len(request), True)

    def _request(self, method, path, body, room):
        return build(self._client, method, target(self._client, path, "print=silent"), body, (), room)


def recording(feed, outbox, path: str) -> RecordingFeed:
    """Return the feed that records in `outbox` what `feed` would send to `path`."""
    return RecordingFeed(feed, Records(feed.reading.client, feed.reading.path), outbox, path)
