"""Writes floats in Firestore's JSON, and makes the error for a value that is not valid."""

from .. import InvalidArgument


def double(value: float) -> bytes:
    """Return a float as JSON; NaN and the infinities are strings, as in the REST API."""
    if value != value:
        return b'"NaN"'
    if value - value != 0:
        return b'"Infinity"' if value > 0 else b'"-Infinity"'
    return repr(float(value)).encode()


def invalid_field(where: str, reason) -> InvalidArgument:
    """Return the InvalidArgument for the value of the field `where`."""
    return InvalidArgument("the field %s: %s" % (where, reason) if where else str(reason))
