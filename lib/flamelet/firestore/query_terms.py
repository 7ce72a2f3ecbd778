"""Checks and writes the terms of a query of Firestore: paths of fields, references, counts."""

from .. import InvalidArgument
from ..wire.json import dumps
from . import field_path as _field_path


def reference(name: str):
    """Return the `Reference` to the document with this resource name."""
    from .value_types import Reference

    return Reference(name)


def field_path(path: str) -> str:
    """Return the path of a field as the service writes it."""
    return _field_path.join(_field_path.split(path))


def field_reference(field: str) -> bytes:
    """Return the path of a field as a FieldReference of the REST API, in JSON."""
    return b'{"fieldPath":%s}' % dumps(field, None)


def integer(name: str, count: int, least: int) -> int:
    """Return `count`. Raises InvalidArgument, for `name`, if it is not an int of 32 bits of at least `least`."""
    if not isinstance(count, int) or isinstance(count, bool) or not least <= count < 1 << 31:
        raise InvalidArgument("%s takes an int, %d or more, not %r" % (name, least, count))
    return count
