"""Makes the values that the server fills in: `flamelet.TIMESTAMP`, `flamelet.increment(delta)`, and those that only
Firestore knows.

Each stands for a value that is written, or for a part of it, or for a `.priority`. Out: the placeholders of the REST
API ("Server Values"). An increment is not repeated automatically: a lost answer raises OutcomeUnknown.
"""

from .. import InvalidArgument

TIMESTAMP = {".sv": "timestamp"}  # the time of the server, in milliseconds since 1970


def increment(delta) -> dict:
    """Return the value that adds `delta`, an int or a float, to the present number, which is 0 if there is none."""
    if not _is_number(delta):
        raise InvalidArgument("increment takes an int or a finite float, not %r" % (delta,))
    return {".sv": {"increment": delta}}


DELETE = {".sv": "delete"}  # Firestore: removes the field from a document that is updated


def maximum(number) -> dict:
    """Return the value that sets a field to the larger of its number and this one. Firestore only."""
    return {".sv": {"maximum": number}}


def minimum(number) -> dict:
    """Return the value that sets a field to the smaller of its number and this one. Firestore only."""
    return {".sv": {"minimum": number}}


def array_union(values: list) -> dict:
    """Return the value that adds to an array those of `values` that it does not have. Firestore only."""
    return {".sv": {"array_union": list(values)}}


def array_remove(values: list) -> dict:
    """Return the value that removes `values` from an array. Firestore only."""
    return {".sv": {"array_remove": list(values)}}


def check(value: object) -> None:
    """Raise InvalidArgument if `value` holds a `.sv` that the Realtime Database does not know."""
    if isinstance(value, (list, tuple)):
        for item in value:
            check(item)
    elif isinstance(value, dict):
        if ".sv" in value and not _is_known(value):
            raise InvalidArgument("%r is no server value: use flamelet.TIMESTAMP or flamelet.increment(n)" % (value,))
        for item in value.values():
            check(item)


def _is_known(value):
    kind = value[".sv"]
    # By the documentation it is an object with a single key. A priority beside it is a value of its own.
    is_alone = all(key in (".sv", ".priority") for key in value)
    is_increment = isinstance(kind, dict) and list(kind) == ["increment"] and _is_number(kind["increment"])
    return is_alone and (kind == "timestamp" or is_increment)


def _is_number(delta):
    return isinstance(delta, (int, float)) and not isinstance(delta, bool) and delta - delta == 0
