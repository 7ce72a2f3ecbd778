"""Each fault of the simulator against each operation, on every Python: success or the right error within the deadline.

The client must be of use right afterwards, and what the server has stored is looked at: nothing twice.
"""

import time
from contextlib import ExitStack

import pytest
from clients import trust, wait_until
from scenarios import faults

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

OPERATIONS = ("get", "set", "push", "update", "delete", "increment", "feed")
REPEATABLE = tuple(name for name in OPERATIONS if name != "increment")
PATIENT = {"connect": 5000, "handshake": 5000, "first_byte": 5000, "answer": 10000}
HASTY = {"connect": 300, "handshake": 300, "first_byte": 150, "answer": 300}
BEFORE = {"get": "value", "delete": "old", "increment": 5, "well": "well"}


@pytest.fixture
def sim():
    with Simulator() as simulator:
        simulator.set("", BEFORE)
        yield simulator


def prepare(sim, fault, names=OPERATIONS, count=1):
    """Set the data, and the fault once for each operation."""
    sim.set("", BEFORE)
    for name in names:
        sim.fault(path=name, count=count, **fault)


def check_stored(sim, increments):
    """Each write is there exactly once, and nothing else."""
    stored = sim.get("")
    assert list(stored.pop("push").values()) == [{"n": 1}]
    assert list(stored.pop("feed").values()) == [{"n": 1}]
    assert stored == {
        "get": "value",
        "set": {"n": 1},
        "update": {"n": 1},
        "increment": 5 + increments,
        "well": "well",
    }


def failures(outcomes):
    """Return the names of the errors, by operation; after each one the client must have been of use."""
    assert all(after == ["ok", "well"] for _, after in outcomes.values()), outcomes
    return {name: outcome[1] for name, (outcome, _) in outcomes.items() if outcome[0] == "error"}


IN_DOUBT = {"increment": "OutcomeUnknown"}
# Repeated under its key; but where that does not help, another call would write another value.
NEW_KEY = {"push": "OutcomeUnknown"}
# A fault, the operations that fail, and how often the increment was done.
HEALING = [
    ({"name": "drop_before"}, IN_DOUBT, 0),
    ({"name": "drop_before", "reset": True}, IN_DOUBT, 0),
    ({"name": "drop_after"}, IN_DOUBT, 1),
    ({"name": "drop_after", "reset": True}, IN_DOUBT, 1),
    ({"name": "unavailable"}, {}, 1),
    ({"name": "close"}, {}, 1),
    ({"name": "delay", "ms": 100}, {}, 1),
]
# Over TLS they would test the servers: asyncio leaves a cut connection half open, and each byte is a record.
HEALING_PLAIN = [({"name": "cut", "bytes": 1}, {}, 1), ({"name": "slow", "ms": 0.2}, {}, 1)]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_what_can_heal_heals_and_nothing_is_written_twice(client, tls, tmp_path):
    cases = HEALING if tls else HEALING + HEALING_PLAIN
    # All at once, since most wait for a back-off.
    with ExitStack() as closing:
        sims = [closing.enter_context(Simulator(tls=tls)) for _ in cases]
        for sim, (fault, _, _) in zip(sims, cases, strict=True):
            prepare(sim, fault)
        plays = [play(client, sim, PATIENT, trust(sim, tmp_path).get("ca")) for sim in sims]
        outcomes = [play.result() for play in plays]
        assert [(fault, failures(outcome)) for (fault, _, _), outcome in zip(cases, outcomes, strict=True)] == [
            (fault, failing) for fault, failing, _ in cases
        ]
        for sim, (_, _, increments) in zip(sims, cases, strict=True):
            assert sim.faults == []
            check_stored(sim, increments)
        assert [outcome["get"][0] for outcome in outcomes] == [["ok", "value"]] * len(cases)


def play(client, sim, timeouts, ca=None, names=OPERATIONS):
    return client.play(faults.every_operation, url=sim.url, ca=ca, names=names, timeouts=timeouts)


def test_an_unknown_outcome_says_that_it_may_have_happened_and_not_to_retry(client, sim):
    prepare(sim, {"name": "drop_after"})
    outcomes = client.run(faults.every_operation, url=sim.url, ca=None, names=["increment"], timeouts=PATIENT)
    _, _, text, retry, status = outcomes["increment"][0]
    assert "PUT /increment.json" in text
    assert "may have happened" in text
    assert (retry, status) == (False, 0)
    assert [record.path for record in sim.requests].count("/increment.json") == 1


def test_what_takes_too_long_is_a_timeout_and_nothing_is_written_twice(client):
    cases = [{"name": "delay", "ms": 1000}, {"name": "black_hole"}, {"name": "slow", "ms": 20}]
    with ExitStack() as closing:
        sims = [closing.enter_context(Simulator()) for _ in cases]
        for sim, fault in zip(sims, cases, strict=True):
            prepare(sim, fault, count=4)
        begun = time.monotonic()
        for one in [play(client, sim, HASTY) for sim in sims]:
            assert failures(one.result()) == dict.fromkeys(REPEATABLE, "Timeout") | IN_DOUBT | NEW_KEY
        # With the default deadlines it would take longer.
        assert time.monotonic() - begun < 30
        for sim in sims:
            assert [record.path for record in sim.requests].count("/increment.json") == 1
        delayed, swallowed, slow = sims
        assert swallowed.get("") == BEFORE
        check_stored(slow, 1)
        wait_until(lambda: "feed" in delayed.get(""))
        check_stored(delayed, 1)


def test_what_does_not_heal_is_the_right_error_after_at_most_three_attempts(client):
    few = ("get", "increment", "feed")
    cases = [
        ({"name": "unavailable"}, few, "Unavailable", 3),
        ({"name": "drop_before"}, few, "NetworkError", 3),
        ({"name": "html", "status": 200}, OPERATIONS, "ProtocolError", 1),
        ({"name": "html", "status": 404}, OPERATIONS, "NotFound", 1),
        ({"name": "html", "status": 502}, OPERATIONS, "Unavailable", 1),
    ]
    with ExitStack() as closing:
        sims = [closing.enter_context(Simulator()) for _ in cases]
        for sim, (fault, _, _, _) in zip(sims, cases, strict=True):
            prepare(sim, fault, count=100)
        plays = [play(client, sim, PATIENT, names=names) for sim, (_, names, _, _) in zip(sims, cases, strict=True)]
        for one, sim, (fault, names, error, sends) in zip(plays, sims, cases, strict=True):
            outcomes = one.result()
            in_doubt = IN_DOUBT if fault["name"] == "drop_before" or fault.get("status") == 502 else {}
            new_key = NEW_KEY if fault.get("status") == 502 else {}
            assert failures(outcomes) == dict.fromkeys(names, error) | in_doubt | new_key
            assert sim.get("") == BEFORE
            asked = [record.path.split("/")[1].removesuffix(".json") for record in sim.requests]
            expected = dict.fromkeys(names, sends) | dict.fromkeys(in_doubt, 1) | dict.fromkeys(new_key, 2)
            assert {name: asked.count(name) for name in names} == expected
            if fault["name"] == "html":
                assert all("DOCTYPE html" in outcome[2] for outcome, _ in outcomes.values())


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_connection_that_the_server_closed_when_idle_is_no_error(blocking_client, tls, tmp_path):
    with Simulator(tls=tls, idle_seconds=0.15) as sim:
        sim.set("", BEFORE)
        ca = trust(sim, tmp_path).get("ca")
        names = ("set", "increment", "feed")
        arguments = {"url": sim.url, "ca": ca, "names": names, "seconds": 0.25, "timeouts": PATIENT}
        outcomes = blocking_client.run(faults.after_a_pause, **arguments)
        assert failures(outcomes) == {}
        assert sim.get("increment") == 6
        assert sim.get("set") == {"n": 1}
        assert list(sim.get("feed").values()) == [{"n": 1}]
        assert sim.connections == 1 + len(names)


def test_a_connection_that_serves_two_requests_serves_each_once(client):
    with Simulator(requests_per_connection=2) as sim:
        sim.set("", BEFORE)
        outcomes = client.run(faults.every_operation, url=sim.url, ca=None, names=OPERATIONS, timeouts=PATIENT)
        assert failures(outcomes) == {}
        check_stored(sim, 1)
        assert len(sim.requests) == 2 * len(OPERATIONS)
        assert sim.connections == len(OPERATIONS)


def test_a_refused_connection_is_an_error_and_the_client_comes_back(client):
    with Simulator() as sim:
        sim.set("", BEFORE)
        url, port = sim.url, sim.port
    play = client.play(faults.refused, url=url, names=OPERATIONS)
    outcomes = play.heard()
    assert {name: outcome[1] for name, outcome in outcomes.items()} == dict.fromkeys(OPERATIONS, "NetworkError")
    for _, _, text, retry, _ in outcomes.values():
        assert f"127.0.0.1:{port}" in text
        assert retry is True
    with Simulator(port=port) as sim:
        sim.set("", BEFORE)
        outcomes = play.result()
        assert {name: outcome[0] for name, outcome in outcomes.items()} == dict.fromkeys(OPERATIONS, "ok")
        check_stored(sim, 1)


def test_a_server_that_is_busy_for_a_moment_is_waited_for(blocking_client, sim):
    sim.fault("hang", seconds=0.4)
    # The loop answers this after it has stopped accepting.
    assert sim.open_connections == 0
    outcomes = blocking_client.run(faults.every_operation, url=sim.url, ca=None, names=OPERATIONS, timeouts=PATIENT)
    assert failures(outcomes) == {}
    check_stored(sim, 1)


def test_a_reading_in_doubt_goes_again_under_its_key(client, sim):
    sim.fault("black_hole", path="feed", count=1)
    first, was_pending, second, is_pending, same_key = client.run(faults.pending, url=sim.url, timeouts=HASTY)
    assert first[1] == "Timeout"
    assert (was_pending, second, is_pending, same_key) == (True, ["ok", None], False, True)
    assert list(sim.get("feed").values()) == [{"n": 1}]
