"""Conditional requests, transactions and server values against the simulator, on every Python."""

import time

import pytest
from scenarios import conditional

pytestmark = pytest.mark.timeout(120)


def test_two_devices_with_two_hundred_increments_each_end_at_four_hundred(client, sim):
    plays = [client.play(conditional.increments, url=sim.url, path="n", count=200) for _ in range(2)]
    for play in plays:
        assert play.heard() == "ready"
    assert max(play.result() for play in plays) == 400
    assert sim.get("n") == 400
    # No try but the first of a transaction reads.
    assert sum(record.method == "GET" for record in sim.requests) == 400
    assert sum(record.status == 204 for record in sim.requests) == 400


def test_each_condition_holds_or_fails_as_the_document_says(client, sim):
    assert client.run(conditional.conditions, url=sim.url) == {
        "nothing": [None, "null_etag"],
        "first": [True, 10, True],
        "late": True,
        "unchanged": [False, None, None],
        "changed": True,
        "wrong delete": ["error", "PreconditionFailed"],
        "delete": ["ok", None],
    }
    assert sim.get("n") is None


# "Expected responses", by the verb and what is asked; each with what is there afterwards, which was 5 before.
COLUMNS = [{"etag": True}, {"if_match": "ETag of 5"}, {"if_match": "ETag of 6"}]
REFUSED = ["refused", 5]
TABLE = {
    "GET": [["ETag of 5", 5], REFUSED, REFUSED],
    "PUT": [["ETag of 6", 6], ["done", 6], ["412: 5, ETag of 5", 5]],
    "POST": [["ETag of 6", 5], REFUSED, REFUSED],
    "PATCH": [REFUSED, REFUSED, REFUSED],
    "DELETE": [["ETag of None", None], ["done", None], ["412: 5, ETag of 5", 5]],
}


def test_each_cell_of_the_table_of_expected_responses(client, sim):
    assert client.run(conditional.table, url=sim.url, columns=COLUMNS) == TABLE
    # What the service does not support is not sent.
    assert 400 not in {record.status for record in sim.requests}
    assert list(sim.get("list").values()) == [6]


def test_server_values_become_time_sum_and_key(client, sim):
    before = int(time.time() * 1000)
    at, n, key, listed = client.run(conditional.server_values, url=sim.url, deltas=[3, -1, 0.5])
    assert before <= sim.get("at") <= time.time() * 1000
    # MicroPython on a desktop has doubles; the time is a whole number on all.
    assert at == sim.get("at")
    assert n == 2.5
    assert listed == {key: {"n": 1}} == sim.get("list")
