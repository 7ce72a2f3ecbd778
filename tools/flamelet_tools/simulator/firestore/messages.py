"""Checks the form of a query's JSON, and refuses what is not a `StructuredQuery` of the REST reference; no I/O.

In: parsed JSON. Out: the same with the names of the reference (`order_by` may be sent for `orderBy`), numbers as
integers, and without members that are null. The values of fields are checked by `documents`. A form is a dict (an
object with these members), a list (an array of one form), a tuple (one of these words) or a function (anything else).
"""

from __future__ import annotations

from typing import Any

from flamelet_tools.simulator.firestore.documents import camel_case, invalid

# Groups of members; an object has at most one member of each group.
ONE_OF = "one of"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid()
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid()
    return value


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise invalid()
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise invalid() from None


def _integer(value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise invalid()
    try:
        whole = int(value)
        if isinstance(value, float) and whole != value:
            raise invalid()
    except (ValueError, OverflowError):
        raise invalid() from None
    if whole not in range(-(1 << bits - 1), 1 << bits - 1):
        raise invalid()
    return whole


def _int32(value: Any) -> int:
    return _integer(value, 32)


def _int64(value: Any) -> int:
    return _integer(value, 64)


def _anything(value: Any) -> Any:
    return value


FIELD: dict[str, Any] = {"fieldPath": _text}
FIELD_OPERATORS = (
    "OPERATOR_UNSPECIFIED",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "EQUAL",
    "NOT_EQUAL",
    "ARRAY_CONTAINS",
    "IN",
    "ARRAY_CONTAINS_ANY",
    "NOT_IN",
)
UNARY_OPERATORS = ("OPERATOR_UNSPECIFIED", "IS_NAN", "IS_NULL", "IS_NOT_NAN", "IS_NOT_NULL")
FILTER: dict[str, Any] = {
    "fieldFilter": {"field": FIELD, "op": FIELD_OPERATORS, "value": _anything},
    "unaryFilter": {"field": FIELD, "op": UNARY_OPERATORS},
    ONE_OF: {"fieldFilter", "unaryFilter", "compositeFilter"},
}
FILTER["compositeFilter"] = {"op": ("OPERATOR_UNSPECIFIED", "AND", "OR"), "filters": [FILTER]}
CURSOR: dict[str, Any] = {"values": [_anything], "before": _boolean}
FIND_NEAREST: dict[str, Any] = {
    "vectorField": FIELD,
    "queryVector": _anything,
    "distanceMeasure": ("DISTANCE_MEASURE_UNSPECIFIED", "EUCLIDEAN", "COSINE", "DOT_PRODUCT"),
    "limit": _int32,
    "distanceResultField": _text,
    "distanceThreshold": _double,
}
STRUCTURED_QUERY: dict[str, Any] = {
    "select": {"fields": [FIELD]},
    "from": [{"collectionId": _text, "allDescendants": _boolean}],
    "where": FILTER,
    "orderBy": [{"field": FIELD, "direction": ("DIRECTION_UNSPECIFIED", "ASCENDING", "DESCENDING")}],
    "startAt": CURSOR,
    "endAt": CURSOR,
    "offset": _int32,
    "limit": _int32,
    "findNearest": FIND_NEAREST,
}
AGGREGATION: dict[str, Any] = {
    "alias": _text,
    "count": {"upTo": _int64},
    "sum": {"field": FIELD},
    "avg": {"field": FIELD},
    ONE_OF: {"count", "sum", "avg"},
}
AGGREGATION_QUERY: dict[str, Any] = {"structuredQuery": STRUCTURED_QUERY, "aggregations": [AGGREGATION]}
PARTITION_QUERY: dict[str, Any] = {
    "structuredQuery": STRUCTURED_QUERY,
    "partitionCount": _int64,
    "pageToken": _text,
    "pageSize": _int32,
    "readTime": _text,
}


def read(form: Any, value: Any) -> Any:
    """Return `value` in the one spelling of its form. Raises: Refused if it does not match the form."""
    if isinstance(form, dict):
        return _read_object(form, value)
    if isinstance(form, list):
        if not isinstance(value, list):
            raise invalid()
        return [read(form[0], each) for each in value]
    if isinstance(form, tuple):
        if value not in form:
            raise invalid()
        return value
    return form(value)


def _read_object(form: dict[str, Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid()
    members = {camel_case(name): member for name, member in value.items() if member is not None}
    if not members.keys() <= form.keys() - {ONE_OF} or len(form.get(ONE_OF, set()) & members.keys()) > 1:
        raise invalid()
    return {name: read(form[name], member) for name, member in members.items()}
