"""Whether a query has the composite index that it needs, and the link that makes it; no I/O.

In: what a query filters and sorts by, and the composite indexes of its database as `admin_indexes` keeps them. Out:
nothing, or FAILED_PRECONDITION with the service's text and link. By its documentation: conditions of equality alone, or
one order alone, are served by the indexes that each field has by itself; an order beside other fields needs an index of
the equal fields, in any order and direction, that ends with the fields of the order, all in their directions or all
against. Several such indexes, each with some of the equal fields, serve together. That single fields are indexed for
whole collection groups is taken for granted, and vectors are found without an index: both are our choice.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from flamelet_tools.simulator.firestore.documents import FieldPath, Refused, parse_field_path
from flamelet_tools.simulator.firestore.values import NAME

Json = dict[str, Any]
# A field and whether it is descending.
Sort = tuple[FieldPath, bool]

_EQUALITIES = ("EQUAL", "IS_NULL", "IS_NAN")
_MODES = {"ASCENDING": (2, 1), "DESCENDING": (2, 2), "CONTAINS": (3, 1)}
_SCOPES = {"COLLECTION": 1, "COLLECTION_GROUP": 2}


def check_index(
    database: str,
    collection: str | None,
    scope: str,
    conditions: Iterable[tuple[FieldPath, str]],
    orders: Sequence[Sort],
    indexes: Iterable[Json],
) -> None:
    """Refuses a query without its index.

    Args:
        database: `projects/P/databases/D`.
        collection: the id of the collections that are asked.
        scope: COLLECTION, or COLLECTION_GROUP for all with this id.
        conditions: the fields that are filtered by, and how; of a query with OR, those of one alternative.
        orders: all that it sorts by, the name at the end.
        indexes: those that are READY.
    Raises: Refused.
    """
    equal = {(path, "CONTAINS" if op == "ARRAY_CONTAINS" else "ASCENDING") for path, op in conditions if _is_point(op)}
    fixed = {path for path, mode in equal if mode == "ASCENDING"}
    sorts = [sort for sort in orders if sort[0] not in fixed]
    equal = {(path, mode) for path, mode in equal if path != NAME}
    if collection is None or _is_automatic(len(equal), sorts):
        return
    group = f"{database}/collectionGroups/{collection}"
    served: set[tuple[FieldPath, str]] = set()
    is_served = False
    for index in indexes:
        prefix = _served_by(index, group, scope, sorts, equal)
        is_served = is_served or prefix is not None
        served |= prefix or set()
    if not is_served or served != equal:
        raise Refused(400, "FAILED_PRECONDITION", _message(group, scope, sorted(equal), sorts))


def _is_point(op: str) -> bool:
    return op in _EQUALITIES or op == "ARRAY_CONTAINS"


def _is_automatic(equal: int, sorts: Sequence[Sort]) -> bool:
    """Whether the indexes of single fields do: there is one up and one down, which end with the name in that way."""
    fields = [sort for sort in sorts if sort[0] != NAME]
    if not fields:
        return True
    return not equal and len(fields) == 1 and len({descending for _, descending in sorts}) == 1


def _served_by(
    index: Json, group: str, scope: str, sorts: Sequence[Sort], equal: set[tuple[FieldPath, str]]
) -> set[tuple[FieldPath, str]] | None:
    """The equal fields that this index has; None if it does not serve the order."""
    if index["queryScope"] != scope or not index["name"].startswith(group + "/"):
        return None
    fields = [_field(item) for item in index["fields"]]
    if None in fields:
        return None
    cut = len(fields) - len(sorts)
    prefix = {(path, "CONTAINS" if mode == "CONTAINS" else "ASCENDING") for path, mode in fields[:cut]}
    wanted = [[(path, _mode(down != turned)) for path, down in sorts] for turned in (False, True)]
    return prefix if cut >= 0 and fields[cut:] in wanted and prefix <= equal else None


def _field(item: Json) -> Any:
    mode = item.get("order") or item.get("arrayConfig")
    return (parse_field_path(item["fieldPath"]), mode) if mode else None


def _mode(descending: bool) -> str:
    return "DESCENDING" if descending else "ASCENDING"


def _message(group: str, scope: str, equal: Sequence[tuple[FieldPath, str]], sorts: Sequence[Sort]) -> str:
    fields = [*equal, *((path, _mode(descending)) for path, descending in sorts)]
    link = _link(group, scope, fields)
    return f"The query requires an index. You can create it here: {link}"


def _link(group: str, scope: str, fields: Sequence[tuple[FieldPath, str]]) -> str:
    """The console's page that makes the index, with the index as bytes of protocol buffers."""
    index = _bytes(1, f"{group}/indexes/_".encode()) + _number(2, _SCOPES[scope])
    for path, mode in fields:
        index += _bytes(3, _bytes(1, ".".join(path).encode(errors="replace")) + _number(*_MODES[mode]))
    _, project, _, database = group.split("/")[:4]
    place = "" if database == "(default)" else f"databases/{quote(database)}/"
    made = base64.urlsafe_b64encode(index).decode().rstrip("=")
    return (
        f"https://console.firebase.google.com/v1/r/project/{project}/firestore/{place}indexes?create_composite={made}"
    )


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, content: int) -> bytes:
    return _varint(number << 3) + _varint(content)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
