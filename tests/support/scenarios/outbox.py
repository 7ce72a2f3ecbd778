"""Readings and writes that wait in an outbox, for each service: its modules say how it is reached.

`where`: the arguments of the client; `options`: its options; `folder`: of the outbox, "" for one in RAM.
"""

import flamelet
from scenarios import outcome

FIELDS = (("n", 0), ("half", 1))


def kept(connect, say, where, options, path, folder, count, writes=(), first=1):
    """Record, restart where the outbox is on flash, record more, flush; what came of it, and what is left."""
    said = []
    for half in range(2):
        outbox = flamelet.Outbox(folder, group=4, memory=1024 if folder else 4096)
        with connect(*where, **options) as service:
            feed = service.feed(path, FIELDS, outbox=outbox)
            numbers = range(first + half * count, first + (half + 1) * count)
            said.extend([feed.record(n, n / 2) for n in numbers])
            if half:
                said.extend([feed.record_set(place, value) for place, value in writes])
            outbox.close()
            if half or not folder:
                flushed = outcome(feed.flush)
                left = [outbox.waiting, outbox.pending, outbox.dropped, outbox.corrupt]
                refused = [[reason, bytes(body).decode()] for _, reason, body in outbox.refusals()]
                result = [flushed, left, refused]
    return [sorted(set(said)), result]


def lost(connect, say, where, options, path, count):
    """The outcomes of flush after flush, until nothing waits."""
    outbox = flamelet.Outbox()
    with connect(*where, **options) as service:
        feed = service.feed(path, FIELDS, outbox=outbox)
        for n in range(1, count + 1):
            feed.record(n, n / 2)
        outcomes = []
        while outbox.waiting and len(outcomes) < 10:
            outcomes.append(outcome(feed.flush)[0])
        return outcomes


def refused(connect, say, where, options, path, count):
    """The outcome of a flush of which all is refused, what waits then, and the same when the test says go."""
    outbox = flamelet.Outbox()
    with connect(*where, **options) as service:
        feed = service.feed(path, FIELDS, outbox=outbox)
        for n in range(1, count + 1):
            feed.record(n, n / 2)
        first = outcome(feed.flush)
        return [first[1], first[4], outbox.waiting, outbox.refused, outcome(feed.flush)[1]]
