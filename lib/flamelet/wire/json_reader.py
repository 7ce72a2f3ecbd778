"""Reads JSON (RFC 8259) as it arrives: finds the values whose paths match a pattern, and skips the rest.

In: bytes in a buffer, cut anywhere, and a pattern: a list of keys, in which "*" stands for any; the keys of an array
are its indices. Out: small ints (`NEED`, `FOUND`, or a negative code). What is skipped is not
built, but checked as strictly as what is found: numbers, escapes, surrogate pairs, UTF-8.

Memory: the text of the value that is found, and the keys that match. Limits: 64 levels; `value_bytes` for a value or
key that is found.
"""

from .. import _broken
from ..core.runtime import MICROPYTHON, const

if MICROPYTHON:
    from json import loads as _loads
else:
    from ..core.runtime_cpython import loads as _loads


NEED = const(0)
FOUND = const(1)  # text[:size] is a value, and keys are its path
NOT_JSON = const(-1)
TOO_LARGE = const(-2)  # as FOUND, but only the beginning of the value, which has `size` bytes, was kept
KEY_TOO_LARGE = const(-3)
# What comes next, as in json.py: odd if a bracket may close.
_VALUE = const(0)
_VALUE_OR_END = const(1)
_KEY = const(2)
_KEY_OR_END = const(3)
_COLON = const(4)
_COMMA_OR_END = const(5)
# The token that was cut; for a number, what was read last.
_STRING = const(1)
_ESCAPE = const(2)
_UNIT = const(3)
_UTF8 = const(4)
_LITERAL = const(5)
_SIGN = const(6)
_ZERO = const(7)
_INTEGER = const(8)
_POINT = const(9)
_FRACTION = const(10)
_E = const(11)
_E_SIGN = const(12)
_EXPONENT = const(13)
_WHOLE = (_ZERO, _INTEGER, _FRACTION, _EXPONENT)
_LITERALS = (b"true", b"false", b"null")


class Reader:
    """Reads one text after another.

    After FOUND: `text[:size]`, a bytearray, is the value as JSON, and `keys` is its path.
    """

    def __init__(self, pattern: list, value_bytes: int) -> None:
        self._limit = value_bytes
        self.text = bytearray(min(64, value_bytes))
        self._open = bytearray(64)
        self.aim(pattern)
        self.start()

    def aim(self, pattern: list) -> None:
        """Look for `pattern` from here on; it must begin with what has matched of the pattern before."""
        self._pattern = pattern
        self.keys: list = [""] * len(pattern)
        self._indices = [0] * len(pattern)

    def start(self) -> None:
        """Start a new text."""
        self.size = self.position = 0
        self._depth = self._matched = 0
        self._expected = _VALUE
        self._token = 0
        self._is_key = self._keeps = self._fits = self._is_high = self._has_pairs = False
        self._literal = b""
        self._count = self._unit = self._low = self._high = self._open[0] = 0

    def is_array(self) -> bool:
        """Return whether the text has begun as an array."""
        return self._open[0] == 91

    def feed(self, buffer: bytearray, at: int, end: int) -> int:
        """Read buffer[at:end] up to the next value that is found. Returns its code; feed the rest from `position`."""
        while at < end:
            start = at
            self.position = at
            if self._token:
                at = self._go_on(buffer, at, end)
            elif buffer[at] in b" \n\r\t":
                at += 1
            else:
                at = self._begin(buffer[at], at)
            if at < 0:
                return NOT_JSON
            self.position = at
            if self._keeps:
                self._keep(buffer, start, at)
                if not self._token:
                    code = self._whole()
                    if code:
                        return code
        return NEED

    def feed_eof(self) -> int:
        """End the text.

        Returns NEED if it is whole, FOUND if it is a number that was looked for, NOT_JSON if it is cut.
        """
        if self._token in _WHOLE:
            self._token = 0
            code = self._whole() if self._keeps else NEED
            if code:
                return code
        return NOT_JSON if self._depth or self._token or self._expected != _COMMA_OR_END else NEED

    def _keep(self, buffer, start, end):
        size = self.size + end - start
        if self._fits and size > len(self.text):
            self._fits = size <= self._limit and self._grow(size)
        if self._fits:
            # What is kept is short, or comes token by token: copy() would not be worth its memory.
            for at in range(self.size, size):
                self.text[at] = buffer[start]
                start += 1
        self.size = size

    def _grow(self, size):
        """Make room for `size` bytes of text. Returns whether there is enough memory."""
        try:
            text = bytearray(max(size, min(self._limit, 2 * len(self.text))))
        except MemoryError:
            return False
        text[: len(self.text)] = self.text
        self.text = text
        return True

    def _whole(self):
        """Return the code for the text that was kept: NEED if it goes on, or was a key, which is then compared."""
        if not self._is_key:
            if self._depth > len(self._pattern) or self._expected != _COMMA_OR_END:
                return NEED
            self._keeps = False
            return FOUND if self._fits else TOO_LARGE
        self._is_key = self._keeps = False
        return self._match(self.read()) if self._fits else KEY_TOO_LARGE

    def read(self):
        """Return the value of the text that was kept. Raises ProtocolError if memory is too small for it."""
        view = memoryview(self.text)
        if self._has_pairs:
            # The firmware would decode them wrong.
            from . import json as _json

            return _json.loads(self.text, view, self.size)
        try:
            return _loads(view[: self.size])
        except (MemoryError, ValueError):
            raise _broken("a JSON value of %d bytes, or a number in it, is too large", self.size)

    def _match(self, key):
        """Compare a key or an index. Returns NEED."""
        level = self._depth - 1
        self.keys[level] = key
        self._matched = self._depth if self._pattern[level] in ("*", key) else level
        return NEED

    def _is_on_path(self):
        """Return whether the keys of the innermost container are compared."""
        return self._matched >= self._depth - 1 and 0 < self._depth <= len(self._pattern)

    def _begin(self, byte, at):
        """Return the position after the first byte of a token, or -1 if no token may begin with it."""
        expected = self._expected
        if byte == 34 and expected != _COLON and expected != _COMMA_OR_END:
            if expected == _KEY or expected == _KEY_OR_END:
                self._begin_key()
            else:
                self._begin_value()
            self._token = _STRING
        elif byte == 93 or byte == 125:
            return self._close(byte, at)
        elif expected == _COLON:
            self._expected = _VALUE
            return at + 1 if byte == 58 else -1
        elif expected == _COMMA_OR_END:
            self._expected = _KEY if self._depth and self._open[self._depth - 1] == 123 else _VALUE
            return at + 1 if byte == 44 and self._depth else -1
        elif expected > _VALUE_OR_END:
            return -1
        else:
            self._begin_value()
            return self._begin_other(byte, at)
        return at + 1

    def _begin_key(self):
        self._expected = _COLON
        if self._is_on_path():
            self._is_key = True
            self._begin_text()

    def _begin_value(self):
        if self._is_on_path() and self._open[self._depth - 1] == 91:
            self._match(str(self._indices[self._depth - 1]))
            self._indices[self._depth - 1] += 1
        if self._matched == self._depth == len(self._pattern):
            self._begin_text()
        self._expected = _COMMA_OR_END

    def _begin_text(self):
        self._keeps = self._fits = True
        self._has_pairs = False
        self.size = 0

    def _begin_other(self, byte, at):
        """Begin a value that is not a string. Returns the position after `byte`, or -1."""
        if byte == 123 or byte == 91:
            if self._depth == len(self._open):
                return -1
            self._open[self._depth] = byte
            if self._depth < len(self._indices):
                self._indices[self._depth] = 0
            self._depth += 1
            self._expected = _KEY_OR_END if byte == 123 else _VALUE_OR_END
            return at + 1
        for literal in _LITERALS:
            if literal[0] == byte:
                self._literal = literal
                self._count = 1
                self._token = _LITERAL
                return at + 1
        self._token = _SIGN if byte == 45 else _after(_SIGN, byte)
        return at + 1 if self._token else -1

    def _close(self, byte, at):
        # "]" is 91 + 2 and "}" is 123 + 2; only after a value or an opening bracket.
        if not self._expected & 1 or not self._depth or self._open[self._depth - 1] != byte - 2:
            return -1
        self._depth -= 1
        self._matched = min(self._matched, self._depth)
        self._expected = _COMMA_OR_END
        return at + 1

    def _go_on(self, buffer, at, end):
        """Return the position after the bytes of the token, or -1 if it is broken."""
        token = self._token
        if token == _STRING:
            return self._string(buffer, at, end)
        byte = buffer[at]
        if token >= _SIGN:
            while at < end:
                token = _after(self._token, buffer[at])
                if not token:
                    at = at if self._token in _WHOLE else -1
                    self._token = 0
                    return at
                self._token = token
                at += 1
            return at
        if token == _LITERAL:
            self._count += 1
            if byte != self._literal[self._count - 1]:
                return -1
            if self._count == len(self._literal):
                self._token = 0
        elif token == _UTF8:
            if not self._low <= byte <= self._high:
                return -1
            self._low = 0x80
            self._high = 0xBF
            self._count -= 1
            if not self._count:
                self._token = _STRING
        elif token == _ESCAPE:
            if byte == 117:
                self._count = self._unit = 0
                self._token = _UNIT
            elif byte in b'"\\/bfnrt' and not self._is_high:
                self._token = _STRING
            else:
                return -1
        else:
            return self._hexadecimal(byte, at)
        return at + 1

    def _string(self, buffer, at, end):
        if self._is_high and buffer[at] != 92:
            return -1
        while at < end:
            byte = buffer[at]
            at += 1
            if byte == 34:
                self._token = 0
                return at
            if byte == 92:
                self._token = _ESCAPE
                return at
            if byte < 32:
                return -1
            if byte >= 128:
                return at if self._begin_utf8(byte) else -1
        return at

    def _begin_utf8(self, lead):
        """Await the rest of the sequence that begins with `lead` (RFC 3629, section 4). Returns False if none does."""
        self._low = 0x80
        self._high = 0xBF
        if not 0xC2 <= lead <= 0xF4:
            return False
        self._count = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if lead == 0xE0:
            self._low = 0xA0
        elif lead == 0xED:
            self._high = 0x9F
        elif lead == 0xF0:
            self._low = 0x90
        elif lead == 0xF4:
            self._high = 0x8F
        self._token = _UTF8
        return True

    def _hexadecimal(self, byte, at):
        if not 48 <= byte <= 57:
            byte |= 32
            if not 97 <= byte <= 102:
                return -1
            byte -= 39
        self._unit = self._unit << 4 | byte - 48
        self._count += 1
        if self._count == 4:
            # Half a pair is no text: the first half must be followed by a second.
            is_low = 0xDC00 <= self._unit <= 0xDFFF
            if is_low != self._is_high:
                return -1
            self._has_pairs |= is_low
            self._is_high = 0xD800 <= self._unit <= 0xDBFF
            self._token = _STRING
        return at + 1


def _after(token, byte):
    """Return the token of a number that `byte` goes on with, or 0 if it does not."""
    if 48 <= byte <= 57:
        if token == _SIGN:
            return _ZERO if byte == 48 else _INTEGER
        if token == _ZERO:
            return 0
        if token == _INTEGER:
            return _INTEGER
        return _FRACTION if token <= _FRACTION else _EXPONENT
    if byte == 46:
        return _POINT if token == _ZERO or token == _INTEGER else 0
    if byte | 32 == 101:
        return _E if token in (_ZERO, _INTEGER, _FRACTION) else 0
    return _E_SIGN if token == _E and (byte == 43 or byte == 45) else 0
