"""Splits a large collection group of Firestore into parts, for several readers at once.

In: a query of a group, and how many parts. Out: queries that follow each other without a gap; fewer if there are few
documents. The service names the documents at which the parts begin.
"""

from .. import _broken
from ..wire.json import dumps
from . import fields as _fields
from .query_terms import reference
from .rest import call


def partition(client, parent, query, count):
    """Flow: return the queries into which `query`, below `parent`, is split: at most `count`."""
    named = query.order_by("__name__")
    content = {"partitionCount": str(count - 1)}
    names: list = []
    while True:
        members = b",".join([b'"%s":%s' % (name.encode(), dumps(content[name], None)) for name in content])
        body = b'{"structuredQuery":%s,%s}' % (named.structured(), members)
        answer = yield from call(client, "POST", parent + ":partitionQuery", body)
        names.extend(_points(answer))
        if not answer.get("nextPageToken"):
            break
        content["pageToken"] = answer["nextPageToken"]
    # The names of several pages are not in order.
    points = [reference(name) for name in sorted(names, key=lambda name: name.split("/"))]
    parts = []
    for start, end in zip([None] + points, points + [None]):
        part = named.start_at(start) if start else named
        parts.append(part.end_before(end) if end else part)
    return parts


def _points(answer):
    """Return the names of the documents at which parts begin."""
    try:
        return [_fields.decode(cursor["values"][0]).name for cursor in answer.get("partitions", ())]
    except (AttributeError, IndexError, KeyError, TypeError):
        raise _broken("partitionQuery: the answer has no partitions: is this Firestore?")
