"""Streams from the simulator over real sockets, on every Python: events in order, over every break that can heal."""

import random
from contextlib import ExitStack

import pytest
from clients import trust, wait_until
from scenarios import stream

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)


def watch(client, sim, path="room", options=None, **listen):
    """Begin to watch `path`, whose first event must be what is there.

    Returns: the Play.
    """
    play = client.play(stream.watch, url=sim.url, path=path, options=options or {}, listen=listen)
    assert play.heard() == ["put", "/", sim.get(path), True]
    return play


def finish(play, sim, path="room"):
    """Write the mark at which the scenario ends.

    Returns: how often the stream reconnected.
    """
    sim.set(f"{path}/end", True)
    while play.heard()[1] != "/end":
        pass
    return play.result()


def test_what_others_write_arrives(client, sim):
    sim.set("room", {"lamp": {"on": True}})
    play = watch(client, sim)
    sim.set("room/lamp/on", False)
    assert play.heard() == ["put", "/lamp/on", False, False]
    sim.update("room/lamp", {"on": True, "level": 3})
    assert play.heard() == ["patch", "/lamp", {"on": True, "level": 3}, False]
    sim.set("elsewhere", 1)
    sim.set("room/lamp", None)
    assert play.heard() == ["put", "/lamp", None, False]
    key = sim.push("room/log", "grüß 🔥")
    assert play.heard() == ["put", f"/log/{key}", "grüß 🔥", False]
    assert finish(play, sim) == 0
    assert sim.connections == 1


def test_a_change_above_and_of_the_whole_arrives(client, sim):
    play = watch(client, sim)
    sim.set("", {"room": {"a": 1}, "other": 2})
    assert play.heard() == ["put", "/", {"a": 1}, False]
    sim.set("room", "text")
    assert play.heard() == ["put", "/", "text", False]
    finish(play, sim)


def test_two_hundred_random_writes_arrive_in_order_and_make_the_same_tree(client, sim):
    actor = random.Random(20)
    sim.set("tree", {"a": {"b": 0}})
    play = client.play(stream.mirror, url=sim.url, path="tree")
    wait_until(lambda: sim.open_streams == 1)
    expected = [["put", "/", {"a": {"b": 0}}, True]]
    for n in range(200):
        expected.append(write_at_random(sim, actor, n))
    tree = sim.get("tree")
    sim.set("tree/end", True)
    assert [play.heard() for _ in expected] == expected
    assert play.heard() == ["put", "/end", True, False]
    assert play.result() == tree


def write_at_random(sim, actor, n):
    """Write somewhere in the tree.

    Returns: the event that it makes.
    """
    keys = [actor.choice("abcd") for _ in range(actor.randint(1, 4))]
    path = "/" + "/".join(keys)
    value = actor.choice([n, n / 4, f"text {n}", {"e": {"f": n}, "g": str(n)}, True])
    kind = actor.randrange(4)
    if kind == 0 and sim.get("tree" + path) is not None:
        sim.set("tree" + path, None)
        return ["put", path, None, False]
    if kind == 1:
        sim.update("tree" + path, {"p": n, "q/r": value})
        return ["patch", path, {"p": n, "q/r": value}, False]
    sim.set("tree" + path, value)
    return ["put", path, value, False]


def test_a_stream_that_the_server_ends_is_taken_up_again_with_a_snapshot(client, tmp_path):
    # All at once, since each waits for its back-off.
    cases = [(end, tls) for end in ("close_streams", "revoke_streams") for tls in (False, True)]
    with ExitStack() as closing:
        sims = [closing.enter_context(Simulator(tls=tls)) for _, tls in cases]
        plays = [watch(client, sim, options=trust(sim, tmp_path)) for sim in sims]
        for play, sim, (end, _) in zip(plays, sims, cases, strict=True):
            sim.set("room/n", 1)
            assert play.heard() == ["put", "/n", 1, False]
            assert getattr(sim, end)() == 1
        for play, sim in zip(plays, sims, strict=True):
            assert play.heard() == ["put", "/", {"n": 1}, True]
            assert finish(play, sim) == 1


def test_a_stream_heals_when_the_server_comes_back_on_the_same_port(client):
    first = Simulator().start()
    try:
        port = first.port
        play = watch(client, first)
    finally:
        first.stop()
    with Simulator(port=port) as sim:
        sim.set("room", {"n": 1})
        healed = play.heard()
        while healed[2] is None:
            healed = play.heard()
        assert healed[0] == "put"
        assert finish(play, sim) >= 1
        assert sim.get("room") == {"n": 1, "end": True}


def test_a_reconnect_that_fails_is_tried_again(client):
    faults = [
        {"name": "drop_before"},
        {"name": "drop_before", "reset": True},
        {"name": "drop_after"},
        {"name": "unavailable"},
        {"name": "cut", "bytes": 0},
        {"name": "cut", "bytes": 20},
        {"name": "slow", "ms": 1},
    ]
    # All at once, since each waits for its back-off.
    with ExitStack() as closing:
        sims = [closing.enter_context(Simulator()) for _ in faults]
        for sim in sims:
            sim.set("room", {"a": "b"})
        plays = [watch(client, sim) for sim in sims]
        for fault, sim in zip(faults, sims, strict=True):
            sim.fault(stream=True, count=1, **fault)
            sim.close_streams()
        for play, sim in zip(plays, sims, strict=True):
            assert play.heard() == ["put", "/", {"a": "b"}, True]
            assert sim.faults == []
            assert finish(play, sim) >= 1


def test_a_stream_is_redirected_and_its_reconnect_begins_at_the_original_host(client):
    with Simulator(token="ya29.secret", redirect=("streams", "writes")) as sim:
        play = watch(client, sim, options={"token": "ya29.secret"})
        sim.close_streams()
        assert play.heard() == ["put", "/", None, True]
        assert finish(play, sim) == 1
        assert [record.status for record in sim.requests] == [307, 200, 307, 200]
        for redirected, served in zip(sim.requests[::2], sim.requests[1::2], strict=True):
            assert redirected.headers["Host"] == sim.url.removeprefix("http://") != served.headers["Host"]
            assert served.query.split("&").count("access_token=REDACTED") == 1
            assert served.stream


def test_keep_alives_keep_a_stream_and_are_no_events(client):
    with Simulator(keep_alive_seconds=0.05) as sim:
        events, reconnects = client.run(stream.silent, url=sim.url, ms=700, silence_ms=250)
        assert events == [["put", "/", None, True]]
        assert reconnects == 0
        assert sim.connections == 1


def test_silence_ends_a_stream_and_it_is_taken_up_again(client, sim):
    events, reconnects = client.run(stream.silent, url=sim.url, ms=3000, silence_ms=200)
    assert events[:2] == [["put", "/", None, True]] * 2
    assert reconnects >= 1
    assert sim.connections == len(sim.requests)


def test_an_event_that_is_too_large_is_told_and_the_next_one_arrives(client, sim):
    play = watch(client, sim, event_bytes=2000)
    sim.set("room/photo", "x" * 20_000)
    kind, path, size, _ = play.heard()
    assert (kind, path) == ("too-large", "/photo")
    assert 20_000 < size < 20_100
    sim.set("room/small", 1)
    assert play.heard() == ["put", "/small", 1, False]
    assert finish(play, sim) == 0


def test_a_snapshot_that_is_too_large_is_told_as_one(client, sim):
    sim.set("room", {"photo": "x" * 20_000})
    play = client.play(stream.watch, url=sim.url, path="room", options={}, listen={"event_bytes": 2000})
    kind, path, _, snapshot = play.heard()
    assert (kind, path, snapshot) == ("too-large", "/", True)
    sim.set("room/n", 1)
    assert play.heard() == ["put", "/n", 1, False]
    finish(play, sim)


@pytest.mark.parametrize("reason", ["Permission denied.", None])
def test_a_cancelled_stream_ends_with_the_words_of_the_server(client, sim, reason):
    sim.set("a", 1)
    play = client.play(stream.end, url=sim.url, path="a")
    play.heard()
    assert sim.cancel_streams(reason) == 1
    ended, closed, after = play.result()
    assert ended[:2] == ["error", "StreamCancelled"]
    assert (reason or "null") in ended[2]
    assert ended[3] is False
    assert closed is True
    assert after == ["ok", 1]
    assert sim.open_streams == 0


def test_a_stream_whose_token_expired_says_so_after_the_revocation(client):
    with Simulator(token="ya29.good") as sim:
        play = watch(client, sim, options={"token": "ya29.good"})
        sim.token = "ya29.newer"
        sim.revoke_streams()
        with pytest.raises(Exception, match="Unauthorized request"):
            play.heard()
        wait_until(lambda: sim.open_streams == 0)


def test_a_first_connection_that_is_refused_raises_and_may_be_asked_again(client):
    with Simulator(token="ya29.good") as sim:
        play = client.play(stream.refused, url=sim.url, path="a", options={"token": "ya29.bad"})
        first, second, after = play.result()
        assert first[:2] == second[:2] == after[:2] == ["error", "Unauthenticated"]
        assert first[4] == 401
        assert sim.open_streams == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"name": "drop_before"}, "NetworkError"),
        ({"name": "unavailable"}, "Unavailable"),
        ({"name": "html", "status": 200}, "ProtocolError"),
        ({"name": "html", "status": 404}, "NotFound"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["name"],
)
def test_a_first_connection_that_fails_raises_and_the_next_one_works(blocking_client, sim, fault, error):
    sim.set("a", 1)
    sim.fault(stream=True, count=1, **fault)
    first, second, after = blocking_client.run(stream.refused, url=sim.url, path="a", options={})
    assert first[:2] == ["error", error]
    assert second == ["ok", ["put", "/", 1, True]]
    assert after == ["ok", None]


def test_a_stream_can_be_asked_without_waiting(client, sim):
    sim.set("a", {"b": 1})
    asked, event, nothing = client.run(stream.without_waiting, url=sim.url)
    assert asked > 1
    assert event == ["put", "/", {"b": 1}, True]
    assert nothing is None


@pytest.mark.parametrize("budget", [1, 2])
def test_requests_between_the_events_of_a_stream(client, sim, budget):
    seen, reconnects = client.run(stream.between_requests, url=sim.url, count=4, budget=budget)
    assert seen[0] == ["put", "/", None, True]
    if budget == 2:
        assert seen[1:] == [["put", "/n", n, False] for n in range(4)]
        assert reconnects == 0
        assert sim.connections == 2
    else:
        # The stream was parked for each request, and what was written meanwhile comes as the snapshot.
        assert seen[1:] == [["put", "/", {"n": n}, True] for n in range(4)]
        assert reconnects == 4
    assert [reading["n"] for _, reading in sorted(sim.get("readings").items())] == list(range(4))


def test_a_budget_of_one_has_one_connection_at_a_time(blocking_client):
    open_at_once = []
    with Simulator(on_request=lambda record: open_at_once.append(len(sim._state.connections))) as sim:
        blocking_client.run(stream.between_requests, url=sim.url, count=3, budget=1)
        assert len(open_at_once) >= 10
        # The server may not have seen yet that the other one was closed.
        assert max(open_at_once) <= 2
        assert sim.open_connections <= 1
