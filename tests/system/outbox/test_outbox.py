"""Outboxes over real sockets, on each Python, blocking and awaited: the simulator, Google's emulator, the gateway."""

import pytest
from firestore_servers import to_value
from gateway.test_gateway import gateway
from scenarios import outbox as of_database
from scenarios import outbox_firestore, outbox_gateway

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(90)

# The scenarios are compiled where they are played.
HEAP = "512k"
RULES = {
    "rules": {
        ".read": True,
        "t": {".write": True, "$key": {".validate": "newData.child('n').val() !== 13"}},
        "state": {".write": True},
    }
}
WRITES = [["state/on", True], ["state/text", "é"], ["state/on", False]]


@pytest.fixture(params=["RAM", "flash"])
def folder(request, tmp_path):
    return str(tmp_path / "outbox") if request.param == "flash" else ""


def numbers(readings):
    """The numbers of {key: reading}, in the order of the keys."""
    return [readings[key]["n"] for key in sorted(readings)]


# The Realtime Database.


@pytest.fixture
def judged():
    with Simulator(rules=RULES) as sim:
        yield sim


def test_what_was_recorded_arrives_once_and_in_order(client, sim, folder):
    arguments = {"where": [sim.url], "options": {}, "path": "t", "folder": folder, "count": 60}
    said, (flushed, left, refused) = client.run(of_database.kept, HEAP, writes=WRITES, **arguments)
    assert said == (["durable", "pending"] if folder else ["pending"])
    assert left == [0, 0, 0, 0] and refused == []
    assert flushed == ["ok", (120 if folder else 60) + 3]
    assert numbers(sim.get("t")) == list(range(1, 121))
    assert sim.get("state") == {"on": False, "text": "é"}
    for reading in sim.get("t").values():
        assert reading["half"] == reading["n"] / 2


def test_one_that_the_rules_refuse_is_set_aside_and_the_others_arrive(client, judged, folder):
    arguments = {"where": [judged.url], "options": {}, "path": "t", "folder": folder, "count": 10}
    _, (flushed, left, refused) = client.run(of_database.kept, HEAP, **arguments)
    assert left == [0, 0, 0, 0]
    assert numbers(judged.get("t")) == [n for n in range(1, 21) if n != 13]
    [[reason, body]] = refused
    assert "401" in reason and body == '{"n":13,"half":6.5}'
    assert flushed == ["ok", 19 if folder else 9]


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "unavailable", "internal_error"])
def test_faults_lose_and_double_nothing(client, sim, fault):
    sim.fault(fault, method="PATCH", count=5)
    outcomes = client.run(of_database.lost, HEAP, where=[sim.url], options={}, path="t", count=30)
    assert outcomes[-1] == "ok" and len(outcomes) < 7
    assert numbers(sim.get("t")) == list(range(1, 31))


def test_where_all_is_refused_it_waits(client, judged):
    arguments = {"where": [judged.url], "options": {}, "path": "elsewhere", "count": 9}
    found = client.run(of_database.refused, HEAP, **arguments)
    assert found == ["PermissionDenied", 401, 9, 0, "PermissionDenied"]
    assert judged.get("elsewhere") is None


# Firestore.


def documents(firestore, path):
    """{id: fields} of a collection."""
    found = firestore.call("GET", f"/{path}?pageSize=300").get("documents", [])
    return {document["name"].rpartition("/")[2]: document["fields"] for document in found}


def test_documents_that_were_recorded_arrive_once_and_in_order(client, firestore, folder):
    arguments = {"where": [firestore.project], "options": firestore.options("ID token"), "folder": folder}
    writes = [["public/state", {"on": True}], ["locked/no", {"n": 1}], ["public/state", {"on": False}]]
    run = client.run(outbox_firestore.kept, HEAP, path="public/d/log", count=30, writes=writes, **arguments)
    said, (flushed, left, [[reason, body]]) = run
    assert left == [0, 0, 0, 0]
    assert flushed == ["ok", (60 if folder else 30) + 2]
    stored = documents(firestore, "public/d/log")
    assert [stored[id]["n"] for id in sorted(stored)] == [to_value(n) for n in range(1, 61)]
    assert firestore.fields("public/state") == {"on": to_value(False)}
    assert "403" in reason and "locked/no" in body and firestore.document("locked/no") is None


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "unavailable", "internal_error"])
def test_faults_lose_and_double_no_document(client, on_simulator, fault):
    on_simulator.sim.fault(fault, method="POST", count=2)
    arguments = {"where": [on_simulator.project], "options": on_simulator.options(), "path": "public", "count": 20}
    outcomes = client.run(outbox_firestore.lost, HEAP, **arguments)
    assert outcomes[-1] == "ok"
    stored = documents(on_simulator, "public")
    assert [stored[id]["n"] for id in sorted(stored)] == [to_value(n) for n in range(1, 21)]


def test_where_all_documents_are_refused_they_wait(client, firestore):
    arguments = {"where": [firestore.project], "options": firestore.options("nobody"), "path": "closed", "count": 5}
    found = client.run(outbox_firestore.refused, HEAP, **arguments)
    assert found == ["PermissionDenied", 403, 5, 0, "PermissionDenied"]


# Firebase Express SDK.


@pytest.fixture
def api():
    with Simulator(gateway=gateway()) as sim:
        yield sim


def test_readings_through_a_gateway_arrive_once_and_in_order(client, api, folder):
    arguments = {"where": [f"{api.url}/api"], "options": {}, "path": "readings", "folder": folder, "count": 20}
    # A reading of 0 counts as missing there.
    _, (flushed, left, [[reason, body]]) = client.run(outbox_gateway.kept, HEAP, first=-25, **arguments)
    assert left == [0, 0, 0, 0] and "n" in reason and body == '{"n":0,"half":0.0}'
    stored = api.firestore.documents("readings")
    assert [stored[id]["n"] for id in sorted(stored)] == [n for n in range(-25, 15) if n]
    assert flushed == ["ok", 39 if folder else 19]


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "unavailable"])
def test_faults_lose_and_double_no_reading_through_a_gateway(client, api, fault):
    api.fault(fault, method="PUT", count=4)
    arguments = {"where": [f"{api.url}/api"], "options": {}, "path": "readings", "count": 12}
    assert client.run(outbox_gateway.lost, HEAP, **arguments)[-1] == "ok"
    stored = api.firestore.documents("readings")
    assert [stored[id]["n"] for id in sorted(stored)] == list(range(1, 13))
