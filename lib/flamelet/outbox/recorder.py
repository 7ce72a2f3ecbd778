"""Feeds that record: what `feed.record` takes waits in an outbox until `feed.flush` has brought it to the server.

In: rows of readings, and writes. Out: "durable" where a power cut would not lose it, "pending" as long as it would,
"dropped" where there was no room. A record costs nothing on the heap where the outbox is in RAM.

The class is made by `type`, of functions: which feed it stands on is known when there is a service. How a service
writes its records is in _record_database.py, _record_firestore.py and _record_gateway.py.
"""

from .. import InvalidArgument
from ..core.push_id import SIZE
from ..feed.feed import MISSING
from .flush import flush
from .record import DROPPED, HEAD, OVERHEAD, READING, SET, TAIL


_classes: dict = {}  # {base: class}


def recording(base, service, outbox, *arguments):
    """A feed on `base` whose records wait in `outbox`; `service`: the module that writes them."""
    if not hasattr(outbox, "put_key"):
        raise InvalidArgument("outbox is made by flamelet.Outbox(), not %r" % (outbox,))
    # A record of a reading has no path: it goes to that of the feed which flushes.
    path = arguments[1]
    if getattr(outbox, "path", path) != path:
        raise InvalidArgument("this outbox is that of the feed of %s: each feed takes one of its own" % outbox.path)
    if base not in _classes:
        _classes[base] = type("Feed", (base,), METHODS)
    feed = _classes[base](*arguments)
    feed.outbox = outbox
    feed._service = service
    # A POST cannot be repeated: each reading leaves the outbox by itself.
    feed.sends_alone = getattr(feed, "_is_post", False)
    feed._record_room = OVERHEAD + len(feed._request) - feed._row_at
    if feed._record_room > len(outbox.buffer):
        text = "a reading of this feed takes %d bytes: the outbox needs more memory than %d"
        raise InvalidArgument(text % (feed._record_room, len(outbox.buffer)))
    outbox.path = path
    return feed


def _record(self, a, b=MISSING, c=MISSING, d=MISSING, e=MISSING, f=MISSING):
    """Keep one reading until `flush` has sent it: a value for each field, as for `push`."""
    # Written out for the same reason as there: a call with so many arguments would take its frame from the heap.
    self._given[0] = a
    self._given[1] = b
    self._given[2] = c
    self._given[3] = d
    self._given[4] = e
    self._given[5] = f
    return self.record_row(self._given)


def _record_row(self, row):
    """Keep one reading until `flush` has sent it: `row` is a list or tuple with a value for each field."""
    self._check(row)
    outbox = self.outbox
    at = outbox.begin(self._record_room)
    if at < 0:
        return DROPPED
    at = self.put_row(outbox.buffer, outbox.put_key(at), row)
    return outbox.end(at - self._service.CLOSING)


def _keep(self, feed):
    """Keep the last reading of `feed`, which has the same fields and no outbox, under the key of its request."""
    request = memoryview(feed._request)
    key = bytes(request[feed._key_at : feed._key_at + SIZE])
    state = self.outbox.put(READING, key + bytes(request[feed._row_at : feed._size - self._service.CLOSING]))
    if state != DROPPED:
        feed.pending = False
    return state


def _record_set(self, path, value):
    """Keep a write until `flush` has sent it: `value` at `path` of the service, None to delete what is there."""
    outbox = self.outbox
    body = self._service.encode(self, path, value)
    payload = path.encode() + b"\0" + body
    if HEAD + len(payload) + TAIL > len(outbox.buffer):
        text = "the value for %s is larger than the memory of the outbox, %d bytes"
        raise InvalidArgument(text % (path, len(outbox.buffer)))
    return outbox.put(SET, payload)


def _flush(self, batches=0):
    """Send what waits, in order; how many records the server took. `batches`: at most so many requests' worth, 0: all.

    A record leaves the outbox when the server has answered for it. What it refuses is sent again in halves until the
    refused ones are alone; they are set aside, see `outbox.refusals()`, unless all are refused: then the error is
    raised and nothing is set aside. After any other error all that was not answered waits on.
    """
    return self._database._run(flush(self, batches))


def _fits(self):
    """How many readings of the size of the last one fit into the outbox; before the first, of the widest."""
    # Each is let in where there is room for the widest.
    room = self._record_room
    return (self.outbox.capacity - room) // (self.outbox.reading_size or room) + 1


METHODS = {
    "record": _record,
    "record_row": _record_row,
    "record_set": _record_set,
    "keep": _keep,
    "flush": _flush,
    "fits": property(_fits),
}
