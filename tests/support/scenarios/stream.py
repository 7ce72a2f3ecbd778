"""Streams: what one who listens sees."""

from scenarios import outcome


def _told(event):
    return [event.type, event.path, event.data, event.snapshot]


def watch(connect, say, url, path, options, listen):
    """Say each event, up to a put at /end; how often the stream reconnected."""
    with connect(url, **options) as db, db.listen(path, **listen) as stream:
        for event in stream:
            say(_told(event))
            if event.path == "/end":
                break
        return stream.reconnects


def mirror(connect, say, url, path):
    """Follow `path` up to a put at /end, saying each event; the tree that the events make."""
    tree = {}
    with connect(url) as db, db.listen(path, event_bytes=65536) as stream:
        for event in stream:
            say(_told(event))
            if event.path == "/end":
                return tree.get("root")
            _apply(tree, event)


def _apply(tree, event):
    if event.type == "put":
        _put(tree, event.path, event.data)
    else:
        for key in event.data:
            _put(tree, event.path + "/" + key, event.data[key])


def _put(tree, path, value):
    """The naive way: objects on the way down are made, nothing is left where null was put."""
    keys = ["root"] + [key for key in path.split("/") if key]
    nodes = [tree]
    for key in keys[:-1]:
        if not isinstance(nodes[-1].get(key), dict):
            nodes[-1][key] = {}
        nodes.append(nodes[-1][key])
    if value is not None:
        nodes[-1][keys[-1]] = value
        return
    nodes[-1].pop(keys[-1], None)
    for i in range(len(nodes) - 1, 0, -1):
        if not nodes[i]:
            nodes[i - 1].pop(keys[i - 1], None)


def end(connect, say, url, path):
    """Listen until the stream ends, saying its first event; how it ended, and whether a request works still."""
    with connect(url) as db:
        stream = db.listen(path)
        say(_told(stream.next(5000)))
        ended = outcome(stream.next, 5000)
        return [ended, stream.closed, outcome(db.get, path)]


def refused(connect, say, url, path, options):
    """Listen where it is refused, then once more; both outcomes, and that of a request."""
    with connect(url, **options) as db:
        stream = db.listen(path)
        first = outcome(stream.next, 5000)
        second = outcome(stream.next, 5000)
        if second[0] == "ok" and second[1] is not None:
            second[1] = _told(second[1])
        stream.close()
        return [first, second, outcome(db.set, "after", 1)]


def between_requests(connect, say, url, count, budget):
    """Listen and write in turn: what the stream brought for each write."""
    seen = []
    with connect(url, budget=budget) as db:
        feed = db.feed("readings", (("n", 0),))
        with db.listen("watched") as stream:
            seen.append(_told(stream.next(5000)))
            for n in range(count):
                feed.push(n)
                db.set("watched/n", n)
                event = stream.next(5000)
                while event.data != n and event.data != {"n": n}:
                    event = stream.next(5000)
                seen.append(_told(event))
            return [seen, stream.reconnects]


def silent(connect, say, url, ms, silence_ms):
    """Listen for so long after the first event; the events, and how often the stream reconnected."""
    with connect(url) as db, db.listen("a", silence_ms=silence_ms) as stream:
        events = [_told(stream.next(5000))]
        event = stream.next(ms)
        while event is not None:
            events.append(_told(event))
            event = stream.next(100)
        return [events, stream.reconnects]


def without_waiting(connect, say, url):
    """Ask without waiting, again and again, until the first event: how often, and the event."""
    asked = 0
    with connect(url) as db, db.listen("a") as stream:
        event = None
        while event is None and asked < 1000000:
            asked += 1
            event = stream.next(0)
        return [asked, _told(event), stream.next(50)]
