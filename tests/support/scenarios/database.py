"""Requests: every verb, every value, every key."""

from scenarios import outcome


def every_verb(connect, say, url, options):
    """Set, get, push, update and delete; what was seen meanwhile."""
    with connect(url, **options) as db:
        seen = {"missing": db.get("devices/d1")}
        db.set("devices/d1", {"name": "lamp", "on": True, "level": 3})
        seen["whole"] = db.get("devices/d1")
        seen["part"] = db.get("/devices/d1/level/")
        seen["shallow"] = db.get("devices/d1", shallow=True)
        db.update("devices/d1", {"on": False, "level": None, "log/first": [1, 2]})
        seen["updated"] = db.get("devices/d1")
        seen["keys"] = [db.push("devices/d1/events", {"n": n}) for n in range(20)]
        db.set("devices/d2", "gone soon")
        db.delete("devices/d2")
        seen["deleted"] = db.get("devices/d2")
        db.set("devices/d3", 1)
        db.set("devices/d3", None)
        return seen


def values(connect, say, url, values):
    """Write each value under its index, and read it back."""
    with connect(url) as db:
        for i in range(len(values)):
            db.set(f"values/v{i}", values[i])
        return [db.get(f"values/v{i}") for i in range(len(values))]


def keys(connect, say, url, keys):
    """Write at each key, as a path, within a value and through an update; read each back."""
    with connect(url) as db:
        for key in keys:
            db.set("paths/" + key, 1)
            db.update("updates", {key: 2})
        db.set("value", {key: 3 for key in keys})
        return [[db.get("paths/" + key), db.get("updates/" + key), db.get("value/" + key)] for key in keys]


def big(connect, say, url, size):
    """Write a text of so many characters, and read it back; whether it is the same."""
    with connect(url) as db:
        db.set("big", "0123456789" * (size // 10))
        return db.get("big") == "0123456789" * (size // 10)


def calls(connect, say, url, calls, options):
    """The outcome of each call [method, arguments, ...]."""
    with connect(url, **options) as db:
        return [outcome(getattr(db, call[0]), *call[1:]) for call in calls]


def pushes(connect, say, url, count, options):
    """Push so many readings through a feed; their keys."""
    with connect(url, **options) as db:
        feed = db.feed("readings", (("n", 0), ("half", 1), ("negative", 0)))
        keys = []
        for n in range(count):
            feed.push(n, n / 2, -n)
            keys.append(feed.key)
        rows = [[n, None, True] for n in range(3)]
        return keys, feed.push_many(rows)


def without_a_stream(connect, say, url):
    """Nothing but a request; its answer."""
    with connect(url) as db:
        return db.get("a")
