"""Keeps the value at a path up to date by its stream, and reports what changes in it.

In: the events of a `Stream`. Out: `value`, which equals what `get` would return, and `Change`s: only what differs, even
if a reconnect sends the whole value again. The changes, applied in order, lead from each value to the next.
("Streaming from the REST API": put replaces what is at a path, patch replaces those children, null deletes; the keys of
a patch may be paths.) Priorities are not kept.

Memory: the value as a tree of dicts; arrays are dicts too. A change of one leaf takes the memory of its event, and of
the change. Limit: an event has at most `event_bytes`; a larger one ends the mirror, since its value would be wrong.
"""

from collections import namedtuple

from .. import _broken
from ..client.iteration import Iteration
from ..core.path_lists import split
from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms

Change = namedtuple("Change", ("path", "value"))
_POLL = const(10)


class Mirror(Iteration):
    """Made by `Database.mirror(path)`: iterate over its changes, or call `next`; `close` it, or use a `with` block.

    A change has `path` (relative to the mirror's; "/" is the whole value) and `value`, None if it was deleted.
    `loaded`: the first value has arrived. Values are parts of the mirror and change with it: do not change them, and
    copy one to keep it.
    """

    def __init__(self, client, stream) -> None:
        self._client = client
        self._stream = stream
        self._root: object = None
        self._changes: list = []
        self.loaded = False

    def close(self) -> None:
        """End the stream; the value stays as it is."""
        self._stream.close()

    @property
    def closed(self) -> bool:
        """Whether the stream has ended."""
        return self._stream.closed

    @property
    def value(self) -> object:
        """The present value, as `get` would return it."""
        return _shaped(self._root)

    def next(self, ms: int = -1):
        """Return the next Change, or None if none comes in `ms` milliseconds (-1: for ever) or the mirror is closed."""
        return self._client.run(self.next_item(ms))

    def next_item(self, ms: int = -1):
        """Flow: return the next change."""
        stream = self._stream
        end = ticks_add(ticks_ms(), max(0, ms))
        while not self._changes:
            event = stream.move()
            if event is not None:
                self.apply(event)
            elif stream.closed:
                return None
            elif ms < 0 or callable(stream.waiting):
                yield stream.waiting
            elif ticks_diff(end, ticks_ms()) <= 0:
                return None
            else:
                yield _POLL
        return self._changes.pop(0)

    def apply(self, event) -> None:
        """Apply an event of the stream. Raises ProtocolError if it is too large."""
        if event.type == "too-large":
            self.close()
            text = "the mirror cannot take an event of %d bytes: allow more event_bytes, or mirror less"
            raise _broken(text, event.data)
        self.loaded = True
        path = split(event.path)
        if event.type == "put":
            self._put(path, event.data)
        elif isinstance(event.data, dict):
            self._patch(path, event.data)

    def _patch(self, path, data):
        for key in data:
            self._put(path + split(key), data[key])

    def _put(self, path, data):
        # Priorities are not a part of the value.
        if path and path[-1].startswith("."):
            return
        new = _normal(data)
        count = len(self._changes)
        self._compare("/" + "/".join(path), _at(self._root, path), new)
        if len(self._changes) > count:
            self._root = _replaced(self._root, path, 0, new)

    # frame: apart from its loops, whose frame would come from the heap, for each leaf.
    def _compare(self, path, old, new):
        """Add the changes that lead from `old` to `new`."""
        if isinstance(old, dict) and isinstance(new, dict):
            self._compare_children(path if path == "/" else path + "/", old, new)
        # True equals 1, but is another value.
        elif old != new or isinstance(old, bool) != isinstance(new, bool):
            self._changes.append(Change(path, _shaped(new)))

    def _compare_children(self, path, old, new):
        for key in old:
            if key not in new:
                self._changes.append(Change(path + key, None))
        for key in new:
            self._compare(path + key, old.get(key), new[key])


def _at(node, path):
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _replaced(node, path, level, new):
    """Return `node` with `new` at `path`: changed in place, made if it was missing, or None if nothing is left."""
    if level == len(path):
        return new
    key = path[level]
    if not isinstance(node, dict):
        if new is None:
            return node
        node = {}
    child = _replaced(node.get(key), path, level + 1, new)
    if child is None:
        node.pop(key, None)
    else:
        node[key] = child
    return node or None


def _normal(value):
    """Return `value` as the service stores it: arrays as objects, nothing empty, no priorities."""
    if isinstance(value, list):
        value = {str(i): value[i] for i in range(len(value))}
    return _normal_dict(value) if isinstance(value, dict) else value


def _normal_dict(value):
    if ".value" in value:
        return value[".value"]
    for key in list(value):
        child = _normal(value[key])
        if child is None or key == ".priority":
            del value[key]
        else:
            value[key] = child
    return value or None


def _shaped(value):
    """Return `value` with arrays as the service sends them: if the keys are indices and at least half of them exist."""
    return _shaped_dict(value) if isinstance(value, dict) else value


def _shaped_dict(node):
    shaped = node
    for key in node:
        child = _shaped(node[key])
        if child is not node[key]:
            if shaped is node:
                shaped = node.copy()
            shaped[key] = child
    highest = -1
    for key in node:
        if not _is_index(key):
            return shaped
        highest = max(highest, int(key))
    if highest >= 2 * len(node):
        return shaped
    return [shaped.get(str(i)) for i in range(highest + 1)]


def _is_index(key):
    return key == "0" or "1" <= key[0] <= "9" and len(key) < 10 and all("0" <= digit <= "9" for digit in key)
