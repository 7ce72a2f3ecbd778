"""Sends the records of an outbox to Firebase Express SDK: one PUT for each, under an id that was made here."""

from .. import InvalidArgument
from ..client.request import build
from ..core.push_id import SIZE
from ..outbox.record import HEAD, TAIL, behind
from ..outbox.recording_feed import RecordingFeed
from .documents import ask, encoded
from .target import headers, target


class Records:
    """Sends the records of `outbox` to `client`: readings as `reading` does, and writes.

    `closing`: bytes after a row that belong to the request; `one_by_one`: each record leaves the outbox by itself,
    since a POST cannot be repeated.
    """

    closing = 0

    def __init__(self, client, reading, outbox) -> None:
        self._client = client
        self._path = reading.path
        self._outbox = outbox
        self.one_by_one = reading.is_post

    def encode(self, path, value) -> bytes:
        """Return the document `value` as JSON, or b"" for None, which deletes it."""
        return b"" if value is None else encoded(value)

    def put_many(self, buffer, start, end):
        """Flow: write the readings in buffer[start:end]."""
        path, mark, query = self._path.partition("?")
        view = memoryview(buffer)
        while start < end:
            key_end = start + HEAD + SIZE
            id = bytes(view[key_end - SIZE : key_end]).decode()
            start = behind(buffer, start)
            body = bytes(view[key_end : start - TAIL])
            if self.one_by_one:
                yield from self._post(body)
            else:
                yield from self.put(path.strip("/") + "/" + id + mark + query, body)

    def _post(self, body):
        """Flow: write one reading. A lost answer is counted as `unknown`, since a repeat could make a second one."""
        from ..errors import OutcomeUnknown

        try:
            yield from ask(self._client, "POST", self._path, body, False)
        except OutcomeUnknown:
            self._outbox.unknown += 1

    def put(self, path, body):
        """Flow: write `body` at `path`."""
        yield from ask(self._client, "PUT" if body else "DELETE", path, body)

    def ask_time(self):
        """Flow: get any answer of the server, whose Date sets the clock."""
        request = build(self._client, "GET", target(self._client, self._path), b"", headers(self._client, b""))
        yield from self._client.exchange(request, len(request), True)


def recording(feed, outbox, path: str) -> RecordingFeed:
    """Return the feed that records in `outbox` what `feed` would send to `path`.

    Raises InvalidArgument for a POST and an outbox on flash, from which a single record cannot be removed.
    """
    if feed.reading.is_post and outbox.is_flash:
        text = "a repeated POST makes another document: use an outbox in RAM, or in RTC memory"
        raise InvalidArgument(text)
    return RecordingFeed(feed, Records(feed.reading.client, feed.reading, outbox), outbox, path)
