"""Endpoints of Firebase Express SDK: documents, lists, errors, readings."""

import gc
import time

from scenarios import outcome

SERVICE = "Gateway"
_FIELDS = (("n", 0), ("half", 1))


def documents(connect, say, url, options):
    """Each method; what was seen meanwhile."""
    with connect(url, **options) as gw:
        id = gw.create("users", {"name": "Jane Doe", "age": 28, "email": "jane@example.com"})
        seen = {"created": gw.get("users/" + id)}
        seen["id"] = [seen["created"].pop("id") == id, len(id)]
        seen["replaced"] = gw.replace("users/x y", {"name": "Zo\xeb \U0001f600", "age": 41, "email": "zoe@example.com"})
        seen["updated"] = gw.update("users/x y", {"age": 42})
        users = gw.list("users")
        seen["list"] = sorted([document["name"] for document in users])
        seen["message of a list"] = users.message
        adults = gw.list("named/Jane Doe")
        seen["with a parameter"] = [document["id"] == id for document in adults]
        seen["its message"] = adults.message
        seen["deleted"] = [gw.delete("users/" + id), gw.delete("users/" + id)]
        seen["left"] = [document["id"] for document in gw.list("users")]
        return seen


def _listed(gw, path):
    return [document for document in gw.list(path)]


def errors(connect, say, url, options):
    """The outcomes of calls that the SDK, or Express, refuses; with the keys where there are some."""
    with connect(url, **options) as gw:
        calls = {
            "missing": lambda: gw.create("users", {"name": "a", "age": 0}),
            "extra": lambda: gw.replace("users/a", {"name": "a", "role": 1}),
            "no document": lambda: gw.get("users/xyz"),
            "no entity": lambda: gw.update("users/xyz", {"age": 1}),
            "no key": lambda: gw.update("users/xyz", {"role": 1}),
            "no route": lambda: gw.get("none"),
            "no route for a list": lambda: _listed(gw, "none"),
            "a list": lambda: gw.get("users"),
            "a document": lambda: _listed(gw, "users/there"),
        }
        return {name: _told(calls[name]) for name in calls}


def _told(function):
    try:
        return ["ok", function()]
    except Exception as error:
        return [type(error).__name__, error.text, error.status, list(getattr(error, "keys", ()))]


def timed(connect, say, url, options):
    """The outcomes of a get and of a list that are never answered, whether they took long, and of a get afterwards."""
    from flamelet import Timeouts

    with connect(url, timeouts=Timeouts(first_byte=300, answer=600), **options) as gw:
        start = time.time()
        lost = [outcome(gw.get, "users/there"), outcome(_listed, gw, "users"), outcome(gw.create, "users", {})]
        return lost, time.time() - start < 30, outcome(gw.get, "users/there")


def write(connect, say, url, options, name):
    """The outcome of this write, on a connection that has served a request, and of a request after it."""
    with connect(url, **options) as gw:
        user = {"name": "a", "age": 1, "email": "e"}
        put, post = gw.feed("readings", _FIELDS), gw.feed("readings", _FIELDS, post=True)
        calls = {
            "create": lambda: bool(gw.create("users", user)),
            "create, which may be repeated": lambda: bool(gw.create("users", user, repeat=True)),
            "replace": lambda: gw.replace("users/there", user),
            "update": lambda: gw.update("users/there", {"age": 5}),
            "delete": lambda: gw.delete("users/there"),
            "feed": lambda: put.push(6, 3),
            "feed by POST": lambda: post.push(6, 3),
            "feed of many": lambda: put.push_many([(6, 3), (7, 3.5)]),
        }
        gw.get("users/well")
        return outcome(calls[name]), outcome(gw.get, "users/well")


def pushes(connect, say, url, options, count, post):
    """Push so many readings; their ids, and how many more went."""
    with connect(url, **options) as gw:
        feed = gw.feed("readings", _FIELDS, post=post)
        ids = []
        for n in range(1, count + 1):
            feed.push(n, n / 2)
            ids.append(feed.key)
        return ids, feed.push_many([[n, -n] for n in range(1, 4)])


def pushes_after_a_pause(connect, say, url, options, seconds, post):
    """The outcomes of three pushes with pauses in which the server closes the connection."""
    with connect(url, **options) as gw:
        feed = gw.feed("readings", _FIELDS, post=post)
        outcomes = []
        for n in range(1, 4):
            outcomes.append(outcome(feed.push, n, n))
            time.sleep(seconds)
        return outcomes


def pending(connect, say, url, options):
    """A reading whose answers do not come, repeated under its id; the outcomes, and what is pending then."""
    from flamelet import Timeouts

    with connect(url, timeouts=Timeouts(first_byte=300, answer=600), **options) as gw:
        feed = gw.feed("readings", _FIELDS)
        first = outcome(feed.push, 1, 1)
        key = feed.key
        was_pending = feed.pending
        return first, was_pending, outcome(feed.repeat), feed.pending, feed.key == key


def allocated(connect, say, url, options, count, post):
    """What so many pushes take from the heap, and as many under heap_lock(): see scenarios/memory.py."""
    from scenarios.memory import measure

    gw = connect(url, **options)
    feed = gw.feed("readings", (("n", 0), ("half", 0)), post=post)
    feed.push(1, 1)
    numbers = [1]

    def push(count):
        for i in range(count):
            numbers[0] += 1
            feed.push(-numbers[0] if i & 1 else numbers[0] * numbers[0], i + 1)

    push(3)
    gc.collect()
    taken = measure(push, count)
    gw.close()
    return taken
