"""Parts a large group of collections of Firestore, for several readers at once.

In: a query of a group, and how many parts. Out: queries that follow each other without a gap; fewer where there are few
documents. Between two parts stands a document that the service names.
"""

from .. import _broken
from ..wire.json import dumps
from . import fields as _fields
from .query_terms import reference
from .rest import call


def partition(client, parent, query, count):
    """Flow: the queries that `query`, below `parent`, is parted into."""
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
    # Those of several pages come mixed.
    points = [reference(name) for name in sorted(names, key=lambda name: name.split("/"))]
    parts = []
    for start, end in zip([None] + points, points + [None]):
        part = named.start_at(start) if start else named
        parts.append(part.end_before(end) if end else part)
    return parts


def _points(answer):
    """The names of the documents between two parts."""
    try:
        return [_fields.decode(cursor["values"][0]).name for cursor in answer.get("partitions", ())]
    except (AttributeError, IndexError, KeyError, TypeError):
        raise _broken("partitionQuery: the answer has no partitions: is this Firestore?")
