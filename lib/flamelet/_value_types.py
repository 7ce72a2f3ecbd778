"""Values of Cloud Firestore that JSON does not have: `flamelet.Timestamp`, `Reference`, `GeoPoint`, `Vector`; bytes.

In: what a program makes, or what the service sent. Out: objects that write themselves as a `Value` of the REST API
(`_encode`, for _fields.py). Loaded with the first of them. A time is text and two ints, never a float: a board's float
is wrong by a minute. The service keeps microseconds and cuts off what is finer.
"""

import binascii
from collections import namedtuple

from . import InvalidArgument, _fields, _json, broken
from ._date import _days
from ._runtime import const

_FIRST = -62135596800  # 0001-01-01T00:00:00Z
_LAST = 253402300799  # 9999-12-31T23:59:59Z
_VECTOR = (
    b'{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},"value":{"arrayValue":{"values":[%s]}}}}}'
)
_FRAME = ("projects", "databases", "documents")
_TIME = "a timestamp is text as 2026-01-02T03:04:05.123Z, in the years 1 to 9999, not %r"
_DIMENSIONS = const(2048)


class Timestamp:
    """A point in time, as RFC 3339 has it: "2026-01-02T03:04:05.123456789Z", also with +01:00 for the Z.

    `seconds` since 1970 and `nanos` beside them, 0 to 999,999,999, are ints; `str` gives the text. Two are compared,
    ordered and hashed by these. Raises InvalidArgument for any other text, and outside the years 1 to 9999.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.seconds, self.nanos = _parse(text)

    @staticmethod
    def of(seconds: int, nanos: int = 0) -> "Timestamp":
        """The Timestamp of `seconds` since 1970 and `nanos`; InvalidArgument where they cannot be."""
        if not (isinstance(seconds, int) and isinstance(nanos, int) and 0 <= nanos < 1000000000):
            text = "a timestamp has whole seconds and 0 to 999,999,999 nanos, not %r and %r"
            raise InvalidArgument(text % (seconds, nanos))
        if not _FIRST <= seconds <= _LAST:
            raise InvalidArgument("a timestamp is in the years 1 to 9999: %d s are not" % seconds)
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        fraction = (".%09d" % nanos).rstrip("0") if nanos else ""
        clock = "T%02d:%02d:%02d%sZ" % (hour, minute, second, fraction)
        return Timestamp("%04d-%02d-%02d" % _date_of(days) + clock)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Timestamp(%r)" % self._text

    def __hash__(self) -> int:
        return hash((self.seconds, self.nanos))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and (self.seconds, self.nanos) == (other.seconds, other.nanos)

    # MicroPython derives none of these from another.
    def __lt__(self, other: "Timestamp") -> bool:
        return _is_before(self, other)

    def __gt__(self, other: "Timestamp") -> bool:
        return _is_before(other, self)

    def __le__(self, other: "Timestamp") -> bool:
        return not _is_before(other, self)

    def __ge__(self, other: "Timestamp") -> bool:
        return not _is_before(self, other)

    def _encode(self, where):
        return b'{"timestampValue":"%s"}' % self._text.encode()


class Reference:
    """A reference to a document: `name` is its full name, "projects/P/databases/D/documents/cities/LA".

    `path` is what follows `documents/`. Raises InvalidArgument for any other name.
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

    def _encode(self, where):
        return b'{"referenceValue":%s}' % _json.dumps(self.name, None)


class GeoPoint(namedtuple("GeoPoint", ("latitude", "longitude"))):
    """A point on the Earth: `latitude` from -90 to 90 and `longitude` from -180 to 180 degrees."""

    def _encode(self, where):
        if not (_is_within(self[0], 90) and _is_within(self[1], 180)):
            raise _fields.refused(where, "a GeoPoint has -90 to 90 and -180 to 180 degrees, not %r" % (tuple(self),))
        numbers = (_fields.double(self[0]), _fields.double(self[1]))
        return b'{"geoPointValue":{"latitude":%s,"longitude":%s}}' % numbers


class Vector(list):
    """A list of floats that can be searched for its nearest neighbours: an embedding. At most 2,048 of them."""

    def _encode(self, where):
        if len(self) > _DIMENSIONS:
            raise _fields.refused(where, "a vector has at most %d dimensions, not %d" % (_DIMENSIONS, len(self)))
        for number in self:
            if not _is_number(number):
                raise _fields.refused(where, "a vector holds floats alone, not %r" % (number,))
        return _VECTOR % b",".join([b'{"doubleValue":%s}' % _fields.double(number) for number in self])


def encode_bytes(value) -> bytes:
    """`value`, bytes or a bytearray, as a `Value`."""
    return b'{"bytesValue":"%s"}' % binascii.b2a_base64(value)[:-1]


def decode(kind: str, content):
    """The value of such a kind; InvalidArgument or ValueError where it is none."""
    if kind == "timestampValue":
        return Timestamp(content)
    if kind == "referenceValue":
        return Reference(content)
    if kind == "bytesValue" and isinstance(content, str):
        data = binascii.a2b_base64(content)
        # a2b_base64 skips what is no base64.
        if binascii.b2a_base64(data)[:-1] == content.encode():
            return data
    if kind == "geoPointValue" and isinstance(content, dict):
        # A member that is 0 may be left out (the JSON of protocol buffers).
        point = (content.get("latitude", 0), content.get("longitude", 0))
        if _is_within(point[0], 90) and _is_within(point[1], 180):
            return GeoPoint(float(point[0]), float(point[1]))
    raise ValueError


def decode_vector(fields: dict) -> Vector:
    """The vector that a map with a `__type__` is; ProtocolError where it is something else."""
    if fields["__type__"] == {"stringValue": "__vector__"} and len(fields) == 2:
        numbers = _fields.decode(fields.get("value"))
        if isinstance(numbers, list) and all([isinstance(number, float) for number in numbers]):
            return Vector(numbers)
    raise broken("the server sent a map of a type that the REST API does not have: %r", fields)


def _is_number(value):
    return isinstance(value, (int, float)) and value is not True and value is not False


def _is_within(degrees, limit):
    return _is_number(degrees) and -limit <= degrees <= limit


def _is_before(first, second):
    if not (isinstance(first, Timestamp) and isinstance(second, Timestamp)):
        raise TypeError("a Timestamp comes before or after another Timestamp alone")
    return (first.seconds, first.nanos) < (second.seconds, second.nanos)


def _parse(text):
    """(seconds, nanos) of a time as RFC 3339 has it; InvalidArgument where it is none."""
    try:
        data = text.encode()
        at = len(data) - 1 if data.endswith(b"Z") else len(data) - 6
        seconds = _clock(data[:19]) - _offset(data[at:])
        nanos = _fraction(data[19:at])
    except (AttributeError, UnicodeError, ValueError):
        seconds = _LAST + 1
    if not _FIRST <= seconds <= _LAST:
        raise InvalidArgument(_TIME % (text,))
    return seconds, nanos


def _clock(data):
    """Seconds since 1970 at b"2026-01-02T03:04:05"; ValueError where that is no time."""
    if data[4:5] + data[7:8] + data[10:11] + data[13:14] + data[16:17] != b"--T::":
        raise ValueError
    year = _number(data[:4], 9999)
    month = _number(data[5:7], 12)
    day = _number(data[8:10], 31)
    hours = _number(data[11:13], 23)
    days = _days(year, month, day)
    if not (year and month and day and days < _days(year, month + 1, 1)):
        raise ValueError
    return ((days * 24 + hours) * 60 + _number(data[14:16], 59)) * 60 + _number(data[17:], 59)


def _offset(data):
    """The seconds that b"Z", b"+01:00" or b"-01:00" is ahead of UTC; ValueError where it is none of these."""
    if data == b"Z":
        return 0
    if data[:1] not in (b"+", b"-") or data[3:4] != b":":
        raise ValueError
    seconds = (_number(data[1:3], 23) * 60 + _number(data[4:], 59)) * 60
    return seconds if data[:1] == b"+" else -seconds


def _fraction(data):
    """Nanoseconds of b".123"; ValueError where it is no fraction, or is finer than that."""
    if not data:
        return 0
    if data[:1] != b"." or not 2 <= len(data) <= 10:
        raise ValueError
    return _number(data[1:], 999999999) * 10 ** (10 - len(data))


def _number(digits, largest):
    # int takes signs, spaces and underscores too.
    if not digits.isdigit() or int(digits) > largest:
        raise ValueError
    return int(digits)


def _date_of(days):
    """(year, month, day) of the day that is `days` after 1970-01-01: `_days` the other way round."""
    year = 1970 + days * 400 // 146097
    while _days(year, 1, 1) > days:
        year -= 1
    while _days(year + 1, 1, 1) <= days:
        year += 1
    month = 12
    while _days(year, month, 1) > days:
        month -= 1
    return year, month, days - _days(year, month, 1) + 1
