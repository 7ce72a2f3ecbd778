"""The gateway on every Python, blocking and awaited, against the simulator; what is stored is read behind it."""

import pytest
from clients import trust
from scenarios import gateway as scenarios
from scenarios import gateway_list
from started_device import readings
from started_device import start as start  # noqa: PLC0414  a fixture

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(90)

# The scenarios are compiled where they are played.
HEAP = "512k"
SMALL_HEAP = "64k"
# What wraps awaited calls in tests is compiled there too.
AWAITED_HEAP = "128k"
NAMES = ["name", "age", "email"]
DEVICE = "devices/d1/telemetry"


def routes(collection, endpoint):
    by_id = [
        {"collection": collection, "endpoint": f"{endpoint}/:id", "method": method, "paramKey": "id"}
        for method in ("GET", "PUT", "PATCH", "DELETE")
    ]
    return [{"collection": collection, "endpoint": endpoint, "method": method} for method in ("GET", "POST")] + by_id


def gateway(**collections):
    """The description of a server with these collections beside those that the tests always use."""
    known = {"users": NAMES, "readings": ["n", "half"]}
    named = {"collection": "users", "endpoint": "/api/named/:name", "method": "GET", "paramKey": "name"}
    actions = [{**named, "query": {"operator": "=="}}]
    for name in known:
        actions += routes(name, f"/api/{name}")
    for name in collections:
        actions += routes(name, f"/api/{DEVICE}")
    return {"collections": known | collections, "actions": actions}


@pytest.fixture
def api():
    with Simulator(gateway=gateway()) as sim:
        yield sim


def run(client, sim, scenario, heap=HEAP, options=None, **arguments):
    return client.run(scenario, heap, url=f"{sim.url}/api", options=options or {}, **arguments)


def stored(sim, collection="readings"):
    """What the documents of a collection have, in the order of their ids."""
    return [fields for _, fields in sorted(sim.firestore.documents(collection).items())]


DOCUMENTS = {
    "created": {"name": "Jane Doe", "age": 28, "email": "jane@example.com"},
    "id": [True, 20],
    "replaced": "Document with id x y was updated",
    "updated": "Document with id x y was updated",
    "list": ["Jane Doe", "Zoë 😀"],
    "message of a list": None,
    "with a parameter": [True],
    "its message": "Found 1 documents",
    "left": ["x y"],
}


def test_every_method_does_what_it_says(client, api):
    seen = run(client, api, scenarios.documents)
    first, again = seen.pop("deleted")
    assert first == again
    assert first.startswith("Document with id ")
    assert first.endswith(" was deleted")
    assert seen == DOCUMENTS
    assert stored(api, "users") == [{"name": "Zoë 😀", "age": 42, "email": "zoe@example.com"}]


def test_over_tls_with_a_token_and_headers_it_is_the_same(client, tmp_path):
    with Simulator(gateway=gateway(), tls=True, token="ya29.secret") as sim:
        options = {"token": {"access_token": "ya29.secret"}, "headers": {"X-Api-Key": "k1"}, **trust(sim, tmp_path)}
        seen = run(client, sim, scenarios.documents, options=options)
        assert {name: seen[name] for name in DOCUMENTS} == DOCUMENTS
        assert {record.headers["X-Api-Key"] for record in sim.requests} == {"k1"}


def test_what_the_sdk_and_express_refuse_is_raised(client, api):
    api.firestore.set("users/there", {"name": "a", "age": 1, "email": "e"})
    seen = run(client, api, scenarios.errors)
    entity = seen.pop("no entity")
    assert entity[0] == "GatewayError"
    assert entity[1].startswith("5 NOT_FOUND: no entity to update:")
    assert "\n" in entity[1]
    for name in ("a list", "a document"):
        assert seen.pop(name)[0] == "ProtocolError"
    assert seen == {
        "missing": ["MissingKeys", "Missed keys: age, email", 200, ["age", "email"]],
        "extra": ["ExtraKeys", "Don't use these keys: role: they are not in the schema", 200, ["role"]],
        "no document": ["NotFound", "No document with id xyz found in collection users", 200, []],
        "no key": [
            "GatewayError",
            "Your request body must have at least one key from documentAttributes: name, age, email",
            200,
            [],
        ],
        "no route": ["NotFound", "Cannot GET /api/none", 404, []],
        "no route for a list": ["NotFound", "Cannot GET /api/none", 404, []],
    }


def test_a_token_that_is_refused_is_told(client):
    with Simulator(gateway=gateway(), token="ya29.good") as sim:
        seen = run(client, sim, scenarios.errors, options={"token": {"access_token": "ya29.bad"}})
        assert {tuple(outcome[:3]) for outcome in seen.values()} == {("Unauthenticated", "Unauthorized", 401)}


def test_a_server_that_never_answers_meets_the_deadline(client, api):
    api.firestore.set("users/there", {"name": "a", "age": 1, "email": "e"})
    api.fault("black_hole", count=3)
    lost, in_time, after = run(client, api, scenarios.timed)
    assert [outcome[1] for outcome in lost] == ["Timeout", "Timeout", "OutcomeUnknown"]
    assert in_time
    assert after[0] == "ok"


REPEATED = ["create, which may be repeated", "replace", "update", "delete", "feed", "feed of many"]
USER = {"name": "a", "age": 1, "email": "e"}


@pytest.mark.parametrize("name", [*REPEATED, "create", "feed by POST"])
def test_what_is_lost_is_repeated_where_twice_is_as_once(client, api, name):
    for id in ("there", "well"):
        api.firestore.set(f"users/{id}", USER)
    method = {"update": "PATCH", "delete": "DELETE", "create": "POST", "feed by POST": "POST"}.get(name, "PUT")
    method = "POST" if name.startswith("create") else method
    api.fault("drop_after", method=method, count=1)
    done, after = run(client, api, scenarios.write, name=name)
    assert after[0] == "ok"
    if name not in REPEATED:
        assert [done[1], done[3]] == ["OutcomeUnknown", False]
    else:
        assert done[0] == "ok"
    attempts = [record for record in api.requests if record.method == method]
    assert len(attempts) == (3 if name == "feed of many" else 2 if name in REPEATED else 1)
    expected = {
        "feed": [{"n": 6, "half": 3}],
        "feed by POST": [{"n": 6, "half": 3}],
        "feed of many": [{"n": 6, "half": 3}, {"n": 7, "half": 3.5}],
    }
    assert stored(api) == expected.get(name, [])
    users = len(stored(api, "users"))
    assert users == {"create": 3, "create, which may be repeated": 4, "delete": 1}.get(name, 2)


@pytest.mark.parametrize("post", [False, True])
def test_each_reading_is_a_document(client, api, post):
    ids, many = run(client, api, scenarios.pushes, count=20, post=post)
    assert many == 3
    assert len(set(ids)) == 20
    if not post:
        assert ids == sorted(ids)
    found = api.firestore.documents("readings")
    assert [found.pop(f"readings/{id}") for id in ids] == [{"n": n, "half": n / 2} for n in range(1, 21)]
    assert sorted(fields["n"] for fields in found.values()) == [1, 2, 3]
    assert api.connections == 1


@pytest.mark.parametrize("post", [False, True])
def test_a_reading_is_not_lost_in_a_connection_that_the_server_closed(client, post):
    with Simulator(gateway=gateway(), idle_seconds=0.1) as sim:
        outcomes = run(client, sim, scenarios.pushes_after_a_pause, seconds=0.4, post=post)
        assert outcomes == [["ok", None]] * 3
        assert sorted(fields["n"] for fields in stored(sim)) == [1, 2, 3]
        assert sim.connections == 3


def test_a_repeat_after_lost_answers_stores_one_reading(client, api):
    api.fault("drop_after", method="PUT", count=3)
    first, was_pending, second, is_pending, is_same = run(client, api, scenarios.pending)
    assert [first[1], first[3]] == ["NetworkError", True]
    assert [was_pending, second, is_pending, is_same] == [True, ["ok", None], False, True]
    assert stored(api) == [{"n": 1, "half": 1}]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("post", [False, True], ids=["PUT", "POST"])
def test_a_thousand_readings_allocate_nothing(micropython_client, tls, post, tmp_path):
    with Simulator(gateway=gateway(), tls=tls) as sim:
        options = trust(sim, tmp_path)
        assert run(micropython_client, sim, scenarios.allocated, options=options, count=500, post=post) == [0, 0]
        assert len(stored(sim)) == 1004
        assert sim.connections == 1


def test_five_thousand_documents_pass_through_a_small_heap(client, api):
    ages = range(1, 5001)
    for age in ages:
        api.firestore.set(f"users/u{age}", {"name": "Jane Doe", "age": age, "email": f"jane{age}@example.com"})
    heap = AWAITED_HEAP if client.awaited else SMALL_HEAP
    assert run(client, api, gateway_list.many, heap) == [5000, sum(ages), None]


@pytest.mark.parametrize("post", [False, True])
def test_main_sends_its_readings_to_a_gateway(start, post):
    """What the desktop measures may be 0, which the SDK takes for missing: then it is refused, and said."""
    with Simulator() as sim:
        device = start(sim.url, interval=0.05, count=1)
        device.end()
        [reading] = readings(device)
    with Simulator(gateway=gateway(log=[*reading])) as sim:
        device = start(f"{sim.url}/api", service="gateway", interval=0.05, count=8, post=post)
        sent, not_sent, obeyed = device.end()
        assert (sent + not_sent, obeyed) == (8, 0)
        refusals = [error for error in device.told("error") if "Missed keys: " in error]
        assert bool(refusals) is bool(not_sent)
        # Those without a 0 are stored, once each; of the others none.
        said = sorted(reading["mem_free"] for reading in readings(device) if all(reading.values()))
        assert sorted(reading["mem_free"] for reading in stored(sim, "log")) == said
        assert len(said) == sent
        assert {record.method for record in sim.requests} == {"POST" if post else "PUT"}
