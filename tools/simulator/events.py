"""Who hears what of a write; no I/O.

In: what a write changed, and the path that a stream listens to. Out: the event for that stream, or None.
A stream at or above the write hears it as it was made, with its path relative to the listened one. A stream below it
hears a `put` of its whole new value. A multi-path PATCH that changes several places below a stream, though made above
it, is one `patch`, since it was one write. An unchanged write makes an event too (our choice: what the live service
does here is not known).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .tree import Node, Path, to_json


class Change(NamedTuple):
    """A write that was done: a `put` at `path`, or a `patch` of the paths `keys` below `path`."""

    kind: str
    path: Path
    keys: tuple[Path, ...] = ()


class Event(NamedTuple):
    """An event as a stream sends it; `data` is a JSON value."""

    kind: str
    path: str
    data: Any


def event_for(listened: Path, change: Change, node_at: Callable[[Path], Node]) -> Event | None:
    """The event that a stream at `listened` hears of `change`; `node_at` gives the node at a path after the write."""
    if change.path[: len(listened)] == listened:
        return _event_at_or_above(listened, change, node_at)
    if listened[: len(change.path)] != change.path:
        return None
    whole = Event("put", "/", to_json(node_at(listened)))
    if change.kind == "put":
        return whole
    rest = listened[len(change.path) :]
    if any(rest[: len(key)] == key for key in change.keys):
        return whole
    below = tuple(key[len(rest) :] for key in change.keys if key[: len(rest)] == rest)
    return Event("patch", "/", _children(listened, below, node_at)) if below else None


def _event_at_or_above(listened: Path, change: Change, node_at: Callable[[Path], Node]) -> Event:
    path = "/" + "/".join(change.path[len(listened) :])
    if change.kind == "put":
        return Event("put", path, to_json(node_at(change.path)))
    return Event("patch", path, _children(change.path, change.keys, node_at))


def _children(path: Path, keys: tuple[Path, ...], node_at: Callable[[Path], Node]) -> dict[str, Any]:
    return {"/".join(key): to_json(node_at(path + key)) for key in keys}
