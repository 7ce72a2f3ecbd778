"""Computes the storage size of a document ("Storage size calculations" of the service). Loaded for large ones.

In: fields that `encode_fields` of fields.py has accepted. Out: bytes, or InvalidArgument over 1 MiB, before anything
is sent. The rule for a map is "calculated the same way as document size": so its 32 bytes count too.
"""

from .. import InvalidArgument
from ..core.runtime import const

_LIMIT = const(1048576)


def check(fields: dict, path: str = "") -> None:
    """Raise InvalidArgument if the document at `path` with these fields is larger than 1 MiB."""
    size = encoded_size(fields, path)
    if size > _LIMIT:
        text = "the document %s would take %d bytes of storage, and %d is the limit: split it"
        raise InvalidArgument(text % (path, size, _LIMIT))


def encoded_size(fields: dict, path: str = "") -> int:
    """Return the bytes of storage for a document with these fields; with `path`, "cities/LA", also for its name."""
    return _map(fields) + (_name(path) if path else 0)


def _map(fields):
    return 32 + sum([_text(name) + _value(fields[name]) for name in fields])


def _value(value):
    if value is None or value is True or value is False:
        return 1
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _map(value)
    if isinstance(value, (list, tuple)):
        # A Vector and a GeoPoint too: 8 for each number.
        return sum([_value(item) for item in value])
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    return _name(value.path) if hasattr(value, "path") else 8


def _name(path):
    return 16 + sum([_text(segment) for segment in path.strip("/").split("/")])


def _text(text):
    return len(text.encode()) + 1
