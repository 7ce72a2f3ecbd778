"""Operations that meet a fault, and what came of each."""

import time

from flamelet import Timeouts
from scenarios import outcome


def _operations(db, feed):
    """Each writes or reads at a path of its own name, so that a fault can be meant for it."""
    return {
        "get": lambda: db.get("get"),
        "set": lambda: db.set("set", {"n": 1}),
        "push": lambda: db.push("push", {"n": 1}),
        "update": lambda: db.update("update", {"n": 1}),
        "delete": lambda: db.delete("delete"),
        "increment": lambda: db.set("increment", {".sv": {"increment": 1}}),
        "feed": lambda: feed.push(1),
    }


def every_operation(connect, say, url, ca, names, timeouts):
    """The outcome of each operation, with whether the client was of use right afterwards."""
    with connect(url, ca=ca, timeouts=Timeouts(**timeouts)) as db:
        operations = _operations(db, db.feed("feed", (("n", 0),)))
        return {name: [outcome(operations[name]), outcome(db.get, "well")] for name in names}


def after_a_pause(connect, say, url, ca, names, seconds, timeouts):
    """As `every_operation`, with a pause before each one."""
    with connect(url, ca=ca, timeouts=Timeouts(**timeouts)) as db:
        operations = _operations(db, db.feed("feed", (("n", 0),)))
        db.get("well")
        outcomes = {}
        for name in names:
            time.sleep(seconds)
            outcomes[name] = [outcome(operations[name]), outcome(db.get, "well")]
        return outcomes


def refused(connect, say, url, names):
    """Say the outcome of each operation while nobody listens; then, from the first that succeeds, of each again."""
    with connect(url) as db:
        operations = _operations(db, db.feed("feed", (("n", 0),)))
        say({name: outcome(operations[name]) for name in names})
        while outcome(db.get, "well") != ["ok", "well"]:
            time.sleep(0.02)
        return {name: outcome(operations[name]) for name in names}


def pending(connect, say, url, timeouts):
    """A reading whose answer does not come, repeated under its key; the outcomes, and what is pending then."""
    with connect(url, timeouts=Timeouts(**timeouts)) as db:
        feed = db.feed("feed", (("n", 0),))
        first = outcome(feed.push, 1)
        key = feed.key
        was_pending = feed.pending
        second = outcome(feed.repeat)
        return [first, was_pending, second, feed.pending, feed.key == key]
