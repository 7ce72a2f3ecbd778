"""The administration of Firestore on every Python, against the simulator: the emulator has none."""

import pytest
from firestore_servers import PROJECT
from scenarios import firestore_admin as scenarios

from flamelet_tools.simulator.firestore import admin

pytestmark = pytest.mark.timeout(60)

NAME = f"projects/{PROJECT}/databases/(default)"
CITIES = NAME + "/collectionGroups/cities"
TOWNS = NAME + "/collectionGroups/towns"
HEAP = "192k"
# Long enough to be seen under way; a wait looks after 250 and 750 ms.
OPERATION_SECONDS = 0.7


@pytest.fixture
def run(client, on_simulator):
    """Plays a scenario against a simulator whose operations take a while; `server` is that simulator."""

    def play(scenario, who="OAuth2", **arguments):
        options = on_simulator.options(who)
        return client.run(scenario, HEAP, project=PROJECT, options=options, **arguments)

    on_simulator.sim.firestore.administration.operation_seconds = OPERATION_SECONDS
    play.sim = on_simulator.sim
    return play


def test_an_index_is_made_while_one_waits_then_listed_and_deleted(run):
    seen = run(scenarios.index)
    begun, creating, made = seen["begun"], seen["creating"], seen["made"]
    assert begun["name"].startswith(NAME + "/operations/")
    assert "done" not in begun
    assert (creating["state"], made["state"]) == ("CREATING", "READY")
    assert {**creating, "state": "READY"} == {name: made[name] for name in creating}
    assert made["name"].startswith(CITIES + "/indexes/")
    assert made["queryScope"] == "COLLECTION"
    assert made["fields"] == [
        {"fieldPath": "country", "order": "ASCENDING"},
        {"fieldPath": "pop", "order": "DESCENDING"},
        {"fieldPath": "__name__", "order": "DESCENDING"},
    ]
    assert seen["again"][:2] == ["error", "AlreadyExists"]
    assert "index already exists" in seen["again"][2]
    group = seen["group"]
    assert (group["queryScope"], group["fields"][:2]) == (
        "COLLECTION_GROUP",
        [{"fieldPath": "tags", "arrayConfig": "CONTAINS"}, {"fieldPath": "a.`b-c`", "order": "ASCENDING"}],
    )
    vector = {"fieldPath": "embedding", "vectorConfig": {"dimension": 8, "flat": {}}}
    assert seen["vector"]["fields"][-1] == vector
    assert seen["of cities"] == [{**creating, "state": "READY"}]
    assert seen["of all"] == 3
    gone, left = seen["deleted"]
    assert (gone[1], gone[4], left) == ("NotFound", 404, [])


def test_lists_come_in_pages(run, monkeypatch):
    administration = run.sim.firestore.administration
    administration.operation_seconds = 0
    for n in range(7):
        fields = [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": f"f{n}", "order": "ASCENDING"}]
        body = {"queryScope": "COLLECTION", "fields": fields}
        admin.perform(administration, "POST", CITIES + "/indexes", {}, body, 0)
    monkeypatch.setattr(admin, "_MAX_PAGE", 3)
    assert sorted(run(scenarios.pages)) == [f"f{n}" for n in range(7)]
    assert len(run.sim.requests) == 3


def test_fields_have_a_ttl_exemptions_and_indexes_of_their_own(run):
    seen = run(scenarios.fields)
    default = NAME + "/collectionGroups/__default__/fields/*"
    automatic = seen["automatic"]["indexConfig"]
    assert (automatic["usesAncestorConfig"], automatic["ancestorField"]) == (True, default)
    assert (seen["ttl begun"], seen["ttl"]) == ({"state": "CREATING"}, {"state": "ACTIVE"})
    assert seen["own"] == [
        {
            "queryScope": "COLLECTION_GROUP",
            "fields": [{"fieldPath": "tags", "order": "ASCENDING"}],
            "state": "READY",
        },
        {
            "queryScope": "COLLECTION",
            "fields": [{"fieldPath": "tags", "arrayConfig": "CONTAINS"}],
            "state": "READY",
        },
    ]
    assert seen["fields"] == [f"{CITIES}/fields/{path}" for path in ("a.`b-c`", "ends", "tags")]
    assert seen["exempt"] is False
    assert seen["after"] == []
    assert seen["all"] == {"indexes": automatic["indexes"]}


def test_an_operation_may_outlast_a_wait_and_be_cancelled_and_forgotten(run):
    run.sim.firestore.administration.operation_seconds = 600
    seen = run(scenarios.operations)
    [name] = seen["listed"]
    assert seen["late"][1:] == ["Timeout", f"{name} is not done within 600 ms: it goes on; wait again", True, 0]
    assert seen["delete"][1] == "PreconditionFailed"
    assert seen["cancelled"][1] == "ResponseError"
    assert "CANCELLED" in seen["cancelled"][2]
    assert seen["done"] is True
    gone, left = seen["after"]
    assert (gone[1], left) == ("NotFound", [])


def test_an_operation_that_fails_says_why(run):
    run.sim.firestore.administration.failure = "The data does not fit."
    assert run(scenarios.failed) == [["INTERNAL", "The data does not fit.", 0, False], "NEEDS_REPAIR"]


def test_documents_are_exported_and_imported(run):
    run.sim.firestore.set("cities/LA", {"n": 1})
    run.sim.firestore.set("towns/Ely", {"n": 2})
    seen = run(scenarios.transfer)
    assert seen["database"]["name"] == NAME
    assert seen["database"]["type"] == "FIRESTORE_NATIVE"
    assert seen["databases"] == [NAME]
    assert seen["imported"] == {"@type": "type.googleapis.com/google.protobuf.Empty"}
    assert seen["document"] == {"n": 1}
    assert seen["again"][1] == "BadRequest"
    assert "Path already exists" in seen["again"][2]
    assert seen["nothing"][1] == "NotFound"


@pytest.mark.parametrize("who", ["nobody", "ID token"])
def test_only_oauth2_administers(run, who):
    asked = [
        ("create_index", ["cities", scenarios.TWO]),
        ("field", ["cities", "pop"]),
        ("set_ttl", ["cities", "ends"]),
        ("operation", [NAME + "/operations/x"]),
        ("database", []),
        ("export_documents", ["gs://bucket"]),
    ]
    outcomes = run(scenarios.calls, who, calls=asked)
    assert [[outcome[1], outcome[4]] for outcome in outcomes] == [["PermissionDenied", 403]] * len(asked)
    assert run.sim.firestore.administration.databases == {}


BAD = [
    ("create_index", ["cities/LA/parks", scenarios.TWO], "id, not the path"),
    ("create_index", ["__x__", scenarios.TWO], "__x__"),
    ("create_index", ["", scenarios.TWO], "empty"),
    ("create_index", ["cities", [["pop", "UP"]]], "ASCENDING"),
    ("create_index", ["cities", [["pop", 0]]], "dimension"),
    ("create_index", ["cities", [["pop", True]]], "dimension"),
    ("create_index", ["cities", [["po p", "ASCENDING"]]], "backticks"),
    ("create_index", ["cities", scenarios.TWO, "EVERYWHERE"], "scope"),
    ("set_index_config", ["cities", "pop", [["ASCENDING", "HERE"]]], "scope"),
    ("set_ttl", ["cities", "a..b"], "path of a field"),
    ("field", ["cities", "`a/b`"], "holds / or :"),
    ("field", ["cities", "`a:b`"], "holds / or :"),
    ("get_index", ["x"], "in full"),
    ("delete_index", ["projects/other/databases/(default)/collectionGroups/a/indexes/b"], "in full"),
    ("operation", [None], "in full"),
    ("wait", [{}], "in full"),
    ("wait", [NAME + "/operations/x", -1], "deadline_ms"),
]


def test_what_cannot_be_is_refused_and_not_sent(run):
    outcomes = run(scenarios.calls, calls=[[name, arguments] for name, arguments, _ in BAD])
    for (name, arguments, words), outcome in zip(BAD, outcomes, strict=True):
        assert outcome[1] == "InvalidArgument", (name, arguments, outcome)
        assert words in outcome[2]
    assert run.sim.requests == []


@pytest.mark.parametrize("fault", ["drop_after", "internal_error"])
def test_an_operation_whose_answer_is_lost_is_not_begun_twice(run, fault):
    run.sim.fault(fault, method="POST", count=1)
    outcome, count = run(scenarios.lost)
    assert outcome[1] == "OutcomeUnknown"
    assert count == (1 if fault == "drop_after" else 0)
    assert [record.method for record in run.sim.requests].count("POST") == 1
