"""Records readings and writes in an outbox, and sends what waits there: a feed with an outbox.

In: rows of readings, and writes. Out: "durable" if a power cut does not lose it, "pending" if it does, "dropped" if
there was no room. A record costs nothing on the heap if the outbox is in RAM. `Records` of each service encodes and
sends its records: rtdb/records.py, firestore/records.py, gateway/records.py.
"""

from .. import InvalidArgument
from ..core.push_id import SIZE
from ..feed.feed import MISSING, Feed
from .flush import flush
from .record import DROPPED, HEAD, OVERHEAD, READING, SET, TAIL


class RecordingFeed(Feed):
    """Made by `feed` of a service, with an outbox, in which records wait.

    `feed`: the feed without an outbox, which sends; `records`: the `Records` of the service; `path`: as the program
    gave it. Raises InvalidArgument if `outbox` is not an outbox, belongs to another feed, or is too small for a
    reading.
    """

    def __init__(self, feed, records, outbox, path) -> None:
        if not hasattr(outbox, "put_key"):
            raise InvalidArgument("outbox is made by flamelet.Outbox(), not %r" % (outbox,))
        # A record has no path: it is sent to that of the feed that flushes.
        if getattr(outbox, "path", path) != path:
            raise InvalidArgument("this outbox belongs to the feed of %s: make one for each feed" % outbox.path)
        super().__init__(feed.reading)
        self.outbox = outbox
        self._feed = feed
        self._records = records
        self._record_room = OVERHEAD + len(feed.reading.request) - feed.reading.row_at
        if self._record_room > len(outbox.buffer):
            text = "a reading of this feed takes %d bytes: the outbox needs more memory than %d"
            raise InvalidArgument(text % (self._record_room, len(outbox.buffer)))
        outbox.path = path

    def push_row(self, row):
        """Send one reading, as `push_row` of a feed without an outbox does."""
        return self._feed.push_row(row)

    def record(self, a, b=MISSING, c=MISSING, d=MISSING, e=MISSING, f=MISSING):
        """Keep one reading in the outbox until `flush` has sent it: a value for each field, as for `push`.

        Returns "durable", "pending" (a power cut would lose it) or "dropped" (there was no room).
        """
        # frame: a call with as many arguments would take it from the heap.
        given = self.reading.given
        given[0] = a
        given[1] = b
        given[2] = c
        given[3] = d
        given[4] = e
        given[5] = f
        return self.record_row(given)

    def record_row(self, row):
        """Keep one reading as `record` does: `row` is a list or tuple with a value for each field."""
        self.reading.check(row)
        outbox = self.outbox
        at = outbox.begin_record(self._record_room)
        if at < 0:
            return DROPPED
        at = self.reading.put_row(outbox.buffer, outbox.put_key(at), row)
        return outbox.end_record(at - self._records.closing)

    def record_set(self, path, value):
        """Keep a write until `flush` has sent it: `value` at `path` of the service, None to delete.

        Returns as `record`.
        """
        outbox = self.outbox
        body = self._records.encode(path, value)
        payload = path.encode() + b"\0" + body
        if HEAD + len(payload) + TAIL > len(outbox.buffer):
            text = "the value for %s is larger than the memory of the outbox, %d bytes"
            raise InvalidArgument(text % (path, len(outbox.buffer)))
        return outbox.put(SET, payload)

    def keep(self, feed):
        """Keep the last reading of `feed`, which has the same fields and no outbox, under its key.

        Returns as `record`.
        """
        reading = feed.reading
        request = memoryview(reading.request)
        key = bytes(request[reading.key_at : reading.key_at + SIZE])
        state = self.outbox.put(READING, key + bytes(request[reading.row_at : reading.size - self._records.closing]))
        if state != DROPPED:
            reading.pending = False
        return state

    def flush(self, batches=0):
        """Send what waits, in order. Returns how many records the server accepted.

        `batches`: at most so many requests, 0: all. A record leaves the outbox when the server has answered for it. A
        refused batch is sent again in halves until the refused records are alone; they are set aside, see
        `outbox.refusals()`. If all are refused, the error is raised and nothing is set aside. After any other error,
        records without an answer stay in the outbox.
        """
        return self.reading.client.run(flush(self.outbox, self._records, batches))

    @property
    def fits(self) -> int:
        """How many readings of the size of the last one fit into the outbox; before the first one, of the largest."""
        # A reading is accepted if there is room for the largest.
        room = self._record_room
        return (self.outbox.capacity - room) // (self.outbox.reading_size or room) + 1
