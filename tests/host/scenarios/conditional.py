"""Conditional requests and transactions."""

import flamelet
from scenarios import outcome


def increments(connect, say, url, path, count):
    """Add one so many times, each in a transaction; the last value that was written."""
    last = 0
    with connect(url) as db:
        say("ready")
        for _ in range(count):
            last = db.transaction(path, _add)
    return last


def _add(value):
    return (value or 0) + 1


def conditions(connect, say, url):
    """Each conditional request, where the condition holds and where it does not; what came of it."""
    with connect(url) as db:
        nothing, null_etag = db.get("n", etag=True)
        seen = {"nothing": [nothing, null_etag]}
        written, value, etag = db.set_if_unchanged("n", "null_etag", 10)
        seen["first"] = [written, value, [value, etag] == list(db.get("n", etag=True))]
        seen["late"] = list(db.set_if_unchanged("n", "null_etag", 11)) == [False, 10, etag]
        seen["unchanged"] = list(db.get_if_changed("n", etag))
        seen["changed"] = list(db.get_if_changed("n", "null_etag")) == [True, 10, etag]
        seen["wrong delete"] = outcome(db.delete, "n", if_match="null_etag")[:2]
        seen["delete"] = outcome(db.delete, "n", if_match=etag)
        return seen


def server_values(connect, say, url, deltas):
    """Write the time and add each delta; what is then there."""
    with connect(url) as db:
        db.set("at", flamelet.TIMESTAMP)
        for delta in deltas:
            db.set("n", flamelet.increment(delta))
        key = db.push("list", {"n": 1}, server_key=True)
        return [db.get("at"), db.get("n"), key, db.get("list")]
