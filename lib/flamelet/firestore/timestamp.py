"""Reads and writes points in time in the format of RFC 3339: `flamelet.Timestamp`."""

from .. import InvalidArgument
from ..core.dates import days as _days

_FIRST = -62135596800  # 0001-01-01T00:00:00Z
_LAST = 253402300799  # 9999-12-31T23:59:59Z
_TIME = "a timestamp is text like 2026-01-02T03:04:05.123Z, in the years 1 to 9999, not %r"


class Timestamp:
    """A point in time in the format of RFC 3339: "2026-01-02T03:04:05.123456789Z", or with +01:00 in place of the Z.

    `seconds` since 1970 and `nanos` beside them, 0 to 999,999,999, are ints; `str` returns the text. They are used
    to compare, order and hash. Raises InvalidArgument for any other text, and outside the years 1 to 9999.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.seconds, self.nanos = _parse(text)

    @staticmethod
    def of(seconds: int, nanos: int = 0) -> "Timestamp":
        """Return the Timestamp of `seconds` since 1970 and `nanos`. Raises InvalidArgument if out of range."""
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

    # MicroPython does not derive one from another.
    def __lt__(self, other: "Timestamp") -> bool:
        return _is_before(self, other)

    def __gt__(self, other: "Timestamp") -> bool:
        return _is_before(other, self)

    def __le__(self, other: "Timestamp") -> bool:
        return not _is_before(other, self)

    def __ge__(self, other: "Timestamp") -> bool:
        return not _is_before(self, other)

    def to_firestore(self, where):
        return b'{"timestampValue":"%s"}' % self._text.encode()


def _is_before(first, second):
    if not (isinstance(first, Timestamp) and isinstance(second, Timestamp)):
        raise TypeError("a Timestamp can only be compared with a Timestamp")
    return (first.seconds, first.nanos) < (second.seconds, second.nanos)


def _parse(text):
    """Return (seconds, nanos) of a time in the format of RFC 3339. Raises InvalidArgument if it is not valid."""
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
    """Return the seconds since 1970 at b"2026-01-02T03:04:05". Raises ValueError if that is not a time."""
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
    """Return the seconds that b"Z", b"+01:00" or b"-01:00" is ahead of UTC. Raises ValueError if it is neither."""
    if data == b"Z":
        return 0
    if data[:1] not in (b"+", b"-") or data[3:4] != b":":
        raise ValueError
    seconds = (_number(data[1:3], 23) * 60 + _number(data[4:], 59)) * 60
    return seconds if data[:1] == b"+" else -seconds


def _fraction(data):
    """Return the nanoseconds of b".123". Raises ValueError if it is not a fraction, or is finer."""
    if not data:
        return 0
    if data[:1] != b"." or not 2 <= len(data) <= 10:
        raise ValueError
    return _number(data[1:], 999999999) * 10 ** (10 - len(data))


def _number(digits, largest):
    # int() accepts signs, spaces and underscores too.
    if not digits.isdigit() or int(digits) > largest:
        raise ValueError
    return int(digits)


def _date_of(days):
    """Return (year, month, day) of the day that is `days` after 1970-01-01: the inverse of `_days`."""
    year = 1970 + days * 400 // 146097
    while _days(year, 1, 1) > days:
        year -= 1
    while _days(year + 1, 1, 1) <= days:
        year += 1
    month = 12
    while _days(year, month, 1) > days:
        month -= 1
    return year, month, days - _days(year, month, 1) + 1
