"""Readings as documents, on each Python, against Google's emulator and the simulator; on MicroPython what it takes."""

import re

import pytest
from firestore_servers import WHO, to_value
from scenarios import firestore_feed as scenarios

pytestmark = pytest.mark.timeout(90)

HEAP = "512k"


def run(client, firestore, scenario, who="OAuth2", **arguments):
    options = firestore.options(who)
    return client.run(scenario, HEAP, project=firestore.project, options=options, **arguments)


def documents(firestore, path):
    """The documents of a collection, all of them: {id: fields}."""
    found = firestore.call("GET", f"/{path}?pageSize=300")["documents"]
    return {document["name"].rpartition("/")[2]: document["fields"] for document in found}


@pytest.mark.parametrize("who", WHO)
def test_each_reading_is_a_document_under_an_id_that_sorts_by_time(client, firestore, who):
    ids, many = run(client, firestore, scenarios.pushes, who, count=20)
    assert ids == sorted(set(ids))
    assert many == 3
    stored = documents(firestore, "public/device/log")
    for n, id in enumerate(ids):
        assert stored.pop(id) == {"n": to_value(n), "half": to_value(n / 2), "odd name": to_value(-float(n))}
    rest = [{"n": to_value(n), "half": to_value(None), "odd name": to_value(True)} for n in range(3)]
    assert [stored[id] for id in sorted(stored)] == rest
    assert min(stored) > ids[-1]


def test_the_server_sets_the_time_of_each_reading(client, firestore):
    run(client, firestore, scenarios.pushes, count=2, time="`the time`.at")
    stored = documents(firestore, "public/device/log")
    assert len(stored) == 5
    for fields in stored.values():
        assert fields.keys() == {"n", "half", "odd name", "the time"}
        at = fields["the time"]["mapValue"]["fields"]["at"]["timestampValue"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", at)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "unavailable", "internal_error"])
@pytest.mark.parametrize("many", [False, True], ids=["push", "push_many"])
def test_a_reading_whose_answer_is_lost_is_there_once(client, on_simulator, fault, many):
    on_simulator.put("public/a", well=True)
    on_simulator.sim.fault(fault, method="POST", count=1)
    done, after = run(client, on_simulator, scenarios.lost, many=many)
    assert [done[0], after] == ["ok", ["ok", None]]
    stored = documents(on_simulator, "public")
    stored = [stored[id] for id in sorted(stored) if id != "a"]
    assert stored == [{"n": to_value(6)}, {"n": to_value(7)}][: 1 + many]


@pytest.mark.parametrize("who", ["nobody", "ID token"])
def test_a_reading_that_the_rules_refuse_says_so_and_the_next_one_passes(client, firestore, who):
    refused, passed, bad = run(client, firestore, scenarios.refused, who)
    assert [refused[1], *refused[3:]] == ["PermissionDenied", False, 403]
    assert passed[0] == "ok"
    assert bad == "InvalidArgument"
    assert [*documents(firestore, "public").values()] == [{"n": to_value(1)}]


def test_a_thousand_readings_allocate_nothing(micropython_client, firestore):
    assert run(micropython_client, firestore, scenarios.allocated, count=500) == [0, 0]
    counted = {"aggregations": [{"count": {}}], "structuredQuery": {"from": [{"collectionId": "public"}]}}
    [found] = firestore.call("POST", ":runAggregationQuery", {"structuredAggregationQuery": counted})
    assert list(found["result"]["aggregateFields"].values()) == [to_value(1004)]
