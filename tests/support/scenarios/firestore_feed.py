"""Readings as documents of Firestore."""

import gc

from scenarios import outcome

SERVICE = "Firestore"
_FIELDS = (("n", 0), ("half", 1), ("odd name", 2))


def pushes(connect, say, project, options, count, time=""):
    """Push so many readings, and three more in one commit; their ids, and how many the commit wrote."""
    with connect(project, **options) as fs:
        feed = fs.feed("public/device/log", _FIELDS, time=time)
        ids = []
        for n in range(count):
            feed.push(n, n / 2, -n)
            ids.append(feed.key)
        return ids, feed.push_many([[n, None, True] for n in range(3)])


def lost(connect, say, project, options, many):
    """The outcome of a push, and of the request after it, on a connection that has served a request."""
    with connect(project, **options) as fs:
        feed = fs.feed("public", (("n", 0),))
        fs.get("public/a")
        done = outcome(feed.push_many, [[6], [7]]) if many else outcome(feed.push, 6)
        return done, outcome(fs.get, "public/none")


def refused(connect, say, project, options):
    """The outcomes of a push that the rules refuse, and of one to a collection where it may."""
    with connect(project, **options) as fs:
        outcomes = [outcome(fs.feed(path, (("n", 0),)).push, 1) for path in ("locked", "public")]
        try:
            fs.feed("public/a", (("n", 0),))
        except Exception as error:
            outcomes.append(type(error).__name__)
        return outcomes


def allocated(connect, say, project, options, count):
    """What so many pushes take from the heap, and as many under heap_lock(): see scenarios/memory.py."""
    from scenarios.memory import measure

    fs = connect(project, **options)
    feed = fs.feed("public", (("n", 0), ("m", 0)))
    feed.push(0, 0)
    numbers = [0]

    def push(count):
        for i in range(count):
            numbers[0] += 1
            feed.push(-numbers[0] if i & 1 else numbers[0] * numbers[0], i)

    push(3)
    gc.collect()
    taken = measure(push, count)
    fs.close()
    return taken
