"""Runs queries: which documents a `StructuredQuery` selects, and in which order; aggregations; partitions; no I/O.

In: the query as JSON, and all documents of its database. Out: the elements of the answer, without `readTime` and
`transaction`, which the caller adds. Refusals have the texts of Google's emulator. The default order is the emulator's
too: by the fields with an inequality in the order of their names, then by the name of the document. `partitionQuery`
and the refusal for a missing index do not exist in the emulator, so their texts are ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from flamelet_tools.simulator.firestore import messages
from flamelet_tools.simulator.firestore.documents import (
    FieldPath,
    Refused,
    get_field,
    invalid,
    parse_field_path,
    parse_name,
    parse_value,
    to_json,
)
from flamelet_tools.simulator.firestore.nearest import Nearest, nearest_first, parse_nearest
from flamelet_tools.simulator.firestore.required_index import check_index
from flamelet_tools.simulator.firestore.store import Document, Path
from flamelet_tools.simulator.firestore.values import (
    NAME,
    NAN,
    NULL,
    Key,
    document_key,
    double_value,
    number,
    value_key,
)

MAX_DISJUNCTIONS = 30
MAX_INEQUALITY_FIELDS = 10
MAX_FILTERS_AND_ORDERS = 100
MAX_VALUES = {"IN": 30, "ARRAY_CONTAINS_ANY": 30, "NOT_IN": 10}
MAX_NAME_BYTES = 1500
MAX_AGGREGATIONS = 5

# The first elements of the keys of references and of arrays.
_REFERENCE = 6
_ARRAY = 8
_INT64 = range(-(2**63), 2**63)
_RANGES: dict[str, Callable[[Key, Key], bool]] = {
    "LESS_THAN": lambda found, wanted: found < wanted,
    "LESS_THAN_OR_EQUAL": lambda found, wanted: found <= wanted,
    "GREATER_THAN": lambda found, wanted: found > wanted,
    "GREATER_THAN_OR_EQUAL": lambda found, wanted: found >= wanted,
}
_ARRAYS = ("ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY")
_EACH_OF = {"IN": "EQUAL", "ARRAY_CONTAINS_ANY": "ARRAY_CONTAINS"}
_NEGATIONS = ("NOT_EQUAL", "NOT_IN", "IS_NOT_NAN", "IS_NOT_NULL")


class FieldFilter(NamedTuple):
    """A condition on one field; a unary operator has no operands."""

    path: FieldPath
    op: str
    operands: tuple[Key, ...] = ()


class CompositeFilter(NamedTuple):
    """All (AND) or any (OR) of these."""

    op: str
    filters: tuple[Filter, ...]


Filter = FieldFilter | CompositeFilter
# Conditions that hold together: a field, an operator and, as text, the operand.
Alternative = frozenset[tuple[FieldPath, str, str]]


class Order(NamedTuple):
    """A field, or the name, to sort by."""

    path: FieldPath
    descending: bool


class Cursor(NamedTuple):
    """A place in the order, before or after all documents that begin with these values."""

    keys: tuple[Key, ...]
    before: bool


class Query(NamedTuple):
    """A checked query. `orders` are the explicit ones, followed by the implied ones."""

    parent: Path
    collection: str | None
    all_descendants: bool
    where: Filter | None
    orders: tuple[Order, ...]
    start: Cursor | None
    end: Cursor | None
    offset: int
    limit: int | None
    select: list[FieldPath] | None
    nearest: Nearest | None = None
    alternatives: frozenset[Alternative] = frozenset()


def run(
    structured_query: Any,
    documents: Iterable[Document],
    parent: Path,
    database: str,
    indexes: Iterable[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Return the elements of the answer of `runQuery`.

    Args:
        structured_query: the JSON of the request.
        documents: all documents of the database.
        parent: the path of the document whose collections are queried; empty for the root.
        database: `projects/P/databases/D`.
        indexes: its composite indexes that are READY, or None if none is needed, as on the emulator.
    Raises: Refused.
    """
    query = parse_query(structured_query, parent, database)
    check_indexes(query, database, indexes)
    found = select(query, documents)
    elements: list[dict[str, Any]] = [{"document": to_json(document, query.select)} for document in found]
    if elements and query.offset:
        elements[0]["skippedResults"] = query.offset
    return [*elements[:-1], {**(elements[-1] if elements else {}), "done": True}]


def select(query: Query, documents: Iterable[Document]) -> list[Document]:
    """Return the documents that the query selects, in its order."""
    candidates = [(_sort_keys(query, document), document) for document in documents if _is_asked(query, document)]
    found = [(keys, document) for keys, document in candidates if _is_between(query, keys)]
    for place, order in reversed([*enumerate(query.orders)]):
        found.sort(key=lambda each, place=place: each[0][place], reverse=order.descending)  # type: ignore[misc]
    if query.nearest:
        return nearest_first(query.nearest, [document for _, document in found])
    end = None if query.limit is None else query.offset + query.limit
    return [document for _, document in found[query.offset : end]]


def check_indexes(query: Query, database: str, indexes: Iterable[dict[str, Any]] | None) -> None:
    """Refuse a query without the composite index that one of its alternatives needs. Raises: Refused."""
    if indexes is None:
        return
    scope = "COLLECTION_GROUP" if query.all_descendants else "COLLECTION"
    ready = list(indexes)
    for alternative in query.alternatives:
        conditions = [(path, op) for path, op, _ in alternative]
        check_index(database, query.collection, scope, conditions, query.orders, ready)


def parse_scope(structured_query: Any) -> tuple[str | None, bool]:
    """Return the id of the collections that a query selects (None for all), and whether it selects all below its
    parent.

    Raises: Refused.
    """
    return _parse_from(messages.read(messages.STRUCTURED_QUERY, structured_query).get("from", []))


def parse_query(structured_query: Any, parent: Path, database: str, summed: Iterable[FieldPath] = ()) -> Query:
    """Check a query, and add what it implies.

    Args:
        structured_query: the JSON of the request.
        parent: the path of the document whose collections are queried; empty for the root.
        database: `projects/P/databases/D`.
        summed: the fields that an aggregation needs, by which it sorts too.
    Raises: Refused.
    """
    message = messages.read(messages.STRUCTURED_QUERY, structured_query)
    collection, all_descendants = _parse_from(message.get("from", []))
    where = _parse_filter(message["where"]) if "where" in message else None
    explicit = [_parse_order(order) for order in message.get("orderBy", [])]
    alternatives = _alternatives(where)
    nearest = _parse_nearest(message)
    _check_negations(where)
    is_group_below = bool(parent and collection and all_descendants)
    if is_group_below:
        _check_group_below(where, explicit)
    if _count_arrays(where) > 1:
        raise invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.")
    _check_names(where, database)
    _check_number(alternatives)
    _check_inequalities(where)
    _check_collection(collection, where, explicit)
    _check_size(where, explicit, parent)
    orders = _with_implied(explicit, where, set(summed), scans_names=is_group_below)
    for name in ("offset", "limit"):
        if message.get(name, 0) < 0:
            raise invalid(f"{name} is negative")
    return Query(
        parent,
        collection,
        all_descendants,
        where,
        orders,
        _parse_cursor(message.get("startAt"), explicit, database),
        _parse_cursor(message.get("endAt"), explicit, database),
        message.get("offset", 0),
        message.get("limit"),
        [_parse_field(field) for field in message["select"].get("fields", [])] if "select" in message else None,
        nearest,
        frozenset(alternatives),
    )


def aggregate(
    query: Any,
    documents: Iterable[Document],
    parent: Path,
    database: str,
    indexes: Iterable[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Return the one element of the answer of `runAggregationQuery`, from its `structuredAggregationQuery`.

    If fields are summed, documents without one of them are not counted either, as on the service. Arguments and errors
    are those of `run`.
    """
    message = messages.read(messages.AGGREGATION_QUERY, query)
    aggregations = _named(message.get("aggregations", []))
    fields = {alias: _summed_field(each) for alias, each in aggregations.items()}
    summed = [path for path in fields.values() if path]
    base = parse_query(message.get("structuredQuery", {}), parent, database, summed)
    for path in summed:
        if base.select is not None and not any(path[: len(each)] == each for each in base.select):
            name = ".".join(path)
            raise invalid(f"The aggregation property {name} is not present in the base query's property mask.")
    check_indexes(base, database, indexes)
    found = select(base, documents)
    results = {alias: _aggregate(each, fields[alias], found) for alias, each in aggregations.items()}
    return [{"result": {"aggregateFields": results}, "done": True}]


def partition(request: Any, documents: Iterable[Document], parent: Path, database: str) -> dict[str, Any]:
    """Return the answer of `partitionQuery`: cursors that split the documents of a collection group into equal parts.

    Arguments and errors are those of `run`, except that the first argument is the body of the request.
    """
    message = messages.read(messages.PARTITION_QUERY, request)
    query = parse_query(message.get("structuredQuery", {}), parent, database)
    _check_partitioned(query)
    wanted, size = message.get("partitionCount", 0), message.get("pageSize", 0)
    if wanted < 1:
        raise invalid("partition_count must be positive")
    if size < 0:
        raise invalid("page_size is negative")
    names = [document.name for document in select(query, documents)]
    count = min(wanted, max(len(names) - 1, 0))
    cuts = [names[len(names) * part // (count + 1)] for part in range(1, count + 1)]
    # A token is the last name of the previous page.
    first = sum(name <= message.get("pageToken", "") for name in cuts)
    page = cuts[first : first + size if size else None]
    more = {"nextPageToken": page[-1]} if page and page[-1] != cuts[-1] else {}
    return {"partitions": [{"values": [{"referenceValue": name}]} for name in page], **more} if page else {}


# Parts of the request


def _parse_from(selectors: list[dict[str, Any]]) -> tuple[str | None, bool]:
    if len(selectors) > 1:
        raise invalid("StructuredQuery.from cannot have more than one collection selector.")
    selector = selectors[0] if selectors else {}
    name = selector.get("collectionId", "")
    if "/" in name:
        raise invalid(f'Collection id "{name}" is invalid because it contains "/".')
    if name in (".", "..") or re.fullmatch("__.*__", name, re.DOTALL):
        raise invalid(f'Collection id "{name}" is invalid because it is reserved.')
    if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        raise invalid(f"The query kind is longer than {MAX_NAME_BYTES} bytes.")
    return name or None, selector.get("allDescendants", False)


def _parse_field(message: dict[str, Any]) -> FieldPath:
    text = message.get("field", message).get("fieldPath", "")
    if not text:
        raise invalid("Invalid empty property path string.")
    path = parse_field_path(text)
    if path != NAME and re.fullmatch("__.*__", path[0], re.DOTALL):
        raise invalid(f"Invalid reserved name in field path {text}")
    if NAME[0] in path[1:]:
        raise invalid("the name __key__ is reserved")
    return path


def _parse_filter(message: dict[str, Any]) -> Filter:
    if "compositeFilter" in message:
        composite = message["compositeFilter"]
        if composite.get("op", "OPERATOR_UNSPECIFIED") == "OPERATOR_UNSPECIFIED":
            raise invalid("Unsupported CompositeFilter operator.")
        return CompositeFilter(composite["op"], tuple(_parse_filter(each) for each in composite.get("filters", [])))
    if "unaryFilter" in message:
        return _parse_unary(message["unaryFilter"])
    if "fieldFilter" in message:
        return _parse_field_filter(message["fieldFilter"])
    raise invalid("Unknown Filter type.")


def _parse_unary(message: dict[str, Any]) -> FieldFilter:
    path = _parse_field(message)
    if message.get("op", "OPERATOR_UNSPECIFIED") == "OPERATOR_UNSPECIFIED":
        raise invalid("Unknown UnaryFilter operator.")
    return FieldFilter(path, message["op"])


def _parse_field_filter(message: dict[str, Any]) -> FieldFilter:
    path = _parse_field(message)
    op = message.get("op", "OPERATOR_UNSPECIFIED")
    if op == "OPERATOR_UNSPECIFIED":
        raise invalid("Unknown FieldFilter operator.")
    operands = _parse_operands(op, message.get("value", {}))
    return FieldFilter(path, op, tuple(value_key(parse_value(operand)) for operand in operands))


def _parse_operands(op: str, value: Any) -> list[Any]:
    if op not in MAX_VALUES:
        return [value]
    # Each value is parsed alone: this array may hold arrays, although the arrays of documents may not.
    if not (isinstance(value, dict) and isinstance(value.get("arrayValue"), dict)):
        parse_value(value)
        raise invalid(f"'{op}' requires an ArrayValue.")
    values = value["arrayValue"].get("values") or []
    if not isinstance(values, list):
        raise invalid()
    if not values:
        raise invalid(f"'{op}' requires an non-empty ArrayValue.")
    if len(values) > MAX_VALUES[op]:
        raise invalid(f"'{op}' supports up to {MAX_VALUES[op]} comparison values.")
    return values


def _parse_order(message: dict[str, Any]) -> Order:
    return Order(_parse_field(message), message.get("direction") == "DESCENDING")


def _parse_cursor(message: dict[str, Any] | None, orders: list[Order], database: str) -> Cursor | None:
    if message is None:
        return None
    values = message.get("values", [])
    # Implied orders do not count.
    if len(values) > len(orders):
        raise invalid("Cursor has too many values.")
    keys = tuple(_cursor_key(order.path, value, database) for order, value in zip(orders, values, strict=False))
    return Cursor(keys, message.get("before", False))


def _cursor_key(path: FieldPath, value: Any, database: str) -> Key:
    parsed = parse_value(value)
    if path == NAME and "referenceValue" not in parsed:
        raise invalid("Cursor __key__ value is not a document reference.")
    if path == NAME and parse_name(parsed["referenceValue"])[0] != database:
        raise invalid("The cursor key is in a different database than the query")
    return value_key(parsed)


def _parse_nearest(message: dict[str, Any]) -> Nearest | None:
    if "findNearest" not in message:
        return None
    for name, word in (
        ("limit", "query limit"),
        ("offset", "query offset"),
        ("startAt", "cursor"),
        ("endAt", "cursor"),
    ):
        if name in message:
            raise invalid(f"A {word} cannot be used with FindNearest")
    nearest = message["findNearest"]
    return parse_nearest(nearest, _parse_field(nearest.get("vectorField", {})))


# Rules about the whole query


def _check_negations(where: Filter | None) -> None:
    operators = [each.op for each in _field_filters(where)]
    if sum(op in _NEGATIONS for op in operators) > 1:
        raise invalid("Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query.")
    if "NOT_IN" in operators and (_has_or(where) or _EACH_OF.keys() & set(operators)):
        raise invalid("'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.")


def _check_number(alternatives: set[Alternative]) -> None:
    if len(alternatives) > MAX_DISJUNCTIONS:
        raise _too_many(len(alternatives))


def _check_group_below(where: Filter | None, orders: list[Order]) -> None:
    """Refuse a query for a collection group below a document, unless it needs the names only."""
    has_others = any(each.path != NAME or each.op in _ARRAYS for each in _field_filters(where))
    if has_others or any(order.path != NAME for order in orders):
        raise invalid("collection group queries are only allowed at the root parent")
    if orders and orders[0].descending:
        raise Refused(
            400,
            "FAILED_PRECONDITION",
            "collection group queries are only allowed if they're at the root or they're an ascending primary key scan",
        )


def _count_arrays(where: Filter | None) -> int:
    """Return the highest number of array-contains conditions that must hold together."""
    if isinstance(where, FieldFilter):
        return int(where.op in _ARRAYS)
    if where is None:
        return 0
    # Equal conditions next to each other count once.
    counts = [_count_arrays(each) for each in {repr(each): each for each in where.filters}.values()]
    return max(counts) if where.op == "OR" else sum(counts)


def _check_inequalities(where: Filter | None) -> None:
    unequal = sorted({".".join(path) for path in _unequal(where)})
    if len(unequal) > MAX_INEQUALITY_FIELDS:
        raise invalid(
            f"The query contains {len(unequal)} distinct inequality fields: [{', '.join(unequal)}]. "
            f"A query may not have more than {MAX_INEQUALITY_FIELDS} distinct inequality fields."
        )
    has_equal_name = any(each.path == NAME and each.op in ("EQUAL", "IN") for each in _field_filters(where))
    if has_equal_name and unequal and NAME[0] not in unequal:
        raise invalid(
            "Equality on key is not allowed if there are other inequality fields and key does not appear in "
            "inequalities."
        )


def _check_names(where: Filter | None, database: str) -> None:
    for each in _field_filters(where):
        if each.path == NAME and each.op in _ARRAYS:
            raise invalid("the name __key__ is reserved")
        if each.path == NAME and (not each.operands or any(key[0] != _REFERENCE for key in each.operands)):
            raise invalid("__key__ filter value must be a Key")
        for key in each.operands if each.path == NAME else ():
            if key[1] != database:
                raise invalid(
                    f"The request was for database '{database}' but was attempting to access database '{key[1]}'"
                )


def _check_collection(collection: str | None, where: Filter | None, orders: list[Order]) -> None:
    if collection is not None:
        return
    for each in _field_filters(where):
        if each.path != NAME:
            raise invalid(f"kind is required for filter: {'.'.join(each.path)}")
    if any(order != Order(NAME, False) for order in orders):
        raise invalid("kind is required for all orders except __key__ ascending")


def _too_many(disjunctions: int) -> Refused:
    return invalid(
        f"Too many disjunctions after normalization. Result had {disjunctions} disjunctions "
        f"which is more than the maximum of {MAX_DISJUNCTIONS}"
    )


def _check_size(where: Filter | None, orders: list[Order], parent: Path) -> None:
    filters = len(_field_filters(where))
    if filters + len(orders) + bool(parent) > MAX_FILTERS_AND_ORDERS:
        raise invalid(
            f"The query may not have more than {MAX_FILTERS_AND_ORDERS} filters + sort orders + ancestor total. "
            f"Currently there are {filters} filters, {len(orders)} sort orders, "
            f"and {'an' if parent else 'no'} ancestor filter."
        )


def _field_filters(where: Filter | None) -> list[FieldFilter]:
    if where is None or isinstance(where, FieldFilter):
        return [where] if where else []
    return [found for each in where.filters for found in _field_filters(each)]


def _has_or(where: Filter | None) -> bool:
    return isinstance(where, CompositeFilter) and (where.op == "OR" or any(map(_has_or, where.filters)))


def _alternatives(where: Filter | None) -> set[Alternative]:
    """Return the filter as an OR of ANDs, without those that require one field to equal two values."""
    if where is None:
        return {frozenset()}
    if isinstance(where, FieldFilter):
        if where.op in _EACH_OF:
            return {frozenset([(where.path, _EACH_OF[where.op], repr(key))]) for key in where.operands}
        return {frozenset([(where.path, where.op, "".join(map(repr, where.operands)))])}
    parts = [_alternatives(each) for each in where.filters]
    if where.op == "OR":
        if not parts:
            raise invalid("Composite filter must have at least one sub-filter.")
        return set().union(*parts)
    found: set[Alternative] = {frozenset()}
    for part in parts:
        if len(found) * len(part) > MAX_DISJUNCTIONS**2:
            raise _too_many(len(found) * len(part))
        found = {one | other for one in found for other in part if _is_possible(one | other)}
    return found


def _is_possible(alternative: Alternative) -> bool:
    equal = [path for path, op, _ in alternative if op == "EQUAL"]
    return len(equal) == len(set(equal))


def _unequal(where: Filter | None) -> set[FieldPath]:
    """Return the fields with an inequality; an empty range from null or NaN does not count."""
    ranges = [each for each in _field_filters(where) if each.op in _RANGES and each.operands[0] not in (NULL, NAN)]
    return {each.path for each in [*ranges, *(each for each in _field_filters(where) if each.op in _NEGATIONS)]}


def _with_implied(
    explicit: list[Order], where: Filter | None, summed: set[FieldPath], scans_names: bool
) -> tuple[Order, ...]:
    named = {order.path for order in explicit}
    filtered = {each.path for each in _field_filters(where)}
    # A scan by name alone only goes forward; with another condition there is an index that allows both directions.
    if set(explicit) == {Order(NAME, True)} and not filtered - {NAME}:
        raise Refused(400, "FAILED_PRECONDITION", "Firestore does not support descending key scans")
    unequal = _unequal(where) - named
    missing = summed - unequal - named
    if missing and (scans_names or NAME in named | filtered):
        names = ", ".join(sorted(".".join(path) for path in missing))
        raise invalid(
            f"This query requires an index that has fields [{names}] after __name__ and Firestore does not currently "
            "support such an index. Please try the query again with additional ordering on those fields."
        )
    descending = bool(explicit) and explicit[-1].descending
    implied = [Order(path, descending) for path in [*_sorted(unequal - {NAME}), *_sorted(missing)]]
    _check_orders([*explicit, *implied])
    return (*explicit, *implied, *([] if NAME in named else [Order(NAME, descending)]))


def _sorted(paths: set[FieldPath]) -> list[FieldPath]:
    return sorted(paths, key=lambda path: [name.encode(errors="surrogatepass") for name in path])


def _check_orders(orders: list[Order]) -> None:
    paths = [order.path for order in orders]
    for place, path in enumerate(paths):
        if NAME in paths[:place]:
            raise invalid("order by clause cannot contain more fields after the key")
        if path in paths[:place]:
            raise invalid(f"order by clause cannot contain duplicate fields {'.'.join(path)}")


# Sums and partitions


def _named(aggregations: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the aggregations by their aliases; those without one get `field_1`, `field_2`, ..."""
    if not aggregations:
        raise invalid("Aggregations can not be empty.")
    if len(aggregations) > MAX_AGGREGATIONS:
        raise invalid(
            f"The maximum number of aggregations allowed in an aggregation query is {MAX_AGGREGATIONS}. "
            f"Received: {len(aggregations)}"
        )
    unnamed = 0
    named: dict[str, dict[str, Any]] = {}
    for each in aggregations:
        _check_aggregation(each)
        unnamed += not each.get("alias")
        alias = each.get("alias") or f"field_{unnamed}"
        if alias in named:
            raise invalid(f"Aggregation aliases contain duplicate alias: {alias}.")
        named[alias] = each
    return named


def _check_aggregation(message: dict[str, Any]) -> None:
    alias = message.get("alias", "")
    if not message.keys() & messages.AGGREGATION[messages.ONE_OF]:
        raise invalid("Operator field in Aggregation is not set.")
    if re.fullmatch("__.*__", alias, re.DOTALL):
        raise invalid(f'The property.name "{alias}" is reserved.')
    if len(alias.encode(errors="replace")) > MAX_NAME_BYTES:
        raise invalid(f"The property.name is longer than {MAX_NAME_BYTES} bytes.")
    if message.get("count", {}).get("upTo", 0) < 0:
        raise invalid("The `up_to` value in a COUNT aggregation must be greater than or equal to zero.")


def _summed_field(message: dict[str, Any]) -> FieldPath | None:
    if "count" in message:
        return None
    path = _parse_field(message.get("sum", message.get("avg", {})))
    if path == NAME:
        raise invalid("Aggregations are not supported for the property: __key__")
    return path


def _aggregate(message: dict[str, Any], path: FieldPath | None, found: list[Document]) -> dict[str, Any]:
    if path is None:
        return {"integerValue": str(min(len(found), message["count"].get("upTo", len(found))))}
    values = [number(get_field(document.fields, path) or {}) for document in found]
    integers = [each for each in values if isinstance(each, int)]
    doubles = [each for each in values if isinstance(each, float)]
    total = float(sum(integers)) + sum(doubles)
    if "avg" in message:
        count = len(integers) + len(doubles)
        return double_value(total / count) if count else {"nullValue": None}
    if not doubles and sum(integers) in _INT64:
        return {"integerValue": str(sum(integers))}
    return double_value(total)


def _check_partitioned(query: Query) -> None:
    if not query.all_descendants or query.collection is None:
        raise invalid("Partition queries need a collection with all its descendants.")
    if query.where or query.start or query.end or query.offset or query.limit is not None or query.select:
        raise invalid("Partition queries take no filters, cursors, offset, limit or projection.")
    if query.orders != (Order(NAME, False),):
        raise invalid("Partition queries are ordered by __name__ ascending.")


# Which documents


def _is_asked(query: Query, document: Document) -> bool:
    return _is_in_scope(query, document.path) and _matches(query.where, document)


def _is_in_scope(query: Query, path: Path) -> bool:
    depth = len(query.parent)
    if path[:depth] != query.parent or len(path) == depth:
        return False
    if query.collection is not None and path[-2] != query.collection:
        return False
    return query.all_descendants or len(path) == depth + 2


def _matches(where: Filter | None, document: Document) -> bool:
    if where is None:
        return True
    if isinstance(where, CompositeFilter):
        quantifier = any if where.op == "OR" else all
        return quantifier(_matches(each, document) for each in where.filters)
    found = document_key(document, where.path)
    return found is not None and _satisfies(found, where.op, where.operands)


def _satisfies(found: Key, op: str, operands: tuple[Key, ...]) -> bool:
    """Return whether a value satisfies a condition; null and NaN are equal to nothing, not even to themselves."""
    if op in _NEGATIONS:
        return found != NULL and NULL not in operands and _is_none_of(found, op, operands)
    if op == "IS_NULL":
        return found == NULL
    if op == "IS_NAN":
        return found == NAN
    wanted = [operand for operand in operands if operand not in (NULL, NAN)]
    if op in _RANGES:
        return found != NAN and any(found[0] == each[0] and _RANGES[op](found, each) for each in wanted)
    if op in _ARRAYS:
        return found[0] == _ARRAY and any(each in wanted for each in found[1:])
    return found in wanted


def _is_none_of(found: Key, op: str, operands: tuple[Key, ...]) -> bool:
    if op == "IS_NOT_NAN":
        return found != NAN
    return found == NAN or found not in operands


def _sort_keys(query: Query, document: Document) -> list[Key | None]:
    return [document_key(document, order.path) for order in query.orders]


def _is_between(query: Query, keys: list[Key | None]) -> bool:
    # A document without a field that the query sorts by is not found.
    if None in keys:
        return False
    if query.start and _compare(query, keys, query.start) < (0 if query.start.before else 1):
        return False
    return not query.end or _compare(query, keys, query.end) <= (-1 if query.end.before else 0)


def _compare(query: Query, keys: list[Any], cursor: Cursor) -> int:
    """Compare a document with a cursor by the values of the cursor: -1, 0 or 1."""
    for order, found, wanted in zip(query.orders, keys, cursor.keys, strict=False):
        if found != wanted:
            return 1 if (found > wanted) != order.descending else -1
    return 0
