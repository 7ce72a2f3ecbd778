"""The method override against the simulator, on every Python: every verb does its work as a POST."""

import pytest
from scenarios import database

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)
WAYS = pytest.mark.parametrize("override", ("header", "parameter"))


@WAYS
def test_every_verb_goes_as_get_or_post(client, override):
    with Simulator() as sim:
        seen = client.run(database.every_verb, url=sim.url, options={"override": override})
        keys = seen["keys"]
        device = sim.get("devices/d1")
        assert sim.get("devices").keys() == {"d1"}
        assert device.pop("events") == {key: {"n": n} for n, key in enumerate(keys)}
        assert device == {"name": "lamp", "on": False, "log": {"first": [1, 2]}}
        assert seen["deleted"] is None
        assert {record.method for record in sim.requests} == {"GET", "POST"}


@WAYS
def test_readings_of_a_feed_go_as_post(blocking_client, override):
    with Simulator() as sim:
        keys, many = blocking_client.run(database.pushes, url=sim.url, count=5, options={"override": override})
        stored = sim.get("readings")
        assert [stored[key] for key in keys] == [{"n": n, "half": n / 2, "negative": -n} for n in range(5)]
        assert (many, len(stored)) == (3, 8)
