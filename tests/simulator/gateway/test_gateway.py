"""The simulator's endpoints of Firebase Express SDK: against its recorded answers, and beyond them."""

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from calling import call
from click.testing import CliRunner

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.cli import sim as command

DEADLINE_SECONDS = 10
RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "gateway"
NAMES = ["name", "age", "email"]
JANE = {"name": "Jane Doe", "age": 28, "email": "jane@example.com"}
ZOE = {"name": "Zoë 😀", "age": 41, "email": "zoe@example.com"}
JANE_ID, ZOE_ID = "abTMkEZAHXfZE6BjgxfB", "BCQM4y4qH5HkMUceYhdA"
ADULTS = {"attribute": "age", "operator": ">=", "value": 18, "orderBy": "age", "order": "desc"}


def action(endpoint, method="GET", **more):
    return {"collection": "users", "endpoint": endpoint, "method": method, **more}


def by_id(endpoint, *methods):
    return [action(endpoint, method, paramKey="id") for method in methods]


GATEWAY = {
    "collections": {"users": NAMES},
    "actions": [
        action("/api/users"),
        action("/api/users", "POST"),
        *by_id("/api/users/:id", "GET", "PUT", "PATCH", "DELETE"),
        action("/api/adults", query=ADULTS),
        action("/api/oldest", query={"orderBy": "age", "order": "desc", "limit": 1}),
        action("/api/named/:name", paramKey="name", query={"operator": "=="}),
        action("/api/none/:name", "PUT", paramKey="id"),
        action("/api/none", "DELETE"),
    ],
}


@pytest.fixture
def api():
    with Simulator(project="demo-test", gateway=GATEWAY) as sim:
        yield sim


def fill(sim):
    sim.firestore.set(f"users/{JANE_ID}", JANE)
    sim.firestore.set(f"users/{ZOE_ID}", ZOE)


def raw(sim, request):
    """The whole answer to the bytes of a request, as (head, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=DEADLINE_SECONDS)
    connection.connect()
    connection.sock.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.sock.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        body += connection.sock.recv(65536)
    connection.close()
    return head, body


# What was sent: the method, the path, the body as JSON (None: there is none), and its type where it is another.
REQUESTS = {
    "001_list_empty": ("GET", "/api/users", None),
    "003_create_second": ("POST", "/api/users", ZOE),
    "005_get": ("GET", f"/api/users/{JANE_ID}", None),
    "007_query_preset": ("GET", "/api/adults", None),
    "008_get_missing": ("GET", "/api/users/xyz", None),
    "009_replace": ("PUT", f"/api/users/{JANE_ID}", {"name": "Jane", "age": 29, "email": "j@x"}),
    "010_replace_upserts": ("PUT", "/api/users/newput", {"name": "N", "age": 29, "email": "j@x"}),
    "011_update": ("PATCH", f"/api/users/{JANE_ID}", {"age": 30}),
    "012_update_missing": ("PATCH", "/api/users/nope", {"age": 30}),
    "013_update_no_schema_key": ("PATCH", f"/api/users/{JANE_ID}", {"role": 1}),
    "014_update_extra_key": ("PATCH", f"/api/users/{JANE_ID}", {"age": 3, "role": 1}),
    "016_replace_missing_keys": ("PUT", f"/api/users/{JANE_ID}", {"name": "a"}),
    "017_create_missing_keys": ("POST", "/api/users", {"name": "a", "age": 3}),
    "018_create_extra_key": ("POST", "/api/users", {"name": "a", "age": 3, "email": "e", "role": 1}),
    "019_create_falsy_counts_missing": ("POST", "/api/users", {"name": "a", "age": 0, "email": "e"}),
    "020_delete": ("DELETE", f"/api/users/{JANE_ID}", None),
    "021_delete_missing": ("DELETE", "/api/users/nope", None),
    "022_unknown_route_html": ("GET", "/api/none", None),
    "024_wrong_content_type": ("POST", "/api/users", {"name": "a", "age": 3, "email": "e"}, "text/plain"),
}


def request_of(name):
    method, path, value, *kind = REQUESTS[name]
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:3457\r\n"
    if value is None:
        return f"{head}\r\n".encode()
    body = json.dumps(value)
    kind = kind[0] if kind else "application/json"
    return f"{head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_each_recording_has_its_request():
    assert sorted(REQUESTS) == sorted(path.stem for path in RECORDINGS.glob("*.response"))


@pytest.mark.parametrize("name", REQUESTS)
def test_each_recorded_answer_is_the_simulator_s_but_for_ids_and_dates(api, name):
    if name != "001_list_empty":
        fill(api)
    head, body = raw(api, request_of(name))
    recorded_head, _, recorded_body = (RECORDINGS / f"{name}.response").read_bytes().partition(b"\r\n\r\n")
    variable = [rb"(Date:) .*"]
    if name == "003_create_second":
        # The ETag is that of the body, which has the id.
        variable += [rb'("id":)"[A-Za-z0-9]{20}"', rb"(ETag:) .*"]
    for pattern in variable:
        head, body, recorded_head, recorded_body = (
            re.sub(pattern, rb"\1", part) for part in (head, body, recorded_head, recorded_body)
        )
    assert (head, body) == (recorded_head, recorded_body)


def test_what_is_written_is_read_by_a_list_by_its_id_and_by_firestore(api):
    created = call(api, "POST", "/api/users", JANE, headers={"Content-Type": "application/json"}).json()
    id = created["data"]["id"]
    assert call(api, "GET", f"/api/users/{id}").json() == {"status": "success", "data": {"id": id, **JANE}}
    assert call(api, "GET", "/api/users").json() == {"status": "success", "data": [{"id": id, **JANE}]}
    assert api.firestore.get(f"users/{id}") == JANE
    for method, data in (("PATCH", {"age": 30}), ("PUT", ZOE), ("DELETE", None)):
        call(api, method, f"/api/users/{id}", data, headers={"Content-Type": "application/json"})
        assert api.firestore.get(f"users/{id}") == {"PATCH": {**JANE, "age": 30}, "PUT": ZOE, "DELETE": None}[method]


def test_a_parameter_with_a_query_gives_a_list_with_a_message(api):
    fill(api)
    for name, found in (("Jane%20Doe", [{"id": JANE_ID, **JANE}]), ("nobody", [])):
        answer = call(api, "GET", f"/api/named/{name}").json()
        assert answer == {"status": "success", "data": found, "message": f"Found {len(found)} documents"}


def test_a_query_of_the_server_has_its_order_and_limit(api):
    fill(api)
    assert call(api, "GET", "/api/oldest").json()["data"] == [{"id": ZOE_ID, **ZOE}]


def write(api, method, path, body, kind="application/json"):
    headers = {"Content-Type": kind}
    return requests.request(method, api.url + path, data=body, headers=headers, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("value", [0, "", False, None, 0.0])
def test_what_is_falsy_counts_as_missing(api, value):
    for method, path in (("POST", "/api/users"), ("PUT", "/api/users/a")):
        answer = write(api, method, path, json.dumps({**JANE, "age": value})).json()
        assert answer == {"status": "ERROR", "message": "Missed keys: age"}
    answer = write(api, "PATCH", "/api/users/a", json.dumps({"age": value})).json()
    assert answer["status"] == "error"
    assert answer["message"].startswith("Your request body must have at least one key")
    assert api.firestore.documents() == {}


@pytest.mark.parametrize("value", [[], {}, "0", -1, [0]])
def test_what_javascript_calls_true_does_not(api, value):
    assert write(api, "PUT", "/api/users/a", json.dumps({**JANE, "age": value})).json()["status"] == "success"
    assert api.firestore.get("users/a")["age"] == value


def test_extra_keys_are_told_before_missing_ones(api):
    for method, path in (("POST", "/api/users"), ("PUT", "/api/users/a")):
        answer = write(api, method, path, '{"x": 1, "name": "n", "y": 0}').json()
        assert answer == {"status": "ERROR", "message": "Don't use these keys: x, y: they are not in the schema"}


@pytest.mark.parametrize("body", ["{", "nothing", '"text"', "5", '{"a": NaN}', "[" * 100_000])
def test_a_body_that_is_no_json_object_or_array_is_400_in_html(api, body):
    answer = write(api, "POST", "/api/users", body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "<pre>Bad Request</pre>" in answer.text


def test_of_an_array_the_indices_are_the_keys(api):
    answer = write(api, "POST", "/api/users", '["a"]').json()
    assert answer["message"] == "Don't use these keys: 0: they are not in the schema"


def test_a_body_of_more_than_a_hundred_kilobytes_is_413(api):
    assert write(api, "POST", "/api/users", json.dumps({**JANE, "name": "x" * 102_400})).status_code == 413
    assert write(api, "POST", "/api/users", json.dumps({**JANE, "name": "x" * 102_000})).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/json-patch+json", ""])
def test_without_the_type_of_json_a_body_is_ignored(api, kind):
    assert write(api, "POST", "/api/users", json.dumps(JANE), kind).json()["message"] == "Missed keys: name, age, email"
    assert write(api, "POST", "/api/users", json.dumps(JANE), "Application/JSON; charset=utf-8").json()["data"]["id"]


@pytest.mark.parametrize(
    ("sent", "stored", "shown"),
    [("28.0", 28, "28"), ("0.5", 0.5, "0.5"), ("9007199254740993", 9007199254740992.0, "9007199254740992"),
     ("1e300", 1e300, "1e+300"), ("-1", -1, "-1")],
)  # fmt: skip
def test_numbers_are_those_of_javascript(api, sent, stored, shown):
    write(api, "PUT", "/api/users/a", f'{{"name": "n", "age": {sent}, "email": "e"}}')
    found = api.firestore.get("users/a")["age"]
    assert (found, type(found)) == (stored, type(stored))
    assert f'"age":{shown}' in call(api, "GET", "/api/users/a").text


def test_a_route_wants_its_parameter(api):
    for method, path, key in (("PUT", "/api/none/x", "id"), ("DELETE", "/api/none", "undefined")):
        answer = write(api, method, path, json.dumps(JANE)).json()
        endpoint = "/api/none/:name" if method == "PUT" else "/api/none"
        text = f"Your endpoint should have a param with key '{key}', currently it looks like this: {endpoint}"
        assert answer == {"status": "error", "message": text}


def test_routes_are_matched_as_express_does(api):
    fill(api)
    for path in ("/api/users/", "/API/Users", "/api/users?x=1"):
        assert len(call(api, "GET", path).json()["data"]) == 2, path
    for method, path in (("GET", "/"), ("GET", "/api//users"), ("POST", "/api/adults"), ("GET", "/api/users/a/b")):
        answer = call(api, method, path)
        assert answer.status_code == 404
        assert f"<pre>Cannot {method} {path}</pre>" in answer.text
    assert call(api, "HEAD", "/api/users").status_code == 200


def test_an_id_of_any_characters_is_one_document(api):
    for id, quoted in (("a b", "a%20b"), ("grün", "gr%C3%BCn"), ("a.b", "a.b"), ("50%", "50%25")):
        assert write(api, "PUT", f"/api/users/{quoted}", json.dumps(JANE)).json()["status"] == "success"
        assert api.firestore.get(f"users/{id}") == JANE
    assert call(api, "GET", "/api/users/%ff").status_code == 400
    assert call(api, "GET", "/api/users/a%2Fb").status_code == 500


def test_what_firestore_refuses_is_told_with_its_code(api):
    answer = write(api, "PUT", "/api/users/__a__", json.dumps(JANE))
    assert answer.status_code == 200
    assert answer.json()["status"] == "error"
    assert answer.json()["message"].startswith("3 INVALID_ARGUMENT: ")


def test_a_token_is_wanted_by_what_stands_in_front():
    with Simulator(gateway=GATEWAY, token="ya29.good") as sim:
        for given, status in (("ya29.good", 200), ("ya29.bad", 401), (None, 401)):
            headers = {"Authorization": f"Bearer {given}"} if given else {}
            assert call(sim, "GET", "/api/users", headers=headers).status_code == status


def test_the_other_services_are_served_beside_it(api):
    assert call(api, "PUT", "/a.json", 1).json() == 1
    assert call(api, "GET", "/v1/projects/demo-test/databases/(default)/documents/users").json() == {}


def test_faults_are_shown_by_path_and_method(api):
    api.fault("unavailable", path="/api/users", method="GET", count=1, retry_after=7)
    assert call(api, "GET", "/api/adults").status_code == 200
    answer = call(api, "GET", "/api/users/a")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert "<pre>Service Unavailable</pre>" in answer.text
    api.fault("black_hole", path="/api/users", count=1)
    with pytest.raises(requests.Timeout):
        requests.get(f"{api.url}/api/users", timeout=0.3)
    api.fault("internal_error", count=1)
    assert "<pre>Internal Server Error</pre>" in call(api, "GET", "/api/users").text


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ([], "a gateway is"),
        ({"collections": {}}, "a gateway is"),
        ({"collections": {"users": "name"}, "actions": []}, "collections are"),
        ({"collections": {}, "actions": {}}, "actions are a list"),
        ({"collections": {}, "actions": [action("/a")]}, "no collection 'users'"),
        ({"collections": {"users": []}, "actions": [action("/a", "HEAD")]}, "method must be one of"),
        ({"collections": {"users": []}, "actions": [action("a")]}, "an endpoint is a path"),
        ({"collections": {"users": []}, "actions": [action("/a", param="id")]}, "an action has"),
        ({"collections": {"users": []}, "actions": [action("/a", query={"limit": 1})]}, "Limit cannot be used"),
        ({"collections": {"users": []}, "actions": [action("/a", query={"operator": "="})]}, "operator must be"),
        ({"collections": {"users": []}, "actions": [action("/a", query={"order": "up"})]}, "order must be"),
        ({"collections": {"users": []}, "actions": [action("/a", query={"x": 1})]}, "query has"),
        ({"collections": {"users": []}, "actions": [action("/a/:b", paramKey="b", query={"order": "asc"})]},
         "needs an operator"),
        ({"collections": {"users": []}, "actions": [action("/a", query={**ADULTS, "operator": "in"})]}, "query: "),
    ],
)  # fmt: skip
def test_a_gateway_that_cannot_be_is_refused_with_the_reason(given, wrong, tmp_path):
    with pytest.raises(ValueError, match=re.escape(wrong)):
        Simulator(gateway=given)
    file = tmp_path / "gateway.json"
    file.write_text(json.dumps(given))
    refused = CliRunner().invoke(command, ["--gateway", str(file)])
    assert refused.exit_code == 2
    assert "--gateway" in refused.output


def test_the_command_serves_the_gateway_of_a_file(tmp_path):
    file = tmp_path / "gateway.json"
    file.write_text(json.dumps(GATEWAY))
    command_line = [sys.executable, "-m", "flamelet_tools.simulator.cli", "--gateway", str(file)]
    process = subprocess.Popen(command_line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split("ready: ")[1].strip()
        answer = requests.get(f"{url}/api/users", timeout=DEADLINE_SECONDS)
        assert answer.json() == {"status": "success", "data": []}
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
