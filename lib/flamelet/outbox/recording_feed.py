"""Records readings and writes in an outbox, and sends what waits there: a feed with an outbox.

In: rows of readings, and writes. Out: "durable" where a power cut would not lose it, "pending" as long as it would,
"dropped" where there was no room. A record costs nothing on the heap where the outbox is in RAM. How a service takes
its records is said by its `Records`: rtdb/records.py, firestore/records.py, gateway/records.py.
"""

from .. import InvalidArgument
from ..core.push_id import SIZE
from ..feed.feed import MISSING, Feed
from .flush import flush
from .record import DROPPED, HEAD, OVERHEAD, READING, SET, TAIL


class RecordingFeed(Feed):
    """Made by `feed` of a service, with an outbox. `outbox`: where what is recorded waits.

    `feed`: the feed without an outbox, which sends; `records`: what the outbox sends; `path`: as the program gave it.
    Raises InvalidArgument if the outbox is none, belongs to another feed, or is too small for a reading.
    """

    def __init__(self, feed, records, outbox, path) -> None:
        if not hasattr(outbox, "put_key"):
            raise InvalidArgument("outbox is made by flamelet.Outbox(), not %r" % (outbox,))
        # A record of a reading has no path: it goes to that of the feed which flushes.
        if getattr(outbox, "path", path) != path:
            raise InvalidArgument("this outbox is that of the feed of %s: each feed takes one of its own" % outbox.path)
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
        """Send one reading, as `push_row` of a feed without an outbox."""
        return self._feed.push_row(row)

    def record(self, a, b=MISSING, c=MISSING, d=MISSING, e=MISSING, f=MISSING):
        """Keep one reading in the outbox until `flush` has sent it: a value for each field, as for `push`.

        Returns "durable", "pending" (a power cut would lose it) or "dropped" (there was no room).
        """
        # Written out for the same reason as `push`: a call with so many arguments would take its frame from the heap.
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
        """Keep a write until `flush` has sent it: `value` at `path` of the service, None to delete what is there."""
        outbox = self.outbox
        body = self._records.encode(path, value)
        payload = path.encode() + b"\0" + body
        if HEAD + len(payload) + TAIL > len(outbox.buffer):
            text = "the value for %s is larger than the memory of the outbox, %d bytes"
            raise InvalidArgument(text % (path, len(outbox.buffer)))
        return outbox.put(SET, payload)

    def keep(self, feed):
        """Keep the last reading of `feed`, which has the same fields and no outbox, under the key of its request."""
        reading = feed.reading
        request = memoryview(reading.request)
        key = bytes(request[reading.key_at : reading.key_at + SIZE])
        state = self.outbox.put(READING, key + bytes(request[reading.row_at : reading.size - self._records.closing]))
        if state != DROPPED:
            reading.pending = False
        return state

    def flush(self, batches=0):
        """Send what waits, in order. Returns how many records the server took.

        `batches`: at most so many requests' worth, 0: all. A record leaves the outbox when the server has answered for
        it. What it refuses is sent again in halves until the refused ones are alone; they are set aside, see
        `outbox.refusals()`, unless all are refused: then the error is raised and nothing is set aside. After any other
        error all that was not answered waits on.
        """
        return self.reading.client.run(flush(self.outbox, self._records, batches))

    @property
    def fits(self) -> int:
        """How many readings of the size of the last one fit into the outbox; before the first, of the widest."""
        # Each is let in where there is room for the widest.
        room = self._record_room
        return (self.outbox.capacity - room) // (self.outbox.reading_size or room) + 1
