"""Writes floats as Firestore's JSON has them, and refuses what is no value."""

from .. import InvalidArgument


def double(value: float) -> bytes:
    """A float as JSON; NaN and the infinities as the strings that the REST API has for them."""
    if value != value:
        return b'"NaN"'
    if value - value != 0:
        return b'"Infinity"' if value > 0 else b'"-Infinity"'
    return repr(float(value)).encode()


def invalid_field(where: str, reason) -> InvalidArgument:
    """The InvalidArgument for the value of the field `where`."""
    return InvalidArgument("the field %s: %s" % (where, reason) if where else str(reason))
