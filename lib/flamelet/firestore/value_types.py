"""Converts the types of Cloud Firestore that JSON does not have: `flamelet.Timestamp`, `Reference`, `GeoPoint`,
`Vector`; bytes.

In: what a program makes, or the service sent. Out: objects that write themselves as a `Value` of the REST API
(`to_firestore`, for fields.py). Loaded with the first of them. A time is text and two ints, never a float: a board's
float is off by a minute. The service keeps microseconds and truncates the rest.
"""

import binascii
from collections import namedtuple

from .. import InvalidArgument, _broken
from ..core.runtime import const
from ..wire import json as _json
from . import value_json as _value_json
from .timestamp import Timestamp

_VECTOR = (
    b'{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},"value":{"arrayValue":{"values":[%s]}}}}}'
)
_FRAME = ("projects", "databases", "documents")
_DIMENSIONS = const(2048)


class Reference:
    """A reference to a document: `name` is its full name, "projects/P/databases/D/documents/cities/LA".

    `path` is the part after `documents/`. Raises InvalidArgument for any other name.
    """

    def __init__(self, name: str) -> None:
        parts = name.split("/") if isinstance(name, str) else [""]
        if "" in parts or len(parts) < 7 or len(parts) % 2 == 0 or (parts[0], parts[2], parts[4]) != _FRAME:
            text = "a reference is the full name of a document, projects/P/databases/D/documents/cities/LA, not %r"
            raise InvalidArgument(text % (name,))
        self.name = name
        self.path = "/".join(parts[5:])

    def __repr__(self) -> str:
        return "Reference(%r)" % self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self.name == other.name

    def to_firestore(self, where):
        return b'{"referenceValue":%s}' % _json.dumps(self.name, None)


class GeoPoint(namedtuple("GeoPoint", ("latitude", "longitude"))):
    """A point on the Earth: `latitude` from -90 to 90 and `longitude` from -180 to 180 degrees."""

    def to_firestore(self, where):
        if not (_is_within(self[0], 90) and _is_within(self[1], 180)):
            text = "a GeoPoint has -90 to 90 and -180 to 180 degrees, not %r"
            raise _value_json.invalid_field(where, text % (tuple(self),))
        numbers = (_value_json.double(self[0]), _value_json.double(self[1]))
        return b'{"geoPointValue":{"latitude":%s,"longitude":%s}}' % numbers


class Vector(list):
    """A list of floats for nearest-neighbour search, like an embedding. At most 2,048 floats."""

    def to_firestore(self, where):
        if len(self) > _DIMENSIONS:
            text = "a vector has at most %d dimensions, not %d"
            raise _value_json.invalid_field(where, text % (_DIMENSIONS, len(self)))
        for number in self:
            if not _is_number(number):
                raise _value_json.invalid_field(where, "a vector holds only floats, not %r" % (number,))
        return _VECTOR % b",".join([b'{"doubleValue":%s}' % _value_json.double(number) for number in self])


def encode_bytes(value) -> bytes:
    """Return `value`, bytes or a bytearray, as a `Value`."""
    return b'{"bytesValue":"%s"}' % binascii.b2a_base64(value)[:-1]


def decode(kind: str, content):
    """Return the value of one of these kinds. Raises InvalidArgument or ValueError if it is not valid."""
    if kind == "timestampValue":
        return Timestamp(content)
    if kind == "referenceValue":
        return Reference(content)
    if kind == "bytesValue" and isinstance(content, str):
        data = binascii.a2b_base64(content)
        # a2b_base64 skips characters that are not base64.
        if binascii.b2a_base64(data)[:-1] == content.encode():
            return data
    if kind == "geoPointValue" and isinstance(content, dict):
        # A member that is 0 may be left out (the JSON of protocol buffers).
        point = (content.get("latitude", 0), content.get("longitude", 0))
        if _is_within(point[0], 90) and _is_within(point[1], 180):
            return GeoPoint(float(point[0]), float(point[1]))
    raise ValueError


def decode_vector(fields: dict, decode) -> Vector:
    """Return the Vector for a map with a `__type__`. Raises ProtocolError if it is another type."""
    if fields["__type__"] == {"stringValue": "__vector__"} and len(fields) == 2:
        numbers = decode(fields.get("value"))
        if isinstance(numbers, list) and all([isinstance(number, float) for number in numbers]):
            return Vector(numbers)
    raise _broken("the server sent a map of a type that the REST API does not have: %r", fields)


def _is_number(value):
    return isinstance(value, (int, float)) and value is not True and value is not False


def _is_within(degrees, limit):
    return _is_number(degrees) and -limit <= degrees <= limit
