"""Firestore on every Python, against Google's emulator and against the simulator; what is stored is read by another."""

import base64
import re
from urllib.parse import parse_qs

import pytest
from clients import Client
from firestore_servers import WHO, to_value
from scenarios import firestore as scenarios

pytestmark = pytest.mark.timeout(60)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"
# The scenarios are compiled where they are played, and documents are held whole.
HEAP = "512k"
# Of names that have a form of their own in a URL, a field path or JSON.
IDS = [
    "with space", "50%", "%41", "a?b=c", "a&b", "q\"uote", "back\\slash", "co:lon", "a:commit", "(parens)'!*,", "grün",
    "温度", "🔥", "a.b", "-_~", "`", "$#[]", "_", "__", "__x", "0", "t\tab", "x" * 1500,
]  # fmt: skip
# Rules of field names are not those of ids: a dot and a slash are letters like any other.
NAMES = [
    "with space", "a.b", "a/b", "back\\slash", "back`tick", "0", "grün", "🔥", "$", "q\"uote", "_", "__", "x" * 1498,
]  # fmt: skip


def run(client, firestore, scenario, who="OAuth2", **arguments):
    options = firestore.options(who)
    return client.run(scenario, HEAP, project=firestore.project, options=options, **arguments)


@pytest.mark.parametrize("who", WHO)
def test_every_method_for_a_document_does_what_it_says(client, firestore, who):
    seen = run(client, firestore, scenarios.documents, who)
    raw = re.sub(r"\s", "", seen.pop("raw"))
    name = re.escape(f"{firestore.name}/public/LA")
    assert re.fullmatch(
        rf'{{"name":"{name}","fields":{{"pop":{{"integerValue":"3900001"}}}},'
        rf'"createTime":"{TIME}","updateTime":"{TIME}"}}',
        raw,
    )
    updated = {"name": "Los Angeles", "pop": 3900001, "area": {"land": 1214.5}, "odd name": {"x": [1, None]}}
    assert seen == {
        "missing": None,
        "whole": {"name": "Los Angeles", "pop": 3900000, "area": {"land": 1214.5, "water": 87.0}},
        "mask": {"name": "Los Angeles", "area": {"land": 1214.5}},
        "no field": {},
        "updated": ["public/LA", updated],
        "times": [True, True],
        "set anew": {"name": "L. A."},
        "deleted": None,
        "below": {},
    }
    assert firestore.fields("public/LA") is None
    assert firestore.fields("public/LA/sights/pier") == {}


def test_a_document_is_read_as_it_was_earlier(client, firestore):
    in_batch, alone, in_list = run(client, firestore, scenarios.earlier)
    assert in_batch == ["ok", [{"n": 1}]]
    if firestore.kind == "simulator":
        assert [alone, in_list] == [["ok", {"n": 1}], ["ok", [{"n": 1}]]]
    else:
        # It refuses every time in a query, whatever it is.
        refusals = ["BadRequest", "Only timestamps past epoch"]
        assert [[outcome[1], refusals[1] in outcome[2]] for outcome in (alone, in_list)] == [[refusals[0], True]] * 2


def test_a_new_document_has_an_id_of_twenty_letters_or_the_one_that_it_is_given(client, firestore):
    ids, taken = run(client, firestore, scenarios.create)
    assert [bool(re.fullmatch("[A-Za-z0-9]{20}", id)) for id in ids] == [True] * 3 + [False]
    assert ids[3] == "pier"
    assert len(set(ids)) == 4
    assert taken[:2] == ["error", "AlreadyExists"]
    assert taken[3:] == [False, 409]
    assert [firestore.fields(f"public/{id}") for id in ids[:3]] == [{"n": to_value(n)} for n in range(3)]
    assert firestore.fields("public/LA/sights/pier") == {"n": to_value(3)}


def test_a_value_of_every_type_arrives_and_comes_back(client, firestore):
    assert run(client, firestore, scenarios.values) == [
        [name, True, kind] for name, (kind, _) in sorted(STORED.items())
    ]
    stored = firestore.fields("public/values")
    # A zero may be left out.
    assert stored["no place"]["geoPointValue"] in ({}, {"latitude": 0, "longitude": 0})
    stored["no place"] = {"geoPointValue": {}}
    reference = {"referenceValue": f"{firestore.name}/cities/LA"}
    assert stored == {name: value or reference for name, (_, value) in STORED.items()}


VECTOR = {
    "fields": {
        "__type__": {"stringValue": "__vector__"},
        "value": {"arrayValue": {"values": [{"doubleValue": number} for number in (1, -0.5, 0.25)]}},
    }
}
# The type on the client, and the value in the REST API's form; None for a reference, which names the server.
STORED = {
    "null": ("NoneType", {"nullValue": None}),
    "true": ("bool", {"booleanValue": True}),
    "false": ("bool", {"booleanValue": False}),
    "zero": ("int", {"integerValue": "0"}),
    "smallest": ("int", {"integerValue": "-9223372036854775808"}),
    "largest": ("int", {"integerValue": "9223372036854775807"}),
    "beyond a double": ("int", {"integerValue": "9007199254740993"}),
    "half": ("float", {"doubleValue": 0.5}),
    "whole double": ("float", {"doubleValue": 3}),
    "tiny": ("float", {"doubleValue": 5e-324}),
    "huge": ("float", {"doubleValue": 1.7976931348623157e308}),
    "third": ("float", {"doubleValue": 1 / 3}),
    "not a number": ("float", {"doubleValue": "NaN"}),
    "infinity": ("float", {"doubleValue": "Infinity"}),
    "minus infinity": ("float", {"doubleValue": "-Infinity"}),
    "empty text": ("str", {"stringValue": ""}),
    "text": ("str", {"stringValue": 'quotes " and \\ and\n \x00 Grüße, 温度, 🔥🏳️‍🌈 \u2028'}),
    "no bytes": ("bytes", {"bytesValue": ""}),
    "bytes": ("bytes", {"bytesValue": base64.b64encode(bytes(range(256))).decode()}),
    "time": ("Timestamp", {"timestampValue": "2026-01-02T03:04:05.678901Z"}),
    "before 1970": ("Timestamp", {"timestampValue": "1066-10-14T09:00:00Z"}),
    "reference": ("Reference", None),
    "place": ("GeoPoint", {"geoPointValue": {"latitude": -33.8688, "longitude": 151.2093}}),
    "no place": ("GeoPoint", {"geoPointValue": {}}),
    "vector": ("Vector", {"mapValue": VECTOR}),
    "no items": ("list", {"arrayValue": {}}),
    "array": (
        "list",
        {
            "arrayValue": {
                "values": [
                    *map(to_value, (1, "two", None)),
                    {
                        "mapValue": {
                            "fields": {"three": {"arrayValue": {"values": [to_value(4), {"bytesValue": "BQ=="}]}}}
                        }
                    },
                    {"geoPointValue": {"latitude": -90, "longitude": 0.5}},
                ]
            }
        },
    ),
    "empty map": ("dict", {"mapValue": {}}),
    "map": ("dict", to_value({"a": {"b": {"c": [True, {"d": None}]}}, "with space": 1, "`": 2})),
}
STORED["map"][1]["mapValue"]["fields"]["grün"] = {"arrayValue": {}}


def test_a_document_that_another_client_wrote_is_copied_value_by_value(client, firestore):
    fields = {name: value for name, (_, value) in STORED.items() if name not in ("reference", "no place")}
    firestore.call("PATCH", "/public/original", {"fields": fields})
    run(client, firestore, scenarios.copy)
    assert firestore.fields("public/copy") == firestore.fields("public/original") == fields


def test_a_value_within_twenty_maps_and_arrays_arrives_and_comes_back(client, firestore):
    assert run(client, firestore, scenarios.deepest)


@pytest.mark.parametrize("name", ["exists", "missing", "new", "old"])
def test_a_write_has_its_condition(blocking_client, firestore, name):
    condition, there, not_there = {
        "exists": ({"exists": True}, None, "NotFound"),
        "missing": ({"exists": False}, "AlreadyExists", None),
        "new": (None, None, "PreconditionFailed"),
        "old": ({"update_time": "2020-01-01T00:00:00.000001Z"}, "PreconditionFailed", "PreconditionFailed"),
    }[name]
    options = {"options": condition}
    methods = (["delete"], ["update", {"n": 2}], ["set", {"n": 2}])
    for method, *arguments in methods:
        time = firestore.put("public/a", n=1)["updateTime"]
        options = {"options": {"update_time": time} if name == "new" else condition}
        calls = [[method, path, *arguments, options] for path in ("public/a", "public/b")]
        outcomes = run(blocking_client, firestore, scenarios.calls, calls=calls)
        assert [outcome[1] if outcome[0] == "error" else None for outcome in outcomes] == [there, not_there]
        written = None if method == "delete" else {"n": to_value(2)}
        assert firestore.fields("public/a") == ({"n": to_value(1)} if there else written)
        assert firestore.fields("public/b") == (None if not_there else written)
        firestore.call("DELETE", "/public/b")


def test_each_transform_does_its_sum_on_what_is_there_and_what_is_not(client, firestore):
    [added, mixed, bounded, united, removed, deep] = run(client, firestore, scenarios.transforms)
    assert added == {"n": 7, "f": 1.5, "a": [1, 2], "s": "text", "deep": {"n": 1}, "new": -3}
    assert mixed == added | {"n": 7.5, "s": 1, "deep": {"n": 2}}
    assert bounded == mixed | {"n": 9, "f": 1.5, "new": -4}
    assert united == bounded | {"a": [1, 2, 3, "x"], "b": [1], "plain": True}
    assert removed == united | {"a": [2, 3], "b": [1]}
    # A map that is given whole is written anew, and the transform finds nothing in it.
    assert deep == removed | {"deep": {"n": 10, "m": 1}}


def test_the_server_sets_its_time(client, firestore):
    at, deep, updated = run(client, firestore, scenarios.server_time)
    assert at == deep == firestore.fields("public/t")["at"]["timestampValue"]
    assert re.fullmatch(TIME, at)
    # To the millisecond, as the service does.
    assert at[:16] == updated[:16]


def fill(firestore, count=5):
    for n in range(count):
        firestore.put(f"public/d{n}", n=n, text="x" * n)


@pytest.mark.parametrize("who", WHO)
def test_a_list_comes_in_pages_in_its_order_and_with_its_mask(client, firestore, who):
    fill(firestore)
    assert run(client, firestore, scenarios.lists, who) == {
        "pages": [[f"public/d{n}", {"n": n, "text": "x" * n}] for n in range(5)],
        "order": [f"public/d{n}" for n in (4, 3, 2, 1, 0)],
        "mask": [{"n": n} for n in range(5)],
        "none": [],
        "first": ["public/d0"],
        "times": True,
    }


def test_a_list_keeps_its_order_from_page_to_page(client, on_simulator):
    """On the simulator alone: the emulator answers each such second page with 500 UNKNOWN."""
    fill(on_simulator)
    before = len(on_simulator.sim.requests)
    assert run(client, on_simulator, scenarios.ordered_pages) == [f"public/d{n}" for n in (4, 3, 2, 1, 0)]
    queries = [parse_qs(record.query) for record in on_simulator.sim.requests[before:]]
    tokens = [query.pop("pageToken", None) for query in queries]
    assert queries == [{"pageSize": ["2"], "orderBy": ["n desc"]}] * 3
    assert tokens[0] is None
    assert len({token for [token] in tokens[1:]}) == 2


@pytest.mark.parametrize("who", ["ID token", "OAuth2"])
def test_a_list_shows_documents_that_are_only_parents_to_a_backend(client, firestore, who):
    firestore.put("public/a", n=1)
    firestore.put("public/parent/below/it", n=2)
    listed = run(client, firestore, scenarios.show_missing, who)
    if who == "OAuth2":
        assert listed == ["ok", [["public/a", {"n": 1}, False], ["public/parent", {}, True]]]
    else:
        assert listed[:2] == ["error", "PermissionDenied"]


@pytest.mark.parametrize("who", WHO)
def test_many_documents_are_got_at_once_and_who_is_missing_is_told(client, firestore, who):
    for name in "abc":
        firestore.put(f"public/{name}", n=1, name=name)
    whole, masked = run(client, firestore, scenarios.many, who)
    assert whole == [
        ["public/a", {"n": 1, "name": "a"}],
        ["public/b", {"n": 1, "name": "b"}],
        ["public/c", {"n": 1, "name": "c"}],
        ["public/none", None],
    ]
    assert masked == [["public/a", {"n": 1}], ["public/b", {"n": 1}], ["public/c", {"n": 1}], ["public/none", None]]


@pytest.mark.parametrize("who", WHO)
def test_a_commit_does_all_of_its_writes_or_none(client, firestore, who):
    firestore.put("public/old", n=1, gone=1)
    firestore.put("public/dead", n=1)
    firestore.put("public/there", n=1)
    count, refused, empty = run(client, firestore, scenarios.commits, who)
    assert count == 5
    assert refused[:2] == ["error", "AlreadyExists"]
    assert empty[0] == "ok"
    assert firestore.fields("public/a") == {"n": to_value(1)}
    assert firestore.fields("public/b").keys() == {"n", "at"}
    assert firestore.fields("public/old") == {"n": to_value(4)}
    assert firestore.document("public/dead") is None
    assert firestore.document("public/c") is None


@pytest.mark.parametrize("who", WHO)
def test_a_batch_tells_of_each_write_what_came_of_it_and_is_for_a_backend(client, firestore, who):
    firestore.put("public/taken", n=1)
    written = run(client, firestore, scenarios.batch_write, who)
    if who != "OAuth2":
        assert written[:2] == ["error", "PermissionDenied"]
        assert firestore.document("public/a") is None
        return
    assert written[0] == "ok"
    assert [done for done, _ in written[1]] == [True, False, False, True]
    assert [reason and reason.split(" ")[0] for _, reason in written[1]] == [None, "6", "5", None]
    assert firestore.fields("public/a") == {"n": to_value(1)}
    assert firestore.fields("public/taken") == {"n": to_value(1)}
    assert firestore.fields("public/d") == {"n": to_value(4)}


@pytest.mark.parametrize("who", WHO)
def test_a_backend_sees_collections_and_all_there_is_about_a_document(client, firestore, who):
    firestore.put("public/LA", n=1)
    for path in ("public/LA/sights/pier", "public/LA/people/x", "other/x"):
        firestore.put(path)
    outcomes = run(client, firestore, scenarios.structure, who)
    if who == "OAuth2":
        assert outcomes == [
            ["ok", ["other", "public"]],
            ["ok", ["people", "sights"]],
            ["ok", []],
            ["ok", [{"n": 1}, ["people", "sights"]]],
        ]
    else:
        assert [outcome[1] for outcome in outcomes] == ["PermissionDenied"] * 4


def test_an_id_of_any_characters_arrives_as_it_is(client, firestore):
    numbers = list(range(len(IDS)))
    alone, batch, known, listed = run(client, firestore, scenarios.paths, paths=[f"public/{id}" for id in IDS])
    assert alone == batch == known == listed == numbers
    assert [firestore.fields(f"public/{id}") for id in IDS] == [{"n": to_value(n)} for n in numbers]


def test_a_field_of_any_name_arrives_as_it_is(client, firestore):
    is_whole, masked = run(client, firestore, scenarios.fields, names=NAMES)
    assert is_whole
    assert masked == dict.fromkeys(NAMES, 2)
    assert firestore.fields("public/f") == dict.fromkeys(NAMES, to_value(2))


@pytest.mark.parametrize("who", WHO)
def test_the_rules_say_who_may_do_what(client, firestore, who):
    rights = {"nobody": [True, False, False], "ID token": [True, True, False], "OAuth2": [True, True, True]}[who]
    paths = ("public/a", "cities/a", "locked/a")
    calls = [["set", path, {"n": 1}] for path in paths] + [["get", path] for path in paths]
    calls += [["update", path, {"n": 2}] for path in paths] + [["delete", path] for path in paths]
    outcomes = run(client, firestore, scenarios.calls, who, calls=calls)
    assert [outcome[0] == "ok" for outcome in outcomes] == rights * 4
    for outcome in outcomes:
        if outcome[0] == "error":
            assert [outcome[1], *outcome[3:]] == ["PermissionDenied", False, 403]


def test_a_database_of_another_name_is_another_database(client, firestore):
    firestore.put("public/a", n=1)
    options = {**firestore.options("OAuth2"), "database": "other"}
    calls = [["get", "public/a"], ["set", "public/a", {"n": 2}], ["get", "public/a"], ["delete", "public/a"]]
    outcomes = client.run(scenarios.calls, HEAP, project=firestore.project, options=options, calls=calls)
    assert outcomes[0] == ["ok", None]
    assert outcomes[2] == ["ok", {"n": 2}]
    assert firestore.fields("public/a") == {"n": to_value(1)}


def test_an_update_of_nothing_or_of_fields_that_overlap_is_refused(client, firestore):
    firestore.put("public/a", n=1)
    overlapping = ({}, {"a": 1, "a.b": 2}, {"a.b": 2, "a": 1}, {"a": 1, "a.b": {".sv": "timestamp"}})
    calls = [["update", "public/none", {"n": 1}], *[["update", "public/a", fields] for fields in overlapping]]
    [none, *others] = run(client, firestore, scenarios.calls, calls=calls)
    assert [none[1], none[4]] == ["NotFound", 404]
    assert [outcome[1] for outcome in others] == ["InvalidArgument"] * 4
    assert firestore.fields("public/a") == {"n": to_value(1)}


def test_what_firestore_has_no_form_for_is_refused_before_it_is_sent(client, on_simulator):
    before = len(on_simulator.sim.requests)
    options = on_simulator.options()
    outcomes = client.run(scenarios.refused, "8m", project=on_simulator.project, options=options)
    assert [outcome[:2] for outcome in outcomes] == [["error", "InvalidArgument"]] * len(outcomes)
    assert len(on_simulator.sim.requests) == before


BAD_PATHS = ["", "public", "public/a/b", "public//a", "public/.", "public/..", "public/__a__", "a/" + "x" * 1501]


def test_a_path_that_cannot_be_is_refused_before_it_is_sent(client, on_simulator):
    before = len(on_simulator.sim.requests)
    calls = [[method, path] for path in BAD_PATHS for method in ("get", "delete")]
    calls += [["create", "public/a", {}], ["create", "public", {}, "a/b"]]
    calls += [["get", "public/a", {"options": {"mask": ["a..b"]}}]]
    outcomes = run(client, on_simulator, scenarios.calls, calls=calls)
    assert [outcome[:2] for outcome in outcomes] == [["error", "InvalidArgument"]] * len(calls)
    assert len(on_simulator.sim.requests) == before


def test_any_method_of_the_rest_api_can_be_called(client, firestore):
    fields, unknown = run(client, firestore, scenarios.any_method)
    assert fields == firestore.fields("public/x") == {"n": to_value(5)}
    assert [unknown[1], unknown[4]] == ["NotFound", 404]


def test_a_request_that_the_server_never_answers_ends_at_its_deadline(client, on_simulator):
    on_simulator.sim.fault("black_hole", count=1)
    [outcome], seconds = run(client, on_simulator, scenarios.timed, calls=[["get", "public/LA"]])
    assert outcome[1] == "Timeout"
    assert seconds < 10


def test_a_request_that_makes_the_emulator_fall_silent_ends_at_its_deadline(client, on_emulator):
    calls = [["call", "GET", f"{on_emulator.name}/public/LA", {"options": {"transaction": "AAAA"}}]]
    [outcome], seconds = run(client, on_emulator, scenarios.timed, calls=calls)
    assert outcome[1] == "Timeout"
    assert seconds < 10


def test_an_answer_that_is_cut_in_the_middle_of_its_array_is_an_error(client, on_simulator):
    fill(on_simulator, 3)
    paths = [f"public/d{n}" for n in range(3)]
    whole = run(client, on_simulator, scenarios.in_batch, paths=paths)
    assert [path for path, _ in whole[1]] == paths
    on_simulator.sim.fault("cut", bytes=400, method="POST")
    cut = run(client, on_simulator, scenarios.in_batch, paths=paths)
    assert cut[:2] == ["error", "NetworkError"]


def test_a_refusal_within_an_array_is_told_as_any_other(client, firestore):
    refused = run(client, firestore, scenarios.in_batch, "nobody", paths=["public/a", "locked/a"])
    assert [refused[1], *refused[3:]] == ["PermissionDenied", False, 403]


@pytest.mark.parametrize("fault", ["drop_after", "internal_error"])
def test_a_new_document_whose_answer_is_lost_is_there_once(client, on_simulator, fault):
    on_simulator.sim.fault(fault, method="POST", count=1)
    created = run(client, on_simulator, scenarios.create_once, id="")
    assert created[0] == "ok"
    documents = on_simulator.call("GET", "/public")["documents"]
    assert [document["name"].rpartition("/")[2] for document in documents] == [created[1]]


def test_a_new_document_of_a_given_id_whose_answer_is_lost_may_be_another_s(client, on_simulator):
    on_simulator.sim.fault("drop_after", method="POST", count=1)
    created = run(client, on_simulator, scenarios.create_once, id="given")
    assert created[:2] == ["error", "OutcomeUnknown"]
    assert on_simulator.fields("public/given") == {"n": to_value(1)}


# The write, its outcome where the answer is lost, how often it was sent, and what `public/LA` then is.
LOST = [
    ("set", "ok", 2, 6),
    ("set if it exists", "ok", 2, 6),
    ("set if there is none", "OutcomeUnknown", 1, 5),
    ("set if unchanged", "OutcomeUnknown", 1, 6),
    ("update", "ok", 2, 6),
    ("update if unchanged", "OutcomeUnknown", 1, 6),
    ("increment", "OutcomeUnknown", 1, 6),
    ("maximum", "ok", 2, 6),
    ("delete", "ok", 2, None),
    ("delete if unchanged", "OutcomeUnknown", 1, None),
]


@pytest.mark.parametrize(("name", "result", "sent", "there"), LOST, ids=[case[0] for case in LOST])
def test_a_write_whose_answer_is_lost(client, on_simulator, name, result, sent, there):
    on_simulator.put("public/LA", n=5)
    on_simulator.put("public/SF", well=True)
    on_simulator.sim.fault("drop_after", method="POST", count=1)
    outcome, after = run(client, on_simulator, scenarios.write, name=name)
    assert outcome[:1] == ["ok"] if result == "ok" else outcome[:2] == ["error", result]
    assert after == ["ok", {"well": True}]
    commits = [record for record in on_simulator.sim.requests if record.path.endswith(":commit")]
    assert len(commits) == sent
    assert on_simulator.fields("public/LA") == (None if there is None else {"n": to_value(there)})


# "Error Codes" of "Using the Firestore REST API": the status, how often it is the answer, what then comes of a read and
# of a write that must not be done twice, and how often each is sent.
CODES = [
    ("unauthenticated", 401, 1, ("Unauthenticated", 1), ("Unauthenticated", 1)),
    ("permission denied", 403, 1, ("PermissionDenied", 1), ("PermissionDenied", 1)),
    ("aborted", 409, 2, ("ok", 3), ("ok", 3)),
    ("resource exhausted", 429, 1, ("ResourceExhausted", 1), ("ResourceExhausted", 1)),
    ("internal, once", 500, 1, ("ok", 2), ("OutcomeUnknown", 1)),
    ("internal, again", 500, 2, ("Unavailable", 2), ("OutcomeUnknown", 1)),
    ("unavailable", 503, 2, ("ok", 3), ("ok", 3)),
    ("deadline exceeded", 504, 2, ("ok", 3), ("OutcomeUnknown", 1)),
]


@pytest.mark.parametrize(("status", "count", "read", "write"), [case[1:] for case in CODES], ids=[c[0] for c in CODES])
def test_a_code_is_met_with_the_action_that_the_document_recommends(client, on_simulator, status, count, read, write):
    on_simulator.put("public/LA", n=5)
    for call, (result, sent) in ((["get", "public/LA"], read), (["create", "public", {"n": 6}, "new"], write)):
        before = len(on_simulator.sim.requests)
        on_simulator.sim.fault("error", status=status, count=count)
        # Below the half minute that a used-up quota is given.
        [outcome], _ = run(client, on_simulator, scenarios.timed, calls=[call], answer=20_000)
        assert (outcome[1] if outcome[0] == "error" else "ok") == result
        assert len(on_simulator.sim.requests) - before == sent
        on_simulator.sim.clear_faults()
    assert (on_simulator.document("public/new") is not None) == (write[0] == "ok")


def test_an_id_token_that_has_ended_is_renewed_and_the_request_repeated(client, on_simulator):
    on_simulator.sim.fault("error", status=401, count=1)
    calls = [["set", "cities/LA", {"n": 1}], ["get", "cities/LA"]]
    outcomes = run(client, on_simulator, scenarios.calls, "ID token", calls=calls)
    assert outcomes[1] == ["ok", {"n": 1}]
    assert [record.status for record in on_simulator.sim.requests] == [401, 200, 200, 200]
    assert on_simulator.sim.refreshes == (1, 1)


def test_a_token_that_is_refused_is_not_shown(client, on_simulator):
    options = {**on_simulator.options(), "token": {"access_token": "ya29.very-secret"}}
    on_simulator.sim.token = "ya29.good"
    [outcome] = client.run(scenarios.calls, HEAP, project=on_simulator.project, options=options, calls=[["get", "a/b"]])
    assert [outcome[1], outcome[4]] == ["Unauthenticated", 401]
    assert "very-secret" not in outcome[2]


@pytest.mark.parametrize("runtime", ["cpython", "cpython-aio"])
def test_the_emulator_of_the_environment_is_used(runtime, on_emulator, monkeypatch):
    """On a desktop alone: a board has no environment."""
    on_emulator.put("public/a", n=5)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", on_emulator.url.split("/")[2])
    outcomes = Client(runtime).run(scenarios.calls, project="demo", options={}, calls=[["get", "public/a"]])
    assert outcomes == [["ok", {"n": 5}]]
