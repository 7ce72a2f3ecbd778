"""Splits a path of the Realtime Database into keys, and checks each key."""

from .. import _invalid
from .runtime import const

_KEY_BYTES = const(768)
_DEPTH = const(32)
_SPECIAL = (".priority", ".settings", ".info")


def keys(path: str) -> list:
    """Return the keys of `path`; [""] for the root. Raises InvalidArgument if one is not valid."""
    if not isinstance(path, str):
        raise _invalid("path", path)
    split = path.strip("/").split("/")
    if len(split) > _DEPTH:
        raise _invalid("deep", _DEPTH)
    for key in split:
        if key not in _SPECIAL and split != [""]:
            check_key(key)
    return split


def check_key(key: str) -> None:
    """Raise InvalidArgument if `key` is not a valid key."""
    bad = not key
    last = 0
    # Bytes, since MicroPython interns each letter of a str that is indexed, for ever.
    encoded = key.encode("utf-8", "surrogatepass")
    for byte in encoded:
        bad |= byte in b".#$[]/\x7f" or byte < 32 or last == 0xED and byte > 0x9F  # half of a surrogate pair
        last = byte
    if bad or len(encoded) > _KEY_BYTES:
        raise _invalid("key", key[:60])
