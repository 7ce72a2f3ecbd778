"""Lines of the document of the REST API that no other test shows from the client, on every Python.

docs/realtime-database.md has all lines, with their tests; that these are there is tested here too.
"""

import json
import time

import pytest
from calling import call
from clients import ROOT, wait_until
from id_tokens import id_token, jwt
from named_tests import missing_tests, named_tests
from scenarios import document, mirror

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.rtdb import parameters, tree

pytestmark = pytest.mark.timeout(60)

PAGE = (ROOT / "docs" / "realtime-database.md").read_text()


def ask(client, sim, *calls, query="", **options):
    """What came of each call [method, arguments, options], the last of which may be left out."""
    filled = [[*one, {}][:3] for one in calls]
    return client.run(document.calls, url=sim.url + query, calls=filled, options=options)


def refused(name, status, code, text, retry=False):
    return ["error", name, status, code, text, retry]


def test_every_test_that_the_page_names_is_there():
    assert len(named_tests(PAGE)) > 80
    assert all(file for file, _ in named_tests(PAGE))
    assert missing_tests(PAGE) == []


def test_a_test_that_is_not_there_is_missed():
    here, elsewhere = "docs/test_documents.py", "docs/test_nowhere.py"
    this = test_a_test_that_is_not_there_is_missed.__name__
    page = f"`{here}::{this}`, `{this}`, `{here}::test_nothing`, `{elsewhere}::{this}` and `test_nothing`"
    assert missing_tests(page) == [[here, "test_nothing"], [elsewhere, this], ["", "test_nothing"]]


# Paths


def test_a_slash_at_the_end_of_a_path_changes_nothing(client, sim):
    outcomes = ask(client, sim, ["set", ["/a/b/", 1]], ["get", ["a/b"]], ["get", ["a/b/"]], ["get", ["/"]])
    assert outcomes == [["ok", None], ["ok", 1], ["ok", 1], ["ok", {"a": {"b": 1}}]]
    # The other spelling of the same path, which Google's own examples have.
    assert call(sim, "GET", "/a/b/.json").json() == 1
    assert {record.path for record in sim.requests} == {"/a/b.json", "/.json", "/a/b/.json"}


def test_a_patch_leaves_the_children_that_it_does_not_name(client, sim):
    sim.set("users/jack/name", {"first": "Jack", "last": "Sparrow"})
    assert ask(client, sim, ["update", ["users/jack/name", {"last": "Jones"}]]) == [["ok", None]]
    assert sim.get("users/jack/name") == {"first": "Jack", "last": "Jones"}


# Parameters


def test_a_database_is_named_by_ns(client):
    with Simulator(databases={"mine": "europe-west1"}) as sim:
        assert ask(client, sim, ["set", ["a", 1]], ["get", ["a"]], query="?ns=mine") == [["ok", None], ["ok", 1]]
        assert (sim.get("a", namespace="mine"), sim.get("a")) == (1, None)
        assert [record.query for record in sim.requests] == ["print=silent&ns=mine", "ns=mine"]
        words = "The specified Realtime Database was not found."
        assert ask(client, sim, ["get", ["a"]], query="?ns=nowhere") == [refused("NotFound", 404, "NOT_FOUND", words)]


def test_a_shallow_read_gives_a_primitive_itself_and_an_object_as_its_keys(client, sim):
    sim.set("", {"leaf": "text", "n": 0, "tree": {"a": {"b": 1}, "c": 2}})
    shallow = {"shallow": True}
    calls = [["get", [path], shallow] for path in ("leaf", "n", "tree", "none")]
    assert ask(client, sim, *calls, token="ya29.x") == [
        ["ok", "text"],
        ["ok", 0],
        ["ok", {"a": True, "c": True}],
        ["ok", None],
    ]
    # A credential goes along.
    assert {record.query for record in sim.requests} == {"shallow=true&access_token=REDACTED"}


def test_an_answer_may_be_pretty_silent_a_script_a_download_or_have_priorities(client, sim):
    sim.set("a", {"b": {".value": 1, ".priority": 2}})
    outcomes = ask(
        client,
        sim,
        ["get", ["a"], {"print": "pretty"}],
        ["get", ["a"], {"print": "silent"}],
        ["get", ["a"], {"callback": "my.gotData"}],
        ["get", ["a"], {"download": "my file.txt"}],
        ["get", ["a"], {"format": "export"}],
    )
    assert [outcome[1] for outcome in outcomes] == [
        {"b": 1},
        None,
        'my.gotData({"b":1});',
        {"b": 1},
        {"b": {".value": 1, ".priority": 2}},
    ]
    assert [record.status for record in sim.requests] == [200, 204, 200, 200, 200]


@pytest.mark.parametrize(
    ("method", "data", "text"),
    [
        ("GET", None, '{\n  "old" : 1\n}\n'),
        ("PUT", {"b": 1}, '{\n  "b" : 1\n}\n'),
        ("PATCH", {"b": 1}, '{\n  "b" : 1\n}\n'),
        ("DELETE", None, "null\n"),
    ],
)
def test_every_method_answers_pretty_where_it_is_asked_to(sim, method, data, text):
    sim.set("a", {"old": 1})
    assert call(sim, method, "/a.json?print=pretty", data).text == text
    key = call(sim, "POST", "/list.json?print=pretty", 1)
    assert key.text == f'{{\n  "name" : "{key.json()["name"]}"\n}}\n'


def test_a_read_that_takes_longer_than_its_timeout_is_told_as_that(client, sim):
    sim.set("a", 1)
    sim.fault("delay", ms=60_000, count=1)
    begun = time.monotonic()
    [late, after] = ask(client, sim, ["get", ["a"], {"timeout": "50ms"}], ["get", ["a"], {"timeout": "3min"}])
    assert time.monotonic() - begun < 30
    assert late == refused("BadRequest", 400, "TIMED_OUT", "The request did not finish within its timeout.")
    assert after == ["ok", 1]


TOO_BIG = refused("BadRequest", 400, "WRITE_TOO_BIG", parameters.WRITE_TOO_BIG)


def test_a_write_over_the_limit_that_it_names_is_refused_by_every_verb(client, sim, monkeypatch):
    # In thousandths, which a small heap can send.
    monkeypatch.setitem(parameters.WRITE_SIZE_LIMITS, "tiny", 1000)
    before = {"big": "x" * 1001}
    sim.set("", before)
    tiny, big = {"write_size_limit": "tiny"}, "y" * 1000
    calls = [
        ["set", ["a", big], tiny],
        ["push", ["a", big], tiny],
        ["push", ["a", big, True], tiny],
        ["update", ["", {"a": big}], tiny],
        # What is replaced counts.
        ["set", ["big", 1], tiny],
        ["delete", ["big"], tiny],
    ]
    assert ask(client, sim, *calls) == [TOO_BIG] * len(calls)
    assert sim.get("") == before
    assert ask(client, sim, ["delete", ["big"], {"write_size_limit": "unlimited"}]) == [["ok", None]]


def test_the_default_limit_of_writes_is_read_and_set_and_never_tiny(client, sim, monkeypatch):
    monkeypatch.setitem(parameters.WRITE_SIZE_LIMITS, "small", 1000)
    place = ".settings/defaultWriteSizeLimit"
    first, done, second, over, bad, third = ask(
        client,
        sim,
        ["get", [place]],
        ["set", [place, "small"]],
        ["get", [place]],
        ["set", ["a", "x" * 1000]],
        ["set", [place, "tiny"]],
        ["get", [place]],
    )
    assert [first, done, second, third] == [["ok", "large"], ["ok", None], ["ok", "small"], ["ok", "small"]]
    assert over == TOO_BIG
    assert bad[:4] == ["error", "BadRequest", 400, "INVALID_PARAMETER"]


# Streaming


def listening(client, sim, path, data):
    """A play that listens to `path`, where `data` is."""
    sim.set(path, data)
    play = client.play(document.listen, url=sim.url, path=path)
    assert play.heard() == ["put", "/", data]
    return play


def test_the_events_of_the_document_make_the_cache_of_the_document(client, sim):
    play = listening(client, sim, "cache", {"a": 1, "b": 2})
    follower = client.play(mirror.follow, url=sim.url, path="cache")
    wait_until(lambda: sim.open_streams == 2)
    sim.set("cache/c", {"foo": True, "bar": False})
    assert play.heard() == ["put", "/c", {"foo": True, "bar": False}]
    sim.update("cache/c", {"foo": 3, "baz": 4})
    assert play.heard() == ["patch", "/c", {"foo": 3, "baz": 4}]
    sim.set("cache/marker", "end")
    value, changes = follower.heard()
    assert value == {"a": 1, "b": 2, "c": {"foo": 3, "bar": False, "baz": 4}, "marker": "end"}
    assert changes[1] == ["/c", {"foo": True, "bar": False}]
    # In any order, as MicroPython's dicts have none.
    assert sorted(changes[2:-1]) == [["/c/baz", 4], ["/c/foo", 3]]
    sim.cancel_streams()
    assert play.heard() == ["put", "/marker", "end"]
    assert play.result()[0] == "StreamCancelled"


def test_rules_that_no_longer_allow_the_read_cancel_the_stream_in_the_words_of_the_document(client, sim):
    play = listening(client, sim, "a", 1)
    sim.set_rules({"rules": {".read": False, ".write": True}})
    assert play.result() == ["StreamCancelled", "Permission denied.", False, True]


def test_an_event_over_the_limit_of_the_service_cancels_the_stream_in_the_words_of_the_document(
    client, sim, monkeypatch
):
    monkeypatch.setattr("flamelet_tools.simulator.server.state.MAX_EVENT_BYTES", 1000)
    play = listening(client, sim, "a", 1)
    sim.set("a", "x" * 1000)
    words = "The specified payload is too large, please request a location with less data."
    assert play.result() == ["StreamCancelled", words, False, True]


# Server values

LARGEST = 2**63 - 1
INCREMENTS = [
    (None, 5, 5),
    (3, 4, 7),
    (3, -0.5, 2.5),
    (0.5, 1, 1.5),
    (0.5, 0.5, 1.0),
    ("text", 5, 5),
    (True, 5, 5),
    (LARGEST - 1, 1, LARGEST),
    (LARGEST, 1, float(2**63)),
    (-LARGEST - 1, -1, float(-(2**63))),
    (1.5e300, 1, 1.5e300),
]


def test_an_increment_adds_integers_and_doubles_and_overflows_into_a_double(client, sim):
    sim.set("", {f"n{i}": old for i, (old, _, _) in enumerate(INCREMENTS)})
    calls = [["set", [f"n{i}", {".sv": {"increment": delta}}]] for i, (_, delta, _) in enumerate(INCREMENTS)]
    assert ask(client, sim, *calls) == [["ok", None]] * len(calls)
    stored = [sim.get(f"n{i}") for i in range(len(INCREMENTS))]
    expected = [new for _, _, new in INCREMENTS]
    assert (stored, [type(n) for n in stored]) == (expected, [type(n) for n in expected])
    # The integers come back with every digit.
    assert ask(client, sim, ["get", ["n7"]], ["get", ["n1"]]) == [["ok", LARGEST], ["ok", 7]]


# Rules, credentials, error conditions


def test_rules_are_read_and_written_with_the_secret_of_the_database(client, sim):
    rules = {"rules": {".read": True}}
    token = {"database_secret": "FIREBASE_SECRET"}
    calls = [["set_rules", [rules]], ["get_rules", []]]
    assert ask(client, sim, *calls, token=token) == [["ok", None], ["ok", rules]]
    assert [record.query for record in sim.requests] == ["auth=REDACTED", "format=strict&auth=REDACTED"]


def test_without_a_credential_only_what_is_public_can_be_read_and_written(client):
    with Simulator(rules={"rules": {"public": {".read": True, ".write": True}}}) as sim:
        outcomes = ask(
            client, sim, ["set", ["public", 1]], ["get", ["public"]], ["set", ["closed", 1]], ["get", ["closed"]]
        )
        denied = refused("PermissionDenied", 401, "PERMISSION_DENIED", "Permission denied")
        assert outcomes == [["ok", None], ["ok", 1], denied, denied]


EXPIRED = {"sub": "u1", "exp": time.time() - 1, "firebase": {"sign_in_provider": "password"}}


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [
        ({"id_token": jwt(EXPIRED)}, "TOKEN_EXPIRED", "Auth token is expired"),
        ({"id_token": id_token("u1")}, "INVALID_TOKEN", "Could not parse auth token."),
        ({"database_secret": "wrong"}, "INVALID_TOKEN", "Could not parse auth token."),
        ({"access_token": "ya29.wrong"}, "ACCESS_TOKEN_REFUSED", "Unauthorized request."),
    ],
    ids=["expired", "of another project", "wrong secret", "wrong access token"],
)
def test_each_kind_of_401_has_its_code_and_the_words_of_the_server(client, token, code, words):
    with Simulator(token="ya29.good") as sim:
        [outcome] = ask(client, sim, ["get", ["a"]], token=token)
        assert outcome == refused("Unauthenticated", 401, code, words)


@pytest.mark.parametrize(
    ("path", "value", "code", "words"),
    [
        ("a", "x" * 1001, "INVALID_DATA", "Invalid data; a string is longer than 1000 bytes."),
        (
            "a/b",
            json.loads("[" * 31 + "1" + "]" * 31),
            "TOO_DEEP",
            "Invalid data; the value is nested deeper than 32 levels.",
        ),
    ],
    ids=["string", "depth with the path"],
)
def test_data_that_is_too_large_for_the_service_is_refused_in_its_words(
    client, sim, monkeypatch, path, value, code, words
):
    monkeypatch.setattr(tree, "MAX_STRING_BYTES", 1000)
    outcomes = ask(client, sim, ["set", [path, value]], ["push", [path, value]], ["update", [path, {"c": value}]])
    assert outcomes[0] == refused("BadRequest", 400, code, words)
    assert {tuple(outcome) for outcome in outcomes} == {tuple(outcomes[0])}
    assert sim.get("") is None


def test_a_path_of_thirty_three_keys_is_refused(client, sim):
    path = "/".join("k" * 33)
    for outcome in ask(client, sim, ["get", [path]], ["set", [path, 1]], ["delete", [path]]):
        assert outcome[:3] == ["error", "InvalidArgument", 0]
    assert not sim.requests


def test_a_500_is_told_with_the_words_of_the_server_and_not_repeated(client, sim):
    sim.fault("internal_error", count=1)
    failed, after = ask(client, sim, ["set", ["a", 1]], ["get", ["a"]])
    assert failed == refused("Unavailable", 500, "SERVER_ERROR", "Internal server error.", retry=True)
    assert after == ["ok", None]


def test_a_503_was_not_attempted_and_is_repeated_also_where_the_server_makes_the_key(client, sim):
    sim.fault("unavailable", count=2)
    [pushed] = ask(client, sim, ["push", ["list", 1, True]])
    assert pushed[0] == "ok"
    assert sim.get("list") == {pushed[1]: 1}
    sim.fault("unavailable", count=3)
    [failed] = ask(client, sim, ["push", ["list", 2, True]])
    assert failed == refused("Unavailable", 503, "UNAVAILABLE", "Service unavailable.", retry=True)
    assert sim.get("list") == {pushed[1]: 1}
