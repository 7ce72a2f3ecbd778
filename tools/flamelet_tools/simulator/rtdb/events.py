"""Decides which event each stream receives for a write; no I/O.

In: the change of a write, and the path that a stream listens to. Out: the event for that stream, or None. A stream at
or above the write receives it as it was made, with the path relative to its own. A stream below it receives a `put` of
its whole new value. A multi-path PATCH that is made above a stream and changes several places below it becomes one
`patch`, because it was one write.

Not documented, so chosen here: an unchanged write makes an event too, and the write of a priority becomes a `put` of
the node that has it, because without `format=export` an event has no place for a priority.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from flamelet_tools.simulator.rtdb.tree import Node, Path, is_priority


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


def event_for(
    listened: Path, change: Change, node_at: Callable[[Path], Node], show: Callable[[Node], Any]
) -> Event | None:
    """Return the event that a stream at `listened` receives for `change`.

    Args:
        node_at: returns the node at a path after the write.
        show: returns the JSON value of a node.
    """
    if not is_priority(listened):
        change = _of_nodes(change)
    if change.path[: len(listened)] == listened:
        return _event_at_or_above(listened, change, node_at, show)
    if listened[: len(change.path)] != change.path:
        return None
    whole = Event("put", "/", show(node_at(listened)))
    if change.kind == "put":
        return whole
    rest = listened[len(change.path) :]
    if any(rest[: len(key)] == key for key in change.keys):
        return whole
    below = tuple(key[len(rest) :] for key in change.keys if key[: len(rest)] == rest)
    return Event("patch", "/", _children(listened, below, node_at, show)) if below else None


def event_between(before: Any, after: Any) -> Event | None:
    """Return the event that changes `before`, the JSON value that a query has shown, into `after`.

    One changed child is a `put`, several are one `patch`: how the live service groups them is not documented.
    """
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return None if _same(before, after) else Event("put", "/", after)
    keys = [key for key in {**before, **after} if not _same(before.get(key), after.get(key))]
    if not keys:
        return None
    if len(keys) == 1:
        return Event("put", f"/{keys[0]}", after.get(keys[0]))
    return Event("patch", "/", {key: after.get(key) for key in keys})


def _same(one: Any, other: Any) -> bool:
    # Not `==`, which treats 1, 1.0 and true as equal.
    return json.dumps(one) == json.dumps(other)


def _of_nodes(change: Change) -> Change:
    """Return the change with each write of a priority as a write of the node that has it."""
    path = change.path[:-1] if is_priority(change.path) else change.path
    # A priority and its siblings may be written at once: the event is then the whole node.
    whole = {key[:-1] for key in change.keys if is_priority(key)}
    if () in whole:
        return Change("put", path)
    keys = [key for key in change.keys if not is_priority(key) and not any(key[: len(at)] == at for at in whole)]
    apart = [at for at in whole if not any(at != up and at[: len(up)] == up for up in whole)]
    return Change(change.kind, path, (*keys, *sorted(apart)))


def _event_at_or_above(
    listened: Path, change: Change, node_at: Callable[[Path], Node], show: Callable[[Node], Any]
) -> Event:
    path = "/" + "/".join(change.path[len(listened) :])
    if change.kind == "put":
        return Event("put", path, show(node_at(change.path)))
    return Event("patch", path, _children(change.path, change.keys, node_at, show))


def _children(
    path: Path, keys: tuple[Path, ...], node_at: Callable[[Path], Node], show: Callable[[Node], Any]
) -> dict[str, Any]:
    return {"/".join(key): show(node_at(path + key)) for key in keys}
