"""Documents and queries made at random, the same for the same seed, to compare two servers by.

In: a `random.Random`. Out: JSON of the REST API. Few different values, so that they often meet; many of the queries
are refused by one rule or another, which is compared as well.
"""

DATABASE = "projects/demo/databases/(default)"
OPERATORS = ("EQUAL", "NOT_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL")
LISTS = ("IN", "NOT_IN", "ARRAY_CONTAINS_ANY")
UNARY = ("IS_NULL", "IS_NOT_NULL", "IS_NAN", "IS_NOT_NAN")
FIELDS = ("a", "b", "m.x", "`odd name`", "tags")


def integer(number):
    return {"integerValue": str(number)}


def double(number):
    return {"doubleValue": number}


def text(characters):
    return {"stringValue": characters}


def reference(path):
    return {"referenceValue": f"{DATABASE}/documents/{path}"}


def array(*values):
    return {"arrayValue": {"values": list(values)} if values else {}}


def mapping(**fields):
    return {"mapValue": {"fields": fields} if fields else {}}


def vector(*numbers):
    return mapping(__type__=text("__vector__"), value=array(*map(double, numbers)))


def point(latitude, longitude):
    return {"geoPointValue": {"latitude": latitude, "longitude": longitude}}


NULL = {"nullValue": None}
NUMBERS = [
    *map(integer, (-3, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1)),
    *map(double, (0.0, 1.0, 2.5, -3.0, 2.0**53, 1e300)),
]
SIMPLE = [
    NULL,
    *({"booleanValue": value} for value in (False, True)),
    *map(double, ("NaN", "Infinity", "-Infinity")),
    *NUMBERS,
    *({"timestampValue": f"2024-02-29T23:59:59{part}Z"} for part in ("", ".000001", ".999999")),
    *map(text, ("", "A", "a", "aa", "é", "\uffee", "😀")),
    *({"bytesValue": data} for data in ("", "AA==", "AAE=", "/w==")),
    *map(reference, ("c/a", "c/a/s/b", "c/b", "c/__id7__", "c/__id10__")),
    *(point(*place) for place in ((0.5, 1.0), (-1.0, 2.0), (0.5, -1.0))),
]
VECTORS = [vector(*numbers) for numbers in ((1.0,), (2.0,), (1.0, 0.0), (0.0, 0.0), (3.0, 4.0), (-1.0, 0.5))]


def value(random, nested=True):
    """A value; with `nested` it may be an array or a map."""
    kind = random.random()
    if nested and kind < 0.1:
        return array(*(random.choice(SIMPLE) for _ in range(random.randrange(3))))
    if nested and kind < 0.2:
        return mapping(**{name: value(random, False) for name in random.sample("xyz", random.randrange(3))})
    # Half of them numbers: what is compared is of one type.
    return random.choice(NUMBERS if kind < 0.6 else [*SIMPLE, *VECTORS])


def documents(random):
    """Paths and fields of documents in two collections, some below others."""
    ids = [*"abcdefghij", "__id7__", "__id10__", "é", "A"]
    paths = [f"c/{name}" for name in ids]
    paths += [
        f"c/{name}/{collection}/{below}" for name in "abcx" for collection in "cs" for below in random.sample(ids, 4)
    ]
    paths += [f"s/{name}" for name in random.sample(ids, 4)]
    return {path: _fields(random) for path in paths}


def _fields(random):
    fields = {name: value(random) for name in ("a", "b", "odd name") if random.random() < 0.85}
    if random.random() < 0.7:
        fields["m"] = mapping(x=value(random, False), y=value(random, False))
    if random.random() < 0.8:
        fields["tags"] = array(*(random.choice(NUMBERS) for _ in range(random.randrange(4))))
    if random.random() < 0.6:
        fields["v"] = vector(*(float(random.randrange(-3, 4)) for _ in range(2)))
    return fields


def structured_query(random):
    """A `structuredQuery` of all that there is but findNearest."""
    orders = [_order(random) for _ in range(random.choice((0, 0, 1, 1, 2, 3)))]
    query = {"from": [_collection(random)], "orderBy": orders}
    if random.random() < 0.7:
        query["where"] = _filter(random, 2)
    for name in ("startAt", "endAt"):
        if orders and random.random() < 0.25:
            query[name] = _cursor(random, orders)
    for name in ("offset", "limit"):
        if random.random() < 0.2:
            query[name] = random.randrange(6)
    if random.random() < 0.3:
        paths = random.sample([*FIELDS, "m", "m.y", "none", "__name__"], random.randrange(4))
        query["select"] = {"fields": [{"fieldPath": path} for path in paths]}
    return query


def find_nearest(random):
    """A `structuredQuery` with findNearest."""
    query = {"from": [_collection(random)]}
    if random.random() < 0.4:
        query["where"] = _filter(random, 1)
    query["findNearest"] = {
        "vectorField": {"fieldPath": "v"},
        "queryVector": vector(float(random.randrange(-3, 4)), float(random.randrange(-3, 4))),
        "distanceMeasure": random.choice(("EUCLIDEAN", "COSINE", "DOT_PRODUCT")),
        "limit": random.choice((1, 5, 100)),
    }
    if random.random() < 0.5:
        query["findNearest"]["distanceResultField"] = "distance"
    if random.random() < 0.3:
        query["findNearest"]["distanceThreshold"] = random.choice((0, 0.5, 2, 4.5))
    return query


def aggregation_query(random):
    """A `structuredAggregationQuery`."""
    query = structured_query(random)
    query.pop("select", None)
    kinds = [random.choice(("count", "upTo", "sum", "avg")) for _ in range(random.randrange(1, 4))]
    return {"structuredQuery": query, "aggregations": [_aggregation(random, kind) for kind in kinds]}


def _aggregation(random, kind):
    if kind == "upTo":
        return {"count": {"upTo": str(random.randrange(4))}}
    return {kind: {} if kind == "count" else {"field": {"fieldPath": random.choice(FIELDS)}}}


JUNK = [None, 0, -1, 1.5, True, "", "x", "__name__", [], {}, [[]], [None], {"x": 1}, {"integerValue": "x"}, NULL]
JUNK += [{"arrayValue": None}, {"arrayValue": {"values": [None]}}, {"referenceValue": "c/a"}, vector(), 10**40]


def spoil(random, query):
    """Put junk in place of some part of a query."""
    parts = []
    _list_parts(query, parts)
    whole, place = random.choice(parts)
    whole[place] = random.choice(JUNK)


def _list_parts(whole, parts):
    places = whole if isinstance(whole, dict) else range(len(whole))
    for place in places:
        parts.append((whole, place))
        if isinstance(whole[place], (dict, list)):
            _list_parts(whole[place], parts)


def _collection(random):
    return {"collectionId": random.choice("ccccs"), "allDescendants": random.random() < 0.3}


def _order(random):
    field = random.choice((*FIELDS, "__name__"))
    return {"field": {"fieldPath": field}, "direction": random.choice(("ASCENDING", "DESCENDING"))}


def _cursor(random, orders):
    fields = [order["field"]["fieldPath"] for order in orders[: random.randrange(len(orders) + 1)]]
    return {"values": [_operand(random, field) for field in fields], "before": random.random() < 0.5}


def _filter(random, depth):
    if depth and random.random() < 0.6:
        parts = [_filter(random, depth - 1) for _ in range(random.randrange(1, 4))]
        return {"compositeFilter": {"op": random.choice(("AND", "AND", "OR")), "filters": parts}}
    field = random.choice((*FIELDS, *FIELDS, "__name__"))
    named = {"field": {"fieldPath": field}}
    kind = random.random()
    if kind < 0.12:
        return {"unaryFilter": {**named, "op": random.choice(UNARY)}}
    if kind < 0.3:
        operands = [_operand(random, field) for _ in range(random.randrange(1, 5))]
        return {"fieldFilter": {**named, "op": random.choice(LISTS), "value": array(*operands)}}
    if field == "tags":
        return {"fieldFilter": {**named, "op": "ARRAY_CONTAINS", "value": random.choice(NUMBERS)}}
    return {"fieldFilter": {**named, "op": random.choice(OPERATORS), "value": _operand(random, field)}}


def _operand(random, field):
    if field != "__name__":
        return random.choice(NUMBERS) if field == "tags" else value(random)
    return reference(random.choice(("c/a", "c/d", "c/__id7__", "c/a/s/b", "c/x/c/a", "s/b")))
