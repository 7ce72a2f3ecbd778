"""Checks whether a query has the composite index that it needs, and makes the link that creates it; no I/O.

In: the filters and orders of a query, and the composite indexes of its database in the form of `admin_indexes`. Out:
nothing, or FAILED_PRECONDITION with the service's text and link. By its documentation, queries with only equality
conditions or only one order use the automatic indexes of single fields; an order combined with other fields needs an
index that has the equality fields in any order and direction, and ends with the fields of the order, all in their
directions or all reversed. Several such indexes, each with some of the equality fields, can be combined. Chosen here:
single fields are always indexed for whole collection groups, and vectors need no index.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from flamelet_tools.simulator.firestore.documents import FieldPath, Refused, parse_field_path
from flamelet_tools.simulator.firestore.values import NAME

Json = dict[str, Any]
# A field, and whether the order is descending.
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
    """Refuse a query without its index.

    Args:
        database: `projects/P/databases/D`.
        collection: the id of the queried collections.
        scope: COLLECTION, or COLLECTION_GROUP for all with this id.
        conditions: the filtered fields and operators; for a query with OR, those of one alternative.
        orders: all orders, ending with the name.
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
    """Return whether the automatic indexes suffice: each field has an ascending and a descending one, which end with
    the name.
    """
    fields = [sort for sort in sorts if sort[0] != NAME]
    if not fields:
        return True
    return not equal and len(fields) == 1 and len({descending for _, descending in sorts}) == 1


def _served_by(
    index: Json, group: str, scope: str, sorts: Sequence[Sort], equal: set[tuple[FieldPath, str]]
) -> set[tuple[FieldPath, str]] | None:
    """Return the equality fields of this index, or None if it does not serve the order."""
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
    """Return the URL of the console page that creates the index, with the index as bytes of protocol buffers."""
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
