"""Walks: what they yield, and how they end."""

from scenarios import outcome


def walks(connect, say, url, walks):
    """The outcome of each walk, [path, pattern], as a list of what it yielded, and of a request after it."""
    with connect(url) as db:
        return [[outcome(_all, db.walk(*walk)), outcome(db.get, "end")] for walk in walks]


def _all(walk):
    return [list(found) for found in walk]


def left_early(connect, say, url, path, pattern):
    """What a walk yields first, a request meanwhile, all that it yields behind its block, and a request."""
    with connect(url) as db:
        with db.walk(path, pattern) as walk:
            seen = [next(walk), db.get("end")]
        return seen + [list(walk), db.get("end")]
