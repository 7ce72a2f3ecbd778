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


def test_server_values_become_time_sum_and_key(client, sim):
    before = int(time.time() * 1000)
    at, n, key, listed = client.run(conditional.server_values, url=sim.url, deltas=[3, -1, 0.5])
    assert before <= sim.get("at") <= time.time() * 1000
    # MicroPython on a desktop has doubles; the time is a whole number on all.
    assert at == sim.get("at")
    assert n == 2.5
    assert listed == {key: {"n": 1}} == sim.get("list")
