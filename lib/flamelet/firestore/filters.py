"""Writes the filters of a query of Firestore: what `where` takes, and `flamelet.and_` and `flamelet.or_`.

In: tuples (field, operator, value), alone or combined. Out: a Filter of the REST API, in JSON; InvalidArgument if the
service would refuse it. Limits are the service's: 30 values for "in" and "array-contains-any", 10 for "not-in".
"""

from collections import namedtuple

from .. import InvalidArgument
from .query_terms import field_path, field_reference

_OPERATORS = {
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    "==": "EQUAL",
    "!=": "NOT_EQUAL",
    ">=": "GREATER_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    "array-contains": "ARRAY_CONTAINS",
    "in": "IN",
    "not-in": "NOT_IN",
    "array-contains-any": "ARRAY_CONTAINS_ANY",
}
_MOST_VALUES = {"in": 30, "array-contains-any": 30, "not-in": 10}
Composite = namedtuple("Composite", ("op", "filters"))


def and_(*filters) -> Composite:
    """Return a filter for documents that match all of `filters`.

    Each is a tuple (field, operator, value), or made by `and_` or `or_`.
    """
    return _composite("AND", filters)


def or_(*filters) -> Composite:
    """Return a filter for documents that match at least one of `filters`, which are as for `and_`."""
    return _composite("OR", filters)


def _composite(op, filters):
    if not filters:
        raise InvalidArgument("%s_ takes at least one filter" % op.lower())
    return Composite(op, filters)


def filter_of(made, encode) -> bytes:
    """Return `made`, a tuple of three or a Composite, as JSON; `encode(field, value)` gives the JSON of a value."""
    if isinstance(made, Composite):
        return composite_filter(made.op, [filter_of(one, encode) for one in made.filters])
    if not isinstance(made, tuple) or len(made) != 3:
        raise InvalidArgument("a filter is (field, operator, value), or made by and_ or or_, not %r" % (made,))
    field, op, value = made
    field = field_path(field)
    if op not in _OPERATORS:
        raise InvalidArgument("an operator is one of %s, not %r" % (" ".join(sorted(_OPERATORS)), op))
    if op in _MOST_VALUES:
        _check_values(op, value)
    elif value is None or value != value:
        if op in ("==", "!="):
            unary = (b"IS_" if op == "==" else b"IS_NOT_") + (b"NULL" if value is None else b"NAN")
            return b'{"unaryFilter":{"field":%s,"op":"%s"}}' % (field_reference(field), unary)
        if op != "array-contains":
            raise InvalidArgument("%s %s %r: None and NaN are compared by == and !=" % (field, op, value))
    filled = field_reference(field), _OPERATORS[op].encode(), encode(field, value)
    return b'{"fieldFilter":{"field":%s,"op":"%s","value":%s}}' % filled


def composite_filter(op: str, filters) -> bytes:
    """Return the JSON of "all of `filters`" ("AND") or "one of `filters`" ("OR"), which are JSON."""
    if len(filters) == 1:
        return filters[0]
    return b'{"compositeFilter":{"op":"%s","filters":[%s]}}' % (op.encode(), b",".join(filters))


def _check_values(op, values):
    most = _MOST_VALUES[op]
    if not isinstance(values, (list, tuple)) or not 1 <= len(values) <= most:
        raise InvalidArgument("%s takes a list of 1 to %d values, not %s" % (op, most, repr(values)[:60]))
