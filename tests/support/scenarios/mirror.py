"""A mirror: what one who follows a path sees."""

import json


def follow(connect, say, url, path):
    """Mirror `path`. Whenever its child "marker" is written: say the value, and the changes since; until it is "end".

    Returns: how often the mirror's stream was taken up again.
    """
    changes = []
    with connect(url) as db, db.mirror(path, event_bytes=65536) as mirror:
        for change in mirror:
            changes.append(_told(change))
            marker = _marker(change)
            if marker is None:
                continue
            # What came with the marker is there already.
            change = mirror.next(0)
            while change is not None:
                changes.append(_told(change))
                change = mirror.next(0)
            say([mirror.value, changes])
            changes = []
            if marker == "end":
                return mirror._stream.reconnects


def _told(change):
    # A copy: the value is a part of the mirror, and goes on living.
    return [change.path, json.loads(json.dumps(change.value))]


def _marker(change):
    if change.path == "/" and isinstance(change.value, dict):
        return change.value.get("marker")
    return change.value if change.path == "/marker" else None
