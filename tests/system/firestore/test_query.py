"""Queries on every Python, against Google's emulator and the simulator; Google's own client builds the same ones."""

import json
import subprocess

import pytest
from clients import compiled_library
from firestore_servers import PROJECT, WHO, allow
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore as google
from google.cloud.firestore_v1.base_query import And, FieldFilter, Or
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios import firestore_query as scenarios

import flamelet
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(90)

HEAP = "512k"
DOCUMENTS = {
    "a": {"v": 3, "g": "g1", "tags": ["x", "y"], "p": {"q": 1}},
    "b": {"v": 1, "g": "g1", "tags": ["y"], "p": {"q": 2}},
    "c": {"v": 2, "g": "g2", "tags": [], "p": {"q": 3}},
    "d": {"v": None, "g": "g3"},
    "e": {"v": "x", "g": "g2", "odd name": True},
    "f": {"v": 2.5, "g": "g2", "p": {"q": 9}},
}
PUBLIC = ["query", "public"]
# Steps, and the ids that they lead to, in their order.
QUERIES = [
    ([PUBLIC], "abcdef"),
    ([["query", "public/none/at-all"]], ""),
    ([PUBLIC, ["where", "v", "==", 2]], "c"),
    ([PUBLIC, ["where", "v", "<", 2.5]], "bc"),
    ([PUBLIC, ["where", "v", "<=", 2.5]], "bcf"),
    ([PUBLIC, ["where", "v", ">", 1]], "cfa"),
    ([PUBLIC, ["where", "v", ">=", 1]], "bcfa"),
    ([PUBLIC, ["where", "v", "!=", 1]], "cfae"),
    ([PUBLIC, ["where", "v", "==", None]], "d"),
    ([PUBLIC, ["where", "v", "!=", None]], "bcfae"),
    ([PUBLIC, ["where", "v", "==", {"number": "nan"}]], ""),
    ([PUBLIC, ["where", "p.q", "==", 3]], "c"),
    ([PUBLIC, ["where", "`odd name`", "==", True]], "e"),
    ([PUBLIC, ["where", "v", "in", [1, 3, "x"]]], "abe"),
    ([PUBLIC, ["where", "v", "not-in", [1, 3]]], "cfe"),
    ([PUBLIC, ["where", "tags", "array-contains", "y"]], "ab"),
    ([PUBLIC, ["where", "tags", "array-contains-any", ["x", "z"]]], "a"),
    ([PUBLIC, ["where", "v", ">", 1], ["where", "g", "==", "g2"]], "cf"),
    ([PUBLIC, ["where", {"and": [["v", ">", 1], ["g", "==", "g2"]]}]], "cf"),
    ([PUBLIC, ["where", {"or": [["v", "==", 1], ["v", "==", "x"]]}]], "be"),
    ([PUBLIC, ["where", {"or": [["v", "==", 1], {"and": [["g", "==", "g2"], ["v", "==", 2]]}]}]], "bc"),
    ([PUBLIC, ["where", "__name__", ">", "d"]], "ef"),
    ([PUBLIC, ["where", "__name__", "in", ["a", "public/c", {"reference": "public/f"}]]], "acf"),
    ([PUBLIC, ["order_by", "v"]], "dbcfae"),
    ([PUBLIC, ["order_by", "v", True]], "eafcbd"),
    ([PUBLIC, ["order_by", "g"], ["order_by", "v", True]], "abefcd"),
    ([PUBLIC, ["order_by", "v"], ["start_at", 2]], "cfae"),
    ([PUBLIC, ["order_by", "v"], ["start_after", 2]], "fae"),
    ([PUBLIC, ["order_by", "v"], ["start_at", 1], ["end_at", 2.5]], "bcf"),
    ([PUBLIC, ["order_by", "v"], ["start_at", 1], ["end_before", 2.5]], "bc"),
    ([PUBLIC, ["order_by", "g"], ["order_by", "v"], ["start_at", "g1", 2], ["end_at", "g2"]], "acfe"),
    ([PUBLIC, ["order_by", "__name__"], ["start_after", "d"]], "ef"),
    ([PUBLIC, ["order_by", "__name__"], ["limit", 2]], "ab"),
    ([PUBLIC, ["limit", 2]], "ab"),
    ([PUBLIC, ["offset", 2], ["limit", 3]], "cde"),
    ([PUBLIC, ["offset", 9]], ""),
]


@pytest.fixture
def filled(firestore):
    for name, fields in DOCUMENTS.items():
        firestore.put(f"public/{name}", **fields)
    return firestore


def run(client, firestore, scenario, who="OAuth2", **arguments):
    options = firestore.options(who)
    return client.run(scenario, HEAP, project=firestore.project, options=options, **arguments)


def found(names):
    return [[f"public/{name}", DOCUMENTS[name]] for name in names]


def test_each_kind_of_query_gives_its_documents_in_their_order(client, filled):
    outcomes = run(client, filled, scenarios.queries, queries=[steps for steps, _ in QUERIES])
    for (steps, names), both in zip(QUERIES, outcomes, strict=True):
        assert both == [["ok", found(names)]] * 2, steps


@pytest.mark.parametrize("who", WHO)
def test_who_may_read_a_collection_may_query_it(client, filled, who):
    steps = [PUBLIC, ["order_by", "v"], ["limit", 2]]
    assert run(client, filled, scenarios.queries, who, queries=[steps]) == [[["ok", found("db")]] * 2]


def test_whom_the_rules_refuse_is_told_so(client, filled):
    filled.put("locked/x", n=1)
    steps = [["query", "locked"]]
    [both] = run(client, filled, scenarios.queries, "ID token", queries=[steps])
    assert [outcome[:2] + outcome[3:] for outcome in both] == [["error", "PermissionDenied", False, 403]] * 2
    assert run(client, filled, scenarios.queries, queries=[steps]) == [[["ok", [["locked/x", {"n": 1}]]]] * 2]


def test_the_last_documents_of_an_order_come_in_that_order(client, filled):
    ordered = [PUBLIC, ["order_by", "v"]]
    queries = [
        [*ordered, ["limit_to_last", 2]],
        [*ordered, ["end_before", 3], ["limit_to_last", 2]],
        [*ordered, ["start_after", 2], ["limit_to_last", 9]],
        [*ordered, ["start_at", 1], ["end_at", 2.5], ["limit_to_last", 2]],
    ]
    outcomes = run(client, filled, scenarios.gets, queries=queries)
    assert outcomes == [["ok", found(names)] for names in ("ae", "cf", "fae", "cf")]


def test_only_the_fields_that_are_selected_come(client, filled):
    one = [PUBLIC, ["where", "v", "==", 1]]
    queries = [[*one, ["select", "p.q", "g"]], [*one, ["select", "__name__"]], [*one, ["select", "none"]]]
    outcomes = run(client, filled, scenarios.gets, queries=queries)
    assert outcomes == [["ok", [["public/b", fields]]] for fields in ({"p": {"q": 2}, "g": "g1"}, {}, {})]


def test_a_group_is_all_collections_of_its_name(client, filled):
    for path in ("public/a/readings/r1", "public/b/readings/r2", "readings/r0", "public/b/other/r3"):
        filled.put(path, n=1)
    queries = [
        [["query_group", "readings"]],
        [["query", "public/b/readings"]],
        [["query_group", "public/b/readings"]],
        [["query_group", "readings"], ["where", "__name__", ">", "public/a/readings/r1"]],
    ]
    outcomes = run(client, filled, scenarios.gets, queries=queries)
    assert [[path for path, _ in documents] for _, documents in outcomes] == [
        ["public/a/readings/r1", "public/b/readings/r2", "readings/r0"],
        ["public/b/readings/r2"],
        ["public/b/readings/r2"],
        ["public/b/readings/r2", "readings/r0"],
    ]


# Of the documents that have both fields: Firestore counts no others then.
TOGETHER = {"n": 4, "s": 8.5, "mean": 3.75}


def test_numbers_of_a_query(client, filled):
    some = [PUBLIC, ["where", "v", ">", 1]]
    queries = [
        [PUBLIC, ["count"]],
        [PUBLIC, ["count", 4]],
        [*some, ["count"]],
        [PUBLIC, ["sum", "v"]],
        [PUBLIC, ["sum", "p.q"]],
        [some[0], ["where", "v", "in", [1, 2]], ["avg", "v"]],
        [PUBLIC, ["avg", "none"]],
        [PUBLIC, ["sum", "none"]],
        [PUBLIC, ["limit", 2], ["count"]],
        [some[0], ["aggregate", {"n": ["count"], "s": ["sum", "v"], "mean": ["avg", "p.q"]}]],
    ]
    outcomes = run(client, filled, scenarios.values, queries=queries)
    assert [kind for kind, *_ in outcomes] == ["ok"] * len(queries), outcomes
    assert [value for _, value in outcomes] == [6, 4, 3, 8.5, 15, 1.5, None, 0, 2, TOGETHER]


def test_the_nearest_vectors_are_found(client, firestore):
    vectors = {"here": [1.0, 2.0], "near": [4.0, 6.0], "far": [100.0, 0.0]}
    by_limit, by_distance, by_product = run(client, firestore, scenarios.nearest, vectors=vectors, vector=[1.0, 2.0])
    assert by_limit == ["public/here", "public/near"]
    assert by_distance == [["public/here", 0], ["public/near", 5]]
    assert by_product == ["public/far"]


def test_pages_by_cursors_hold_each_document_once(client, filled):
    pages = run(client, filled, scenarios.pages, size=4)
    assert pages == [[f"public/{name}" for name in names] for names in ("abcd", "ef")]


def test_a_query_may_be_left_early_and_requests_go_on(client, filled):
    assert run(client, filled, scenarios.left_early) == ["public/d", 3, [], 2]


def test_what_the_server_refuses_is_told_in_its_words(client, filled):
    # What is not refused here.
    refused = [
        ([PUBLIC, ["where", "v", "not-in", [1]], ["where", "v", "!=", 2]], "BadRequest", ""),
        ([PUBLIC, ["order_by", "__name__", True]], "PreconditionFailed", "descending key scans"),
    ]
    outcomes = run(client, filled, scenarios.queries, queries=[steps for steps, *_ in refused])
    for (_, kind, words), both in zip(refused, outcomes, strict=True):
        for outcome in both:
            assert outcome[:2] + outcome[3:] == ["error", kind, False, 400], outcome
            assert words in outcome[2]


def test_a_query_as_it_was_earlier(client, on_simulator):
    # The emulator refuses every time in a query, whatever it is.
    on_simulator.put("public/a", v=3)
    assert run(client, on_simulator, scenarios.earlier) == [1, 0]


def test_parts_of_a_group_hold_each_document_once(client, on_simulator):
    # The emulator has no partitionQuery.
    paths = [f"public/{n % 7}/readings/{n:03}" for n in range(500)]
    for path in paths:
        on_simulator.sim.firestore.set(path, {"n": 1})
    parts = run(client, on_simulator, scenarios.partitions, count=4)
    assert 1 < len(parts) <= 4
    assert [path for part in parts for path in part] == sorted(paths)


def test_an_answer_that_is_cut_gives_what_came_and_an_error(client, on_simulator):
    for name, fields in DOCUMENTS.items():
        on_simulator.put(f"public/{name}", **fields)
    on_simulator.sim.fault("cut", bytes=900, count=1)
    seen, cut, whole = run(client, on_simulator, scenarios.interrupted)
    assert 0 < len(seen) < 6
    assert seen == [f"public/{name}" for name in "abcdef"[: len(seen)]]
    assert cut[:2] == ["error", "NetworkError"]
    assert whole == ["ok", found("abcdef")]


def test_a_server_in_trouble_is_asked_again(client, on_simulator):
    on_simulator.put("public/a", v=3)
    on_simulator.sim.fault("unavailable", count=2)
    seen = run(client, on_simulator, scenarios.queries, queries=[[PUBLIC]])
    assert seen == [[["ok", [["public/a", {"v": 3}]]]] * 2]


# The whole program: a test's own modules would share its heap.
PROGRAM = """
import flamelet
count = total = 0
fs = flamelet.Firestore({project!r}, url={url!r})
for document in fs.query("public").where("n", ">=", 0).order_by("n"):
    count += 1
    total += document.fields["n"]
print(count, total)
"""


@pytest.mark.skipif(find_micropython() is None, reason=MISSING)
def test_ten_thousand_documents_pass_through_a_heap_of_96_kib():
    with Simulator(project=PROJECT, firestore_rules=allow) as sim:
        for n in range(10_000):
            sim.firestore.set(f"public/d{n:05}", {"n": n, "text": "é🔥" * 10, "log": [n, {"deep": "x" * 50}]})
        program = PROGRAM.format(project=PROJECT, url=sim.url + "/v1")
        done = subprocess.run(
            [find_micropython(), "-X", "heapsize=96k", "-c", program],
            env=module_path(compiled_library()),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.stdout.split(), done.stderr) == (["10000", str(sum(range(10_000)))], "")


# Google's own client.

NAMES = st.sampled_from(["v", "p.q", "`odd name`.x", "g"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=5)
)
LISTS = st.lists(st.integers(-5, 5), min_size=1, max_size=10)
FILTERS = st.one_of(
    st.tuples(NAMES, st.sampled_from(["==", "!="]), VALUES),
    st.tuples(NAMES, st.sampled_from(["<", "<=", ">", ">="]), st.integers(-5, 5)),
    st.tuples(NAMES, st.sampled_from(["in", "not-in", "array-contains-any"]), LISTS),
    st.tuples(NAMES, st.just("array-contains"), st.text(max_size=5)),
)
COMPOSITES = st.recursive(
    FILTERS,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
    max_leaves=5,
)
STEPS = st.one_of(
    st.tuples(st.just("where"), COMPOSITES),
    st.tuples(st.just("order_by"), NAMES, st.booleans()),
    st.tuples(st.sampled_from(["start_at", "start_after", "end_at", "end_before"]), st.integers(-5, 5)),
    st.tuples(st.sampled_from(["limit", "offset"]), st.integers(1, 9)),
    st.tuples(st.just("select"), st.lists(NAMES, min_size=1, max_size=3)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=6), NAMES)
def test_googles_own_client_builds_the_same_query(steps, name):
    theirs = google.Client(PROJECT, AnonymousCredentials()).collection("public").order_by(name)
    ours = flamelet.Firestore(PROJECT).query("public").order_by(name)
    for kind, *arguments in steps:
        theirs = their_step(theirs, kind, arguments)
        ours = our_step(ours, kind, arguments)
    expected = MessageToDict(theirs._to_protobuf()._pb)
    assert normal(json.loads(ours.structured())) == normal(expected)


def our_step(query, kind, arguments):
    if kind == "where":
        made = our_filter(arguments[0])
        return query.where(*made) if isinstance(made, tuple) and len(made) == 3 else query.where(made)
    return getattr(query, kind)(*(arguments[0] if kind == "select" else arguments))


def our_filter(made):
    if len(made) == 3:
        return made
    return getattr(flamelet, made[0] + "_")(*[our_filter(one) for one in made[1]])


def their_step(query, kind, arguments):
    if kind == "where":
        return query.where(filter=their_filter(arguments[0]))
    if kind == "order_by":
        return query.order_by(arguments[0], direction="DESCENDING" if arguments[1] else "ASCENDING")
    if "_" in kind:
        [name] = [order.field.field_path for order in query._orders[:1]]
        return getattr(query, kind)([arguments[0]] if name else {})
    return getattr(query, kind)(arguments[0])


def their_filter(made):
    if len(made) == 3:
        field, op, value = made
        return FieldFilter(field, op.replace("-", "_") if op.startswith("array") else op, value)
    return {"and": And, "or": Or}[made[0]]([their_filter(one) for one in made[1]])


def normal(content):
    """`content` without what has no meaning: members that are false, and how a float is written."""
    if isinstance(content, list):
        return [normal(item) for item in content]
    if not isinstance(content, dict):
        return content
    if "doubleValue" in content:
        return {"doubleValue": str(float(content["doubleValue"]))}
    return {key: normal(content[key]) for key in content if content[key] is not False or key == "booleanValue"}
