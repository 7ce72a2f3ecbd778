"""Runs queries: which children of a node a request selects, and in which order; no I/O.

In: the parameters `orderBy`, `limitToFirst`, `limitToLast`, `startAt`, `startAfter`, `endAt`, `endBefore`, `equalTo`. A
bound is a JSON value, or a value and a key: `3,"bruhathkayosaurus"`. Out: a `Query`, and from it the selected children.

Values are ordered null, false, true, numbers, strings by UTF-16 code unit, objects; priorities none, numbers, strings;
equal ones by key. A leaf has no children, so a bound or a limit selects nothing of it. Refusals that are not documented
(limits, bounds that exclude each other) have texts of our own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flamelet_tools.simulator.http.request import refuse_constant
from flamelet_tools.simulator.rtdb import tree
from flamelet_tools.simulator.rtdb.tree import PRIORITY, InvalidData, Node, Path

ORDER_BY = "orderBy"
LOWER_BOUNDS = ("startAt", "startAfter", "equalTo")
UPPER_BOUNDS = ("endAt", "endBefore", "equalTo")
LIMITS = ("limitToFirst", "limitToLast")
PARAMETERS = frozenset({ORDER_BY, *LOWER_BOUNDS, *UPPER_BOUNDS, *LIMITS})

NO_ORDER = "orderBy must be defined when other query parameters are defined"
BAD_ORDER = "orderBy must be a valid JSON encoded path"
BAD_BOUND = "Constraint index field must be a JSON primitive"
BAD_KEY_BOUND = "Provided key index type is invalid, must be string"

_VALUES = {"$key", "$value", "$priority"}
# Before and after every key; `tree.key_order` begins with 0 or 1.
_FIRST_KEY: tuple[Any, ...] = (-1,)
_LAST_KEY: tuple[Any, ...] = (2,)

SortKey = tuple[Any, ...]


class Bound(NamedTuple):
    """An end of the range; `value` and `key` as the request has them, for rules."""

    at: SortKey
    inclusive: bool
    value: Any
    key: str | None


class Query(NamedTuple):
    """A checked query. `order_by` is `$key`, `$value`, `$priority` or the path of a child."""

    order_by: str
    start: Bound | None = None
    end: Bound | None = None
    limit_to_first: int | None = None
    limit_to_last: int | None = None
    is_equal_to: bool = False


def parse_query(parameters: Mapping[str, str]) -> Query | None:
    """Return the query in the parameters of a request, or None if it has none.

    Raises: InvalidData with the text of the service.
    """
    given = PARAMETERS.intersection(parameters)
    if not given:
        return None
    if ORDER_BY not in given:
        raise InvalidData(NO_ORDER)
    _refuse_more_than_one(given, LIMITS)
    _refuse_more_than_one(given, LOWER_BOUNDS)
    _refuse_more_than_one(given, UPPER_BOUNDS)
    order_by = _parse_order_by(parameters[ORDER_BY])
    limits = [_parse_limit(name, parameters[name]) if name in given else None for name in LIMITS]
    start = _parse_end(order_by, parameters, LOWER_BOUNDS)
    end = _parse_end(order_by, parameters, UPPER_BOUNDS)
    return Query(order_by, start, end, limits[0], limits[1], "equalTo" in given)


def select(query: Query, node: Node) -> list[str]:
    """Return the keys of the selected children, in the order of the query."""
    sort_key = _sort_key(query.order_by)
    ordered = sorted((sort_key(key, node[key]), key) for key in tree.child_keys(node))
    keys = [key for at, key in ordered if _in_range(query, at)]
    if query.limit_to_first is not None:
        return keys[: query.limit_to_first]
    return keys[-query.limit_to_last :] if query.limit_to_last is not None else keys


def filtered(query: Query | None, node: Node) -> Node:
    """Return the node with only the selected children, without a priority of its own, as in Google's SDKs."""
    if query is None:
        return node
    if not isinstance(tree.leaf(node), dict):
        return None if any(query[1:]) else tree.leaf(node)
    return {key: node[key] for key in select(query, node)} or None


def index_of(query: Query) -> str | None:
    """Return the entry of `.indexOn` that the query needs; keys and priorities are always indexed."""
    return None if query.order_by in ("$key", "$priority") else query.order_by.replace("$value", ".value")


def value_order(value: Any) -> SortKey:
    """Return the sort key of a JSON value, in the order of the service."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (1, value)
    if isinstance(value, (int, float)):
        return (2, value)
    if isinstance(value, str):
        return (3, value.encode("utf-16-be", "surrogatepass"))
    return (4, 0)


def _sort_key(order_by: str) -> Callable[[str, Node], SortKey]:
    if order_by == "$key":
        return lambda key, child: (tree.key_order(key),)
    path = (PRIORITY,) if order_by == "$priority" else () if order_by == "$value" else tree.split_path(order_by)
    return lambda key, child: (value_order(tree.leaf(tree.get(child, path))), tree.key_order(key))


def _in_range(query: Query, at: SortKey) -> bool:
    start, end = query.start, query.end
    if start and not (at > start.at or (start.inclusive and at == start.at)):
        return False
    return not end or at < end.at or (end.inclusive and at == end.at)


def _refuse_more_than_one(given: frozenset[str], names: tuple[str, ...]) -> None:
    found = [name for name in names if name in given]
    if len(found) > 1:
        raise InvalidData(f"{found[0]} and {found[1]} cannot be mixed.")


def _parse_order_by(text: str) -> str:
    try:
        order_by = json.loads(text)
    except ValueError:
        raise InvalidData(BAD_ORDER) from None
    if not isinstance(order_by, str):
        raise InvalidData(BAD_ORDER)
    if order_by in _VALUES:
        return order_by
    keys = _child_path(order_by)
    if not keys:
        raise InvalidData(BAD_ORDER)
    return "/".join(keys)


def _child_path(text: str) -> Path:
    try:
        keys = tree.split_path(text)
    except InvalidData:
        return ()
    return () if tree.is_priority(keys) else keys


def _parse_limit(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise InvalidData(f"{name} must be a positive integer.")
    return int(text)


def _parse_end(order_by: str, parameters: Mapping[str, str], names: tuple[str, ...]) -> Bound | None:
    name = next((name for name in names if name in parameters), None)
    if name is None:
        return None
    value, key = _parse_bound(parameters[name])
    inclusive = name not in ("startAfter", "endBefore")
    if order_by == "$key":
        if not isinstance(value, str):
            raise InvalidData(BAD_KEY_BOUND)
        if key is not None:
            raise InvalidData(f"{name} takes no second key with an order by $key.")
        return Bound((tree.key_order(value),), inclusive, value, None)
    # Without a key, startAt and endBefore mean before the first child with this value, the others after the last.
    before_all = name in ("startAt", "endBefore") or (name == "equalTo" and names is LOWER_BOUNDS)
    without = _FIRST_KEY if before_all else _LAST_KEY
    at = (value_order(value), tree.key_order(key) if key is not None else without)
    return Bound(at, inclusive, value, key)


def _parse_bound(text: str) -> tuple[Any, str | None]:
    """Return a bound's value and key: one JSON value, or two with a comma between them."""
    try:
        values = json.loads(f"[{text}]", parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidData(BAD_BOUND) from None
    if not 1 <= len(values) <= 2 or isinstance(values[0], (list, dict)):
        raise InvalidData(BAD_BOUND)
    if len(values) == 2 and not isinstance(values[1], str):
        raise InvalidData(BAD_KEY_BOUND)
    return values[0], values[1] if len(values) == 2 else None
