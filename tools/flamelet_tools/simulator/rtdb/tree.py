"""Keeps the data of one Realtime Database as plain Python values; no I/O.

In: JSON values and paths. Out: nodes. A node is None, a bool, an int, a float, a str, or a non-empty dict of nodes:
arrays are kept as objects with integer keys, and null, `{}` and `[]` are never kept, as in the live database. A
priority is kept as `format=export` shows it: a child `.priority` of the dict, and for a leaf `{".value": leaf,
".priority": priority}`. Only an existing node can have a priority, and a leaf that gets children keeps its own. Writes
change a tree in place, so the cost of a write does not grow with the size of the database. The caller checks the whole
write first (`parse_value`, `parse_update`), which makes each write all or nothing.

Limits are those of the live service: 768 bytes of UTF-8 for a key, 32 levels, 10 MB for a string. The texts of errors
about a limit, an unknown server value or a wrong priority are our own, because the live ones are not documented. The
text about overlapping paths is that of Google's JavaScript SDK, which refuses such an update before it is sent.
"""

from __future__ import annotations

import math
import re
from typing import Any

Node = Any
Path = tuple[str, ...]

MAX_KEY_BYTES = 768
MAX_DEPTH = 32
MAX_STRING_BYTES = 10 * 1024 * 1024
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

INVALID_VALUE = "Invalid data; couldn't parse JSON object, array, or value."
INVALID_OBJECT = "Invalid data; couldn't parse JSON object. Are you sending a JSON object with valid key names?"
INVALID_PATH = "Invalid path: Invalid token in path"
TOO_DEEP = f"Invalid data; the value is nested deeper than {MAX_DEPTH} levels."
INVALID_PRIORITY = "Invalid data; a priority must be a number, a string or null."

PRIORITY = ".priority"
VALUE = ".value"

_FORBIDDEN_IN_KEY = re.compile(r"[\x00-\x1f\x7f.#$/\[\]]")
_INTEGER_KEY = re.compile(r"-?0*\d{1,10}", re.ASCII)
_ARRAY_KEY = re.compile(r"0|[1-9]\d*", re.ASCII)


class InvalidData(ValueError):
    """The value or path cannot be stored; the message is the text of the service's answer."""


def split_path(path: str) -> Path:
    """Split a path such as `devices/d1` into its keys, without empty parts. The last one may be `.priority`.

    Raises: InvalidData if a key is not allowed.
    """
    keys = tuple(key for key in path.split("/") if key)
    levels = keys[:-1] if is_priority(keys) else keys
    for key in levels:
        _check_key(key, INVALID_PATH)
    if len(levels) > MAX_DEPTH:
        raise InvalidData(f"Invalid path: it has more than {MAX_DEPTH} levels.")
    return keys


def is_priority(path: Path) -> bool:
    """Return whether the path is that of a priority."""
    return path[-1:] == (PRIORITY,)


def parse_value(data: Any, path: Path = (), old: Node = None, now_ms: int = 0) -> Node:
    """Return the node for a JSON value: arrays become objects, null and empty ones vanish, server values are replaced.

    Args:
        data: the result of `json.loads`.
        path: where it will be stored; counts for the depth.
        old: the node that is there now, for `increment`.
        now_ms: the time of the write, for `timestamp`.
    Returns: the node, which shares nothing with `data`.
    Raises: InvalidData.
    """
    if is_priority(path):
        return _parse_priority(data, old, now_ms)
    if isinstance(data, list):
        data = {str(index): value for index, value in enumerate(data)}
    if not isinstance(data, dict):
        return _parse_leaf(data)
    if ".sv" in data:
        return _server_value(data, leaf(old), now_ms)
    node = _parse_dot_value(data, old, now_ms) if VALUE in data else _parse_children(data, path, old, now_ms)
    return with_priority(node, _parse_priority(data.get(PRIORITY), get(old, (PRIORITY,)), now_ms))


def parse_update(data: Any, path: Path, root: Node, now_ms: int = 0) -> dict[Path, Node]:
    """Return the nodes to write for the object of a PATCH, by path relative to `path`; its keys may be paths.

    Raises: InvalidData.
    """
    if not isinstance(data, dict):
        raise InvalidData(INVALID_OBJECT)
    nodes: dict[Path, Node] = {}
    for key, value in data.items():
        keys = split_path(key)
        if not keys:
            raise InvalidData(INVALID_OBJECT)
        if keys in nodes:
            raise InvalidData(f"Invalid data; path '/{key}' is given twice.")
        full = path + keys
        if len(full) - is_priority(full) > MAX_DEPTH:
            raise InvalidData(TOO_DEEP)
        nodes[keys] = parse_value(value, full, get(root, full), now_ms)
    _check_overlap(sorted(nodes))
    return nodes


def get(node: Node, path: Path) -> Node:
    """Return the node at `path` below `node`, or None."""
    for key in path:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def put(node: Node, path: Path, value: Node) -> Node:
    """Put `value` at `path` below `node`, in place; None removes the node, and every parent that becomes empty.

    Returns: the new root.
    """
    if not path:
        return value
    key = path[0]
    if key == PRIORITY:
        return with_priority(node, value)
    children = node if isinstance(node, dict) else {}
    child = put(children.get(key), path[1:], value)
    if child is not None:
        children[key] = child
        children.pop(VALUE, None)
    elif key in children:
        del children[key]
    else:
        return node
    return children if len(children) > (PRIORITY in children) else None


def put_all(node: Node, path: Path, nodes: dict[Path, Node]) -> Node:
    """Put the nodes of `parse_update`; priorities come last, because they need an existing node.

    Returns: the new root.
    """
    for keys in sorted(nodes, key=is_priority):
        node = put(node, path + keys, nodes[keys])
    return node


def forked(node: Node, path: Path) -> Node:
    """Return a copy of the node that can be written at `path` without changing the node itself."""
    if not isinstance(node, dict):
        return node
    copy = dict(node)
    if path and path[0] in copy:
        copy[path[0]] = forked(copy[path[0]], path[1:])
    return copy


def with_priority(node: Node, priority: Node) -> Node:
    """Return the node with this priority; None removes it. A dict is changed in place."""
    if node is None or (priority is None and not isinstance(node, dict)):
        return node
    children = node if isinstance(node, dict) else {VALUE: node}
    if priority is not None:
        children[PRIORITY] = priority
        return children
    children.pop(PRIORITY, None)
    return children.get(VALUE, children)


def leaf(node: Node) -> Node:
    """Return a leaf without its priority, and any other node unchanged."""
    return node.get(VALUE, node) if isinstance(node, dict) else node


def child_keys(node: Node) -> list[str]:
    """Return the keys of the node's children, in order."""
    if not isinstance(node, dict) or VALUE in node:
        return []
    return sorted((key for key in node if key != PRIORITY), key=key_order)


def to_json(node: Node, export: bool = False) -> Any:
    """Return the node as the service shows it: keys in order, and an array if the integer keys are dense enough.

    With `export` it has its priorities and no arrays, as in the service and its SDKs.
    """
    if not isinstance(leaf(node), dict):
        return dict(node) if export and isinstance(node, dict) else leaf(node)
    keys = child_keys(node)
    if export:
        shown = {key: to_json(node[key], True) for key in keys}
        return {**shown, PRIORITY: node[PRIORITY]} if PRIORITY in node else shown
    if not _is_array(keys):
        return {key: to_json(node[key]) for key in keys}
    items: list[Any] = [None] * (max(map(int, keys)) + 1)
    for key in keys:
        items[int(key)] = to_json(node[key])
    return items


def shallow(node: Node) -> Any:
    """Return the node with each child replaced by True, for `shallow=true`."""
    return dict.fromkeys(child_keys(node), True) or leaf(node)


def size(node: Node) -> int:
    """Return the approximate size of the node in JSON, in bytes."""
    if isinstance(node, dict):
        return sum(len(key) + size(child) for key, child in node.items())
    if node is None:
        return 0
    return len(node) if isinstance(node, str) else 8


def key_order(key: str) -> tuple[int, int, int, bytes]:
    """Return the sort key of a key: 32-bit integers come first by number, then the others by UTF-16 code unit."""
    if _INTEGER_KEY.fullmatch(key) and INT32_MIN <= int(key) <= INT32_MAX:
        return (0, int(key), len(key), b"")
    return (1, 0, 0, key.encode("utf-16-be", "surrogatepass"))


def _is_array(keys: list[str]) -> bool:
    return all(_ARRAY_KEY.fullmatch(key) for key in keys) and max(map(int, keys)) < 2 * len(keys)


def _check_key(key: str, text: str) -> None:
    if not key or _FORBIDDEN_IN_KEY.search(key):
        raise InvalidData(text)
    if len(_utf8(key, text)) > MAX_KEY_BYTES:
        raise InvalidData(f"Invalid data; a key is longer than {MAX_KEY_BYTES} bytes.")


def _check_overlap(paths: list[Path]) -> None:
    # In sorted order a path comes directly before the paths below it.
    for upper, lower in zip(paths, paths[1:]):  # noqa: B905 - the second is one shorter by intention
        if lower[: len(upper)] == upper:
            above, below = "/".join(upper), "/".join(lower)
            raise InvalidData(f"Invalid data; it contains a path /{above} that is ancestor of another path /{below}")


def _utf8(text: str, error: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidData(error) from None


def _parse_children(data: dict[str, Any], path: Path, old: Node, now_ms: int) -> Node:
    children = {}
    for key, value in data.items():
        if key == PRIORITY:
            continue
        _check_key(key, INVALID_OBJECT)
        if len(path) >= MAX_DEPTH:
            raise InvalidData(TOO_DEEP)
        node = parse_value(value, (*path, key), get(old, (key,)), now_ms)
        if node is not None:
            children[key] = node
    return children or None


def _parse_dot_value(data: dict[str, Any], old: Node, now_ms: int) -> Node:
    value = data[VALUE]
    if not data.keys() <= {VALUE, PRIORITY} or isinstance(value, list):
        raise InvalidData(INVALID_OBJECT)
    if isinstance(value, dict):
        return _server_value(value, leaf(old), now_ms)
    return _parse_leaf(value)


def _parse_priority(data: Any, old: Node, now_ms: int) -> Node:
    priority = _server_value(data, old, now_ms) if isinstance(data, dict) else _parse_leaf(data)
    if isinstance(priority, bool):
        raise InvalidData(INVALID_PRIORITY)
    return priority


def _parse_leaf(data: Any) -> Node:
    if isinstance(data, str):
        if len(_utf8(data, INVALID_VALUE)) > MAX_STRING_BYTES:
            raise InvalidData(f"Invalid data; a string is longer than {MAX_STRING_BYTES} bytes.")
        return data
    if data is None or isinstance(data, bool):
        return data
    if isinstance(data, (int, float)):
        return _parse_number(data)
    raise InvalidData(INVALID_VALUE)


def _parse_number(number: int | float) -> int | float:
    if isinstance(number, int) and INT64_MIN <= number <= INT64_MAX:
        return number
    try:
        double = float(number)
    except OverflowError:
        raise InvalidData(INVALID_VALUE) from None
    if not math.isfinite(double):
        raise InvalidData(INVALID_VALUE)
    return double


def _server_value(data: dict[str, Any], old: Node, now_ms: int) -> Node:
    kind = data.get(".sv")
    if len(data) == 1 and kind == "timestamp":
        return now_ms
    if len(data) == 1 and isinstance(kind, dict) and list(kind) == ["increment"] and _is_number(kind["increment"]):
        delta = _parse_number(kind["increment"])
        return _parse_number(old + delta) if _is_number(old) else delta
    raise InvalidData("Invalid data; unrecognized server value.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
