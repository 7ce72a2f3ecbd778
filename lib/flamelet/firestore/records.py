"""Sends the records of an outbox to Firestore: many readings as one commit, a write as another."""

from .. import InvalidArgument
from ..client.request import build
from ..outbox.batch_body import body as batch_body
from ..outbox.recording_feed import RecordingFeed
from .rest import ask, check_written, headers, target
from .writes import Writes


class Records:
    """Sends the records of an outbox to `client`: readings to the collection with the resource name `name`, and writes.

    `closing`: bytes after a row that belong to the request; `one_by_one`: each record leaves the outbox by itself.
    """

    closing = 2  # the end of the commit
    one_by_one = False

    def __init__(self, client, name: str) -> None:
        self._client = client
        self._name = name

    def encode(self, path, value) -> bytes:
        """Return the write of the document `value`, None to delete, as JSON.

        Raises InvalidArgument if not idempotent.
        """
        writes = Writes(self._client)
        if value is None:
            writes.delete(path)
        else:
            writes.set(path, value)
        if not writes.repeatable:
            raise InvalidArgument("a repeated transform is applied again: record the value itself")
        return writes.encoded[0]

    def put_many(self, buffer, start, end):
        """Flow: write the readings in buffer[start:end]."""
        before = b'{"update":{"name":"%s/' % self._name.encode()
        yield from self._commit(batch_body(buffer, start, end, (before, b'","fields":', b'{"writes":[', b"]}")))

    def put(self, path, body):
        """Flow: send the write `body`."""
        yield from self._commit(b'{"writes":[%s]}' % body)

    def ask_time(self):
        """Flow: get any answer of the server, whose Date sets the clock."""
        client = self._client
        request = build(client, "GET", target(client, self._name + "/-", None, "GET"), b"", headers(client, None))
        yield from client.exchange(request, len(request), True)

    def _commit(self, body):
        check_written((yield from ask(self._client, "POST", self._client.root + ":commit", body)))


def recording(feed, outbox, path: str) -> RecordingFeed:
    """Return the feed that records in `outbox` what `feed` would send to `path`."""
    return RecordingFeed(feed, Records(feed.reading.client, feed.reading.name), outbox, path)
