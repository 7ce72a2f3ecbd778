"""Tokens that end, against the simulator over TLS, on every Python: who asks for a new one, how often, what is lost.

What counts is what the server saw. Its tokens live for seconds, and up to one more, since it rounds their ends up. Two
that it gives within a second are the same: where a token is renewed more than once it lives for two.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import trust, wait_until
from fixtures import open_client, runtimes
from scenarios import tokens

from flamelet_tools.proof.endurance.lifetimes import measured
from flamelet_tools.shared.micropython import find_micropython
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(90)

SECONDS = 1
ENDED = SECONDS + 1.1  # seconds after which such a token has ended
LIFETIME = 2
OWN = {".read": "auth.uid == $device", ".write": "auth.uid == $device"}
RULES = {"rules": {"devices": {"$device": OWN}}}
LIFETIMES = 20


@pytest.fixture
def sim():
    with Simulator(tls=True, rules=RULES, strict=True, token_seconds=SECONDS) as simulator:
        simulator.set("devices/d1/a", 1)
        yield simulator


@pytest.fixture(params=runtimes("micropython-aio"))
def awaited_micropython_client(request):
    yield from open_client(request)


def run(client, scenario, sim, folder, **arguments):
    return client.run(scenario, url=sim.url, options=trust(sim, folder), **arguments)


def refused(sim):
    """Return the requests to the database that were refused with 401."""
    return [request for request in sim.requests if request.status == 401]


def spoilt(token):
    """Return the token with a signature that is not its own: it has not ended, and no server takes it."""
    head, content, signature = token["id_token"].split(".")
    return {**token, "id_token": f"{head}.{content}.{signature[::-1]}"}


def long_token(sim):
    sim.token_seconds = 3600
    return sim.sign_in("d1")


def short_token(sim):
    """Return a token that ends soon; the next one lives longer than any test."""
    sim.token_seconds = SECONDS
    token = sim.sign_in("d1")
    sim.token_seconds = 3600
    return token


def test_a_token_is_renewed_before_it_ends_and_each_reading_arrives_once(client, sim, tmp_path):
    sim.token_seconds = LIFETIME
    count = run(client, tokens.push_over_ends, sim, tmp_path, token=sim.sign_in("d1"), ends=2)
    stored = sim.get("devices/d1/readings")
    assert [stored[key]["n"] for key in sorted(stored)] == list(range(count))
    assert sim.refreshes == (2, 2)
    assert refused(sim) == []


def test_after_a_401_a_token_is_renewed_once_and_the_operation_repeated(client, sim, tmp_path):
    given = [spoilt(long_token(sim)) for _ in range(4)]
    outcomes = run(client, tokens.each_operation, sim, tmp_path, tokens=given)
    assert outcomes == [["ok", 1], ["ok", None], ["ok", None], ["ok", 1]]
    assert sim.get("devices/d1/b") == 2
    assert [reading["n"] for reading in sim.get("devices/d1/readings").values()] == [3]
    assert sim.refreshes == (4, 4)
    assert len(refused(sim)) == 4


def test_a_mirror_outlives_its_tokens_and_tells_each_change_once(client, sim, tmp_path):
    sim.token_seconds = LIFETIME
    sim.set("devices/d1/log", {"start": True})
    # What is told is counted there too, which takes memory.
    play = client.play(tokens.mirror, "512k", url=sim.url, options=trust(sim, tmp_path), token=sim.sign_in("d1"))
    assert play.heard() == "/"
    n = 0
    while sim.refreshes.granted < 2:
        sim.set(f"devices/d1/log/k{n}", n)
        # Between two streams more than one is written.
        sim.set(f"devices/d1/log/k{n + 1}", n + 1)
        assert {play.heard(), play.heard()} == {f"/k{n}", f"/k{n + 1}"}
        n += 2
        time.sleep(0.03)
    sim.set("devices/d1/log/end", n + 2)
    assert play.heard() == "/end"
    told, value, reconnects = play.result()
    assert told == dict.fromkeys(["/start", "/end", *(f"/k{i}" for i in range(n))], 1)
    assert value == sim.get("devices/d1/log")
    assert reconnects == sum(request.stream for request in sim.requests) - 1 >= 1
    assert sim.refreshes == (2, 2)


def test_a_hundred_refusals_by_the_rules_renew_nothing(client, sim, tmp_path):
    token = long_token(sim)
    outcomes = run(client, tokens.ask, sim, tmp_path, token=token, path="devices/another", count=100)
    assert [one[:2] for one in outcomes] == [["error", "PermissionDenied"]]
    assert len(refused(sim)) == 100
    assert sim.refreshes == (0, 0)


def test_a_refresh_token_that_was_ended_is_shown_once_and_the_error_says_what_to_do(client, sim, tmp_path):
    ends = {
        "revoke": ("TOKEN_EXPIRED", "mint"),
        "disable": ("USER_DISABLED", "enable"),
        "delete_user": ("USER_NOT_FOUND", "mint"),
    }
    given = {end: sim.sign_in(end) for end in ends}
    # The service compares whole seconds: a token is revoked in a later one than that of its sign-in.
    signed_in = int(time.time())
    wait_until(lambda: time.time() >= signed_in + 1)
    for end in ends:
        getattr(sim, end)(end)
    options = {"url": sim.url, "options": trust(sim, tmp_path), "seconds": ENDED, "count": 50}
    # All at once, since each waits.
    plays = [client.play(tokens.ask_after, token=given[end], **options) for end in ends]
    for play, token, (words, advice) in zip(plays, given.values(), ends.values(), strict=True):
        [(_, kind, text, retry, status)] = play.result()
        assert (kind, retry, status) == ("Unauthenticated", False, 400)
        assert words in text and advice in text
        assert token["refresh_token"] not in text and token["api_key"] not in text
    assert sim.refreshes == (3, 0)
    assert refused(sim) == []


def test_an_oauth2_token_that_has_ended_is_shown_once_and_the_error_says_mint(client, sim, tmp_path):
    asked = {"token": sim.access_token(), "seconds": ENDED, "count": 50}
    [(_, kind, text, retry, status)] = run(client, tokens.ask_after, sim, tmp_path, **asked)
    assert (kind, retry, status) == ("Unauthenticated", False, 401)
    assert "Unauthorized request." in text and "mint" in text
    assert len(refused(sim)) == 1
    assert sim.refreshes == (0, 0)


def test_a_renewed_token_is_saved_and_serves_after_a_restart_and_a_power_cut(client, sim, tmp_path):
    sim.token_seconds = LIFETIME
    file = tmp_path / "token.json"
    file.write_text(json.dumps(sim.sign_in("d1")))
    # A refresh token is of no use after its first renewal, so that the saved one is needed; the second one stays.
    for renewals, rotation in ((1, "end"), (2, None)):
        sim.rotation = rotation
        assert run(client, tokens.with_file, sim, tmp_path, file=str(file)) == [["ok", 1], "None"]
        assert sim.refreshes == (renewals, renewals)
    assert sorted(path.name for path in tmp_path.glob("token*")) == ["token.json", "token.json.0", "token.json.1"]
    newest = tmp_path / "token.json.0"
    newest.write_bytes(newest.read_bytes()[:-20])
    assert run(client, tokens.with_file, sim, tmp_path, file=str(file)) == [["ok", 1], "None"]
    assert sim.refreshes == (3, 3)


def test_a_token_of_two_clients_is_renewed_once(client, sim, tmp_path):
    clients = {"token": short_token(sim), "seconds": ENDED}
    assert run(client, tokens.two_clients, sim, tmp_path, **clients) == [["ok", 1]] * 5
    assert sim.refreshes == (1, 1)


def test_by_a_wrong_clock_a_token_is_renewed_once_all_the_same(client, sim, tmp_path):
    options = {"url": sim.url, "options": trust(sim, tmp_path), "seconds": ENDED}
    # One after the other: on CPython they share the clock that is wrong.
    for off_by in (None, -365 * 86400, 365 * 86400):
        played = client.run(tokens.wrong_clock, token=short_token(sim), off_by=off_by, **options)
        assert played == [["ok", 1]] * 4
    assert sim.refreshes == (3, 3)
    # By a clock that is behind the token counts as new, and is shown once more when it has ended.
    assert len(refused(sim)) == 2


def test_pushes_take_nothing_again_after_a_refresh(micropython_client, sim, tmp_path):
    pushes = {"token": short_token(sim), "seconds": ENDED, "count": 200}
    assert run(micropython_client, tokens.heap_of_pushes, sim, tmp_path, **pushes) == [True, 0, 0]
    assert sim.refreshes == (1, 1)
    assert len(sim.get("devices/d1/readings")) == 404


def test_a_refusal_that_is_told_again_and_again_takes_no_more_heap(micropython_client, sim, tmp_path):
    token = spoilt(sim.sign_in("d1"))
    sim.delete_user("d1")
    assert run(micropython_client, tokens.heap_of_refusals, sim, tmp_path, token=token, count=200) <= 64
    assert sim.refreshes == (1, 0)


def test_awaited_pushes_leave_nothing_behind(awaited_micropython_client, sim, tmp_path):
    pushes = {"token": long_token(sim), "count": 500}
    assert run(awaited_micropython_client, tokens.heap_of_awaited_pushes, sim, tmp_path, **pushes) <= 64


@pytest.fixture(scope="module")
def devices():
    """The figures of a device on each Python, by its runtime; both at once, since they wait most of the time."""
    wanted = ["cpython", "micropython"] if find_micropython() else ["cpython"]
    with ThreadPoolExecutor() as pool:
        measuring = [pool.submit(measured, LIFETIMES, LIFETIME, runtime, tls=True) for runtime in wanted]
        return {runtime: done.result() for runtime, done in zip(wanted, measuring, strict=True)}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("runtime", runtimes("cpython", "micropython"))
def test_a_device_outlives_its_tokens_and_loses_nothing(runtime, devices):
    rows = {row.name: row for row in devices[runtime]}
    assert [(name, row.values, row.limits) for name, row in rows.items() if row.met() is False] == []
    assert rows["refreshes, all"].values[runtime] >= LIFETIMES
    assert rows["readings measured"].values[runtime] > 5 * LIFETIMES
    assert rows["commands"].values[runtime] > LIFETIMES
