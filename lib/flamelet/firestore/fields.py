"""Converts the fields of a Cloud Firestore document: Python values to and from `Value` objects of the REST API.

Out (`encode`): JSON as bytes, `{"integerValue":"5"}`; InvalidArgument names a field that cannot be encoded. In
(`decode`): parsed JSON, strictly as the service sends it, or ProtocolError. An int stays exact in its 64 bits; a float
has the precision of the runtime, which on most boards is 32 bits.

Decoding makes no second tree: each `Value` is replaced in place. Limits
are the service's: 20 levels of maps and arrays, no array directly within an array, 1 MiB for a document.
Other types (bytes, timestamps, references...) are in value_types.py, which is loaded with the first one.
"""

from .. import InvalidArgument, _broken
from ..core.runtime import const
from ..wire import json as _json
from .path import is_reserved, is_too_long
from .value_json import double, invalid_field

_DEPTH = const(20)
# A document takes at most 1.2 times its JSON: an empty map takes 32 bytes, and 27 letters of JSON.
_SURELY_SMALL = const(850000)
_UNKNOWN = "the server sent a value that the REST API does not have: %r"
_PLAIN = {"stringValue": str, "booleanValue": bool, "nullValue": type(None)}


def encode_fields(fields: dict, path: str = "") -> bytes:
    """Return the fields of a document as JSON: {"a": 1} gives `{"a":{"integerValue":"1"}}`.

    `path` is the document's, whose name counts to its size. Raises InvalidArgument if a value cannot be stored.
    """
    if not isinstance(fields, dict):
        raise InvalidArgument("the fields of a document are a dict, not %s" % type(fields).__name__)
    try:
        data = _map(fields, "", 0)
    except MemoryError:
        raise InvalidArgument("the document does not fit into the memory as JSON: write it in parts")
    if len(data) > _SURELY_SMALL:
        from .document_size import check

        check(fields, path)
    return data


def encode(value, where: str = "", depth: int = 0) -> bytes:
    """Return `value` as a `Value`: 5 gives `{"integerValue":"5"}`.

    `where` names its field in errors, `depth` is the number of maps and arrays around it. Raises InvalidArgument.
    """
    if isinstance(value, str):
        return b'{"stringValue":%s}' % _text(value, where)
    if value is None:
        return b'{"nullValue":null}'
    if value is True or value is False:
        return b'{"booleanValue":true}' if value else b'{"booleanValue":false}'
    if isinstance(value, int):
        if not -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
            raise invalid_field(where, "an int has at most 64 bits: send %d as a str" % value)
        return b'{"integerValue":"%d"}' % value
    if isinstance(value, float):
        return b'{"doubleValue":%s}' % double(value)
    if hasattr(value, "to_firestore"):
        return value.to_firestore(where)
    if isinstance(value, dict):
        return b'{"mapValue":{"fields":%s}}' % _map(value, where, depth + 1)
    if isinstance(value, (list, tuple)):
        return b'{"arrayValue":{"values":[%s]}}' % _items(value, where, depth + 1)
    if isinstance(value, (bytes, bytearray)):
        from .value_types import encode_bytes

        return encode_bytes(value)
    raise invalid_field(where, "Firestore has no type for %s: %r" % (type(value).__name__, value))


def decode_fields(fields: dict) -> dict:
    """Return `fields`, with each `Value` decoded in place. Raises ProtocolError if one is not valid."""
    if not isinstance(fields, dict):
        raise _broken("the fields of a document are no object: %r", fields)
    for name in fields:
        fields[name] = decode(fields[name])
    return fields


def decode(value):
    """Return the Python value of a `Value`; changes it in place. Raises ProtocolError if it is not valid."""
    kind = _kind(value)
    content = value[kind]
    if kind in _PLAIN and isinstance(content, _PLAIN[kind]):
        return content
    if kind == "mapValue" and isinstance(content, dict):
        return _decode_map(content["fields"]) if "fields" in content else {}
    if kind == "arrayValue" and isinstance(content, dict):
        return _decode_items(content["values"]) if "values" in content else []
    try:
        return _decode_text(kind, content)
    except (InvalidArgument, OverflowError, ValueError):
        raise _broken(_UNKNOWN, value)


def _map(fields, where, depth):
    _check_depth(where, depth)
    members = []
    for name in fields:
        data = _name(name, where)
        members.append(b"%s:%s" % (data, encode(fields[name], "%s.%s" % (where, name) if where else name, depth)))
    return b"{%s}" % b",".join(members)


def _items(values, where, depth):
    _check_depth(where, depth)
    items: list = []
    for value in values:
        place = "%s[%d]" % (where, len(items))
        if isinstance(value, (list, tuple)) and not hasattr(value, "to_firestore"):
            raise invalid_field(place, "Firestore has no array directly within an array: put it into a dict")
        items.append(encode(value, place, depth))
    return b",".join(items)


def _check_depth(where, depth):
    if depth > _DEPTH:
        raise invalid_field(where, "maps and arrays are nested at most %d levels deep" % _DEPTH)


def _name(name, where):
    """Return the name of a field as JSON. Raises InvalidArgument if it is not valid."""
    if not isinstance(name, str) or not name or is_reserved(name):
        raise invalid_field(where, "the name of a field is a str, neither empty nor __x__, not %r" % (name,))
    if name == ".sv":
        raise invalid_field(where, "a server value must be a field, not a part of an array")
    data = _text(name, where)
    if is_too_long(name):
        raise invalid_field(where, "%s...: the name of a field has at most 1,500 bytes" % name[:20])
    return data


def _text(text, where):
    try:
        return _json.dumps(text, None)
    except InvalidArgument as error:
        raise invalid_field(where, error)


def _kind(value):
    if isinstance(value, dict) and len(value) == 1:
        # heap: this takes no memory on MicroPython; iter() does.
        for kind in value:
            return kind
    raise _broken(_UNKNOWN, value)


def _decode_map(fields):
    if isinstance(fields, dict) and "__type__" in fields:
        from .value_types import decode_vector

        return decode_vector(fields, decode)
    return decode_fields(fields)


def _decode_items(values):
    if not isinstance(values, list):
        raise _broken(_UNKNOWN, values)
    for i in range(len(values)):
        values[i] = decode(values[i])
    return values


def _decode_text(kind, content):
    """Return the value of a kind that is text in JSON.

    Raises InvalidArgument, OverflowError or ValueError if it is not valid.
    """
    if kind == "integerValue" and isinstance(content, str):
        number = int(content)
        # int() accepts " 1" and "1_000" too.
        if str(number) != content or not -0x8000000000000000 <= number <= 0x7FFFFFFFFFFFFFFF:
            raise ValueError
        return number
    if kind == "doubleValue" and (type(content) in (int, float) or content in ("NaN", "Infinity", "-Infinity")):
        return float(content)
    from . import value_types as _value_types

    return _value_types.decode(kind, content)
