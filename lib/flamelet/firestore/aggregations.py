"""Aggregates the documents of a query of Firestore in the service: count, sum, avg.

In: a query and aggregations: ("count",), ("count", up_to), ("sum", field), ("avg", field). Out: their values. Limit:
five aggregations at a time.
"""

from .. import InvalidArgument, _broken
from ..wire.json import dumps
from . import fields as _fields
from .elements import call_elements
from .query_terms import field_path, field_reference, integer

_MOST = 5


def number(client, parent, query, aggregation):
    """Flow: return the value of one aggregation."""
    values = yield from aggregate(client, parent, query, {"value": aggregation})
    return values["value"]


def aggregate(client, parent, query, aggregations):
    """Flow: return {name: value} of {name: aggregation}; `query`: a StructuredQuery below `parent`, as JSON."""
    if not 1 <= len(aggregations) <= _MOST:
        raise InvalidArgument("aggregate takes one to five aggregations, not %d" % len(aggregations))
    made = [_aggregation(alias, aggregations[alias]) for alias in aggregations]
    content = b'"structuredQuery":%s,"aggregations":[%s]' % (query, b",".join(made))
    body = b'{"structuredAggregationQuery":{%s}}' % content
    elements = yield from call_elements(client, parent + ":runAggregationQuery", body)
    for element in elements:
        result = element.get("result")
        fields = result.get("aggregateFields") if isinstance(result, dict) else None
        if isinstance(fields, dict) and all(alias in fields for alias in aggregations):
            return _fields.decode_fields(fields)
    raise _broken("runAggregationQuery: the answer has no result: is this Firestore?")


def _aggregation(alias, made):
    """Return `made`, ("count",), ("count", up_to), ("sum", field) or ("avg", field), as JSON."""
    if not isinstance(made, tuple) or not made or made[0] not in ("count", "sum", "avg"):
        raise InvalidArgument('an aggregation is ("count",), ("sum", field) or ("avg", field), not %r' % (made,))
    if made[0] != "count":
        if len(made) != 2:
            raise InvalidArgument("%s takes a field" % made[0])
        content = b'{"field":%s}' % field_reference(field_path(made[1]))
    elif len(made) == 1:
        content = b"{}"
    else:
        content = b'{"upTo":"%d"}' % integer("count", made[1], 1)
    return b'{"alias":%s,"%s":%s}' % (dumps(alias, None), made[0].encode(), content)
