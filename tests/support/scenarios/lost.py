"""Writes whose answer is lost."""

import flamelet
from scenarios import outcome

_WRITES = {
    "set": lambda db, feed, etag: db.set("n", 6),
    "set None": lambda db, feed, etag: db.set("n", None),
    "set the time": lambda db, feed, etag: db.set("n", flamelet.TIMESTAMP),
    "set an increment": lambda db, feed, etag: db.set("n", flamelet.increment(1)),
    "set, with its ETag": lambda db, feed, etag: db.set("n", 6, etag=True) == db.get("n", etag=True)[1],
    "set if_match": lambda db, feed, etag: db.set("n", 6, if_match=etag),
    "set_if_unchanged": lambda db, feed, etag: db.set_if_unchanged("n", etag, 6),
    "transaction": lambda db, feed, etag: db.transaction("n", lambda n: n + 1),
    "update": lambda db, feed, etag: db.update("", {"n": 6, "old": None}),
    "update an increment": lambda db, feed, etag: db.update("", {"n": flamelet.increment(1), "old": None}),
    "delete": lambda db, feed, etag: db.delete("n"),
    "delete if_match": lambda db, feed, etag: db.delete("n", if_match=etag),
    "push": lambda db, feed, etag: [db.push("list", {"n": 6})] == list(db.get("list")),
    "push an increment": lambda db, feed, etag: db.push("list", {"n": flamelet.increment(6)}),
    "push server_key": lambda db, feed, etag: db.push("list", {"n": 6}, server_key=True),
    "feed.push": lambda db, feed, etag: feed.push(6),
    "feed.push_many": lambda db, feed, etag: feed.push_many(((6,), (7,))),
    "set_rules": lambda db, feed, etag: db.set_rules({"rules": {".read": True}}),
}


def write(connect, say, url, token, name):
    """The outcome of this write, on a connection that has served a request, and of a request after it."""
    with connect(url, token) as db:
        feed = db.feed("list", (("n", 0),))
        _, etag = db.get("n", etag=True)
        return [outcome(_WRITES[name], db, feed, etag), outcome(db.get, "well")]
