"""The data of one Realtime Database, as plain Python values; no I/O.

In: JSON values and paths. Out: nodes. A node is None, a bool, an int, a float, a str, or a non-empty dict of nodes:
arrays are kept as objects with integer keys, and null, `{}` and `[]` are never kept, as in the live database. Writes
change a tree in place, so that the cost of a write does not grow with the size of the database; whoever writes checks
the whole write first (`parse_value`, `parse_update`), which makes each write all or nothing.

Limits are those of the live service: 768 bytes of UTF-8 for a key, 32 levels, 10 MB for a string. The texts of errors
that name a limit, an unknown server value or overlapping paths are our own: no record of the live ones is public.
Priorities (`.priority`, `.value`) are refused until the simulator plays them.
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

_FORBIDDEN_IN_KEY = re.compile(r"[\x00-\x1f\x7f.#$/\[\]]")
_INTEGER_KEY = re.compile(r"-?0*\d{1,10}", re.ASCII)
_ARRAY_KEY = re.compile(r"0|[1-9]\d*", re.ASCII)


class InvalidData(ValueError):
    """The value or path cannot be stored; the message is the text that the service answers with."""


def split_path(path: str) -> Path:
    """Splits a path such as `devices/d1` into its keys; empty parts are left out.

    Raises: InvalidData if a key is not allowed.
    """
    keys = tuple(key for key in path.split("/") if key)
    for key in keys:
        _check_key(key, INVALID_PATH)
    if len(keys) > MAX_DEPTH:
        raise InvalidData(f"Invalid path: it has more than {MAX_DEPTH} levels.")
    return keys


def parse_value(data: Any, path: Path = (), old: Node = None, now_ms: int = 0) -> Node:
    """Makes a node of a JSON value: arrays become objects, null and empty ones vanish, server values become values.

    Args:
        data: what `json.loads` gave.
        path: where it will be stored; counts for the depth.
        old: the node that is there now, for `increment`.
        now_ms: the time of the write, for `timestamp`.
    Returns: the node, which shares nothing with `data`.
    Raises: InvalidData.
    """
    if isinstance(data, list):
        data = {str(index): value for index, value in enumerate(data)}
    if not isinstance(data, dict):
        return _parse_leaf(data)
    if ".sv" in data:
        return _server_value(data, old, now_ms)
    if data and len(path) >= MAX_DEPTH:
        raise InvalidData(f"Invalid data; the value is nested deeper than {MAX_DEPTH} levels.")
    children = {}
    for key, value in data.items():
        _check_key(key, INVALID_OBJECT)
        node = parse_value(value, (*path, key), get(old, (key,)), now_ms)
        if node is not None:
            children[key] = node
    return children or None


def parse_update(data: Any, path: Path, root: Node, now_ms: int = 0) -> dict[Path, Node]:
    """Makes of the object of a PATCH the nodes to put, by path relative to `path`; its keys may be paths.

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
        if len(full) > MAX_DEPTH:
            raise InvalidData(f"Invalid data; the value is nested deeper than {MAX_DEPTH} levels.")
        nodes[keys] = parse_value(value, full, get(root, full), now_ms)
    _check_overlap(sorted(nodes))
    return nodes


def get(node: Node, path: Path) -> Node:
    """The node at `path` below `node`, or None."""
    for key in path:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def put(node: Node, path: Path, value: Node) -> Node:
    """Puts `value` at `path` below `node`, in place; None removes, and with it what it leaves empty.

    Returns: the new root.
    """
    if not path:
        return value
    key = path[0]
    if value is None and (not isinstance(node, dict) or key not in node):
        return node
    children = node if isinstance(node, dict) else {}
    child = put(children.get(key), path[1:], value)
    if child is None:
        children.pop(key, None)
    else:
        children[key] = child
    return children or None


def to_json(node: Node) -> Any:
    """The node as the service shows it: keys in order, and an array where the integer keys are dense enough."""
    if not isinstance(node, dict):
        return node
    if _is_array(node):
        items: list[Any] = [None] * (max(map(int, node)) + 1)
        for key, child in node.items():
            items[int(key)] = to_json(child)
        return items
    return {key: to_json(node[key]) for key in sorted(node, key=key_order)}


def shallow(node: Node) -> Any:
    """The node with each child cut down to True, as `shallow=true` asks."""
    if not isinstance(node, dict):
        return node
    return dict.fromkeys(sorted(node, key=key_order), True)


def key_order(key: str) -> tuple[int, int, int, bytes]:
    """Sorts keys as the service does: 32-bit integers by number, then the others by UTF-16 code unit."""
    if _INTEGER_KEY.fullmatch(key) and INT32_MIN <= int(key) <= INT32_MAX:
        return (0, int(key), len(key), b"")
    return (1, 0, 0, key.encode("utf-16-be", "surrogatepass"))


def _is_array(node: dict[str, Node]) -> bool:
    return all(_ARRAY_KEY.fullmatch(key) for key in node) and max(map(int, node)) < 2 * len(node)


def _check_key(key: str, text: str) -> None:
    if not key or _FORBIDDEN_IN_KEY.search(key):
        raise InvalidData(text)
    if len(_utf8(key, text)) > MAX_KEY_BYTES:
        raise InvalidData(f"Invalid data; a key is longer than {MAX_KEY_BYTES} bytes.")


def _check_overlap(paths: list[Path]) -> None:
    # In sorted order a path stands directly before what lies below it.
    for upper, lower in zip(paths, paths[1:]):  # noqa: B905 - the second is one shorter by intention
        if lower[: len(upper)] == upper:
            raise InvalidData(f"Invalid data; path '/{'/'.join(upper)}' is an ancestor of '/{'/'.join(lower)}'.")


def _utf8(text: str, error: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidData(error) from None


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
    kind = data[".sv"]
    if len(data) == 1 and kind == "timestamp":
        return now_ms
    if len(data) == 1 and isinstance(kind, dict) and list(kind) == ["increment"] and _is_number(kind["increment"]):
        delta = _parse_number(kind["increment"])
        return _parse_number(old + delta) if _is_number(old) else delta
    raise InvalidData("Invalid data; unrecognized server value.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
