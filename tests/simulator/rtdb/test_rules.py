"""Security rules: the language against a recorded oracle, and rules at work over REST, streams and settings."""

import json
import socket
import time
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from id_tokens import id_token, jwt

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.rtdb import rules, tree
from flamelet_tools.simulator.rtdb.query import parse_query
from flamelet_tools.simulator.rtdb.rules import Access
from flamelet_tools.simulator.rtdb.tree import InvalidData

DEADLINE_SECONDS = 10
RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "rules"
CASES = json.loads((RECORDINGS / "cases.json").read_text())
RECORDED = json.loads((RECORDINGS / "recorded.json").read_text())
# What the language does not have, although the oracle passes it on to JavaScript.
STRICTER = {
    "root['child']('n').exists()",
    "root.child('n')['val']() == 1",
    "root.isNumber(1)",
    "auth[1] == 2",
    "'ab'.matches(/a(?=b)/)",
    "'aa'.matches(/(a)\\1/)",
}


# The language


def judged(document, data, auth, step):
    try:
        parsed = rules.parse_rules(json.dumps(document))
    except InvalidData:
        return "refused"
    root = tree.parse_value(data)
    access = Access(auth, CASES["now"], root)
    if "read" in step:
        return rules.may_read(parsed, tree.split_path(step["read"]), access)
    path = tree.split_path(step.get("write") or step["update"])
    if "write" in step:
        nodes = {(): tree.parse_value(step["value"], path)}
    else:
        nodes = tree.parse_update(step["value"], path, root)
    new_root = tree.put_all(tree.parse_value(data), path, nodes)
    return all(rules.may_write(parsed, path + keys, access, new_root) for keys in nodes)


EXPRESSIONS = list(zip(CASES["expressions"], RECORDED["expressions"], strict=True))


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS)
def test_an_expression_is_judged_as_the_oracle_judges_it(text, expected):
    verdict = judged({"rules": {".read": text}}, CASES["data"], CASES["auth"], {"read": "/"})
    assert verdict == ("refused" if text in STRICTER else expected)


SCENARIOS = [
    pytest.param(scenario, step, expected, id=f"{scenario['name']}-{number}")
    for scenario, recorded in zip(CASES["scenarios"], RECORDED["scenarios"], strict=True)
    for number, (step, expected) in enumerate(zip(scenario["do"], recorded, strict=True))
]


@pytest.mark.parametrize(("scenario", "step", "expected"), SCENARIOS)
def test_reads_and_writes_are_allowed_as_the_oracle_allows_them(scenario, step, expected):
    assert judged(scenario["rules"], scenario["data"], scenario["auth"], step) == expected


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"rules": {".read": "nonsense == 1"}}, "/: .read: Unknown variable 'nonsense'"),
        ({"rules": {".read": "newData.exists()"}}, "/: .read: Unknown variable 'newData'"),
        ({"rules": {"a": {".write": "query.limitToFirst == 1"}}}, "/a: .write: Unknown variable 'query'"),
        ({"rules": {"a": {"$b": {".write": "$c == 'x'"}}}}, "/a/$b: .write: Unknown variable '$c'"),
        ({"rules": {".read": "data.nonsense()"}}, "snapshot has no method 'nonsense'"),
        ({"rules": {".read": "data.val().trim() == ''"}}, "has no method 'trim'"),
        ({"rules": {".read": "query.nonsense == 1"}}, "query has no property 'nonsense'"),
        ({"rules": {".read": "data.val()"}}, "A rule takes a boolean"),
        ({"rules": {".read": "1 <"}}, "Unexpected 'end of the rule'"),
        ({"rules": {".read": "1 # 2"}}, "Unexpected '#'"),
        ({"rules": {".read": "'a'.matches(/a/g)"}}, "no flags 'g'"),
        ({"rules": {".read": "'a'.matches(/(/)"}}, "is wrong"),
        ({"rules": {".read": "(" * 200 + "true" + ")" * 200}}, "nested deeper than 40 levels"),
        ({"rules": {".read": 1}}, "/: .read must be a string or a boolean."),
        ({"rules": {".nonsense": True}}, "/: the rules have no '.nonsense'."),
        ({"rules": {"a/b": {}}}, "/: the rules have no 'a/b'."),
        ({"rules": {"a": True}}, "/a: rules must be an object."),
        ({"rules": {"$a": {}, "$b": {}}}, "/: $b cannot stand here"),
        ({"rules": {"$a": {"$a": {}}}}, "/$a: $a cannot stand here"),
        ({"rules": {".indexOn": [1]}}, "/: .indexOn must be"),
        ({"rules": {".indexOn": "a.b"}}, "/: .indexOn must be"),
        ({".read": True}, 'one key "rules"'),
        ({"rules": {}, "more": 1}, 'one key "rules"'),
        ([], 'one key "rules"'),
    ],
)
def test_rules_that_cannot_be_are_refused_by_place_and_name(document, words):
    with pytest.raises(InvalidData) as refused:
        rules.parse_rules(json.dumps(document))
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", '{"rules":{".read":true,".read":false}}', "[" * 100_000])
def test_rules_that_are_not_json_are_refused(text):
    with pytest.raises(InvalidData, match="Error parsing rules"):
        rules.parse_rules(text)


@given(st.text(alphabet="ab1.'\"()[]!&|=<>+-*/%?:, $\\truedatavl", max_size=30))
def test_any_text_is_refused_or_judged(text):
    try:
        parsed = rules.parse_rules(json.dumps({"rules": {".read": text}}))
    except InvalidData:
        return
    assert rules.may_read(parsed, (), Access(None, 0, {"a": 1})) in (True, False)


def test_a_rule_with_very_many_terms_denies_rather_than_fails():
    for terms in (100, 5000):
        parsed = rules.parse_rules(json.dumps({"rules": {".read": " && ".join(["true"] * terms)}}))
        assert rules.may_read(parsed, (), Access(None, 0, None)) is (terms == 100)


def test_rules_deeper_than_data_can_be_are_refused():
    document = {".read": True}
    for _ in range(33):
        document = {"a": document}
    with pytest.raises(InvalidData, match="at most 32 levels"):
        rules.parse_rules(json.dumps({"rules": document}))


def test_a_rule_sees_the_query():
    parsed = rules.parse_rules(
        json.dumps({"rules": {".read": "query.orderByChild == 'owner' && query.equalTo == auth.uid"}})
    )
    asked = parse_query({"orderBy": '"owner"', "equalTo": '"u1"'})
    assert rules.may_read(parsed, (), Access({"uid": "u1"}, 0, None, asked))
    assert not rules.may_read(parsed, (), Access({"uid": "u2"}, 0, None, asked))
    assert not rules.may_read(parsed, (), Access({"uid": "u1"}, 0, None, None))


def test_a_priority_is_judged_as_its_node():
    parsed = rules.parse_rules(
        json.dumps({"rules": {"a": {".write": True, ".validate": "newData.getPriority() == 5"}}})
    )
    for priority in (5, 6):
        new_root = tree.put({"a": 1}, ("a", ".priority"), priority)
        assert rules.may_write(parsed, ("a", ".priority"), Access(None, 0, {"a": 1}), new_root) is (priority == 5)


# At work

OWNERS = {
    "rules": {
        "public": {".read": True},
        "users": {"$uid": {".read": "auth.uid == $uid", ".write": "auth.uid == $uid"}},
        "dinosaurs": {".read": True, ".indexOn": ["height", "size/weight"]},
        "scores": {".read": True, ".indexOn": ".value"},
        "doors": {"$id": {".read": "root.child('open/' + $id).val() == true"}},
    }
}


@pytest.fixture
def sim():
    with Simulator(rules=OWNERS) as simulator:
        yield simulator


def call(sim, method, path, data=None, **arguments):
    body = data if data is None or isinstance(data, str) else json.dumps(data)
    with requests.Session() as session:
        # Without what the environment may have as credentials.
        session.trust_env = False
        return session.request(method, sim.url + path, data=body, timeout=DEADLINE_SECONDS, **arguments)






DENIED = (401, {"error": "Permission denied"})


def outcome(answer):
    return answer.status_code, answer.json()


def test_each_user_has_a_place_and_no_other(sim):
    token = id_token("u1")
    assert outcome(call(sim, "PUT", f"/users/u1/name.json?auth={token}", "Ann".join('""'))) == (200, "Ann")
    assert outcome(call(sim, "GET", f"/users/u1.json?auth={token}")) == (200, {"name": "Ann"})
    for method, path, data in [
        ("GET", "/users/u2.json", None),
        ("GET", "/users.json", None),
        ("PUT", "/users/u2.json", 1),
        ("POST", "/users/u2.json", 1),
        ("DELETE", "/users/u2.json", None),
        ("PATCH", "/users.json", {"u1/x": 1, "u2/x": 1}),
        ("PUT", "/public.json", 1),
    ]:
        assert outcome(call(sim, method, f"{path}?auth={token}", data)) == DENIED
        assert outcome(call(sim, method, path, data)) == DENIED
    assert sim.get() == {"users": {"u1": {"name": "Ann"}}}
    assert call(sim, "PATCH", f"/users.json?auth={token}", {"u1/x": 1, "u1/y": 2}).status_code == 200
    assert call(sim, "GET", "/public.json").status_code == 200


def test_an_update_of_nothing_is_judged_as_a_write_of_its_place(sim):
    token = id_token("u1")
    sim.set("users/u1/name", "Ann")
    for path in ("/users/u2.json", "/users.json", "/public.json", "/.json"):
        assert outcome(call(sim, "PATCH", f"{path}?auth={token}", "{}")) == DENIED
        assert outcome(call(sim, "PATCH", path, "{}")) == DENIED
    assert outcome(call(sim, "PATCH", f"/users/u1.json?auth={token}", "{}")) == (200, {})
    assert outcome(call(sim, "PATCH", "/users.json?access_token=ya29.x", "{}")) == (200, {})
    assert sim.get() == {"users": {"u1": {"name": "Ann"}}}


def test_an_administrator_is_stopped_by_no_rule_unless_he_plays_a_user(sim):
    for credential in ("access_token=ya29.x", "auth=database-secret"):
        assert call(sim, "PUT", f"/users/u2.json?{credential}", 1).status_code == 200
    assert call(sim, "PUT", "/public.json", 1, headers={"Authorization": "Bearer owner"}).status_code == 200
    played = '&auth_variable_override={"uid":"u1"}'
    assert outcome(call(sim, "GET", f"/users/u2.json?access_token=ya29.x{played}")) == DENIED
    assert call(sim, "GET", f"/users/u1.json?access_token=ya29.x{played}").status_code == 200


def test_a_condition_does_not_show_what_may_not_be_read():
    with Simulator(rules={"rules": {"a": {".write": True}}}) as sim:
        sim.set("a", "secret")
        assert outcome(call(sim, "PUT", "/a.json", 1, headers={"if-match": "x"})) == DENIED
        assert call(sim, "PUT", "/a.json", 1).status_code == 200


@pytest.mark.parametrize(
    ("path", "order", "index"),
    [("dinosaurs", "weight", "weight"), ("scores", "height", "height"), ("dinosaurs", "$value", ".value")],
)
@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}])
def test_a_query_without_an_index_is_told_which_to_add(sim, path, order, index, headers):
    answer = call(sim, "GET", f'/{path}.json?orderBy="{order}"', headers=headers)
    text = f'Index not defined, add ".indexOn": "{index}", for path "/{path}", to the rules'
    assert outcome(answer) == (400, {"error": text})


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("dinosaurs", "height"),
        ("dinosaurs", "size/weight"),
        ("scores", "$value"),
        ("dinosaurs", "$key"),
        ("scores", "$priority"),
    ],
)
def test_a_query_with_an_index_is_answered(sim, path, order):
    assert outcome(call(sim, "GET", f'/{path}.json?orderBy="{order}"')) == (200, None)


def read_event(stream):
    return tuple(stream.raw.readline().decode().strip() for _ in range(3))[:2]


def test_a_stream_ends_when_the_data_or_the_rules_no_longer_let_it_read(sim):
    cancelled = ("event: cancel", 'data: "Permission denied."')
    stream_of = {"headers": {"Accept": "text/event-stream"}, "stream": True}
    assert outcome(call(sim, "GET", "/doors/a.json", **stream_of)) == DENIED
    for end in (lambda: sim.set("open/a", False), lambda: sim.set_rules({"rules": {}})):
        sim.set("open/a", True)
        with requests.get(sim.url + "/doors/a.json", timeout=DEADLINE_SECONDS, **stream_of) as stream:
            assert read_event(stream)[0] == "event: put"
            sim.set("doors/a", 1)
            assert read_event(stream) == ("event: put", 'data: {"path":"/","data":1}')
            end()
            assert read_event(stream) == cancelled
            assert stream.raw.read() == b""
        assert sim.open_streams == 0


# Streams and the end of their tokens


REVOKED = ("event: auth_revoked", "data: credential is no longer valid")


def token_until(expires):
    return jwt({"sub": "u1", "exp": expires})


def open_stream(sim, path):
    return requests.get(sim.url + path, headers={"Accept": "text/event-stream"}, stream=True, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("document", [None, OWNERS])
def test_a_stream_is_revoked_when_its_token_expires_and_no_sooner(document):
    with Simulator(rules=document) as sim:
        expires = time.time() + 1.5
        address = f"/users/u1.json?auth={token_until(expires)}"
        with open_stream(sim, address) as stream, open_stream(sim, "/users/u1.json?access_token=ya29.x") as other:
            assert read_event(stream)[0] == read_event(other)[0] == "event: put"
            sim.set("users/u1", 1)
            assert read_event(stream) == read_event(other) == ("event: put", 'data: {"path":"/","data":1}')
            assert read_event(stream) == REVOKED
            assert expires <= time.time() < expires + DEADLINE_SECONDS
            assert stream.raw.read() == b""
            assert sim.open_streams == 1
            sim.set("users/u1", 2)
            assert read_event(other) == ("event: put", 'data: {"path":"/","data":2}')
        for headers in ({}, {"Accept": "text/event-stream"}):
            assert outcome(call(sim, "GET", address, headers=headers)) == (401, {"error": "Auth token is expired"})


@pytest.mark.parametrize("expires", [float("nan"), float("inf"), 10**400, 4e9, "soon", None])
def test_a_stream_lasts_whose_token_names_no_time_that_comes(sim, expires):
    with open_stream(sim, f"/users/u1.json?auth={token_until(expires)}") as stream:
        assert read_event(stream)[0] == "event: put"
        sim.set("users/u1", 1)
        assert read_event(stream) == ("event: put", 'data: {"path":"/","data":1}')
        assert sim.open_streams == 1


def test_a_stream_that_has_been_cancelled_is_not_revoked_too(sim, caplog):
    sim.fault("slow", ms=10)
    expires = time.time() + 1.5
    target = f"/users/u1.json?auth={token_until(expires)}"
    with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
        while sim.cancel_streams() == 0:
            assert time.time() < expires, "the stream did not open in time"
        words = "".join(iter(lambda: connection.recv(65536).decode(), ""))
        assert time.time() > expires, "the token was to expire while the last words were on their way"
    assert words.endswith('event: cancel\ndata: "Permission denied."\n\n')
    assert "auth_revoked" not in words
    assert caplog.text == ""


# Reading and writing rules


ADMIN = {"Authorization": "Bearer owner"}
COMMENTED = '{ // who\n  "rules": { ".read": "auth.uid == \'a//b\'" /* only */ }\n}'


def test_rules_are_written_and_read_back_as_they_are():
    with Simulator() as sim:
        open_rules = {"rules": {".read": True, ".write": True}}
        assert call(sim, "GET", "/.settings/rules.json").json() == open_rules
        assert outcome(call(sim, "PUT", "/.settings/rules.json", COMMENTED)) == (200, {"status": "ok"})
        assert call(sim, "GET", "/.settings/rules.json", headers=ADMIN).text == COMMENTED
        strict = call(sim, "GET", "/.settings/rules.json?format=strict", headers=ADMIN)
        assert strict.json() == {"rules": {".read": "auth.uid == 'a//b'"}}
        assert outcome(call(sim, "GET", "/a.json")) == DENIED
        assert call(sim, "GET", f"/a.json?auth={id_token('a//b')}").status_code == 200


def test_rules_belong_to_one_database():
    with Simulator(rules=OWNERS) as sim:
        assert call(sim, "PUT", "/users/u1.json?ns=another", 1).status_code == 200
        sim.set_rules({"rules": {}}, namespace="another")
        assert outcome(call(sim, "PUT", "/users/u1.json?ns=another", 1)) == DENIED


def test_rules_and_settings_are_there_after_a_restart(tmp_path):
    file = tmp_path / "data.json"
    with Simulator(data_file=file) as sim:
        call(sim, "PUT", "/.settings/defaultWriteSizeLimit.json", '"small"')
        call(sim, "PUT", "/.settings/rules.json", COMMENTED)
        sim.set("a", 1)
    with Simulator(data_file=file) as sim:
        assert outcome(call(sim, "GET", "/a.json")) == DENIED
        assert call(sim, "GET", "/.settings/rules.json", headers=ADMIN).text == COMMENTED
        assert call(sim, "GET", "/.settings/defaultWriteSizeLimit.json", headers=ADMIN).json() == "small"
        assert sim.get() == {"a": 1}
        sim.set_rules(None)
    with Simulator(data_file=file) as sim:
        assert outcome(call(sim, "GET", "/a.json")) == (200, 1)
    with Simulator(data_file=file, rules={"rules": {}}) as sim:
        assert outcome(call(sim, "GET", "/a.json")) == DENIED


def test_only_an_administrator_may_see_or_change_rules(sim):
    for credential in ("", f"?auth={id_token('u1')}"):
        assert outcome(call(sim, "GET", f"/.settings/rules.json{credential}")) == DENIED
        assert outcome(call(sim, "PUT", f"/.settings/rules.json{credential}", {"rules": {".read": True}})) == DENIED


def test_a_dry_run_checks_and_changes_nothing(sim):
    everything = {"rules": {".read": True, ".write": True}}
    assert call(sim, "PUT", "/.settings/rules.json?dryRun=true", everything, headers=ADMIN).json() == {"status": "ok"}
    assert outcome(call(sim, "GET", "/users.json")) == DENIED
    wrong = {"rules": {".read": "nonsense"}}
    assert call(sim, "PUT", "/.settings/rules.json?dryRun=true", wrong, headers=ADMIN).status_code == 400


@pytest.mark.parametrize("body", ['{"rules":{".read":"nonsense"}}', "{", "[]", "", "\udcff"])
def test_bad_rules_are_refused_with_a_reason_and_the_old_ones_stay(sim, body):
    data = body.encode("utf-8", "surrogateescape")
    answer = requests.put(sim.url + "/.settings/rules.json", data=data, headers=ADMIN, timeout=DEADLINE_SECONDS)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert call(sim, "GET", "/public.json").status_code == 200
    assert outcome(call(sim, "GET", "/users.json")) == DENIED


def test_a_wrong_rules_argument_is_told():
    with pytest.raises(ValueError, match="nonsense"):
        Simulator(rules={"rules": {".read": "nonsense"}})


# Credentials by their shape

AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
CUSTOM = {"aud": AUDIENCE, "uid": "u"}


@pytest.mark.parametrize("document", [None, OWNERS])
@pytest.mark.parametrize(
    ("query", "text"),
    [
        (f"access_token={jwt({'sub': 'u'})}", "Unauthorized request."),
        (f"access_token={jwt(CUSTOM)}", "Unauthorized request."),
        ("auth=ya29.an-oauth2-token", "Could not parse auth token."),
        (f"auth={jwt(CUSTOM)}", "Missing claim 'kid' in auth header."),
        (f"auth={jwt({'sub': 'u'}, {'alg': 'RS256'})}", "Missing claim 'kid' in auth header."),
        (f"auth={jwt({'sub': 'u', 'exp': 1})}", "Auth token is expired"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}])
def test_a_credential_of_the_wrong_kind_is_refused_in_the_service_words(document, query, text, headers):
    with Simulator(rules=document) as sim:
        assert outcome(call(sim, "GET", f"/public.json?{query}", headers=headers)) == (401, {"error": text})


def test_an_id_token_as_bearer_is_refused(sim):
    answer = call(sim, "GET", "/public.json", headers={"Authorization": f"Bearer {id_token('u')}"})
    assert outcome(answer) == (401, {"error": "Unauthorized request."})


def test_an_unsigned_token_of_the_emulator_is_a_users(sim):
    token = jwt({"sub": "u1", "exp": time.time() + 3600}, {"alg": "none"})
    assert call(sim, "PUT", f"/users/u1.json?auth={token}", 1).status_code == 200


def test_with_a_token_and_rules_only_that_token_and_nobody_at_all_pass():
    with Simulator(token="the-token", rules=OWNERS) as sim:
        assert call(sim, "GET", "/public.json").status_code == 200
        assert outcome(call(sim, "GET", "/users.json")) == DENIED
        assert call(sim, "GET", "/users.json?auth=the-token").status_code == 200
        assert outcome(call(sim, "GET", "/public.json?auth=other")) == (401, {"error": "Could not parse auth token."})
