"""Evaluates security rules: who may read and write, what may be written, and which queries have an index; no I/O.

In: the text of `.settings/rules.json`: JSON, with comments as the service allows. Out: `Rules`, and decisions about
reads and writes. `.read` and `.write` cascade: a permission that is granted above cannot be withdrawn below.
`.validate` is evaluated at each written node, above it and below it, but not where nothing will be stored; all of them
must hold. Each path of an update is judged with `newData` being the whole tree after the update. The texts about
invalid rules are our choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator.rtdb import tree
from flamelet_tools.simulator.rtdb.query import Query, index_of
from flamelet_tools.simulator.rtdb.rules_language import BadRule, Scope, Snapshot, parse_rule
from flamelet_tools.simulator.rtdb.tree import InvalidData, Node, Path

Judge = Callable[[Scope], bool]

_COMMENT_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_NAMES = {
    ".read": ("auth", "now", "root", "data", "query"),
    ".write": ("auth", "now", "root", "data", "newData"),
    ".validate": ("auth", "now", "root", "data", "newData"),
}


@dataclass
class Place:
    """The rules of one place; `wildcard` is the name of its `$variable`, and `others` the rules below it."""

    judges: dict[str, Judge] = field(default_factory=dict)
    index_on: tuple[str, ...] = ()
    children: dict[str, Place] = field(default_factory=dict)
    wildcard: str = ""
    others: Place | None = None


@dataclass
class Rules:
    """Rules that can be evaluated: their original text, the same as JSON, and their top."""

    text: str
    data: Any
    top: Place


@dataclass
class Access:
    """Who accesses the data, and when; `query` belongs to a read."""

    auth: Any
    now_ms: int
    root: Node
    query: Query | None = None


def parse_rules(text: str) -> Rules:
    """Parse the text of rules.

    Raises: InvalidData that names the place and the mistake.
    """
    plain = _COMMENT_OR_STRING.sub(lambda match: match[0] if match[0][0] == '"' else " ", text)
    try:
        data = json.loads(plain, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as wrong:
        raise InvalidData(f"Error parsing rules: {wrong}") from None
    if not isinstance(data, dict) or data.keys() != {"rules"}:
        raise InvalidData('Error parsing rules: they must be an object with the one key "rules".')
    return Rules(text, data, _parse_place(data["rules"], (), frozenset()))


def may_read(rules: Rules, path: Path, access: Access) -> bool:
    """Return whether `.read` grants the path or one above it."""
    return any(_judge(place, ".read", access, at, variables) for at, place, variables in _places(rules, _node(path)))


def may_write(rules: Rules, path: Path, access: Access, new_root: Node) -> bool:
    """Return whether `.write` grants the path, and `.validate` accepts what `new_root` will have there."""
    path = _node(path)
    along = list(_places(rules, path))
    if not any(_judge(place, ".write", access, at, variables, new_root) for at, place, variables in along):
        return False
    if not all(_is_valid(place, access, at, variables, new_root) for at, place, variables in along):
        return False
    if len(along) <= len(path):
        return True
    at, place, variables = along[-1]
    return all(
        _is_valid_below(below, access, (*at, key), inner, new_root)
        for key, below, inner in _below(place, at, variables, new_root)
    )


def has_index(rules: Rules, path: Path, query: Query) -> bool:
    """Return whether the rules have the index that the query needs."""
    index = index_of(query)
    places = [place for at, place, variables in _places(rules, path) if at == path]
    return index is None or any(index in place.index_on for place in places)


def _node(path: Path) -> Path:
    return path[:-1] if tree.is_priority(path) else path


def _places(rules: Rules, path: Path) -> Iterable[tuple[Path, Place, dict[str, str]]]:
    """Return the places with rules from the top to the path, with their `$variables`."""
    place: Place | None = rules.top
    variables: dict[str, str] = {}
    for length in range(len(path) + 1):
        if place is None:
            return
        yield path[:length], place, variables
        if length < len(path):
            place, variables = _step(place, path[length], variables)


def _step(place: Place, key: str, variables: dict[str, str]) -> tuple[Place | None, dict[str, str]]:
    if key in place.children or place.others is None:
        return place.children.get(key), variables
    return place.others, {**variables, place.wildcard: key}


def _below(
    place: Place, at: Path, variables: dict[str, str], new_root: Node
) -> Iterable[tuple[str, Place, dict[str, str]]]:
    for key in tree.child_keys(tree.get(new_root, at)):
        below, inner = _step(place, key, variables)
        if below is not None:
            yield key, below, inner


def _is_valid_below(place: Place, access: Access, at: Path, variables: dict[str, str], new_root: Node) -> bool:
    return _is_valid(place, access, at, variables, new_root) and all(
        _is_valid_below(below, access, (*at, key), inner, new_root)
        for key, below, inner in _below(place, at, variables, new_root)
    )


def _is_valid(place: Place, access: Access, at: Path, variables: dict[str, str], new_root: Node) -> bool:
    if ".validate" not in place.judges or tree.get(new_root, at) is None:
        return True
    return _judge(place, ".validate", access, at, variables, new_root)


def _judge(place: Place, kind: str, access: Access, at: Path, variables: dict[str, str], new_root: Node = None) -> bool:
    judge = place.judges.get(kind)
    if judge is None:
        return False
    return judge(
        Scope(
            {
                **variables,
                "auth": access.auth,
                "now": access.now_ms,
                "root": Snapshot(access.root, ()),
                "data": Snapshot(access.root, at),
                "newData": Snapshot(new_root, at),
                "query": _query_variables(access.query),
            }
        )
    )


def _query_variables(query: Query | None) -> dict[str, Any]:
    if query is None:
        query = Query("$key")
    by_child = query.order_by if query.order_by[0] != "$" else None
    start, end = query.start, query.end
    return {
        "orderByChild": by_child,
        "orderByKey": query.order_by == "$key",
        "orderByValue": query.order_by == "$value",
        "orderByPriority": query.order_by == "$priority",
        "startAt": start.value if start and not query.is_equal_to else None,
        "endAt": end.value if end and not query.is_equal_to else None,
        "equalTo": start.value if start and query.is_equal_to else None,
        "limitToFirst": query.limit_to_first,
        "limitToLast": query.limit_to_last,
    }


def _parse_place(data: Any, at: Path, variables: frozenset[str]) -> Place:
    where = "/" + "/".join(at)
    if not isinstance(data, dict):
        raise InvalidData(f"{where}: rules must be an object.")
    if len(at) > tree.MAX_DEPTH:
        raise InvalidData(f"{where}: rules have at most {tree.MAX_DEPTH} levels.")
    place = Place()
    for key, value in data.items():
        if key in _NAMES:
            place.judges[key] = _parse_judge(value, key, where, variables)
        elif key == ".indexOn":
            place.index_on = _parse_index(value, where)
        elif key.startswith("$"):
            if place.wildcard or key in variables or len(key) == 1:
                raise InvalidData(f"{where}: {key} cannot stand here: one $variable a place, with a name of its own.")
            place.wildcard, place.others = key, _parse_place(value, (*at, key), variables | {key})
        else:
            if _keys(key) != (key,):
                raise InvalidData(f"{where}: the rules have no {key!r}.")
            place.children[key] = _parse_place(value, (*at, key), variables)
    return place


def _parse_judge(value: Any, key: str, where: str, variables: frozenset[str]) -> Judge:
    if isinstance(value, bool):
        return lambda scope: value
    if not isinstance(value, str):
        raise InvalidData(f"{where}: {key} must be a string or a boolean.")
    try:
        return parse_rule(value, (*_NAMES[key], *variables))
    except BadRule as wrong:
        raise InvalidData(f"{where}: {key}: {wrong}") from None


def _parse_index(value: Any, where: str) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not (name == ".value" or _keys(name)):
            raise InvalidData(f"{where}: .indexOn must be a child, a list of children, or .value.")
    return tuple(name.strip("/") for name in names)


def _keys(text: str) -> Path:
    try:
        keys = tree.split_path(text)
    except InvalidData:
        return ()
    return () if tree.is_priority(keys) else keys


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key is there twice")
    return data
