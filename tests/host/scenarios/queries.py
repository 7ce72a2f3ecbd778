"""Queries."""


def run(connect, say, url, path, queries):
    """The rows of each query, a list of [method, arguments, ...]."""
    with connect(url) as db:
        return [_built(db.query(path), calls) for calls in queries]


def _built(query, calls):
    for call in calls:
        query = getattr(query, call[0])(*call[1:])
    return query.get()
