"""The simulator's Firestore: who may what, transactions, the past, faults, and what production refuses."""

import base64
import datetime
import json
import math
import time

import pytest
import requests
from clients import wait_until

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.firestore import transactions
from flamelet_tools.simulator.firestore.documents import Refused
from flamelet_tools.simulator.firestore.plain import GeoPoint, Reference

DEADLINE_SECONDS = 10
SCOPE = "https://www.googleapis.com/auth/datastore"
ROOT = "projects/demo/databases/(default)/documents"
OWNER = {"Authorization": "Bearer owner"}
DENIED = "Missing or insufficient permissions."


def call(sim, method, path, body=None, headers=OWNER, **parameters):
    """The answer; `path` follows .../documents."""
    return requests.request(
        method,
        f"{sim.url}/v1/{ROOT}{path}",
        data=json.dumps(body) if isinstance(body, dict) else body,
        params=parameters,
        headers=headers,
        timeout=DEADLINE_SECONDS,
    )


def post(sim, verb, body=None, headers=OWNER):
    return call(sim, "POST", ":" + verb, body or {}, headers)


def commit(sim, *writes, headers=OWNER, **more):
    return post(sim, "commit", {"writes": writes, **more}, headers)


def name(path):
    return f"{ROOT}/{path}"


def setting(path, number):
    return {"update": {"name": name(path), "fields": {"n": {"integerValue": str(number)}}}}


def begin(sim, **options):
    return post(sim, "beginTransaction", {"options": options}).json()["transaction"]


def read(sim, *paths, **more):
    return post(sim, "batchGet", {"documents": [name(path) for path in paths], **more}).json()


def number_in(element):
    return int(element["found"]["fields"]["n"]["integerValue"])


def refusal(answer):
    """Status, code and text of an error, in an array or not."""
    body = answer.json()
    error = body[0]["error"] if isinstance(body, list) else body["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["status"], error["message"]


def bearer(token):
    return {"Authorization": "Bearer " + token}


@pytest.fixture
def device(sim):
    """The header of a device with an ID token."""
    return bearer(sim.sign_in("device-1", {"site": "A"})["id_token"])


# Plain Python


def test_what_python_writes_python_reads(sim):
    fields = {
        "none": None,
        "yes": True,
        "big": 2**63 - 1,
        "half": 0.5,
        "text": "é\x00",
        "bytes": b"\x00\xff",
        "time": datetime.datetime(2024, 2, 29, 12, 0, 0, 123456, datetime.timezone.utc),
        "place": GeoPoint(0.0, -2.5),
        "other": Reference(name("cities/LA")),
        "list": [1, 1.5, "x", {"deep": []}],
        "map": {"a b": {}, "": "no"},
    }
    del fields["map"][""]
    sim.firestore.set("cities/LA", fields)
    assert sim.firestore.get("cities/LA") == fields
    assert sim.firestore.documents() == {"cities/LA": fields}
    sim.firestore.delete("cities/LA")
    assert sim.firestore.get("cities/LA") is None
    assert sim.firestore.documents() == {}


def test_doubles_that_json_lacks_are_kept(sim):
    sim.firestore.set("d/1", {"inf": math.inf, "minus": -math.inf, "nan": math.nan, "whole": 3.0})
    found = sim.firestore.get("d/1")
    assert (found["inf"], found["minus"]) == (math.inf, -math.inf)
    assert math.isnan(found["nan"])
    assert type(found["whole"]) is float
    # As the live service, unlike its emulator, writes it.
    assert '"doubleValue": 3\n' in call(sim, "GET", "/d/1").text


@pytest.mark.parametrize("value", [{1}, object(), datetime.datetime(2024, 1, 1)])
def test_what_has_no_form_is_refused_in_plain_python(sim, value):
    with pytest.raises(TypeError):
        sim.firestore.set("d/1", {"v": value})


@pytest.mark.parametrize("path", ["", "d", "d/1/e", "d//e/1", "d/.", "d/__x__", "d/" + "x" * 1501])
def test_a_bad_path_is_refused_in_plain_python(sim, path):
    with pytest.raises(Refused):
        sim.firestore.set(path, {})


def test_documents_below_a_collection_are_found(sim):
    for path in ("a/1", "a/1/b/2", "c/3"):
        sim.firestore.set(path, {"n": 1})
    assert set(sim.firestore.documents("a")) == {"a/1", "a/1/b/2"}
    sim.firestore.clear()
    assert sim.firestore.documents() == {}


def test_databases_are_apart(sim):
    sim.firestore.set("d/1", {"n": 1}, database="second")
    assert sim.firestore.get("d/1") is None
    url = f"{sim.url}/v1/projects/demo/databases/second/documents/d/1"
    assert requests.get(url, timeout=DEADLINE_SECONDS).json()["fields"] == {"n": {"integerValue": "1"}}


# Who asks


ADMINISTRATORS_ONLY = [
    ("POST", ":batchWrite", {"writes": []}),
    ("POST", ":beginTransaction", {}),
    ("POST", ":listCollectionIds", {}),
    ("POST", "/d/1:listCollectionIds", {}),
    ("GET", "/d?showMissing=true", None),
    ("POST", ":batchGet", {"documents": [], "newTransaction": {}}),
    ("POST", ":partitionQuery", {}),
]


@pytest.mark.parametrize("request_", ADMINISTRATORS_ONLY, ids=lambda request_: request_[1])
def test_an_id_token_may_not_do_what_production_keeps_for_administrators(sim, device, request_):
    for headers in (device, {}):
        assert refusal(call(sim, *request_, headers=headers)) == (403, "PERMISSION_DENIED", DENIED)
    if not request_[1].startswith(":partition"):
        assert call(sim, *request_).status_code == 200


def test_administration_wants_an_administrator(sim, device):
    url = f"{sim.url}/v1/projects/demo/databases"
    assert requests.get(url, headers=device, timeout=DEADLINE_SECONDS).status_code == 403
    assert requests.get(url, headers=OWNER, timeout=DEADLINE_SECONDS).status_code == 200


def test_an_id_token_may_commit_with_preconditions(sim, device):
    sim.firestore.set("d/1", {"n": 1})
    update_time = call(sim, "GET", "/d/1", headers=device).json()["updateTime"]
    verify = {"verify": name("d/1"), "currentDocument": {"updateTime": update_time}}
    assert commit(sim, verify, setting("d/2", 2), headers=device).status_code == 200
    sim.firestore.set("d/1", {"n": 3})
    assert refusal(commit(sim, verify, setting("d/2", 4), headers=device))[:2] == (400, "FAILED_PRECONDITION")
    assert sim.firestore.get("d/2") == {"n": 2}


def test_an_id_token_that_expired_is_told_so(sim):
    sim.token_seconds = 2
    given = sim.sign_in("device-1")
    headers = bearer(given["id_token"])
    assert commit(sim, setting("d/1", 1), headers=headers).status_code == 200
    wait_until(lambda: time.time() > given["expires_at"])
    answer = commit(sim, setting("d/1", 2), headers=headers)
    status, code, text = refusal(answer)
    assert (status, code) == (401, "UNAUTHENTICATED")
    assert text.startswith("Request had invalid authentication credentials. ")
    assert answer.json()["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_EXPIRED",
            "domain": "googleapis.com",
            "metadata": {"method": "google.firestore.v1.Firestore.Commit", "service": "firestore.googleapis.com"},
        }
    ]
    assert sim.firestore.get("d/1") == {"n": 1}


def test_an_access_token_that_expired_is_told_so(sim):
    sim.token_seconds = 2
    given = sim.access_token((SCOPE,))
    headers = bearer(given["access_token"])
    assert post(sim, "beginTransaction", headers=headers).status_code == 200
    wait_until(lambda: time.time() > given["expires_at"] + 1)
    answer = post(sim, "beginTransaction", headers=headers)
    assert refusal(answer)[:2] == (401, "UNAUTHENTICATED")
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"


def test_an_access_token_needs_the_scope_of_firestore(sim):
    # By default a token for the Realtime Database.
    answer = call(sim, "GET", "/d/1", headers=bearer(sim.access_token()["access_token"]))
    assert refusal(answer) == (403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    for scope in (SCOPE, "https://www.googleapis.com/auth/cloud-platform"):
        headers = bearer(sim.access_token((scope,))["access_token"])
        assert call(sim, "GET", "/d/1", headers=headers).status_code == 404


@pytest.mark.parametrize("token", ["aaa.bbb.ccc", "e30.e30.e30"])
def test_a_token_that_is_none_is_refused(sim, token):
    assert refusal(call(sim, "GET", "/d/1", headers=bearer(token)))[:2] == (401, "UNAUTHENTICATED")


def test_a_strict_simulator_takes_only_its_own_tokens():
    unsigned = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"none"}', b'{"sub":"u"}'))
    with Simulator(strict=True) as sim:
        for token in ("owner", "ya29.other", unsigned.decode() + "."):
            assert call(sim, "GET", "/d/1", headers=bearer(token)).status_code == 401
        assert call(sim, "GET", "/d/1", headers=bearer(sim.sign_in("u")["id_token"])).status_code == 404
    with Simulator() as sim:
        assert call(sim, "GET", "/d/1", headers=bearer(unsigned.decode() + ".")).status_code == 404


def test_one_token_that_is_wanted_is_the_only_one():
    with Simulator(token="secret") as sim:
        assert call(sim, "GET", "/d/1", headers=bearer("secret")).status_code == 404
        assert call(sim, "GET", "/d/1", headers=bearer("other")).status_code == 401
        assert call(sim, "GET", "/d/1", headers={}).status_code == 403


# Rules


def test_rules_see_who_wants_what():
    asked = []

    def rules(auth, method, path, document, new_document):
        asked.append((auth and (auth["uid"], auth["token"]["site"]), method, path, document, new_document))
        return path != "locked/1"

    with Simulator(firestore_rules=rules) as sim:
        headers = bearer(sim.sign_in("u", {"site": "A"})["id_token"])
        who = ("u", "A")
        writes = setting("d/1", 1), setting("d/1", 2), {"delete": name("d/1")}
        assert commit(sim, *writes, headers=headers).status_code == 200
        call(sim, "GET", "/d/1", headers={})
        call(sim, "GET", "/d/1/e", headers=headers)
        group = {"structuredQuery": {"from": [{"collectionId": "e", "allDescendants": True}]}}
        post(sim, "runQuery", group, headers=headers)
        assert asked == [
            (who, "create", "d/1", None, {"n": 1}),
            (who, "update", "d/1", {"n": 1}, {"n": 2}),
            (who, "delete", "d/1", {"n": 2}, None),
            (None, "get", "d/1", None, None),
            (who, "list", "d/1/e", None, None),
            (who, "list", "**/e", None, None),
        ]
        asked.clear()
        assert commit(sim, setting("locked/1", 1)).status_code == 200
        assert asked == []
        assert refusal(commit(sim, setting("d/1", 1), setting("locked/1", 2), headers=headers))[2] == DENIED
        assert refusal(read_answer(sim, "d/1", "locked/1", headers=headers))[2] == DENIED
        assert sim.firestore.documents() == {"locked/1": {"n": 1}}


def read_answer(sim, *paths, headers):
    return post(sim, "batchGet", {"documents": [name(path) for path in paths]}, headers)


# Transactions


def test_a_transaction_whose_reads_changed_is_aborted(sim):
    sim.firestore.set("d/1", {"n": 1})
    transaction = begin(sim, readWrite={})
    assert number_in(read(sim, "d/1", transaction=transaction)[0]) == 1
    sim.firestore.set("d/1", {"n": 5})
    answer = commit(sim, setting("d/1", 2), transaction=transaction)
    assert refusal(answer) == (409, "ABORTED", transactions.CONTENTION)
    assert refusal(commit(sim, setting("d/1", 2), transaction=transaction)) == (
        400,
        "INVALID_ARGUMENT",
        transactions.CLOSED,
    )
    assert sim.firestore.get("d/1") == {"n": 5}


def test_a_transaction_whose_reads_did_not_change_is_done(sim):
    sim.firestore.set("d/1", {"n": 1})
    transaction = begin(sim, readWrite={})
    read(sim, "d/1", "d/2", transaction=transaction)
    sim.firestore.set("d/3", {"n": 5})
    assert commit(sim, setting("d/2", 2), transaction=transaction).status_code == 200
    assert sim.firestore.get("d/2") == {"n": 2}


def test_a_document_that_was_missing_and_is_there_now_aborts(sim):
    transaction = begin(sim)
    assert read(sim, "d/1", transaction=transaction)[0]["missing"] == name("d/1")
    sim.firestore.set("d/1", {"n": 5})
    assert commit(sim, setting("d/2", 2), transaction=transaction).status_code == 409


@pytest.mark.parametrize("verb", ["runQuery", "runAggregationQuery"])
def test_a_query_that_would_find_more_aborts(sim, verb):
    query = {"structuredQuery": {"from": [{"collectionId": "d"}]}}
    if verb == "runAggregationQuery":
        query = {"structuredAggregationQuery": {**query, "aggregations": [{"count": {}}]}}
    sim.firestore.set("d/1", {"n": 1})
    for changed, status in (("other/1", 200), ("d/2", 409)):
        transaction = begin(sim)
        assert post(sim, verb, {**query, "transaction": transaction}).status_code == 200
        sim.firestore.set(changed, {"n": 5})
        assert commit(sim, setting("out/1", 1), transaction=transaction).status_code == status


def test_a_listed_document_that_changed_aborts(sim):
    sim.firestore.set("d/1", {"n": 1})
    transaction = begin(sim)
    assert call(sim, "GET", "/d", transaction=transaction).status_code == 200
    sim.firestore.set("d/1", {"n": 2})
    assert commit(sim, setting("out/1", 1), transaction=transaction).status_code == 409


def test_reads_of_a_transaction_are_of_one_time(sim):
    sim.firestore.set("d/1", {"n": 1})
    transaction = begin(sim, readOnly={})
    sim.firestore.set("d/1", {"n": 2})
    assert number_in(read(sim, "d/1", transaction=transaction)[0]) == 1
    assert call(sim, "GET", "/d/1", transaction=transaction).json()["fields"]["n"] == {"integerValue": "1"}
    assert number_in(read(sim, "d/1")[0]) == 2


def test_a_read_only_transaction_writes_nothing(sim):
    answer = commit(sim, setting("d/1", 1), transaction=begin(sim, readOnly={}))
    assert refusal(answer) == (400, "INVALID_ARGUMENT", "Cannot modify entities in a read-only transaction.")


def test_a_read_begins_a_transaction(sim):
    sim.firestore.set("d/1", {"n": 1})
    first, second = read(sim, "d/1", newTransaction={"readWrite": {}})
    assert set(first) == {"transaction"}
    assert number_in(second) == 1
    sim.firestore.set("d/1", {"n": 2})
    assert commit(sim, setting("d/1", 3), transaction=first["transaction"]).status_code == 409


def test_a_transaction_is_over_after_its_commit_and_its_rollback(sim):
    committed, rolled_back = begin(sim), begin(sim)
    assert commit(sim, setting("d/1", 1), transaction=committed).status_code == 200
    assert post(sim, "rollback", {"transaction": rolled_back}).json() == {}
    for transaction in (committed, rolled_back):
        assert refusal(commit(sim, transaction=transaction))[2] == transactions.CLOSED
        answer = post(sim, "batchGet", {"documents": [name("d/1")], "transaction": transaction})
        assert refusal(answer)[2] == transactions.CLOSED


@pytest.mark.parametrize("limit", ["IDLE_MICROS", "LONGEST_MICROS"])
def test_a_transaction_ends_in_time(sim, monkeypatch, limit):
    transaction = begin(sim)
    # The clock of a store goes on by a microsecond with each request, at the least.
    monkeypatch.setattr(transactions, limit, 0)
    assert refusal(commit(sim, setting("d/1", 1), transaction=transaction))[2] == transactions.CLOSED
    assert sim.firestore.get("d/1") is None


def test_transactions_can_be_ended_by_a_test(sim):
    transaction = begin(sim)
    sim.firestore.end_transactions()
    assert refusal(commit(sim, setting("d/1", 1), transaction=transaction))[2] == transactions.CLOSED


# The past


def test_the_past_is_read_at_its_time(sim):
    times = []
    for number in (1, 2):
        times.append(commit(sim, setting("d/1", number)).json()["commitTime"])
    times.append(commit(sim, {"delete": name("d/1")}).json()["commitTime"])
    assert [call(sim, "GET", "/d/1", readTime=moment).status_code for moment in times] == [200, 200, 404]
    assert [number_in(read(sim, "d/1", readTime=moment)[0]) for moment in times[:2]] == [1, 2]
    assert times == sorted(set(times))


def test_a_read_time_out_of_reach_is_refused(sim):
    assert refusal(call(sim, "GET", "/d/1", readTime="2020-01-01T00:00:00Z"))[1] == "FAILED_PRECONDITION"
    assert refusal(call(sim, "GET", "/d/1", readTime="2999-01-01T00:00:00Z"))[1] == "INVALID_ARGUMENT"
    assert refusal(call(sim, "GET", "/d/1", readTime="yesterday"))[1] == "INVALID_ARGUMENT"


def test_a_past_that_is_out_of_reach_is_forgotten(sim, monkeypatch):
    for number in range(20):
        commit(sim, setting("d/1", number))
        commit(sim, setting("d/2", number), {"delete": name("d/2")})
        commit(sim, {"delete": name("d/2")})
    store = sim._state.firestore.store("projects/demo/databases/(default)")
    assert len(store._versions[("d", "1")]) == 20
    monkeypatch.setattr("flamelet_tools.simulator.firestore.store.HISTORY_MICROS", 0)
    commit(sim, setting("d/3", 1))
    assert {path: len(versions) for path, versions in store._versions.items()} == {("d", "1"): 1, ("d", "3"): 1}
    assert sim.firestore.get("d/1") == {"n": 19}


# Lists


def test_pages_are_of_one_time_and_in_order(sim):
    for number in range(7):
        sim.firestore.set(f"d/{number}", {"n": number})
    first = call(sim, "GET", "/d", pageSize=3, orderBy="n desc").json()
    sim.firestore.delete("d/2")
    sim.firestore.set("d/9", {"n": -1})
    found, page = list(first["documents"]), first
    while "nextPageToken" in page:
        page = call(sim, "GET", "/d", pageSize=3, orderBy="n desc", pageToken=page["nextPageToken"]).json()
        found += page.get("documents", [])
    assert [document["name"][-1] for document in found] == list("6543210")


def test_a_list_has_20_documents_unless_more_are_asked_for_and_300_at_most(sim):
    for start in range(0, 400, 100):
        commit(sim, *(setting(f"d/{number:03}", number) for number in range(start, start + 100)))
    assert [len(call(sim, "GET", "/d", pageSize=size).json()["documents"]) for size in (0, 299, 1000)] == [20, 299, 300]


def test_documents_that_only_have_others_below_them_are_shown_when_asked_for(sim):
    sim.firestore.set("d/ghost/e/1", {"n": 1})
    sim.firestore.set("d/there", {"n": 1})
    assert [document["name"] for document in call(sim, "GET", "/d").json()["documents"]] == [name("d/there")]
    ghost, there = call(sim, "GET", "/d", showMissing="true").json()["documents"]
    assert ghost == {"name": name("d/ghost")}
    assert "createTime" in there


def test_collections_come_in_pages(sim):
    for path in ("b/1", "a/1/x/1", "é/1", "c/1"):
        sim.firestore.set(path, {})
    found, token = [], ""
    while token is not None:
        page = post(sim, "listCollectionIds", {"pageSize": 2, "pageToken": token}).json()
        found += page.get("collectionIds", [])
        token = page.get("nextPageToken")
    assert found == ["a", "b", "c", "é"]
    assert call(sim, "POST", "/a/1:listCollectionIds", {}).json() == {"collectionIds": ["x"]}


@pytest.mark.parametrize("token", ["zzz", "e30=", base64.b64encode(b'["x",1]').decode()])
def test_a_page_token_of_another_is_refused(sim, token):
    assert refusal(call(sim, "GET", "/d", pageToken=token)) == (400, "INVALID_ARGUMENT", "invalid page token")


# Batches


def test_a_batch_does_what_it_can_and_says_so_for_each_write(sim):
    missing = {"delete": name("d/2"), "currentDocument": {"exists": True}}
    answer = post(sim, "batchWrite", {"writes": [setting("d/1", 1), missing, setting("d/3", 3)]})
    assert answer.status_code == 200
    assert [status.get("code", 0) for status in answer.json()["status"]] == [0, 5, 0]
    assert sim.firestore.documents() == {"d/1": {"n": 1}, "d/3": {"n": 3}}


def test_a_batch_writes_a_document_once_and_500_at_most(sim):
    assert post(sim, "batchWrite", {"writes": [setting("d/1", 1)] * 2}).status_code == 400
    for count, status in ((500, 200), (501, 400)):
        writes = [setting(f"d/{number}", number) for number in range(count)]
        assert post(sim, "batchWrite", {"writes": writes}).status_code == status
    assert commit(sim, *writes).status_code == 200


# Bad input


BAD_BODIES = [
    b"",
    b"[]",
    b"null",
    b'{"writes": 1}',
    b'{"writes": [1]}',
    b'{"zzz": 1}',
    b"\xff",
    b"[" * 100_000,
    b'{"writes": [{"update": {"name": 1}}]}',
]


@pytest.mark.parametrize("body", BAD_BODIES[1:], ids=lambda body: repr(body[:20]))
def test_a_bad_body_is_refused(sim, body):
    assert refusal(call(sim, "POST", ":commit", body))[:2] == (400, "INVALID_ARGUMENT")


BAD_VALUES = [
    {"doubleValue": math.nan},
    {"doubleValue": "1e999"},
    {"doubleValue": "x"},
    {"integerValue": "9223372036854775808"},
    {"integerValue": True},
    {"booleanValue": 1},
    {"stringValue": 1},
    {"stringValue": "\ud800"},
    {"bytesValue": "*"},
    {"timestampValue": "2024-02-30T00:00:00Z"},
    {"referenceValue": "cities/LA"},
    {"geoPointValue": {"latitude": "NaN"}},
    {"arrayValue": {"values": {}}},
    {"mapValue": {"fields": {"": {"nullValue": None}}}},
    {"otherValue": 1},
    {"integerValue": "1", "stringValue": "x"},
]


@pytest.mark.parametrize("value", BAD_VALUES, ids=repr)
def test_a_bad_value_is_refused(sim, value):
    assert refusal(call(sim, "PATCH", "/d/1", {"fields": {"v": value}}))[:2] == (400, "INVALID_ARGUMENT")
    assert sim.firestore.documents() == {}


def nested(depth):
    value = {"integerValue": "1"}
    for _ in range(depth):
        value = {"mapValue": {"fields": {"m": value}}}
    return value


def test_a_document_has_20_levels_and_one_mebibyte_at_most(sim):
    assert call(sim, "PATCH", "/d/1", {"fields": {"v": nested(20)}}).status_code == 200
    assert call(sim, "PATCH", "/d/1", {"fields": {"v": nested(21)}}).status_code == 400
    # 16 + (1 + 1) + (1 + 1) for the name, 32 for the document, 1 + 1 for the field's name and 1 for the end of a text.
    room = 1_048_576 - 20 - 32
    halves = {"fields": {"a": {"stringValue": "x" * 500_000}, "b": {"stringValue": "x" * (room - 500_000 - 6)}}}
    assert call(sim, "PATCH", "/d/1", halves).status_code == 200
    halves["fields"]["a"]["stringValue"] += "x"
    text = f'Document "{name("d/1")}" cannot be written because its size (1,048,577 bytes) exceeds the maximum allowed'
    assert refusal(call(sim, "PATCH", "/d/1", halves))[2].startswith(text)


def test_a_parameter_that_there_is_not_is_refused(sim):
    assert 'Unknown name "zzz"' in refusal(call(sim, "GET", "/d/1", zzz="1"))[2]
    assert 'Unknown name "pageSize"' in refusal(call(sim, "GET", "/d/1", pageSize="1"))[2]


def test_a_path_that_means_nothing_is_answered_by_a_page(sim):
    for method, path in (("GET", ""), ("POST", ":fly"), ("PUT", "/d/1"), ("GET", ":commit")):
        answer = call(sim, method, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


# The wire


def test_streaming_methods_wrap_their_errors_in_an_array(sim):
    for verb in ("batchGet", "runQuery", "runAggregationQuery"):
        assert isinstance(post(sim, verb, {"zzz": 1}).json(), list)
    assert isinstance(post(sim, "commit", {"zzz": 1}).json(), dict)


def test_an_answer_is_compact_when_asked_for(sim):
    sim.firestore.set("d/1", {"n": 1})
    assert call(sim, "GET", "/d/1", prettyPrint="false").text.startswith('{"name":"projects/demo/')
    assert call(sim, "GET", "/d/1").text.startswith('{\n  "name": "projects/demo/')


def test_a_method_may_be_given_by_its_header(sim):
    headers = {**OWNER, "X-HTTP-Method-Override": "PATCH"}
    body = {"fields": {"n": {"integerValue": "1"}}}
    assert call(sim, "POST", "/d/1", body, headers).status_code == 200
    assert sim.firestore.get("d/1") == {"n": 1}


def test_requests_are_recorded_without_their_tokens(sim, device):
    call(sim, "GET", "/d/1", headers=device, access_token="secret")
    [record] = sim.requests
    assert (record.method, record.path, record.status) == ("GET", f"/v1/{ROOT}/d/1", 404)
    assert "secret" not in record.query
    assert record.headers["Authorization"] == "REDACTED"


def test_faults_find_requests_by_their_paths(sim):
    sim.fault("unavailable", path=f"/v1/{ROOT}/d", count=1)
    assert call(sim, "GET", "/other/1").status_code == 404
    assert refusal(call(sim, "GET", "/d/1")) == (503, "UNAVAILABLE", "The service is currently unavailable.")
    sim.fault("drop_after", method="POST", path=f"/v1/{ROOT}:commit", count=1)
    with pytest.raises(requests.ConnectionError):
        commit(sim, setting("d/1", 1))
    assert sim.firestore.get("d/1") == {"n": 1}


ERRORS = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 409: "ABORTED", 429: "RESOURCE_EXHAUSTED"}
ERRORS |= {500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


@pytest.mark.parametrize("status", ERRORS)
def test_any_error_can_be_had(sim, status):
    sim.fault("error", status=status, count=2)
    assert refusal(commit(sim, setting("d/1", 1)))[:2] == (status, ERRORS[status])
    assert isinstance(post(sim, "batchGet").json(), list)
    assert sim.firestore.documents() == {}
    assert commit(sim, setting("d/1", 1)).status_code == 200


def test_an_error_that_there_is_not_is_no_fault(sim):
    with pytest.raises(ValueError, match="status must be one of"):
        sim.fault("error", status=418)


def test_the_emulators_way_to_empty_a_database_works(sim):
    sim.firestore.set("d/1", {})
    url = f"{sim.url}/emulator/v1/{ROOT}"
    assert requests.delete(url, timeout=DEADLINE_SECONDS).status_code == 200
    assert sim.firestore.documents() == {}
