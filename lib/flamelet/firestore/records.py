"""Sends the records of an outbox to Firestore: many readings as one commit, a write as another."""

from .. import InvalidArgument
from ..client.request import build
from ..outbox.batch_body import body as batch_body
from ..outbox.recording_feed import RecordingFeed
from .rest import ask, check_written, headers, target
from .writes import Writes


class Records:
    """What an outbox sends to `client`: readings in the collection with the resource name `name`, and writes.

    `closing`: bytes behind a row that belong to the request; `one_by_one`: each record leaves the outbox by itself.
    """

    closing = 2  # what ends the whole commit
    one_by_one = False

    def __init__(self, client, name: str) -> None:
        self._client = client
        self._name = name

    def encode(self, path, value) -> bytes:
        """The write of the document `value`, None to delete it, as JSON. Raises InvalidArgument if not idempotent."""
        writes = Writes(self._client)
        if value is None:
            writes.delete(path)
        else:
            writes.set(path, value)
        if not writes.repeatable:
            raise InvalidArgument("a transform that is sent again is done again: record the value itself")
        return writes.encoded[0]

    def put_many(self, buffer, start, end):
        """Flow: write the readings in buffer[start:end]."""
        before = b'{"update":{"name":"%s/' % self._name.encode()
        yield from self._commit(batch_body(buffer, start, end, (before, b'","fields":', b'{"writes":[', b"]}")))

    def put(self, path, body):
        """Flow: do the write `body`."""
        yield from self._commit(b'{"writes":[%s]}' % body)

    def ask_time(self):
        """Flow: any answer of the server, whose Date sets the clock."""
        client = self._client
        request = build(client, "GET", target(client, self._name + "/-", None, "GET"), b"", headers(client, None))
        yield from client.exchange(request, len(request), True)

    def _commit(self, body):
        check_written((yield from ask(self._client, "POST", self._client.root + ":commit", body)))


def recording(feed, outbox, path: str) -> RecordingFeed:
    """The feed that records what `feed`, which goes to `path`, would send."""
    return RecordingFeed(feed, Records(feed.reading.client, feed.reading.name), outbox, path)
