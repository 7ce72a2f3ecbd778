"""Queries, and the priorities that they order by."""

from scenarios import outcome


def run(connect, say, url, path, queries):
    """The outcome of each query, a list of [method, arguments, ...]."""
    with connect(url) as db:
        return [outcome(_built(db.query(path), calls).get) for calls in queries]


def listen(connect, say, url, path, calls, count):
    """Listen to a query, saying each of so many events; how often the stream reconnected."""
    with connect(url) as db, _built(db.query(path), calls).listen() as stream:
        for event in stream:
            say([event.type, event.path, event.data])
            count -= 1
            if not count:
                break
        return stream.reconnects


def priorities(connect, say, url, writes, queries):
    """Do each write, [method, arguments, ...]; all with its priorities, all without, and the rows of each query."""
    with connect(url) as db:
        for call in writes:
            getattr(db, call[0])(*call[1:])
        return {
            "exported": db.get("", format="export"),
            "plain": db.get(""),
            "rows": [_built(db.query(""), calls).get() for calls in queries],
        }


def _built(query, calls):
    for call in calls:
        query = getattr(query, call[0])(*call[1:])
    return query
