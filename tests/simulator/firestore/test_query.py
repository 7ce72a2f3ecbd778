"""The simulator's queries against Google's emulator: recorded answers, refusals, and queries made at random.

One difference is meant: `skippedResults` stands once, in the first element, as the REST reference has it; the emulator
repeats it in all elements but the last. Sums and distances of doubles are the same but for their last digits.
"""

import base64
import json
import math
import random
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import firestore_queries
import pytest
import requests
from firestore_queries import DATABASE, NULL, array, double, integer, mapping, point, reference, text, vector

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.firestore import query
from flamelet_tools.simulator.firestore.documents import Refused, parse_fields
from flamelet_tools.simulator.firestore.store import Document

DEADLINE_SECONDS = 30
RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "firestore"
QUERIES_PER_SEED = 80
SEEDS = range(6)
PLAIN_FIELD = "([a-zA-Z_][a-zA-Z_0-9]*)"
QUOTED_FIELD = r"(`(?:[^`\\]|(?:\\.))+`)"


class Asker:
    """Asks one server, on one connection, as an administrator."""

    def __init__(self, server):
        self.url = f"{server.url}/{DATABASE}/documents"
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer " + server.options()["token"]["access_token"]

    def post(self, method, body, parent=""):
        answer = self.session.post(f"{self.url}{parent}:{method}", json=body, timeout=DEADLINE_SECONDS)
        return comparable(answer.status_code, answer.json())

    def write(self, documents):
        writes = [{"update": {"name": f"{DATABASE}/documents/{path}", "fields": documents[path]}} for path in documents]
        answer = self.session.post(f"{self.url}:commit", json={"writes": writes}, timeout=DEADLINE_SECONDS)
        assert answer.ok, answer.text

    def ask(self, **structured_query):
        return self.post("runQuery", {"structuredQuery": structured_query})

    def names(self, **structured_query):
        """The ids of what is found; the text of a refusal."""
        found = self.ask(**structured_query)
        return (
            found[1] if isinstance(found, tuple) else [each["document"]["name"].split("/")[-1] for each in found[:-1]]
        )


def comparable(status, answer):
    """The elements without times, done as one of its own; of a refusal its status and its text."""
    if status != 200:
        # The simulator wraps the errors of streaming methods in an array, as the live service does.
        [error] = answer if isinstance(answer, list) else [answer]
        return status, error["error"]["message"], error["error"]["status"]
    assert answer[-1].pop("done") is True
    elements = [each for each in map(_comparable_element, answer) if each]
    return [*elements, "done"]


def _comparable_element(element):
    found = {name: element[name] for name in ("document", "result") if name in element}
    if "document" in found:
        found["document"] = {name: found["document"].get(name) for name in ("name", "fields")}
    return found


def same(one, other):
    """Equal, doubles to 9 digits."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return type(one) in (int, float) and type(other) in (int, float) and math.isclose(one, other, rel_tol=1e-9)
    return one == other


@pytest.fixture
def asker(firestore):
    return Asker(firestore)


# Against the emulator, at random


@pytest.mark.parametrize("seed", SEEDS)
def test_queries_made_at_random_are_answered_as_the_emulator_answers_them(on_emulator, on_simulator, seed):
    chance = random.Random(seed)
    emulator, simulator = Asker(on_emulator), Asker(on_simulator)
    documents = firestore_queries.documents(chance)
    emulator.write(documents)
    simulator.write(documents)
    found = refused = 0
    for _ in range(QUERIES_PER_SEED):
        method, body = chance.choices([_run_query, _find_nearest, _run_aggregation_query], (13, 3, 4))[0](chance)
        parent = chance.choice(["", "", "", "/c/a"])
        expected, answer = emulator.post(method, body, parent), simulator.post(method, body, parent)
        assert same(answer, expected), f"{parent}:{method} {json.dumps(body, ensure_ascii=False)}"
        found += isinstance(expected, list) and len(expected) > 1
        refused += isinstance(expected, tuple)
    # Else the queries have become such that there is nothing to compare.
    assert found > QUERIES_PER_SEED / 5
    assert refused > QUERIES_PER_SEED / 10


def _run_query(chance):
    return "runQuery", {"structuredQuery": firestore_queries.structured_query(chance)}


def _find_nearest(chance):
    return "runQuery", {"structuredQuery": firestore_queries.find_nearest(chance)}


def _run_aggregation_query(chance):
    return "runAggregationQuery", {"structuredAggregationQuery": firestore_queries.aggregation_query(chance)}


# The order of values, on both servers

IN_ORDER = [
    NULL,
    {"booleanValue": False},
    {"booleanValue": True},
    double("NaN"),
    double("-Infinity"),
    integer(-1),
    double(0.0),
    integer(2**53),
    integer(2**53 + 1),
    integer(2**63 - 1),
    double(2.0**63),
    double("Infinity"),
    {"timestampValue": "2020-01-01T00:00:00Z"},
    {"timestampValue": "2020-01-01T00:00:00.000001Z"},
    text(""),
    text("A"),
    text("a"),
    text("é"),
    text("\uffee"),
    text("😀"),
    {"bytesValue": ""},
    {"bytesValue": "AA=="},
    {"bytesValue": "AAE="},
    {"bytesValue": "/w=="},
    {"referenceValue": "projects/a/databases/(default)/documents/c/z"},
    reference("c/__id7__"),
    reference("c/__id10__"),
    reference("c/a"),
    reference("c/a/d/e"),
    reference("c/b"),
    point(-1, 2),
    point(1, 1),
    point(1, 2),
    array(),
    array(NULL),
    array(integer(1)),
    array(integer(1), integer(2)),
    array(text("a")),
    vector(1),
    vector(2),
    vector(1, 0),
    mapping(),
    mapping(a=integer(0), b=integer(9)),
    mapping(a=integer(1)),
    mapping(a=integer(1), b=integer(1)),
    mapping(a=text("x")),
    mapping(b=integer(1)),
]


def test_values_of_all_types_have_the_order_of_the_reference(asker):
    ids = [f"{place:02}" for place in range(len(IN_ORDER))]
    # Written against the order, and named so: neither gives the result.
    asker.write({f"values/{name}": {"f": value} for name, value in zip(reversed(ids), IN_ORDER, strict=True)})
    orders = [{"field": {"fieldPath": "f"}}]
    found = asker.names(**{"from": [{"collectionId": "values"}], "orderBy": orders})
    assert found == list(reversed(ids))


# Refusals, on both servers


def where(op="EQUAL", value=None, field="f"):
    return {"fieldFilter": {"field": {"fieldPath": field}, "op": op, "value": integer(1) if value is None else value}}


def both(*filters, op="AND"):
    return {"compositeFilter": {"op": op, "filters": list(filters)}}


def by(*fields, direction="ASCENDING"):
    return [{"field": {"fieldPath": field}, "direction": direction} for field in fields]


def integers(count):
    return array(*map(integer, range(count)))


def nearest(**changes):
    given = {"vectorField": {"fieldPath": "f"}, "queryVector": vector(1), "distanceMeasure": "COSINE", "limit": 1}
    return {**given, **changes}


BAD_PAYLOAD = "Payload isn't valid for request."
ONE_NEGATION = "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query."
NOT_IN_ALONE = "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'."
ONE_ARRAY = "A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction."
NOT_A_NAME = "__key__ filter value must be a Key"
UNSET = "Cannot convert firestore.v1.Value with type unset."
LIMIT_OF_NEAREST = "FindNearest.limit must be a positive integer of no more than 1000"
AFTER_NAME = "order by clause cannot contain more fields after the key"
TOO_MANY = "Too many disjunctions after normalization. Result had {} disjunctions which is more than the maximum of 30"
REFUSED = {
    "an unknown member": ({"foo": 1}, BAD_PAYLOAD),
    "an unknown operator": ({"where": where("SORTA")}, BAD_PAYLOAD),
    "no operator": ({"where": where("OPERATOR_UNSPECIFIED")}, "Unknown FieldFilter operator."),
    "no operator of one value": (
        {"where": {"unaryFilter": {"field": {"fieldPath": "f"}}}},
        "Unknown UnaryFilter operator.",
    ),
    "no operator of many": ({"where": {"compositeFilter": {"filters": []}}}, "Unsupported CompositeFilter operator."),
    "no filter in a filter": ({"where": {}}, "Unknown Filter type."),
    "two filters in one": (
        {"where": {**where(), "unaryFilter": {"field": {"fieldPath": "f"}, "op": "IS_NULL"}}},
        BAD_PAYLOAD,
    ),
    "an OR of nothing": ({"where": both(op="OR")}, "Composite filter must have at least one sub-filter."),
    "no value": ({"where": where(value={})}, UNSET),
    "a value of two types": ({"where": where(value={**integer(1), **text("x")})}, BAD_PAYLOAD),
    "a field without a name": ({"where": where(field="")}, "Invalid empty property path string."),
    "a field with a space": (
        {"where": where(field="a b")},
        f'Invalid property path "a b". Unquoted property paths must match regex {PLAIN_FIELD}, '
        f"and quoted property paths must match regex {QUOTED_FIELD}",
    ),
    "a reserved field": ({"where": where(field="__x__")}, "Invalid reserved name in field path __x__"),
    "a name within a map": ({"orderBy": by("a.__name__")}, "the name __key__ is reserved"),
    "IN without a list": ({"where": where("IN")}, "'IN' requires an ArrayValue."),
    "IN with an empty list": ({"where": where("IN", array())}, "'IN' requires an non-empty ArrayValue."),
    "IN with 31 values": ({"where": where("IN", integers(31))}, "'IN' supports up to 30 comparison values."),
    "NOT_IN with 11 values": (
        {"where": where("NOT_IN", integers(11))},
        "'NOT_IN' supports up to 10 comparison values.",
    ),
    "5 times 7 alternatives": (
        {"where": both(where("IN", integers(5)), where("IN", integers(7), "g"))},
        TOO_MANY.format(35),
    ),
    "31 alternatives": (
        {"where": both(*(where(value=integer(each)) for each in range(31)), op="OR")},
        TOO_MANY.format(31),
    ),
    "two negations": ({"where": both(where("NOT_EQUAL"), where("NOT_EQUAL", field="g"))}, ONE_NEGATION),
    "NOT_IN with IN": ({"where": both(where("NOT_IN", integers(1)), where("IN", integers(1)))}, NOT_IN_ALONE),
    "NOT_IN with OR": ({"where": both(where("NOT_IN", integers(1)), where(), op="OR")}, NOT_IN_ALONE),
    "two conditions on arrays": (
        {"where": both(where("ARRAY_CONTAINS"), where("ARRAY_CONTAINS_ANY", integers(2)))},
        ONE_ARRAY,
    ),
    "11 fields with an inequality": (
        {"where": both(*(where("GREATER_THAN", field=f"f{place}") for place in range(11)))},
        None,
    ),
    "101 filters": (
        {"where": both(*(where(field=f"f{place}") for place in range(101)))},
        "The query may not have more than 100 filters + sort orders + ancestor total. "
        "Currently there are 101 filters, 0 sort orders, and no ancestor filter.",
    ),
    "a name that is text": ({"where": where(value=text("c/a"), field="__name__")}, NOT_A_NAME),
    "a name that is null": (
        {"where": {"unaryFilter": {"field": {"fieldPath": "__name__"}, "op": "IS_NULL"}}},
        NOT_A_NAME,
    ),
    "a name of another database": (
        {"where": where(value={"referenceValue": "projects/o/databases/(default)/documents/c/a"}, field="__name__")},
        "The request was for database 'projects/demo/databases/(default)' but was attempting to access database "
        "'projects/o/databases/(default)'",
    ),
    "a name beside an inequality": (
        {"where": both(where(value=reference("c/a"), field="__name__"), where("GREATER_THAN"))},
        "Equality on key is not allowed if there are other inequality fields and key does not appear in inequalities.",
    ),
    "a negative limit": ({"limit": -1}, "limit is negative"),
    "a negative offset": ({"offset": -1}, "offset is negative"),
    "half a limit": ({"limit": 2.5}, BAD_PAYLOAD),
    "a limit of 32 bits": ({"limit": 2**31}, BAD_PAYLOAD),
    "a limit that is true": ({"limit": True}, BAD_PAYLOAD),
    "two collections": (
        {"from": [{"collectionId": "c"}, {"collectionId": "d"}]},
        "StructuredQuery.from cannot have more than one collection selector.",
    ),
    "a path for a collection": (
        {"from": [{"collectionId": "c/d"}]},
        'Collection id "c/d" is invalid because it contains "/".',
    ),
    "a reserved collection": (
        {"from": [{"collectionId": "__x__"}]},
        'Collection id "__x__" is invalid because it is reserved.',
    ),
    "a collection of 1,501 bytes": (
        {"from": [{"collectionId": "x" * 1501}]},
        "The query kind is longer than 1500 bytes.",
    ),
    "a filter on all collections": ({"from": [{}], "where": where()}, "kind is required for filter: f"),
    "an order of all collections": (
        {"from": [{}], "orderBy": by("f")},
        "kind is required for all orders except __key__ ascending",
    ),
    "an unknown direction": ({"orderBy": by("f", direction="UP")}, BAD_PAYLOAD),
    "one order twice": ({"orderBy": by("f", "f")}, "order by clause cannot contain duplicate fields f"),
    "an order after the name": ({"orderBy": by("__name__", "f")}, AFTER_NAME),
    "an implied order after the name": ({"where": where("LESS_THAN"), "orderBy": by("__name__")}, AFTER_NAME),
    "names backwards": (
        {"orderBy": by("__name__", direction="DESCENDING")},
        "Firestore does not support descending key scans",
    ),
    "a cursor without an order": ({"startAt": {"values": [integer(1)]}}, "Cursor has too many values."),
    "a cursor on an implied order": (
        {"where": where("GREATER_THAN"), "startAt": {"values": [integer(1)]}},
        "Cursor has too many values.",
    ),
    "a cursor without a value": ({"orderBy": by("f"), "startAt": {"values": [{}]}}, UNSET),
    "a cursor by name that is text": (
        {"orderBy": by("__name__"), "startAt": {"values": [text("a")]}},
        "Cursor __key__ value is not a document reference.",
    ),
    "a cursor of another database": (
        {
            "orderBy": by("__name__"),
            "endAt": {"values": [{"referenceValue": "projects/o/databases/(default)/documents/c/a"}]},
        },
        "The cursor key is in a different database than the query",
    ),
    "a query for what is no vector": (
        {"findNearest": nearest(queryVector=array(double(1)))},
        "Query Value must be of type vector.",
    ),
    "an unknown distance": (
        {"findNearest": nearest(distanceMeasure="DISTANCE_MEASURE_UNSPECIFIED")},
        "Unknown Distance Measure.",
    ),
    "none of the nearest": ({"findNearest": nearest(limit=0)}, LIMIT_OF_NEAREST),
    "1,001 of the nearest": ({"findNearest": nearest(limit=1001)}, LIMIT_OF_NEAREST),
    "a limit beside the nearest": (
        {"findNearest": nearest(), "limit": 1},
        "A query limit cannot be used with FindNearest",
    ),
    "a cursor beside the nearest": (
        {"findNearest": nearest(), "orderBy": by("f"), "startAt": {"values": []}},
        "A cursor cannot be used with FindNearest",
    ),
    "a reserved field for the distance": (
        {"findNearest": nearest(distanceResultField="__name__")},
        'The distanceResultField.property.name "__name__" is reserved.',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_query_that_cannot_be_is_refused_by_both_servers_in_these_words(asker, name):
    asked, message = REFUSED[name]
    status, found, code = asker.ask(**{"from": [{"collectionId": "c"}], **asked})
    if message is None:
        # The emulator lists them in no order.
        message, found = "The query contains 11 distinct inequality fields", found.partition(":")[0]
    assert (status, found) == (400, message)
    assert code == ("FAILED_PRECONDITION" if name == "names backwards" else "INVALID_ARGUMENT")


def count(**more):
    return {"count": {}, **more}


REFUSED_SUMS = {
    "nothing to sum": ([], "Aggregations can not be empty."),
    "no operator": ([{"alias": "n"}], "Operator field in Aggregation is not set."),
    "two operators": ([count(sum={"field": {"fieldPath": "f"}})], BAD_PAYLOAD),
    "an unknown operator": ([{"max": {}}], BAD_PAYLOAD),
    "one alias twice": ([count(alias="n"), count(alias="n")], "Aggregation aliases contain duplicate alias: n."),
    "an alias as those that are made": (
        [count(), count(alias="field_1")],
        "Aggregation aliases contain duplicate alias: field_1.",
    ),
    "a reserved alias": ([count(alias="__x__")], 'The property.name "__x__" is reserved.'),
    "an alias of 1,501 bytes": ([count(alias="x" * 1501)], "The property.name is longer than 1500 bytes."),
    "up to less than nothing": (
        [{"count": {"upTo": -1}}],
        "The `up_to` value in a COUNT aggregation must be greater than or equal to zero.",
    ),
    "a sum of names": (
        [{"sum": {"field": {"fieldPath": "__name__"}}}],
        "Aggregations are not supported for the property: __key__",
    ),
    "a sum of no field": ([{"avg": {}}], "Invalid empty property path string."),
}


@pytest.mark.parametrize("name", REFUSED_SUMS)
def test_an_aggregation_that_cannot_be_is_refused_by_both_servers_in_these_words(asker, name):
    aggregations, message = REFUSED_SUMS[name]
    asked = {"structuredQuery": {"from": [{"collectionId": "c"}]}, "aggregations": aggregations}
    answer = asker.post("runAggregationQuery", {"structuredAggregationQuery": asked})
    assert answer == (400, message, "INVALID_ARGUMENT")


def test_a_sum_of_a_field_that_is_not_selected_is_refused_by_both_servers(asker):
    base = {"from": [{"collectionId": "c"}], "select": {"fields": [{"fieldPath": "a"}]}}
    asked = {"structuredQuery": base, "aggregations": [{"sum": {"field": {"fieldPath": "b"}}}]}
    status, message, _ = asker.post("runAggregationQuery", {"structuredAggregationQuery": asked})
    assert status == 400
    assert message == "The aggregation property b is not present in the base query's property mask."


def test_more_than_five_aggregations_are_refused(on_simulator):
    # The emulator answers 500 and says nothing.
    asked = {"aggregations": [count(alias=f"n{place}") for place in range(6)]}
    status, message, _ = Asker(on_simulator).post("runAggregationQuery", {"structuredAggregationQuery": asked})
    assert (status, message) == (
        400,
        "The maximum number of aggregations allowed in an aggregation query is 5. Received: 6",
    )


def vector_of(*values, **more):
    return mapping(__type__=text("__vector__"), value=array(*values), **more)


BAD_VECTORS = {
    "no coordinate": (vector(), "Cannot have a zero length vector."),
    "2,049 coordinates": (vector(*[1.0] * 2049), "Vectors must be at most 2048 dimensions."),
    "an integer": (vector_of(integer(1)), "Vector must only contain values of type 'double'"),
    "no value": (mapping(__type__=text("__vector__")), "Vector map is missing key 'value'."),
    "one field more": (vector_of(double(1.0), x=integer(1)), "Vector Value map has extraneous entries."),
    "in an array": (array(vector(1.0)), "Cannot convert a vector value in an array value."),
}


@pytest.mark.parametrize("name", BAD_VECTORS)
def test_a_vector_that_cannot_be_is_not_written_by_either_server(firestore, name):
    value, message = BAD_VECTORS[name]
    asker = Asker(firestore)
    write = {"update": {"name": f"{DATABASE}/documents/c/a", "fields": {"f": value}}}
    answer = asker.session.post(f"{asker.url}:commit", json={"writes": [write]}, timeout=DEADLINE_SECONDS)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


def test_a_query_is_refused_whatever_is_in_its_place(on_simulator):
    asker = Asker(on_simulator)
    chance = random.Random(1)
    for _ in range(150):
        body = {
            "structuredQuery": chance.choice([firestore_queries.structured_query, firestore_queries.find_nearest])(
                chance
            )
        }
        firestore_queries.spoil(chance, body)
        answer = asker.session.post(f"{asker.url}:runQuery", json=body, timeout=DEADLINE_SECONDS)
        assert answer.status_code in (200, 400), json.dumps(body)


# Answers, on both servers


def test_names_may_be_spelled_as_protocol_buffers_spell_them(asker):
    asker.write({f"c/{name}": {"f": integer(place)} for place, name in enumerate("abc")})
    orders = [{"field": {"field_path": "f"}, "direction": "DESCENDING"}]
    found = asker.names(**{"from": [{"collection_id": "c"}], "order_by": orders, "start_at": {"values": [integer(1)]}})
    assert found == ["a"]


def test_a_sum_beyond_64_bits_is_a_double(asker):
    asker.write({"c/a": {"f": integer(2**63 - 1)}, "c/b": {"f": integer(1)}})
    asked = {"structuredQuery": {"from": [{"collectionId": "c"}]}}
    asked["aggregations"] = [{"alias": "s", "sum": {"field": {"fieldPath": "f"}}}]
    [found, _] = asker.post("runAggregationQuery", {"structuredAggregationQuery": asked})
    assert found == {"result": {"aggregateFields": {"s": double(2.0**63)}}}


def test_documents_without_a_field_that_is_summed_are_not_counted_either(asker):
    asker.write({"c/a": {"f": integer(3)}, "c/b": {"g": integer(1)}, "c/d": {"f": text("x")}})
    asked = {"structuredQuery": {"from": [{"collectionId": "c"}]}}
    asked["aggregations"] = [count(), {"sum": {"field": {"fieldPath": "f"}}}, {"avg": {"field": {"fieldPath": "f"}}}]
    [found, _] = asker.post("runAggregationQuery", {"structuredAggregationQuery": asked})
    fields = {"field_1": integer(2), "field_2": integer(3), "field_3": double(3.0)}
    assert found == {"result": {"aggregateFields": fields}}


def test_what_an_offset_skipped_is_told_once_with_the_first_document(on_simulator):
    asker = Asker(on_simulator)
    asker.write({f"c/{name}": {} for name in "abcd"})
    body = {"structuredQuery": {"from": [{"collectionId": "c"}], "offset": 1}}
    answer = asker.session.post(f"{asker.url}:runQuery", json=body, timeout=DEADLINE_SECONDS).json()
    assert [each.get("skippedResults") for each in answer] == [1, None, None]
    assert [each.get("done") for each in answer] == [None, None, True]


# Partitions, which the emulator has not


def partitions(asker, **body):
    asked = {"structuredQuery": {"from": [{"collectionId": "c", "allDescendants": True}]}, **body}
    answer = asker.session.post(f"{asker.url}:partitionQuery", json=asked, timeout=DEADLINE_SECONDS).json()
    cursors = [each["values"] for each in answer.get("partitions", [])]
    return [each["referenceValue"].split("/documents/")[1] for [each] in cursors], answer


def test_partitions_cut_a_collection_group_into_parts_of_one_size(on_simulator):
    asker = Asker(on_simulator)
    paths = [f"c/{place:02}" for place in range(10)] + [f"x/y/c/{place}" for place in range(2)]
    asker.write({path: {} for path in paths})
    cuts, _ = partitions(asker, partitionCount="3")
    assert cuts == [paths[3], paths[6], paths[9]]
    edges = [{"values": [reference(cut)], "before": True} for cut in cuts]
    group = {"from": [{"collectionId": "c", "allDescendants": True}], "orderBy": by("__name__")}
    found = []
    for start, end in zip([None, *edges], [*edges, None], strict=True):
        cursors = {name: edge for name, edge in (("startAt", start), ("endAt", end)) if edge}
        found.append(asker.names(**group, **cursors))
    assert [len(part) for part in found] == [3, 3, 3, 3]
    assert sum(found, []) == [path.split("/")[-1] for path in paths]


def test_there_are_no_more_partitions_than_documents_between_them(on_simulator):
    asker = Asker(on_simulator)
    assert partitions(asker, partitionCount=5) == ([], {})
    asker.write({"c/a": {}, "c/b": {}})
    assert partitions(asker, partitionCount=5)[0] == ["c/b"]


def test_partitions_come_in_pages(on_simulator):
    asker = Asker(on_simulator)
    asker.write({f"c/{place}": {} for place in range(8)})
    first, answer = partitions(asker, partitionCount=3, pageSize=2)
    rest, last = partitions(asker, partitionCount=3, pageSize=2, pageToken=answer["nextPageToken"])
    assert [*first, *rest] == ["c/2", "c/4", "c/6"]
    assert "nextPageToken" not in last


@pytest.mark.parametrize(
    "body",
    [
        {"partitionCount": 0},
        {"partitionCount": 2, "pageSize": -1},
        {"partitionCount": 2, "structuredQuery": {"from": [{"collectionId": "c"}]}},
        {
            "partitionCount": 2,
            "structuredQuery": {"from": [{"collectionId": "c", "allDescendants": True}], "where": where()},
        },
        {
            "partitionCount": 2,
            "structuredQuery": {"from": [{"collectionId": "c", "allDescendants": True}], "orderBy": by("f")},
        },
    ],
)
def test_partitions_of_anything_but_a_collection_group_are_refused(on_simulator, body):
    _, answer = partitions(Asker(on_simulator), **body)
    assert answer["error"]["status"] == "INVALID_ARGUMENT"


# Composite indexes, which the emulator never asks for

EQUAL_AND_ORDER = {"where": where(field="a"), "orderBy": by("b", direction="DESCENDING")}


def index(*fields, scope="COLLECTION", state="READY"):
    modes = [{"arrayConfig" if mode == "CONTAINS" else "order": mode, "fieldPath": field} for field, mode in fields]
    name = f"{DATABASE}/collectionGroups/c/indexes/1"
    return {"name": name, "queryScope": scope, "fields": modes, "state": state}


def refusal(indexes=(), **asked):
    """The text that a query is refused with; None if it is served."""
    documents = [Document(DATABASE, ("c", "x"), parse_fields({"a": integer(1), "b": integer(2)}), 0, 0)]
    try:
        query.run({"from": [{"collectionId": "c"}], **asked}, documents, (), DATABASE, indexes)
    except Refused as refused:
        assert (refused.status, refused.code) == (400, "FAILED_PRECONDITION")
        return refused.text
    return None


UP, DOWN = "ASCENDING", "DESCENDING"
SERVED_ALONE = {
    "no filter": {},
    "one order": {"orderBy": by("b", direction=DOWN)},
    "a range and its order": {"where": where("GREATER_THAN", field="b"), "orderBy": by("b")},
    "equal fields": {"where": both(where(field="a"), where(field="b"), where("IN", integers(2), "c"))},
    "equal fields and an array": {"where": both(where(field="a"), where("ARRAY_CONTAINS", field="tags"))},
    "equal fields and names backwards": {
        "where": both(where(field="a"), where(field="b")),
        "orderBy": by("__name__", direction=DOWN),
    },
    "an order by an equal field": {"where": where(field="a"), "orderBy": by("a", direction=DOWN)},
    "alternatives of one field each": {"where": both(where(field="a"), where(field="b"), op="OR")},
}
NEEDED = {
    "an equal field and an order": (EQUAL_AND_ORDER, [("a", UP), ("b", DOWN), ("__name__", DOWN)]),
    "the other way": (EQUAL_AND_ORDER, [("a", DOWN), ("b", UP), ("__name__", UP)]),
    "two orders": ({"orderBy": by("a", "b")}, [("a", UP), ("b", UP), ("__name__", UP)]),
    "two ranges": (
        {"where": both(where("LESS_THAN", field="b"), where("GREATER_THAN", field="a"))},
        [("a", UP), ("b", UP), ("__name__", UP)],
    ),
    "an array and a range": (
        {"where": both(where("ARRAY_CONTAINS", field="tags"), where("LESS_THAN", field="b"))},
        [("tags", "CONTAINS"), ("b", UP), ("__name__", UP)],
    ),
    "one order and names the other way": (
        {"orderBy": [*by("a"), *by("__name__", direction=DOWN)]},
        [("a", UP), ("__name__", DOWN)],
    ),
}


@pytest.mark.parametrize("name", SERVED_ALONE)
def test_indexes_of_single_fields_serve(name):
    assert refusal(**SERVED_ALONE[name]) is None


@pytest.mark.parametrize("name", NEEDED)
def test_a_query_is_refused_until_its_composite_index_is_there(name):
    asked, fields = NEEDED[name]
    assert refusal(**asked).startswith("The query requires an index. You can create it here: https://console.firebase.")
    assert refusal([index(*fields)], **asked) is None
    assert refusal([index(*fields, scope="COLLECTION_GROUP")], **asked)
    assert refusal([index(*reversed(fields))], **asked)
    assert refusal([index(*fields[1:])], **asked)


def test_indexes_of_some_of_the_equal_fields_serve_together():
    asked = {"where": both(where(field="a"), where(field="b")), "orderBy": by("d")}
    first, second = (index((field, UP), ("d", UP), ("__name__", UP)) for field in "ab")
    assert refusal([first], **asked)
    assert refusal([second], **asked)
    assert refusal([first, second], **asked) is None


def test_each_alternative_needs_its_own_index():
    asked = {"where": both(where(field="a"), where(field="b"), op="OR"), "orderBy": by("d")}
    first, second = (index((field, UP), ("d", UP), ("__name__", UP)) for field in "ab")
    assert refusal([first], **asked)
    assert refusal([first, second], **asked) is None


def test_the_link_of_a_missing_index_has_it_as_protocol_buffers():
    address = refusal(**EQUAL_AND_ORDER).rpartition(" ")[2]
    assert urlsplit(address).path == "/v1/r/project/demo/firestore/indexes"
    [made] = parse_qs(urlsplit(address).query)["create_composite"]
    name = f"{DATABASE}/collectionGroups/c/indexes/_".encode()
    fields = b"\x1a\x05\x0a\x01a\x10\x01\x1a\x05\x0a\x01b\x10\x02\x1a\x0c\x0a\x08__name__\x10\x02"
    decoded = base64.urlsafe_b64decode(made + "=" * (-len(made) % 4))
    assert decoded == b"\x0a" + bytes([len(name)]) + name + b"\x10\x01" + fields


def test_a_simulator_that_is_told_so_wants_the_indexes_that_its_administration_makes(on_simulator):
    asker = Asker(on_simulator)
    asker.write({"c/x": {"a": integer(1), "b": integer(2)}})
    asked = {"from": [{"collectionId": "c"}], **EQUAL_AND_ORDER}
    assert asker.names(**asked) == ["x"]
    on_simulator.sim.firestore.administration.needs_indexes = True
    summed = {"structuredAggregationQuery": {"structuredQuery": asked, "aggregations": [count()]}}
    assert asker.ask(**asked)[2] == "FAILED_PRECONDITION"
    assert asker.post("runAggregationQuery", summed)[2] == "FAILED_PRECONDITION"
    made = {"queryScope": "COLLECTION", "fields": [{"fieldPath": "a", "order": UP}, {"fieldPath": "b", "order": DOWN}]}
    group = asker.url.replace("/documents", "/collectionGroups/c/indexes")
    answer = asker.session.post(group, json=made, timeout=DEADLINE_SECONDS)
    assert answer.ok, answer.text
    assert asker.names(**asked) == ["x"]
    assert asker.post("runAggregationQuery", summed)[0] == {"result": {"aggregateFields": {"field_1": integer(1)}}}


# Recorded answers

RECORDED_ROOT = "/v1/projects/demo-iot/databases/(default)/documents"
# Of these the emulator's answers were not kept.
SEEDS_WITHOUT_RECORDING = {
    "dev/b": {"v": integer(1), "tag": array(text("t1"), integer(1)), "g": text("g1"), "p": mapping(q=integer(1))},
    "dev/a/readings/r2": {"v": integer(2)},
}
RECORDED = sorted(path.stem for path in RECORDINGS.glob("c*.request"))
# The emulator does not have partitionQuery.
PARTITIONS = ("c054_partition_noauth", "c055_partition")


def play(sim, name):
    head, _, body = (RECORDINGS / f"{name}.request").read_bytes().partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    return send(sim, method, target, body)


def send(sim, method, target, body):
    headers = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
    answer = requests.request(method, sim.url + target, data=body, headers=headers, timeout=DEADLINE_SECONDS)
    return answer.status_code, answer.json()


def recorded(name):
    head, _, body = (RECORDINGS / f"{name}.response").read_bytes().partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)


def without_times(value):
    """The answer without what a clock or a counter gave, an error without the live service's array around it."""
    if isinstance(value, list):
        if len(value) == 1 and "error" in value[0]:
            return value[0]
        return [without_times(each) for each in value if each.keys() != {"transaction"}]
    if not isinstance(value, dict):
        return value
    times = ("createTime", "updateTime", "readTime")
    return {
        name: each if name == "fields" else without_times(each) for name, each in value.items() if name not in times
    }


@pytest.fixture(scope="module")
def seeded():
    """A simulator with the documents that the queries were recorded on."""
    with Simulator() as sim:
        for path, fields in SEEDS_WITHOUT_RECORDING.items():
            status, _ = send(sim, "PATCH", f"{RECORDED_ROOT}/{path}", json.dumps({"fields": fields}).encode())
            assert status == 200
        for name in RECORDED:
            if name.endswith("_seed"):
                assert play(sim, name)[0] == 200
        yield sim


@pytest.mark.parametrize("name", [name for name in RECORDED if not name.endswith("_seed") and name not in PARTITIONS])
def test_the_simulator_answers_queries_as_recorded(seeded, name):
    (status, expected), (found_status, found) = recorded(name), play(seeded, name)
    assert (found_status, without_times(found)) == (status, without_times(expected))


@pytest.mark.parametrize("name", PARTITIONS)
def test_where_the_emulator_has_no_partitions_the_simulator_has(seeded, name):
    assert recorded(name)[0] == 501
    assert play(seeded, name) == (200, {})


def test_all_recordings_of_queries_are_played():
    assert len(RECORDED) > 40
