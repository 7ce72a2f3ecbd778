"""Servers that are no Realtime Database, and input that cannot be."""

from flamelet import Timeouts
from scenarios import outcome


def every_call(connect, say, url, timeouts):
    """The outcome of each kind of call."""
    with connect(url, timeouts=Timeouts(**timeouts)) as db:
        feed = db.feed("readings", (("n", 0),))
        stream = db.listen("a")
        return {
            "get": outcome(db.get, "a"),
            "set": outcome(db.set, "a", 1),
            "update": outcome(db.update, "a", {"b": 1}),
            "delete": outcome(db.delete, "a"),
            "push": outcome(feed.push, 1),
            "listen": outcome(stream.next, 5000),
        }


def opened(connect, say, url):
    """The outcome of a client for this URL, and of a request."""
    made = outcome(connect, url)
    if made[0] == "error":
        return made
    with made[1] as db:
        return outcome(db.get, "a")


def bad_paths(connect, say, url, paths):
    """The outcomes of calls with each path; then of a good one."""
    with connect(url) as db:
        outcomes = []
        for path in paths:
            outcomes.append(
                [
                    outcome(db.get, path),
                    outcome(db.set, path, 1),
                    outcome(db.push, path, 1),
                    outcome(db.update, "a", {path: 1}),
                    outcome(db.delete, path),
                    outcome(lambda path=path: db.listen(path)),
                    outcome(db.feed, path, (("n", 0),)),
                ]
            )
        return [outcomes, outcome(db.set, "good", 1)]


class Thing:
    """An object that JSON cannot hold."""


def bad_values(connect, say, url):
    """The outcome of each value that cannot be; then of a good one."""
    deep = 1
    for _ in range(40):
        deep = {"a": deep}
    values = {
        "nan": float("nan"),
        "infinity": [float("inf")],
        "bytes": b"bytes",
        "bytearray": {"a": bytearray(1)},
        "object": Thing(),
        "set": {"a": {1, 2}},
        "function": bad_values,
        "integer key": {1: 2},
        "key with a dot": {"a.b": 1},
        "key with a slash": {"a/b": 1},
        "empty key": {"": 1},
        "long key": {"x" * 769: 1},
        "too deep": deep,
        "half a surrogate pair": "\ud83d",
    }
    with connect(url) as db:
        outcomes = {name: outcome(db.set, "a", values[name]) for name in values}
        feed = db.feed("readings", (("n", 1),))
        for name in ("nan", "bytes", "object"):
            outcomes["reading " + name] = outcome(feed.push, values[name])
        outcomes["two readings"] = outcome(feed.push, 1, 2)
        outcomes["no readings"] = outcome(feed.push_row, ())
        outcomes["push None"] = outcome(db.push, "a", None)
        outcomes["update with a list"] = outcome(db.update, "a", [1])
        outcomes["update with nothing"] = outcome(db.update, "a", {})
        return [outcomes, outcome(db.set, "good", 1), outcome(feed.push, 1.5)]
