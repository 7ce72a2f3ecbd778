"""Asks for the documents of a collection of Firestore, filtered, ordered and cut, and for what they add up to.

In: `fs.query("cities")` and its methods, each of which returns another query: the one it was called on stays as it is.
Out: `for document in query`: each `Document` as it arrives, over a connection of its own; `get()`: all of them in a
list, over the connection that is open; numbers from `count`, `sum`, `avg`; parts for several readers from `partition`.
What the service would refuse is refused here where that needs no look at the data. (Sources: `StructuredQuery`,
`runQuery`, `runAggregationQuery` and `partitionQuery` of the REST reference; the names are those of
google-cloud-firestore.)

Memory: iterated over, one document at a time, of at most the client's `answer_bytes`; `get()` holds the whole answer.
An iteration that breaks is not resumed.
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
    """Made by `Firestore.query(collection)` and `Firestore.query_group(id)`. A name of a field may be a path, "a.b",
    with what is no simple name in backticks; "__name__" is the document itself, which is compared with its id, or with
    its path.
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
        """Only what this filter lets through, and all those before.

        `op`: "<", "<=", "==", "!=", ">", ">=", "in", "not-in", "array-contains" or "array-contains-any". With "==" and
        "!=", None and NaN are values. Instead of the three, one filter made by `flamelet.and_` or `flamelet.or_`.
        """
        from . import filters as _filters

        made = _filters.filter_of((field, op, value) if op or isinstance(field, str) else field, self._value)
        return self._with(where=self._parts.get("where", ()) + (made,))

    def order_by(self, field: str, descending: bool = False):
        """Order by this field, and then by those of later calls; documents without it are left out."""
        return self._with(orderBy=self._parts.get("orderBy", ()) + ((field_path(field), bool(descending)),))

    def start_at(self, *values):
        """From these values on: one for each `order_by`, or for the first few of them. The last start counts."""
        return self._cursor("startAt", values, True)

    def start_after(self, *values):
        """From behind these values on; as `start_at`."""
        return self._cursor("startAt", values, False)

    def end_at(self, *values):
        """Up to these values, which are included; the last end counts."""
        return self._cursor("endAt", values, False)

    def end_before(self, *values):
        """Up to these values, which are not included."""
        return self._cursor("endAt", values, True)

    def limit(self, count: int):
        """Only the first `count` documents."""
        return self._with(limit=integer("limit", count, 1), is_last=False)

    def limit_to_last(self, count: int):
        """Only the last `count` documents; `get` gives them, in their order, which must be said."""
        return self._with(limit=integer("limit_to_last", count, 1), is_last=True)

    def offset(self, count: int):
        """Without the first `count` documents, which are billed all the same: cursors are not."""
        return self._with(offset=integer("offset", count, 0))

    def select(self, *fields):
        """Only these fields of each document; "__name__" alone: no fields."""
        if not fields:
            raise InvalidArgument('select takes at least one field; select("__name__") is for documents without fields')
        return self._with(select=tuple([field_path(field) for field in fields]))

    def find_nearest(self, field: str, vector, limit: int, measure: str = "EUCLIDEAN", **options):
        """The `limit` documents, 1,000 at most, whose vectors in `field` are the nearest to `vector`, a list of floats.

        `measure`: "EUCLIDEAN", "COSINE" or "DOT_PRODUCT". `options`: `distance_result_field`: where each document is
        told its distance; `distance_threshold`: only those that are as near as that.
        """
        from . import find_nearest as _nearest

        return self._with(findNearest=_nearest.nearest(field, vector, limit, measure, **options))

    def stream(self, **options):
        """The documents one by one, as `for document in query`; in a `with` block where that may end early.

        `options`: `read_time`: as they were then; `transaction`: as that sees them.
        """
        if self._parts.get("is_last"):
            raise InvalidArgument("limit_to_last is for get(): its documents come in the reverse order")
        return Elements(self._client, self._parent + ":runQuery", self.body(**options), self._found)

    def __iter__(self):
        return self.stream()

    def __aiter__(self):
        return self.stream()

    def get(self, **options):
        """The documents in a list; options as for `stream`."""
        return self._client.run(self.flow(**options))

    def count(self, up_to: int = 0):
        """How many documents there are; with `up_to`, no more than that are counted."""
        return self._number(("count", up_to) if up_to else ("count",))

    def sum(self, field: str):
        """The sum of what is a number in `field`, 0 where nothing is."""
        return self._number(("sum", field))

    def avg(self, field: str):
        """The average of what is a number in `field`, None where nothing is."""
        return self._number(("avg", field))

    def aggregate(self, **aggregations):
        """{name: value} for each of `aggregations`, as in aggregate(n=("count",), mean=("avg", "temp")).

        Only the documents count, for all of them, that have every field which is named.
        """
        from . import aggregations as _aggregations

        return self._client.run(_aggregations.aggregate(self._client, self._parent, self.structured(), aggregations))

    def partition(self, count: int):
        """At most `count` queries that give all documents of this group together, each a part of them.

        For a query that is nothing but `fs.query_group(id)`; production does it for OAuth2 tokens alone.
        """
        from . import partitions as _partitions

        if self._parts or not self._all_descendants:
            raise InvalidArgument("partition is for a query of a group that has no filter, order, limit or select")
        count = integer("partition", count, 2)
        return self._client.run(_partitions.partition(self._client, self._parent, self, count))

    def structured(self) -> bytes:
        """The query as the REST API has it, in JSON: a StructuredQuery."""
        parts = self._parts
        is_last = parts.get("is_last")
        orders = parts.get("orderBy", ())
        start, end = parts.get("startAt"), parts.get("endAt")
        if is_last:
            if not orders:
                raise InvalidArgument("limit_to_last needs an order: say order_by(field)")
            # The first ones of the reverse.
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
        """The body of a request of `runQuery`."""
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
        """`value`, to compare `field` with, as JSON."""
        if field == _NAME:
            is_list = isinstance(value, (list, tuple))
            value = [self._document(one) for one in value] if is_list else self._document(value)
        elif isinstance(value, dict) and ".sv" in value:
            raise InvalidArgument("%s: what the server makes when it writes is nothing to compare with" % field)
        return _fields.encode(value, field)

    def _document(self, value):
        """What "__name__" is compared with: a document by its id in the collection, its path, or a reference."""
        if not isinstance(value, str):
            return value
        path = value.strip("/")
        if "/" not in path:
            if self._all_descendants:
                raise InvalidArgument("in a group __name__ is compared with the path of a document, not %r" % value)
            path = "%s/%s" % (self._collection, path)
        return reference(name_of(self._client, path))

    def flow(self, **options):
        """Flow: what `get` runs."""
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
        """The Document that an element of an answer holds; None where it holds other news."""
        return document(self._client, element["document"]) if "document" in element else None


def _order(field, descending):
    return b'{"field":%s,"direction":"%s"}' % (field_reference(field), b"DESCENDING" if descending else b"ASCENDING")


def _opposite(cursor):
    """The cursor that ends at the same place, where it began, or begins where it ended, in the reverse order."""
    return cursor and (cursor[0], not cursor[1])
