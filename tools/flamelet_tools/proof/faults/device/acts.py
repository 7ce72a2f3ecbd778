"""Defines how an operation is done, and repeated after an error, for the operations of the three services.

In: a client and the number of the cell. Out: the result of the call. `again`: what a program does after an error that
allows a repeat; `told`: what the device knows about the cell in the end.
"""

import flamelet

import troubles

LATER = "later"  # a stream has not delivered anything yet
# As in ../operations.py.
_MANY = 5
_BAD_AT, _WITH_BAD = 25, 50
_REFUSED_READING = "refused reading"


class Call:
    """An operation that is one call of the client."""

    def __init__(self, function, client):
        self.function = function
        self.client = client

    def ready(self):
        """Prepare before the fault begins."""

    def act(self, n, trouble):
        return self.function(self.client, n)

    def again(self, n):
        return self.function(self.client, n)

    def told(self, n):
        return None


def _rows(n, trouble, count):
    """Return the rows of cell `n`: `count` of them, or _WITH_BAD if one of them is refused."""
    if trouble != _REFUSED_READING:
        return [(100 * n + i, 1) for i in range(count)]
    return [(100 * n + i, 0 if i == _BAD_AT else 1) for i in range(_WITH_BAD)]


def calls(functions):
    """Return {name: what makes the operation}."""
    return {name: _maker(functions[name]) for name in functions}


def _maker(function):
    return lambda client, folder: Call(function, client)


class Push(Call):
    """Pushes readings of a feed one by one; a reading in doubt is repeated under its key."""

    def __init__(self, client, feed):
        self.feed = feed

    def act(self, n, trouble):
        refused = 0
        for row in _rows(n, trouble, 1):
            try:
                self.feed.push(*row)
            except flamelet.FlameletError:
                if row[1]:
                    raise
                refused += 1
        return refused

    def again(self, n):
        if self.feed.pending:
            return self.feed.repeat()
        return self.feed.push(100 * n, 1)


class PushMany(Call):
    """Pushes readings of a feed in one request."""

    def __init__(self, client, feed):
        self.feed = feed

    def act(self, n, trouble):
        return self.feed.push_many(_rows(n, trouble, _MANY))

    def again(self, n):
        return self.feed.push_many(_rows(n, None, _MANY))


class Record(Call):
    """Records readings on flash, then flushes them; `make(outbox)` returns the feed."""

    def __init__(self, make, folder):
        self.make = make
        self.folder = folder + "/out"
        self.start()

    def start(self):
        self.outbox = flamelet.Outbox(self.folder, group=2)
        self.feed = self.make(self.outbox)

    def act(self, n, trouble):
        for row in _rows(n, trouble, _MANY):
            if self.feed.record(*row) == "dropped":
                raise flamelet.FlameletError("dropped")
        if trouble == "corrupt record":
            self.outbox.commit()
            troubles.corrupt(self.folder)
            self.start()
        return self.feed.flush()

    def again(self, n):
        return self.feed.flush()

    def told(self, n):
        outbox = self.outbox
        counts = {"waiting": outbox.waiting, "refused": outbox.refused, "corrupt": outbox.corrupt}
        counts["dropped"] = outbox.dropped
        outbox.refused = outbox.corrupt = 0
        return counts
