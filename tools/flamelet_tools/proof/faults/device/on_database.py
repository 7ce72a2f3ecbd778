"""Defines the operations on the Realtime Database: each has its own place, with number `n` below it."""

import flamelet
from flamelet.core.runtime import ticks_add, ticks_diff, ticks_ms

from acts import LATER, Call, Push, PushMany, Record, calls

_FIELDS = (("n", 0), ("ok", 0))
_WAIT = 2500  # milliseconds to wait for an event during a fault
_LONG_WAIT = 40000  # and after it: if a quota is used up, a stream waits half a minute
_HALF_MINUTE = 31000


def connect(place, token, options):
    return flamelet.Database(place["url"], token, **options)


def well(db):
    return db.get("well")


class Live(Call):
    """An open stream: waits for the value `n`."""

    def __init__(self, db, folder):
        self.db = db
        self.stream = db.listen("live")
        self.stream.next(_LONG_WAIT)

    def ready(self):
        _calm(self.stream)

    def act(self, n, trouble):
        return self.wait(n, _WAIT)

    def again(self, n):
        if self.stream.closed:
            self.stream = self.db.listen("live")
        return self.wait(n, _LONG_WAIT)

    def wait(self, n, ms):
        end = ticks_add(ticks_ms(), ms)
        left = ms
        while left > 0:
            event = self.stream.next(left)
            if event and event.data == n:
                return n
            left = ticks_diff(end, ticks_ms())
        return LATER


class Mirrored(Live):
    """A mirror: waits for the change to `n`, which must be reported once."""

    def __init__(self, db, folder):
        self.db = db
        self.times = {}
        self.open()
        while not self.stream.loaded:
            self.take(_LONG_WAIT)

    def open(self):
        self.stream = self.db.mirror("mirrored")

    def ready(self):
        _calm(self.stream._stream)

    def again(self, n):
        if self.stream.closed:
            self.open()
        return self.wait(n, _LONG_WAIT)

    def take(self, ms):
        change = self.stream.next(ms)
        if change:
            value = change.value["n"] if change.path == "/" else change.value
            self.times[value] = self.times.get(value, 0) + 1

    def wait(self, n, ms):
        end = ticks_add(ticks_ms(), ms)
        left = ms
        while left > 0 and n not in self.times:
            self.take(left)
            left = ticks_diff(end, ticks_ms())
        return n if n in self.times else LATER

    def told(self, n):
        self.take(50)
        return {"times": self.times.pop(n, 0), "value": self.stream.value}


class Refresh(Call):
    """A read with an expired token."""

    def __init__(self, db, folder):
        self.db = db

    def act(self, n, trouble):
        self.db._client.token.serve(0)
        return self.db.get("well")

    def again(self, n):
        return self.db.get("well")


def _calm(stream):
    """Let half a minute pass, after which a stream's back-off begins anew: in reality faults are days apart."""
    stream._opened_at = ticks_add(ticks_ms(), -_HALF_MINUTE)


def _listen(db, n):
    with db.listen("read/c%d" % n) as stream:
        return stream.next(_LONG_WAIT).data


def _query(db, n):
    return db.query("read/c%d" % n).order_by_key().limit_to_first(2).get()


def _walk(db, n):
    return [value for _, value in db.walk("read/c%d" % n, "*")]


def _add(n):
    return (n or 0) + 1


OPERATIONS = calls(
    {
        "set": lambda db, n: db.set("set/c%d" % n, {"n": n}),
        "set an increment": lambda db, n: db.set("add/c%d" % n, flamelet.increment(1)),
        "push": lambda db, n: db.push("push/c%d" % n, {"n": n}),
        "update": lambda db, n: db.update("update/c%d" % n, {"n": n}),
        "delete": lambda db, n: db.delete("delete/c%d" % n),
        "transaction": lambda db, n: db.transaction("add/c%d" % n, _add),
        "get": lambda db, n: db.get("read/c%d" % n),
        "query": _query,
        "walk": _walk,
        "listen": _listen,
    }
)
OPERATIONS["feed.push"] = lambda db, folder: Push(db, db.feed("feed", _FIELDS))
OPERATIONS["feed.push_many"] = lambda db, folder: PushMany(db, db.feed("feed", _FIELDS))
OPERATIONS["record, flush"] = lambda db, folder: Record(lambda box: db.feed("feed", _FIELDS, outbox=box), folder)
OPERATIONS["open stream"] = Live
OPERATIONS["mirror"] = Mirrored
OPERATIONS["token refresh"] = Refresh
