"""Compares Firestore's values: their order and equality; no I/O.

In: values in the one spelling of `documents`. Out: keys that Python compares as the service compares the values: null,
booleans, NaN, numbers (integers and doubles by their exact value), timestamps, strings and bytes by their bytes,
references by the parts of their names, points, arrays, vectors by length and then by content, maps by their sorted
fields. The order is that of Google's emulator, with which the tests compare it.
"""

from __future__ import annotations

import base64
import math
from typing import Any

from flamelet_tools.simulator.firestore.documents import FieldPath, get_field, is_vector, parse_name, parse_time
from flamelet_tools.simulator.firestore.store import Document, sort_key

Key = tuple[Any, ...]
# The field path that stands for the document's own name.
NAME: FieldPath = ("__name__",)

NULL: Key = (0,)
NAN: Key = (2, 0)


def value_key(value: dict[str, Any]) -> Key:
    """Return the sort key of a value; equal values have equal keys."""
    [(kind, content)] = value.items()
    if kind == "nullValue":
        return NULL
    if kind == "booleanValue":
        return (1, content)
    if kind in ("integerValue", "doubleValue"):
        return _number_key(number(value))
    if kind == "timestampValue":
        return (3, parse_time(content))
    if kind == "stringValue":
        return (4, content.encode(errors="surrogatepass"))
    if kind == "bytesValue":
        return (5, base64.b64decode(content))
    if kind == "referenceValue":
        return (6, *name_key(*parse_name(content)))
    if kind == "geoPointValue":
        return (7, content.get("latitude", 0), content.get("longitude", 0))
    if kind == "arrayValue":
        return (8, *map(value_key, content.get("values", ())))
    return _map_key(value)


def document_key(document: Document, path: FieldPath) -> Key | None:
    """Return the key of a field, or of the name, of a document, or None if it has no such field."""
    if path == NAME:
        return (6, *name_key(document.database, document.path))
    value = get_field(document.fields, path)
    return None if value is None else value_key(value)


def name_key(database: str, path: tuple[str, ...]) -> Key:
    """Return the sort key of a document's name."""
    return (database, sort_key(path))


def number(value: dict[str, Any]) -> int | float | None:
    """Return the value of a number, or None if it is not a number."""
    if "integerValue" in value:
        return int(value["integerValue"])
    return float(value["doubleValue"]) if "doubleValue" in value else None


def double_value(worth: float) -> dict[str, Any]:
    """Return a double as a value."""
    if math.isfinite(worth):
        return {"doubleValue": worth}
    return {"doubleValue": "NaN" if worth != worth else "Infinity" if worth > 0 else "-Infinity"}


def vector(value: dict[str, Any]) -> list[float] | None:
    """Return the coordinates of a vector, or None if it is not a vector."""
    if not is_vector(value):
        return None
    coordinates = value["mapValue"]["fields"]["value"]["arrayValue"]["values"]
    return [float(each["doubleValue"]) for each in coordinates]


def _number_key(worth: Any) -> Key:
    return NAN if worth != worth else (2, 1, worth)


def _map_key(value: dict[str, Any]) -> Key:
    coordinates = vector(value)
    if coordinates is not None:
        return (9, len(coordinates), *map(_number_key, coordinates))
    fields = value["mapValue"].get("fields", {})
    return (10, *sorted((name.encode(errors="surrogatepass"), value_key(each)) for name, each in fields.items()))
