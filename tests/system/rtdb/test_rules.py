"""Security rules against the simulator, on every Python: read, written or only checked; what they refuse and allow."""

import pytest
from id_tokens import id_token
from scenarios import database, queries

pytestmark = pytest.mark.timeout(60)

OPEN = {"rules": {".read": True, ".write": True}}
RULES = {
    "rules": {
        "news": {".read": True, ".write": False},
        "levels": {
            ".read": True,
            "$name": {".write": True, ".validate": "newData.isNumber() && newData.val() <= 10"},
            ".indexOn": ".value",
        },
        "users": {"$uid": {".read": "auth.uid === $uid", ".write": "auth.uid === $uid"}},
    }
}
# Google's tokens are those of an owner.
OWNER = "ya29.owner"
DENIED = ["error", "PermissionDenied"]


def calls(client, sim, *calls, token=None):
    return client.run(database.calls, url=sim.url, calls=calls, options={"token": token})


def test_rules_are_read_and_written_and_a_dry_run_writes_nothing(client, sim):
    read, checked, still, written, changed = calls(
        client,
        sim,
        ["get_rules"],
        ["set_rules", RULES, True],
        ["get_rules"],
        ["set_rules", RULES],
        ["get_rules"],
        token=OWNER,
    )
    assert read == still == ["ok", OPEN]
    assert checked == written == ["ok", None]
    assert changed == ["ok", RULES]
    asked = [record.query.removesuffix("access_token=REDACTED") for record in sim.requests]
    assert asked == ["format=strict&", "dryRun=true&", "format=strict&", "", "format=strict&"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"rules": {".write": "auth.uid = 5"}}, "/: .write: Unexpected '='"),
        ({"rules": {"a": {".read": "now +"}}}, "/a: .read: Unexpected 'end of the rule'"),
        ({"rules": {"a": {".reed": True}}}, "/a: the rules have no '.reed'"),
        ({"rules": {"a": {".read": "5"}}}, "/a: .read: A rule takes a boolean, not a number."),
    ],
)
def test_bad_rules_are_refused_with_the_reason_and_the_old_ones_stay(client, sim, bad, words):
    for dry_run in (True, False):
        refused, read = calls(client, sim, ["set_rules", bad, dry_run], ["get_rules"], token=OWNER)
        assert refused[:2] == ["error", "BadRequest"]
        assert words in refused[2]
        assert read == ["ok", OPEN]


def test_rules_are_the_owners_alone(client, sim):
    sim.set_rules(RULES)
    assert [outcome[:2] for outcome in calls(client, sim, ["get_rules"], ["set_rules", OPEN])] == [DENIED, DENIED]
    [read] = calls(client, sim, ["get_rules"], token=OWNER)
    assert read == ["ok", RULES]


def test_what_the_rules_allow_is_done_and_what_they_refuse_is_not(client, sim):
    sim.set_rules(RULES)
    sim.set("", {"news": "old", "levels": {"a": 1}, "users": {"u1": "mine"}})
    allowed = [["set", "levels/b", 10], ["update", "levels", {"c": 2}], ["delete", "levels/a"], ["get", "news"]]
    assert [outcome[0] for outcome in calls(client, sim, *allowed)] == ["ok"] * 4
    before = sim.get("")
    assert before == {"news": "old", "levels": {"b": 10, "c": 2}, "users": {"u1": "mine"}}
    refused = [
        ["set", "news", "new"],
        ["set", "levels/b", 11],
        ["set", "levels/b", "text"],
        ["set", "levels", {"b": 1}],
        ["push", "news", 1],
        ["push", "news", 1, True],
        ["update", "", {"levels/b": 1, "news": "new"}],
        ["delete", "news"],
        ["set_if_unchanged", "news", "null_etag", 1],
        ["get", "users/u1"],
        ["get", ""],
    ]
    for call, outcome in zip(refused, calls(client, sim, *refused), strict=True):
        assert outcome[:2] == DENIED, call
        assert "401 Permission denied" in outcome[2]
        assert outcome[3:] == [False, 401]
    assert sim.get("") == before
    # Rules do not bind the owner.
    assert calls(client, sim, ["set", "news", "new"], token=OWNER) == [["ok", None]]
    assert sim.get("news") == "new"


def test_a_user_may_what_the_rules_allow_to_that_user(client, sim):
    sim.set_rules(RULES)
    own, others, read = calls(
        client, sim, ["set", "users/u1/n", 1], ["set", "users/u2/n", 1], ["get", "users/u1"], token=id_token("u1")
    )
    assert (own, others[:2], read) == (["ok", None], DENIED, ["ok", {"n": 1}])
    assert sim.get("users") == {"u1": {"n": 1}}


def test_a_query_without_an_index_is_refused_with_the_one_to_add(client, sim):
    sim.set_rules(RULES)
    sim.set("levels", {"a": 2, "b": {"n": 1}})
    by_value, by_child = client.run(
        queries.run, url=sim.url, path="levels", queries=[[["order_by_value"]], [["order_by_child", "n"]]]
    )
    assert by_value == ["ok", [["a", 2], ["b", {"n": 1}]]]
    assert by_child[:2] == ["error", "BadRequest"]
    assert 'Index not defined, add ".indexOn": "n", for path "/levels", to the rules' in by_child[2]
