"""Reads and writes JSON (RFC 8259) strictly: with the firmware's parser and writer, and a check before each.

The firmware's parser accepts `{"a" 1}` and `[1,,2]`, and makes broken UTF-8 of `\ud83d\ude00`; its writer
writes `nan` and `<object>`. So `loads` first checks the bytes, and `dumps` first checks the
value.

In: a bytearray that holds one JSON text. Out: the value, or ProtocolError. The check allocates nothing; its stack of
open brackets is one bytearray, made once. Limit: 72 levels (the Realtime Database allows 32; Firestore 20, and each
takes three here).
"""

from .. import InvalidArgument, _broken
from ..core.runtime import MICROPYTHON, const

if MICROPYTHON:
    import json

    _loads = json.loads

    def _dumps(value):
        return json.dumps(value, separators=(",", ":"))

else:
    from ..core.runtime_cpython import dumps as _dumps
    from ..core.runtime_cpython import loads as _loads


_OK = const(-1)
_SURROGATES = const(-2)  # JSON with surrogate pairs, which the firmware would decode wrong
_VALUE = const(0)
_VALUE_OR_END = const(1)
_KEY = const(2)
_KEY_OR_END = const(3)
_COLON = const(4)
_COMMA_OR_END = const(5)
_HALF_PAIR = "a string with half a surrogate pair cannot be sent"
_open = bytearray(72)
_found = bytearray(1)  # whether the text being checked has surrogate pairs


def loads(buffer: bytearray, view, end: int) -> object:
    """Return the value of the JSON text in buffer[:end]. Changes `buffer`; `view` is a memoryview of it.

    Raises ProtocolError if the text is not JSON.
    """
    end = checked(buffer, end)
    return value(view[:end])


def checked(buffer: bytearray, end: int) -> int:
    """Return the end of the JSON text in buffer[:end], after its surrogate pairs were replaced by UTF-8 in place.

    Raises ProtocolError if it is not JSON.
    """
    code = check(buffer, 0, end)
    if code >= 0:
        text = "the server sent what is not JSON: %r: does the network intercept?"
        raise _broken(text, _excerpt(buffer, code, end))
    return _combine_pairs(buffer, end) if code == _SURROGATES else end


def value(view) -> object:
    """Return the value of the JSON text in `view`, which was `checked`. Raises ProtocolError if it is too large."""
    try:
        return _loads(view)
    except (MemoryError, ValueError):
        # ValueError: CPython's limit of 4,300 digits for one whole number.
        raise _broken("a JSON text of %d bytes, or a number in it, is too large: ask for less", len(view))


def _excerpt(buffer, at, end):
    # The beginning shows an HTML page or a captive portal better than the place of the error.
    start = 0 if at < 80 else at - 40
    return bytes(buffer[start : min(end, start + 80)])


def check(buffer: bytearray, at: int, end: int) -> int:
    """Return -1 if buffer[at:end] is one JSON text, -2 if it has surrogate pairs, else the position of the error."""
    depth = 0
    expected = _VALUE
    _found[0] = 0
    while True:
        while at < end and buffer[at] in b" \n\r\t":
            at += 1
        if at == end:
            break
        byte = buffer[at]
        if byte == 34 and expected != _COLON and expected != _COMMA_OR_END:
            stop = _string(buffer, at + 1, end)
            expected = _COLON if expected == _KEY or expected == _KEY_OR_END else _COMMA_OR_END
        elif expected <= _VALUE_OR_END and (byte == 123 or byte == 91):
            if depth == len(_open):
                return at
            _open[depth] = byte
            depth += 1
            stop = at + 1
            expected = _KEY_OR_END if byte == 123 else _VALUE_OR_END
        elif byte == 93 or byte == 125:
            # "]" is 91 + 2 and "}" is 123 + 2; only after a value or an opening bracket.
            if not expected & 1 or not depth or _open[depth - 1] != byte - 2:
                return at
            depth -= 1
            stop = at + 1
            expected = _COMMA_OR_END
        elif expected == _COLON:
            stop = at + 1 if byte == 58 else -1
            expected = _VALUE
        elif expected == _COMMA_OR_END:
            stop = at + 1 if byte == 44 and depth else -1
            expected = _KEY if depth and _open[depth - 1] == 123 else _VALUE
        else:
            stop = _scalar(buffer, at, end) if expected <= _VALUE_OR_END else -1
            expected = _COMMA_OR_END
        if stop < 0:
            return at
        at = stop
    if depth or expected != _COMMA_OR_END:
        return at
    return _SURROGATES if _found[0] else _OK


def _scalar(buffer, at, end):
    """Return the end of the number, true, false or null at buffer[at], or -1 if there is none."""
    byte = buffer[at]
    if byte == 116:
        return at + 4 if at + 4 <= end and buffer.startswith(b"true", at) else -1
    if byte == 102:
        return at + 5 if at + 5 <= end and buffer.startswith(b"false", at) else -1
    if byte == 110:
        return at + 4 if at + 4 <= end and buffer.startswith(b"null", at) else -1
    if byte == 45:
        at += 1
    if at < end and buffer[at] == 48:
        at += 1
    else:
        at = _digits(buffer, at, end)
    if 0 <= at < end and buffer[at] == 46:
        at = _digits(buffer, at + 1, end)
    if 0 <= at < end and buffer[at] | 32 == 101:
        at += 1
        if at < end and (buffer[at] == 43 or buffer[at] == 45):
            at += 1
        at = _digits(buffer, at, end)
    return at


def _digits(buffer, at, end):
    start = at
    while at < end and 48 <= buffer[at] <= 57:
        at += 1
    return at if at > start else -1


def _string(buffer, at, end):
    """Return the position after the closing quote of the string that begins at buffer[at], or -1 if it is broken."""
    while 0 <= at < end:
        byte = buffer[at]
        if byte == 34:
            return at + 1
        if byte == 92:
            at = _escape(buffer, at + 1, end)
        elif byte < 32:
            return -1
        elif byte < 128:
            at += 1
        else:
            at = _utf8(buffer, at, end)
    return -1


def _escape(buffer, at, end):
    if at == end:
        return -1
    if buffer[at] != 117:
        return at + 1 if buffer[at] in b'"\\/bfnrt' else -1
    unit = _unit(buffer, at + 1, end)
    if not 0xD800 <= unit <= 0xDFFF:
        return at + 5 if unit >= 0 else -1
    # Half a pair is not valid text: the first half must be followed by the second.
    if unit >= 0xDC00 or end - at < 11 or buffer[at + 5] != 92 or buffer[at + 6] != 117:
        return -1
    if not 0xDC00 <= _unit(buffer, at + 7, end) <= 0xDFFF:
        return -1
    _found[0] = 1
    return at + 11


def _unit(buffer, at, end):
    """Return the UTF-16 unit of the four hexadecimal digits at buffer[at], or -1 if they are not digits."""
    if end - at < 4:
        return -1
    unit = 0
    for i in range(at, at + 4):
        byte = buffer[i]
        if not 48 <= byte <= 57:
            byte |= 32
            if not 97 <= byte <= 102:
                return -1
            byte -= 39
        unit = unit << 4 | byte - 48
    return unit


def _utf8(buffer, at, end):
    """Return the position after the UTF-8 sequence at buffer[at] (RFC 3629, section 4), or -1 if it is malformed."""
    lead = buffer[at]
    low = 0x80
    high = 0xBF
    if 0xC2 <= lead <= 0xDF:
        size = 2
    elif 0xE0 <= lead <= 0xEF:
        size = 3
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
    elif 0xF0 <= lead <= 0xF4:
        size = 4
        if lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
    else:
        return -1
    if end - at < size or not low <= buffer[at + 1] <= high:
        return -1
    end = at + size
    at += 2
    while at < end:
        if buffer[at] & 0xC0 != 0x80:
            return -1
        at += 1
    return end


def _combine_pairs(buffer, end):
    """Rewrite each escaped surrogate pair, twelve bytes, as its four bytes of UTF-8. Returns the new end."""
    at = to = 0
    while at < end:
        byte = buffer[at]
        if byte == 92:
            unit = _unit(buffer, at + 2, end) if buffer[at + 1] == 117 else 0
            if 0xD800 <= unit <= 0xDBFF:
                point = 0x10000 + (unit - 0xD800 << 10) + _unit(buffer, at + 8, end) - 0xDC00
                buffer[to] = 0xF0 | point >> 18
                buffer[to + 1] = 0x80 | point >> 12 & 0x3F
                buffer[to + 2] = 0x80 | point >> 6 & 0x3F
                buffer[to + 3] = 0x80 | point & 0x3F
                to += 4
                at += 12
                continue
            # The letter after the backslash is copied with it, so an escaped backslash does not begin an escape.
            buffer[to] = byte
            to += 1
            at += 1
        buffer[to] = buffer[at]
        to += 1
        at += 1
    return to


def any_key(key) -> None:
    """Allow every key: for `dumps`, if the service itself checks them."""


def dumps(value: object, check_key) -> bytes:
    """Return `value` as JSON in UTF-8. `check_key(key)` raises if the service does not allow a key.

    Raises InvalidArgument for what JSON cannot hold: NaN, infinities, bytes, objects, keys that are not str, half a
    surrogate pair, more than 32 levels.
    """
    _check_value(value, check_key, 0)
    try:
        return to_utf8(_dumps(value))
    except UnicodeError:
        raise InvalidArgument(_HALF_PAIR)
    except MemoryError:
        raise InvalidArgument("the value does not fit into the memory as JSON: send it in parts")


def to_utf8(text: str) -> bytes:
    """Return `text` in UTF-8. Raises InvalidArgument if it has half a surrogate pair, which MicroPython encodes."""
    try:
        data = text.encode()
    except UnicodeError:
        raise InvalidArgument(_HALF_PAIR)
    at = data.find(b"\xed")
    while at >= 0:
        if data[at + 1] >= 0xA0:
            raise InvalidArgument(_HALF_PAIR)
        at = data.find(b"\xed", at + 1)
    return data


def _check_value(value, check_key, depth):
    if depth > 32:
        raise InvalidArgument("the value is nested more than 32 levels deep")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InvalidArgument("a key is a str, not %s: %r" % (type(key).__name__, key))
            check_key(key)
            _check_value(value[key], check_key, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_value(item, check_key, depth + 1)
    elif isinstance(value, float):
        if value != value or value - value != 0:
            raise InvalidArgument("JSON cannot hold %r: send None instead" % value)
    elif not (value is None or isinstance(value, (bool, int, str))):
        raise InvalidArgument("JSON cannot hold %s: %r" % (type(value).__name__, value))
