"""Requests against the simulator over real sockets, on every Python; what is stored is compared, not only counted."""

import itertools

import pytest
from clients import Client, trust
from scenarios import database

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

VALUES = [
    True,
    False,
    0,
    -1,
    2**31,
    -(2**53),
    21.5,
    -0.25,
    1e-7,
    1.5e300,
    "",
    "text with \"quotes\", a \\backslash\\ and a\nnew line\tand \x00 and \x7f",
    "Grüße, 温度, Ωμέγα, \u2028, 🔥🏳️‍🌈",
    [1, "two", [3, 4]],
    {"a": {"b": {"c": [True, {"d": None, "e": 1}]}}, "f": 1.25},
]
STORED = [*VALUES[:-1], {"a": {"b": {"c": [True, {"e": 1}]}}, "f": 1.25}]
KEYS = [
    "with space", "50%", "%41", "a?b=c", "a&b", "q\"uote", "back\\slash", "plus+plus", "semi;colon", "co:lon", "at@",
    "(parens)'!*,", "-_~", "grün", "温度", "🔥", "{}", "<>", "|^`", "-0123", "10", "x" * 768, "ü" * 384,
]  # fmt: skip


@pytest.mark.parametrize("token", [None, "a.b-c_d~e+f/g="], ids=["open", "token"])
def test_every_verb_does_what_it_says(client, token):
    with Simulator(token=token) as sim:
        seen = client.run(database.every_verb, url=sim.url, options={"token": token and {"database_secret": token}})
        keys = seen.pop("keys")
        device = sim.get("devices/d1")
        assert sim.get("devices").keys() == {"d1"}
        assert device.pop("events") == {key: {"n": n} for n, key in enumerate(keys)}
        assert device == {"name": "lamp", "on": False, "log": {"first": [1, 2]}}
        assert seen == {
            "missing": None,
            "whole": {"name": "lamp", "on": True, "level": 3},
            "part": 3,
            "shallow": {"name": True, "on": True, "level": True},
            "updated": device,
            "deleted": None,
        }
        assert sim.connections == 1
        assert all(record.status in (200, 204) for record in sim.requests)


def test_writes_ask_for_no_answer_and_a_push_is_a_put_under_its_key(client, sim):
    seen = client.run(database.every_verb, url=sim.url, options={})
    writes = [record for record in sim.requests if record.method in ("PUT", "PATCH")]
    assert {(record.query, record.status) for record in writes} == {("print=silent", 204)}
    pushed = [record.path for record in sim.requests if "/events/" in record.path]
    assert pushed == [f"/devices/d1/events/{key}.json" for key in seen["keys"]]
    assert {record.method for record in sim.requests} == {"GET", "PUT", "PATCH", "DELETE"}


def test_keys_are_made_in_order_and_once(client, sim):
    keys = client.run(database.every_verb, url=sim.url, options={})["keys"]
    assert keys == sorted(keys)
    assert len(set(keys)) == 20
    assert all(len(key) == 20 for key in keys)


def test_a_value_of_every_type_arrives_and_comes_back(client, sim):
    seen = client.run(database.values, url=sim.url, values=VALUES)
    assert sim.get("values") == {f"v{i}": value for i, value in enumerate(STORED)}
    assert [type(value) for value in seen] == [type(value) for value in STORED]
    assert seen == STORED


def test_a_key_of_any_characters_arrives_as_it_is(client, sim):
    seen = client.run(database.keys, url=sim.url, keys=KEYS)
    assert sim.get("") == {name: dict.fromkeys(KEYS, n) for n, name in enumerate(("paths", "updates", "value"), 1)}
    assert seen == [[1, 2, 3]] * len(KEYS)
    assert all(character.isascii() and character > " " for record in sim.requests for character in record.path)


def test_a_path_of_thirty_two_keys_is_written_and_read(client, sim):
    path = "/".join(f"level{i}" for i in range(32))
    [_, read] = client.run(database.calls, url=sim.url, calls=[["set", path, 7], ["get", path]], options={})
    assert read == ["ok", 7]
    assert sim.get(path) == 7


@pytest.mark.parametrize(
    ("special", "value"), [(".priority", 5), (".settings/defaultWriteSizeLimit", "large"), (".info/connected", True)]
)
def test_a_special_path_reaches_the_server_as_it_is(client, sim, special, value):
    sim.set("a", {".value": 1, ".priority": 5})
    path = special if special.startswith((".settings", ".info")) else f"a/{special}"
    assert client.run(database.calls, url=sim.url, calls=[["get", path]], options={}) == [["ok", value]]
    assert [record.path for record in sim.requests] == [f"/{path}.json"]


def test_a_hundred_kilobytes_go_there_and_back(client, sim):
    assert client.run(database.big, url=sim.url, size=100_000, heap="2m") is True
    assert sim.get("big") == "0123456789" * 10_000


def test_an_answer_over_the_limit_is_refused_and_the_client_goes_on(client, sim):
    sim.set("big", "x" * 5000)
    sim.set("small", 1)
    calls = [["get", "big"], ["get", "small"]]
    [refused, read] = client.run(database.calls, url=sim.url, calls=calls, options={"answer_bytes": 4000})
    assert refused[:2] == ["error", "ProtocolError"]
    assert "answer_bytes=4000" in refused[2]
    assert read == ["ok", 1]


def test_an_update_of_many_paths_is_all_or_none(client, sim):
    calls = [
        ["update", "", {"a/b": 1, "c/d/e": {"f": 2}}],
        ["update", "", {"a/b": 5, "z": {".value": 1, ".priority": True}}],
        ["update", "c", {"d/e/f": None, "g": 3}],
    ]
    [first, refused, last] = client.run(database.calls, url=sim.url, calls=calls, options={})
    assert first == last == ["ok", None]
    assert refused[:2] == ["error", "BadRequest"]
    assert "a priority must be" in refused[2]
    assert sim.get("") == {"a": {"b": 1}, "c": {"g": 3}}


def test_a_token_that_is_refused_says_so_and_is_not_shown(client):
    with Simulator(token="ya29.good") as sim:
        calls = [["get", "a"], ["set", "a", 1], ["push", "a", 1], ["update", "a", {"b": 1}], ["delete", "a"]]
        outcomes = client.run(database.calls, url=sim.url, calls=calls, options={"token": "ya29.very-secret"})
        assert sim.get("") is None
    for outcome in outcomes:
        assert outcome[1] == "Unauthenticated"
        assert "Unauthorized request." in outcome[2]
        assert "ya29.very-secret" not in outcome[2]


def test_without_a_token_the_rules_refuse(client):
    with Simulator(token="ya29.good") as sim:
        [outcome] = client.run(database.calls, url=sim.url, calls=[["get", "a"]], options={})
    assert outcome[1] == "PermissionDenied"
    assert "Permission denied" in outcome[2]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_thousand_pushes_take_one_connection(client, tls, tmp_path):
    with Simulator(tls=tls) as sim:
        keys, many = client.run(database.pushes, url=sim.url, count=1000, options=trust(sim, tmp_path), heap="1m")
        check_readings(sim, keys, many)
        assert sim.connections == 1


def test_every_reading_is_stored_once_where_the_server_closes_every_hundred_requests(client):
    with Simulator(requests_per_connection=100) as sim:
        keys, many = client.run(database.pushes, url=sim.url, count=1000, options={}, heap="1m")
        check_readings(sim, keys, many)
        assert sim.connections == 11
        assert len(sim.requests) == 1001


def check_readings(sim, keys, many):
    stored = sim.get("readings")
    assert keys == sorted(set(keys))
    assert [stored.pop(key) for key in keys] == [{"n": n, "half": n / 2, "negative": -n} for n in range(len(keys))]
    assert many == 3
    assert [stored[key] for key in sorted(stored)] == [{"n": n, "negative": True} for n in range(3)]


def test_writes_and_reads_follow_a_redirect_with_method_body_and_token(client):
    with Simulator(token="ya29.secret", redirect=("streams", "writes")) as sim:
        options = {"token": "ya29.secret"}
        seen = client.run(database.every_verb, url=sim.url, options=options)
        device = sim.get("devices/d1")
        assert device.pop("events") == {key: {"n": n} for n, key in enumerate(seen["keys"])}
        assert device == {"name": "lamp", "on": False, "log": {"first": [1, 2]}}
        moved = [record for record in sim.requests if record.status == 307]
        assert len(moved) == 26
        for record, following in itertools.pairwise(sim.requests):
            if record.status == 307:
                assert (following.method, following.path) == (record.method, record.path)
                assert following.query.split("&").count("access_token=REDACTED") == 1


@pytest.mark.parametrize("runtime", ["cpython", "cpython-aio"])
def test_the_emulator_of_the_environment_is_used(runtime, sim, monkeypatch):
    """On a desktop alone: a board has no environment."""
    monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", f"127.0.0.1:{sim.port}")
    sim.set("a", "from the emulator", namespace="my-project-rtdb")
    url = "https://my-project-rtdb.europe-west1.firebasedatabase.app"
    assert Client(runtime).run(database.without_a_stream, url=url) == "from the emulator"
    assert [record.query for record in sim.requests] == ["ns=my-project-rtdb"]
