"""Converts values to and from plain Python, for tests and rules: `{"n": 5}` for `{"n": {"integerValue": "5"}}`; no I/O.

In and out: None, bool, int, float, str, bytes, list, dict, an aware datetime for a timestamp (to the microsecond, as
stored), and the two types below. A vector is the map that the REST API makes of it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from flamelet_tools.simulator.firestore import documents

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Reference(str):
    """The full resource name of a document."""


class GeoPoint(NamedTuple):
    """A point on the earth, in degrees."""

    latitude: float
    longitude: float


def encode_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as they are stored. Raises: TypeError or documents.Refused if a value has no stored form."""
    return documents.parse_fields({name: _encode(value) for name, value in fields.items()})


def decode_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return stored fields as plain Python."""
    return {name: _decode(value) for name, value in fields.items()}


def _encode(value: Any) -> dict[str, Any]:
    for kind, name, encode in _ENCODERS:
        if isinstance(value, kind):
            return {name: encode(value)}
    raise TypeError(f"Firestore has no value for {value!r}")


def _encode_time(value: datetime) -> str:
    if value.tzinfo is None:
        raise TypeError(f"give {value!r} a time zone")
    return documents.format_time((value - _EPOCH) // timedelta(microseconds=1))


# The order matters: a bool is also an int, a Reference is a str, and a GeoPoint is not a list.
_ENCODERS: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (type(None), "nullValue", lambda value: None),
    (bool, "booleanValue", bool),
    (int, "integerValue", str),
    (float, "doubleValue", lambda value: documents.double(value)["doubleValue"]),
    (Reference, "referenceValue", str),
    (str, "stringValue", str),
    (bytes, "bytesValue", lambda value: base64.b64encode(value).decode()),
    (datetime, "timestampValue", _encode_time),
    (GeoPoint, "geoPointValue", lambda value: value._asdict()),
    (list, "arrayValue", lambda value: {"values": [_encode(item) for item in value]}),
    (dict, "mapValue", lambda value: {"fields": {name: _encode(item) for name, item in value.items()}}),
)


def _decode(value: dict[str, Any]) -> Any:
    [(kind, content)] = value.items()
    return _DECODERS[kind](content)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "nullValue": lambda content: None,
    "booleanValue": bool,
    "integerValue": int,
    "doubleValue": float,
    "referenceValue": Reference,
    "stringValue": str,
    "bytesValue": base64.b64decode,
    "timestampValue": lambda content: _EPOCH + timedelta(microseconds=documents.parse_time(content)),
    "geoPointValue": lambda content: GeoPoint(float(content.get("latitude", 0)), float(content.get("longitude", 0))),
    "arrayValue": lambda content: [_decode(item) for item in content.get("values", [])],
    "mapValue": lambda content: decode_fields(content.get("fields", {})),
}
