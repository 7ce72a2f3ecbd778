"""Queries the documents of a collection of Firestore, with filters, orders and limits, and aggregates them.

In: `fs.query("cities")` and its methods, each of which returns a new query and does not change the old one.
Out: `for document in query`: each `Document` as it arrives, over a connection of its own; `get()`: all of them in a
list, over the open connection; numbers from `count`, `sum`, `avg`; parts for several readers from `partition`. A query
that the service would refuse raises InvalidArgument, if that can be known without the data. (Sources:
`StructuredQuery`, `runQuery`, `runAggregationQuery` and `partitionQuery` of the REST reference; the names are those of
google-cloud-firestore.)

Memory: in a `for`, one document at a time, of at most the client's `answer_bytes`; `get()` holds the whole answer. An
iteration that breaks is not resumed.
"""

from .. import InvalidArgument
from ..wire.json import dumps
from . import fields as _fields
from . import path as _document_path
from .document import document, name_of
from .elements import Elements, call_elements
from .query_terms import field_path, field_reference, integer, reference

_NAME = "__name__"


class Query:
    """Made by `Firestore.query(collection)` and `Firestore.query_group(id)`. The name of a field may be a path, "a.b",
    with other than simple names in backticks. "__name__" is the document itself, which is compared with an id or a
    path.
    """

    def __init__(self, client, collection: str, all_descendants: bool = False, parts=None) -> None:
        segments = _document_path.collection(collection)
        self._client = client
        self._collection = collection.strip("/")
        self._parent = "/".join([client.root] + segments[:-1])
        self._id = segments[-1]
        self._all_descendants = all_descendants
        self._parts = parts or {}

    def where(self, field, op: str = "", value: object = None):
        """Take only documents that match this filter, and all those before.

        `op`: "<", "<=", "==", "!=", ">", ">=", "in", "not-in", "array-contains" or "array-contains-any". "==" and
        "!=" also compare with None and NaN. Instead of the three arguments: a filter of `flamelet.and_` or
        `flamelet.or_`.
        """
        from . import filters as _filters

        made = _filters.filter_of((field, op, value) if op or isinstance(field, str) else field, self._value)
        return self._with(where=self._parts.get("where", ()) + (made,))

    def order_by(self, field: str, descending: bool = False):
        """Order by this field, and then by those of later calls; documents without it are left out."""
        return self._with(orderBy=self._parts.get("orderBy", ()) + ((field_path(field), bool(descending)),))

    def start_at(self, *values):
        """Start at these values: one for each `order_by`, or for the first few. The last start counts."""
        return self._cursor("startAt", values, True)

    def start_after(self, *values):
        """Start after these values, which are as for `start_at`."""
        return self._cursor("startAt", values, False)

    def end_at(self, *values):
        """End at these values, which are included. The last end counts."""
        return self._cursor("endAt", values, False)

    def end_before(self, *values):
        """End before these values, which are not included."""
        return self._cursor("endAt", values, True)

    def limit(self, count: int):
        """Take only the first `count` documents."""
        return self._with(limit=integer("limit", count, 1), is_last=False)

    def limit_to_last(self, count: int):
        """Take only the last `count` documents; only for `get`, and with `order_by`."""
        return self._with(limit=integer("limit_to_last", count, 1), is_last=True)

    def offset(self, count: int):
        """Skip the first `count` documents, which are billed all the same; with cursors they are not."""
        return self._with(offset=integer("offset", count, 0))

    def select(self, *fields):
        """Take only these fields of each document; only "__name__": no fields."""
        if not fields:
            raise InvalidArgument('select takes at least one field; select("__name__") is for documents without fields')
        return self._with(select=tuple([field_path(field) for field in fields]))

    def find_nearest(self, field: str, vector, limit: int, measure: str = "EUCLIDEAN", **options):
        """Take the `limit` documents, at most 1,000, whose vectors in `field` are nearest to `vector`, a list of
        floats.

        `measure`: "EUCLIDEAN", "COSINE" or "DOT_PRODUCT". `options`: `distance_result_field`: a field for the
        distance of each document; `distance_threshold`: only documents within it.
        """
        from . import find_nearest as _nearest

        return self._with(findNearest=_nearest.nearest(field, vector, limit, measure, **options))

    def stream(self, **options):
        """Iterate over the documents, as `for document in query`; use a `with` block if the loop may end early.

        `options`: `read_time`: read them as they were then; `transaction`: read in that transaction.
        """
        if self._parts.get("is_last"):
            raise InvalidArgument("limit_to_last is for get(): its documents come in the reverse order")
        return Elements(self._client, self._parent + ":runQuery", self.body(**options), self._found)

    def __iter__(self):
        return self.stream()

    def __aiter__(self):
        return self.stream()

    def get(self, **options):
        """Return the documents in a list; options as for `stream`."""
        return self._client.run(self.flow(**options))

    def count(self, up_to: int = 0):
        """Return how many documents there are; with `up_to`, stop counting there."""
        return self._number(("count", up_to) if up_to else ("count",))

    def sum(self, field: str):
        """Return the sum of the numbers in `field`, or 0 if there are none."""
        return self._number(("sum", field))

    def avg(self, field: str):
        """Return the average of the numbers in `field`, or None if there are none."""
        return self._number(("avg", field))

    def aggregate(self, **aggregations):
        """Return {name: value} for each of `aggregations`, as in aggregate(n=("count",), mean=("avg", "temp")).

        Only documents that have all of these fields count.
        """
        from . import aggregations as _aggregations

        return self._client.run(_aggregations.aggregate(self._client, self._parent, self.structured(), aggregations))

    def partition(self, count: int):
        """Return at most `count` queries that together find all documents of this group.

        Only for a plain `fs.query_group(id)`; production needs an OAuth2 token for it.
        """
        from . import partitions as _partitions

        if self._parts or not self._all_descendants:
            raise InvalidArgument("partition is for a query of a group without filter, order, limit or select")
        count = integer("partition", count, 2)
        return self._client.run(_partitions.partition(self._client, self._parent, self, count))

    def structured(self) -> bytes:
        """Return the query as a StructuredQuery of the REST API, in JSON."""
        parts = self._parts
        is_last = parts.get("is_last")
        orders = parts.get("orderBy", ())
        start, end = parts.get("startAt"), parts.get("endAt")
        if is_last:
            if not orders:
                raise InvalidArgument("limit_to_last needs an order: call order_by(field)")
            # The first ones in reverse order.
            orders = [(field, not descending) for field, descending in orders]
            start, end = _opposite(end), _opposite(start)
        descendants = b',"allDescendants":true' if self._all_descendants else b""
        members = [b'"from":[{"collectionId":%s%s}]' % (dumps(self._id, None), descendants)]
        if "select" in parts:
            fields = [field_reference(field) for field in parts["select"]]
            members.append(b'"select":{"fields":[%s]}' % b",".join(fields))
        if "where" in parts:
            from . import filters as _filters

            members.append(b'"where":%s' % _filters.composite_filter("AND", parts["where"]))
        if orders:
            members.append(b'"orderBy":[%s]' % b",".join([_order(*order) for order in orders]))
        for name, cursor in (("startAt", start), ("endAt", end)):
            if cursor:
                members.append(b'"%s":%s' % (name.encode(), self._encoded_cursor(orders, *cursor)))
        for name in ("offset", "limit"):
            if parts.get(name):
                members.append(b'"%s":%d' % (name.encode(), parts[name]))
        if "findNearest" in parts:
            members.append(b'"findNearest":%s' % parts["findNearest"])
        return b"{%s}" % b",".join(members)

    def body(self, read_time: str = "", transaction: str = "") -> bytes:
        """Return the body of a request of `runQuery`."""
        more = b""
        for name, value in (("readTime", read_time), ("transaction", transaction)):
            if value:
                more += b',"%s":%s' % (name.encode(), dumps(str(value), None))
        return b'{"structuredQuery":%s%s}' % (self.structured(), more)

    def _with(self, **changed):
        parts = dict(self._parts)
        parts.update(changed)
        return Query(self._client, self._collection, self._all_descendants, parts)

    def _cursor(self, name, values, before):
        if not values:
            raise InvalidArgument("%s takes at least one value" % name)
        return self._with(**{name: (values, before)})

    def _encoded_cursor(self, orders, values, before):
        if len(values) > len(orders):
            text = "a cursor has a value for each order_by at most: there are %d and %d"
            raise InvalidArgument(text % (len(values), len(orders)))
        encoded = [self._value(order[0], value) for order, value in zip(orders, values)]
        return b'{"values":[%s],"before":%s}' % (b",".join(encoded), b"true" if before else b"false")

    def _value(self, field, value):
        """Return `value`, with which `field` is compared, as JSON."""
        if field == _NAME:
            is_list = isinstance(value, (list, tuple))
            value = [self._document(one) for one in value] if is_list else self._document(value)
        elif isinstance(value, dict) and ".sv" in value:
            raise InvalidArgument("%s: cannot be compared with a server value" % field)
        return _fields.encode(value, field)

    def _document(self, value):
        """Return the reference for comparisons with "__name__": `value` is an id in the collection, a path, or one."""
        if not isinstance(value, str):
            return value
        path = value.strip("/")
        if "/" not in path:
            if self._all_descendants:
                raise InvalidArgument("in a group __name__ is compared with the path of a document, not %r" % value)
            path = "%s/%s" % (self._collection, path)
        return reference(name_of(self._client, path))

    def flow(self, **options):
        """Flow: return the documents in a list."""
        elements = yield from call_elements(self._client, self._parent + ":runQuery", self.body(**options))
        found = [self._found(element) for element in elements]
        documents = [one for one in found if one]
        if self._parts.get("is_last"):
            documents.reverse()
        return documents

    def _number(self, aggregation):
        from . import aggregations as _aggregations

        return self._client.run(_aggregations.number(self._client, self._parent, self.structured(), aggregation))

    def _found(self, element):
        """Return the Document in an element of an answer, or None if it has none."""
        return document(self._client, element["document"]) if "document" in element else None


def _order(field, descending):
    return b'{"field":%s,"direction":"%s"}' % (field_reference(field), b"DESCENDING" if descending else b"ASCENDING")


def _opposite(cursor):
    """Return `cursor` for the reverse order: an end becomes the start at the same place, and vice versa."""
    return cursor and (cursor[0], not cursor[1])
