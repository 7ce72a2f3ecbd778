"""Converts documents of the REST API: names, field paths and masks, values; no I/O.

In: parsed JSON of requests. Out: the same in one spelling (integers as strings, timestamps in UTC to the microsecond,
standard base64), and documents as JSON. Both spellings that protocol buffers allow are accepted, `integerValue` and
`integer_value`. Refusals have the texts of the service or, where only its emulator was observed, those of the emulator.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from flamelet_tools.simulator.firestore.store import Document, Fields, Path

FieldPath = tuple[str, ...]

BAD_PAYLOAD = "Payload isn't valid for request."
MAX_DOCUMENT_BYTES = 1_048_576
MAX_ID_BYTES = 1500
MAX_DEPTH = 20
MAX_DIMENSIONS = 2048
DOCUMENT_MEMBERS = ("name", "fields", "createTime", "updateTime")
_MAX_VALUE_BYTES = 1_048_487
_WHOLE_DOUBLES = 1e15
_INT64 = range(-(2**63), 2**63)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RESERVED = re.compile(r"__.*__", re.DOTALL)
_NUMERIC_ID = re.compile(r"__id-?\d+__")
_DATABASE = re.compile(r"projects/[^/]+/databases/[^/]+")
_SIMPLE_NAME = r"[a-zA-Z_][a-zA-Z_0-9]*"
_FIELD = re.compile(rf"(?:({_SIMPLE_NAME})|`((?:[^`\\]|\\.)+)`)(\.|$)", re.DOTALL)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
_SPECIAL_DOUBLES = ("NaN", "Infinity", "-Infinity")


class Refused(Exception):
    """The request is refused, with the HTTP status, the canonical code and the text of the service."""

    def __init__(self, status: int, code: str, text: str, details: list[dict[str, Any]] | None = None):
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.details = details


def invalid(text: str = BAD_PAYLOAD) -> Refused:
    """Return the refusal of an invalid argument."""
    return Refused(400, "INVALID_ARGUMENT", text)


# Names


def parse_name(name: Any, database: str | None = None) -> tuple[str, Path]:
    """Return the database and the path of a document's full name.

    Args:
        name: `projects/P/databases/D/documents/cities/LA`.
        database: the database that it must be in, or None for any.
    Raises: Refused.
    """
    parts = _text(name).split("/")
    for place, wanted in enumerate(("projects", None, "databases", None, "documents")):
        if place >= len(parts) or wanted not in (None, parts[place]):
            index = len("/".join(parts[:place])) + (place > 0)
            raise invalid(f'Document name "{name}" lacks "{wanted or "/"}" at index {index}.')
    found, path = "/".join(parts[:4]), tuple(parts[5:])
    if len(path) % 2 or not path:
        raise invalid(f'Document name "{name}" lacks "/" at index {len(name)}.')
    if database is not None and found != database:
        raise invalid(f'The document name "{name}" is not in the database "{database}".')
    check_path(path, name)
    return found, path


def check_path(path: Path, name: str) -> None:
    """Refuse a path with an invalid id. Raises: Refused."""
    index = len(name) - len("/".join(path))
    for part in path:
        if not part:
            raise invalid(f'Document name "{name}" lacks a resource id at index {index}.')
        if part in (".", ".."):
            raise invalid(f'Document name "{name}" contains a resource id "{part}" at index {index}.')
        check_id(part)
        index += len(part) + 1


def check_id(text: str) -> None:
    """Refuse an invalid id of a document or a collection. Raises: Refused."""
    if "/" in text:
        raise invalid(f'Resource id "{text}" is invalid because it contains "/".')
    if text in ("", ".", ".."):
        raise invalid(f'Resource id "{text}" is invalid because it is reserved.')
    if _RESERVED.fullmatch(text) and not _NUMERIC_ID.fullmatch(text):
        raise invalid(f'Resource id "{text}" is invalid because it is reserved.')
    if len(_text(text).encode()) > MAX_ID_BYTES:
        raise invalid(f"The key path element name is longer than {MAX_ID_BYTES} bytes.")


# Field paths and masks


def parse_field_path(text: Any) -> FieldPath:
    """Return the names in a field path: `` a.`b.c` `` is a, b.c. Raises: Refused."""
    names: list[str] = []
    place = 0
    while match := _FIELD.match(_text(text), place):
        names.append(match[1] or re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL))
        place = match.end()
        if not match[3]:
            return tuple(names)
    quoted = r"(`(?:[^`\\\\]|(?:\\\\.))+`)".replace("\\\\\\\\", "\\\\")
    raise invalid(
        f'Invalid property path "{text}". Unquoted property paths must match regex ([a-zA-Z_][a-zA-Z_0-9]*), '
        f"and quoted property paths must match regex {quoted}"
    )


def parse_mask_object(mask: Any) -> list[FieldPath] | None:
    """Return the field paths of a DocumentMask, or None if there is none. Raises: Refused."""
    if mask is None:
        return None
    paths = members(mask, ("fieldPaths",)).get("fieldPaths", [])
    if not isinstance(paths, list):
        raise invalid()
    return parse_mask(paths)


def parse_mask(paths: Iterable[Any] | None) -> list[FieldPath] | None:
    """Return the field paths of a mask, or None if there is none. Raises: Refused."""
    return None if paths is None else [parse_field_path(path) for path in paths]


def check_field_name(name: str) -> None:
    """Refuse an invalid name of a field. Raises: Refused."""
    if not name:
        raise invalid("The property.name is the empty string.")
    if _RESERVED.fullmatch(name):
        raise invalid(f"field name {name} is reserved")
    if len(_text(name).encode()) > MAX_ID_BYTES:
        raise invalid(f"The property.name is longer than {MAX_ID_BYTES} bytes.")


def get_field(fields: Fields, path: FieldPath) -> dict[str, Any] | None:
    """Return the value at a field path, or None if there is none."""
    for name in path[:-1]:
        fields = fields.get(name, {}).get("mapValue", {}).get("fields", {})
    return fields.get(path[-1])


def set_field(fields: Fields, path: FieldPath, value: dict[str, Any] | None) -> Fields:
    """Return new fields with this value at a field path, or without it if it is None; maps on the way are made."""
    name, rest = path[0], path[1:]
    if rest:
        inner = fields.get(name, {}).get("mapValue", {}).get("fields", {})
        if value is None and "mapValue" not in fields.get(name, {}):
            return fields
        value = map_value(set_field(inner, rest, value))
    if value is None:
        return {key: kept for key, kept in fields.items() if key != name}
    return {**fields, name: value}


def masked(fields: Fields, mask: list[FieldPath] | None) -> Fields:
    """Return the fields that a mask selects, or all without a mask."""
    if mask is None:
        return fields
    found: Fields = {}
    for path in mask:
        value = get_field(fields, path)
        if value is not None:
            found = set_field(found, path, value)
    return found


def map_value(fields: Fields) -> dict[str, Any]:
    """Return a map as a value; an empty one has no `fields`."""
    return {"mapValue": {"fields": fields} if fields else {}}


def array_value(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an array as a value; an empty one has no `values`."""
    return {"arrayValue": {"values": values} if values else {}}


# Values


def parse_fields(fields: Any, depth: int = 1) -> Fields:
    """Return fields in one spelling. Raises: Refused."""
    for name in _object(fields):
        # Vectors are maps with such a member.
        if depth == 1 or name != "__type__":
            check_field_name(name)
    return {name: parse_value(value, depth) for name, value in fields.items()}


def parse_value(value: Any, depth: int = 1, in_array: bool = False) -> dict[str, Any]:
    """Return a value in one spelling. Raises: Refused."""
    # Not `members`: in a value, null counts as a member.
    named = {camel_case(name): content for name, content in _object(value).items()}
    if not named:
        raise invalid("Cannot convert firestore.v1.Value with type unset.")
    [(kind, content), *more] = named.items()
    if more or kind not in _KINDS:
        raise invalid()
    if depth > MAX_DEPTH and kind in ("mapValue", "arrayValue"):
        raise invalid("Property value contains an invalid nested entity.")
    if kind == "arrayValue" and in_array:
        raise invalid("Cannot convert an array value in an array value.")
    parsed = {kind: _KINDS[kind](content, depth)}
    if in_array and is_vector(parsed):
        raise invalid("Cannot convert a vector value in an array value.")
    return parsed


def is_vector(value: dict[str, Any]) -> bool:
    """Return whether a value is a vector: a map of a special form."""
    return value.get("mapValue", {}).get("fields", {}).get("__type__") == {"stringValue": "__vector__"}


def _null(content: Any, depth: int) -> None:
    if content not in (None, "NULL_VALUE", 0) or content is False:
        raise invalid()


def _boolean(content: Any, depth: int) -> bool:
    if not isinstance(content, bool):
        raise invalid()
    return content


def _integer(content: Any, depth: int) -> str:
    if isinstance(content, float) and content.is_integer():
        content = int(content)
    if isinstance(content, bool) or not re.fullmatch(r"-?\d{1,19}", str(content)) or int(content) not in _INT64:
        raise invalid()
    return str(int(content))


def _double(content: Any, depth: int) -> float | int | str:
    if content in _SPECIAL_DOUBLES:
        return content
    if isinstance(content, bool) or not isinstance(content, (int, float, str)):
        raise invalid()
    if isinstance(content, str) and not re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?\d+)?", content):
        raise invalid()
    try:
        number = float(content)
    except (ValueError, OverflowError):
        raise invalid() from None
    if not math.isfinite(number):
        raise invalid()
    if not math.isfinite(number):
        raise invalid()
    return double(number)["doubleValue"]


def _timestamp(content: Any, depth: int) -> str:
    return format_time(parse_time(content))


def _string(content: Any, depth: int) -> str:
    return _text(content)


def _bytes(content: Any, depth: int) -> str:
    plain = _text(content).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64encode(decode_base64(plain)).decode()


def _reference(content: Any, depth: int) -> str:
    parse_name(content)
    return content


def _geo_point(content: Any, depth: int) -> dict[str, Any]:
    given = members(content, ("latitude", "longitude"))
    point = {}
    for name, limit in (("latitude", 90.0), ("longitude", 180.0)):
        number = _double(given.get(name, 0), depth)
        if isinstance(number, str) or abs(number) > limit:
            raise invalid(f"Geo point {name} '{float(number)}' outside permitted range -{limit} to {limit}.")
        point[name] = number
    # As in protocol buffers, zeros are left out.
    return {name: number for name, number in point.items() if number}


def _array(content: Any, depth: int) -> dict[str, Any]:
    values = members(content, ("values",)).get("values", [])
    if not isinstance(values, list):
        raise invalid()
    return array_value([parse_value(value, depth + 1, in_array=True) for value in values])["arrayValue"]


def _map(content: Any, depth: int) -> dict[str, Any]:
    parsed = map_value(parse_fields(members(content, ("fields",)).get("fields", {}), depth + 1))
    if is_vector(parsed):
        _check_vector(parsed["mapValue"]["fields"])
    return parsed["mapValue"]


def _check_vector(fields: Fields) -> None:
    if "value" not in fields:
        raise invalid("Vector map is missing key 'value'.")
    if len(fields) > 2:
        raise invalid("Vector Value map has extraneous entries.")
    coordinates = fields["value"].get("arrayValue", {}).get("values", [])
    if not coordinates:
        raise invalid("Cannot have a zero length vector.")
    if len(coordinates) > MAX_DIMENSIONS:
        raise invalid(f"Vectors must be at most {MAX_DIMENSIONS} dimensions.")
    if any("doubleValue" not in each for each in coordinates):
        raise invalid("Vector must only contain values of type 'double'")


_KINDS: dict[str, Callable[[Any, int], Any]] = {
    "nullValue": _null,
    "booleanValue": _boolean,
    "integerValue": _integer,
    "doubleValue": _double,
    "timestampValue": _timestamp,
    "stringValue": _string,
    "bytesValue": _bytes,
    "referenceValue": _reference,
    "geoPointValue": _geo_point,
    "arrayValue": _array,
    "mapValue": _map,
}


def members(message: Any, known: Iterable[str]) -> dict[str, Any]:
    """Return the members of a message by their JSON names; null counts as missing. Raises: Refused."""
    found = {camel_case(name): member for name, member in _object(message).items() if member is not None}
    if not found.keys() <= set(known):
        raise invalid()
    return found


def double(number: float) -> dict[str, Any]:
    """Return a double as a value: NaN and infinities are strings and, as on the live service, 1.0 is written 1."""
    if not math.isfinite(number):
        return {"doubleValue": "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"}
    return {"doubleValue": int(number) if number.is_integer() and abs(number) < _WHOLE_DOUBLES else number}


def camel_case(name: str) -> str:
    """Return the JSON spelling of a name of protocol buffers: `integer_value` is `integerValue`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def decode_base64(text: Any) -> bytes:
    """Return the bytes of a base64 text, with or without padding. Raises: Refused."""
    plain = _text(text).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid() from None


def parse_time(text: Any) -> int:
    """Return the microseconds of an RFC 3339 text, truncated. Raises: Refused."""
    match = _TIMESTAMP.fullmatch(_text(text))
    if not match:
        raise invalid()
    zone = match[3].upper().replace("Z", "+00:00")
    try:
        whole = datetime.fromisoformat(match[1].upper() + zone) - _EPOCH
    except (ValueError, OverflowError):
        raise invalid() from None
    return whole // timedelta(microseconds=1) + int(f"{match[2] or '0':0<9}") // 1000


def format_time(micros: int, digits: int = 0) -> str:
    """Return RFC 3339 in UTC with 0, 3 or 6 digits after the point, as in protocol buffers, but at least `digits`."""
    fraction = micros % 1_000_000
    digits = max(digits, 0 if not fraction else 3 if not fraction % 1000 else 6)
    text = (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{fraction:06}"[: 20 + digits if digits else 19] + "Z"


# Answers


def to_json(document: Document, mask: list[FieldPath] | None = None) -> dict[str, Any]:
    """Return a document as in answers."""
    fields = masked(document.fields, mask)
    times = {"createTime": format_time(document.create_time, 6), "updateTime": format_time(document.update_time, 6)}
    return {"name": document.name, **({"fields": fields} if fields else {}), **times}


def check_size(name: str, path: Path, fields: Fields) -> None:
    """Refuse a document that is too large by the service's rules of storage sizes. Raises: Refused."""
    for field, value in fields.items():
        if value.keys() & {"stringValue", "bytesValue"} and _value_size(value) > _MAX_VALUE_BYTES:
            raise invalid(f'The value of property "{field}" is longer than {_MAX_VALUE_BYTES} bytes.')
    size = _path_size(path) + sum(_field_size(*field) for field in fields.items()) + 32
    if size > MAX_DOCUMENT_BYTES:
        text = f"its size ({size:,} bytes) exceeds the maximum allowed size of {MAX_DOCUMENT_BYTES:,} bytes."
        raise invalid(f'Document "{name}" cannot be written because {text}')


def _path_size(path: Path) -> int:
    return sum(_string_size(part) for part in path) + 16


def _string_size(text: str) -> int:
    return len(text.encode()) + 1


def _field_size(name: str, value: dict[str, Any]) -> int:
    return _string_size(name) + _value_size(value)


def _value_size(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "stringValue":
        return _string_size(content)
    if kind == "bytesValue":
        return len(base64.b64decode(content))
    if kind == "referenceValue":
        return _path_size(parse_name(content)[1])
    if kind == "arrayValue":
        return sum(map(_value_size, content.get("values", [])))
    if kind == "mapValue":
        return sum(_field_size(*field) for field in content.get("fields", {}).items())
    return _FIXED_SIZES[kind]


_FIXED_SIZES = {
    "nullValue": 1,
    "booleanValue": 1,
    "integerValue": 8,
    "doubleValue": 8,
    "timestampValue": 8,
    "geoPointValue": 16,
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid()
    try:
        # JSON may hold an escaped half of a surrogate pair, which is not valid text.
        value.encode()
    except UnicodeEncodeError:
        raise invalid() from None
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid()
    return value
