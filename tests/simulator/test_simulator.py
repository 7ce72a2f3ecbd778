"""The simulator as its users see it: verbs, conditions, auth, streams, redirects, TLS, data file, control, command."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import requests
from calling import call

from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 10
NULL_ETAG = "null_etag"
WANTS_ETAG = {"X-Firebase-ETag": "true"}
STREAM = {"Accept": "text/event-stream"}


def read_event(stream):
    """The next event of a response opened with stream=True, as (name, data text)."""
    lines = []
    while line := stream.raw.readline().rstrip(b"\n"):
        lines.append(line.decode())
    return tuple(line.partition(": ")[2] for line in lines)


def open_stream(sim, path, **arguments):
    return requests.get(sim.url + path, headers=STREAM, stream=True, timeout=DEADLINE_SECONDS, **arguments)


def wait_until(holds):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.005)


# Verbs


def test_each_verb_does_what_its_document_says(sim):
    assert call(sim, "PUT", "/users/jack.json", {"first": "Jack", "last": "Sparrow"}).json()["last"] == "Sparrow"
    assert call(sim, "PATCH", "/users/jack.json", {"last": "Jones"}).json() == {"last": "Jones"}
    key = call(sim, "POST", "/users/jack/log.json", "ahoy").json()["name"]
    assert call(sim, "GET", "/users/jack.json").json() == {"first": "Jack", "last": "Jones", "log": {key: "ahoy"}}
    answer = call(sim, "DELETE", "/users/jack/log.json")
    assert (answer.status_code, answer.text) == (200, "null")
    assert sim.get("users") == {"jack": {"first": "Jack", "last": "Jones"}}


@pytest.mark.parametrize("path", ["/a/b.json", "/a/b/.json", "//a//b.json", "/%61/b.json"])
def test_these_paths_are_the_same(sim, path):
    # http.client sends the path as it is; requests would tidy it up.
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=DEADLINE_SECONDS)
    connection.request("PUT", path, "1")
    assert connection.getresponse().status == 200
    connection.close()
    assert sim.get() == {"a": {"b": 1}}


def test_keys_with_blanks_and_beyond_ascii_are_percent_encoded(sim):
    call(sim, "PUT", "/a%20b/%C3%A9+%F0%9F%94%A5.json", 1)
    assert sim.get() == {"a b": {"\u00e9+\U0001f525": 1}}


def test_a_multi_path_patch_is_all_or_nothing(sim):
    sim.set("", {"a": {"x": 1, "y": 2}, "c": 3})
    answer = call(sim, "PATCH", "/.json", {"a/x": None, "b/c/d": [1], "c": {"e": True}})
    assert answer.json() == {"a/x": None, "b/c/d": [1], "c": {"e": True}}
    assert sim.get() == {"a": {"y": 2}, "b": {"c": {"d": [1]}}, "c": {"e": True}}
    before = sim.get()
    assert call(sim, "PATCH", "/.json", {"a/x": 1, "c": {"bad.key": 1}}).status_code == 400
    assert call(sim, "PATCH", "/.json", {"a/x": 1, "a": 2}).status_code == 400
    assert sim.get() == before


def test_push_keys_are_in_the_order_of_the_pushes(sim):
    keys = [call(sim, "POST", "/log.json", n).json()["name"] for n in range(20)]
    assert keys == sorted(keys)
    assert list(sim.get("log").values()) == list(range(20))


def test_print_silent_writes_and_says_nothing(sim):
    for method, data in (("PUT", {"a": 1}), ("PATCH", {"b": 2}), ("POST", 3), ("GET", None), ("DELETE", None)):
        answer = call(sim, method, "/x.json?print=silent", data)
        assert (answer.status_code, answer.content) == (204, b"")
    assert sim.get("x") is None


def test_server_values_are_filled_in_and_answered(sim):
    before = time.time() * 1000
    answer = call(sim, "PUT", "/a.json", {"at": {".sv": "timestamp"}, "n": {".sv": {"increment": 2}}}).json()
    assert before - 1 <= answer["at"] <= time.time() * 1000
    assert call(sim, "PATCH", "/a.json", {"n": {".sv": {"increment": 0.5}}}).json() == {"n": 2.5}
    assert sim.get("a/n") == 2.5
    assert call(sim, "PUT", "/a.json", {".sv": "nonsense"}).status_code == 400


def test_increments_by_many_clients_at_once_all_count(sim):
    def increment():
        with requests.Session() as session:
            for _ in range(25):
                session.put(sim.url + "/n.json", json={".sv": {"increment": 1}}, timeout=DEADLINE_SECONDS)

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert sim.get("n") == 100


def test_shallow_cuts_children_down_to_true(sim):
    sim.set("", {"a": {"b": {"c": 1}, "d": 2}, "leaf": "text"})
    assert call(sim, "GET", "/a.json?shallow=true").json() == {"b": True, "d": True}
    assert call(sim, "GET", "/leaf.json?shallow=true").json() == "text"
    assert call(sim, "GET", "/none.json?shallow=true").json() is None


@pytest.mark.parametrize("query", ["typo=1", "print=loud", "writeSizeLimit=tiny", "disableTriggers=true"])
def test_a_parameter_that_a_get_does_not_have_is_refused_by_name(sim, query):
    answer = call(sim, "GET", f"/a.json?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]


def test_a_path_without_json_is_not_found(sim):
    assert call(sim, "GET", "/a").status_code == 404


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_an_unknown_method_is_refused(sim, method):
    with requests.Session() as session:
        assert session.request(method, sim.url + "/a.json", timeout=DEADLINE_SECONDS).status_code == 405
        assert session.get(sim.url + "/a.json", timeout=DEADLINE_SECONDS).text == "null"


# Conditional requests: the table of the REST document, cell by cell


@pytest.mark.parametrize(
    ("method", "headers", "status", "has_etag"),
    [
        ("GET", WANTS_ETAG, 200, True),
        ("GET", {"if-match": "MATCHING"}, 400, False),
        ("GET", {"if-match": "other"}, 400, False),
        ("PUT", WANTS_ETAG, 200, True),
        ("PUT", {"if-match": "MATCHING"}, 200, False),
        ("PUT", {"if-match": "MATCHING", **WANTS_ETAG}, 200, True),
        ("PUT", {"if-match": "other"}, 412, True),
        ("POST", WANTS_ETAG, 200, True),
        ("POST", {"if-match": "MATCHING"}, 400, False),
        ("POST", {"if-match": "other"}, 400, False),
        ("PATCH", WANTS_ETAG, 400, False),
        ("PATCH", {"if-match": "MATCHING"}, 400, False),
        ("PATCH", {"if-match": "other"}, 400, False),
        ("DELETE", WANTS_ETAG, 200, True),
        ("DELETE", {"if-match": "MATCHING"}, 200, False),
        ("DELETE", {"if-match": "other"}, 412, True),
    ],
)
def test_conditions_are_answered_as_the_document_says(sim, method, headers, status, has_etag):
    sim.set("a", {"old": 10})
    tag = call(sim, "GET", "/a.json", headers=WANTS_ETAG).headers["ETag"]
    sent = {name: tag if value == "MATCHING" else value for name, value in headers.items()}
    answer = call(sim, method, "/a.json", {"new": 1} if method in ("PUT", "POST", "PATCH") else None, headers=sent)
    assert answer.status_code == status
    assert ("ETag" in answer.headers) == has_etag
    if status in (400, 412):
        assert sim.get("a") == {"old": 10}
    if status == 412:
        assert (answer.json(), answer.headers["ETag"]) == ({"old": 10}, tag)


def test_the_same_data_has_the_same_etag_and_other_data_another(sim):
    sim.set("a", {"x": 1, "y": [1]})
    sim.set("b", {"y": {"0": 1}, "x": 1})
    sim.set("c", {"x": 1, "y": [2]})
    tags = [call(sim, "GET", f"/{name}.json", headers=WANTS_ETAG).headers["ETag"] for name in "abc"]
    assert tags[0] == tags[1] != tags[2]
    assert call(sim, "PUT", "/d.json", {"x": 1, "y": [1]}, headers=WANTS_ETAG).headers["ETag"] == tags[0]


@pytest.mark.parametrize("query", ["", "?print=silent", "?print=pretty"])
@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("PUT", "/a", {"x": [1, None, 2], "y": {}, "z": "\u00e9"}),
        ("PUT", "/a", {".value": 1, ".priority": 2}),
        ("PUT", "/a", {"x": {".sv": "timestamp"}, "y": {".sv": {"increment": 1}}}),
        ("PUT", "/a", {}),
        ("PUT", "/a/x", 2.5),
        ("PUT", "/a/.priority", "high"),
        ("PUT", "/nothing/.priority", 5),
        ("POST", "/a", {"x": {".sv": "timestamp"}}),
        ("POST", "/a", None),
        ("DELETE", "/a", None),
        ("DELETE", "/a/x", None),
        ("DELETE", "/nothing", None),
    ],
)
def test_the_etag_of_a_write_is_that_of_the_next_read(sim, method, path, value, query):
    sim.set("a", {"x": 1, "y": 2})
    data = json.dumps(value) if method != "DELETE" else None
    url = f"{sim.url}{path}.json"
    written = requests.request(method, url + query, data=data, headers=WANTS_ETAG, timeout=DEADLINE_SECONDS)
    assert written.status_code == (204 if query == "?print=silent" else 200)
    if method == "POST":
        keys = sim.get("a").keys() - {"x", "y"}
        path = f"/a/{keys.pop()}" if keys else "/a/gone"
    assert written.headers["ETag"] == call(sim, "GET", f"{path}.json", headers=WANTS_ETAG).headers["ETag"]


def test_null_etag_writes_only_where_nothing_is(sim):
    assert call(sim, "PUT", "/a.json", 1, headers={"if-match": NULL_ETAG}).status_code == 200
    assert call(sim, "PUT", "/a.json", 2, headers={"if-match": NULL_ETAG}).status_code == 412
    assert sim.get("a") == 1
    assert call(sim, "DELETE", "/a.json", headers=WANTS_ETAG).headers["ETag"] == NULL_ETAG


def test_if_none_match_saves_the_body_as_long_as_nothing_changed(sim):
    tag = call(sim, "GET", "/a.json", headers=WANTS_ETAG).headers["ETag"]
    assert call(sim, "GET", "/a.json", headers={"If-None-Match": tag}).status_code == 304
    sim.set("a", 1)
    answer = call(sim, "GET", "/a.json", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.text) == (200, "1")
    assert answer.headers["ETag"] != tag


# Auth and secrets


@pytest.mark.parametrize(
    ("query", "headers", "status", "text"),
    [
        ("", {}, 401, "Permission denied"),
        ("?auth=", {}, 401, "Permission denied"),
        ("?auth=garbage", {}, 401, "Could not parse auth token."),
        ("?access_token=garbage", {}, 401, "Unauthorized request."),
        ("", {"Authorization": "Bearer garbage"}, 401, "Unauthorized request."),
        ("?auth=the-token", {}, 200, None),
        ("?access_token=the-token", {}, 200, None),
        ("", {"Authorization": "Bearer the-token"}, 200, None),
    ],
)
@pytest.mark.parametrize("stream", [{}, STREAM])
def test_a_token_is_wanted_and_its_lack_told_in_the_service_words(query, headers, status, text, stream):
    with Simulator(token="the-token") as sim:
        address = f"{sim.url}/a.json{query}"
        # A session that does not fill in a bearer from the environment.
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(address, headers={**headers, **stream}, stream=True, timeout=DEADLINE_SECONDS)
            assert answer.status_code == status
            if text:
                assert answer.json() == {"error": text}


def test_without_a_token_any_credential_passes(sim):
    assert call(sim, "GET", "/a.json?auth=whatever").status_code == 200


def test_the_token_can_change_while_it_runs():
    with Simulator(token="old") as sim:
        sim.token = "new"
        assert call(sim, "GET", "/a.json?auth=old").status_code == 401
        assert call(sim, "GET", "/a.json?auth=new").status_code == 200


def test_no_token_is_ever_in_the_records():
    with Simulator(token="geheim", redirect=("writes",)) as sim:
        call(sim, "GET", "/a.json?auth=geheim&print=pretty", headers={"Authorization": "Bearer geheim"})
        call(sim, "GET", "/a.json?print=pretty&access_token=geheim")
        call(sim, "PUT", "/a.json?auth=geheim", 1)
        requests.get(sim.url + "/a.json?ns=x&%61uth=geheim", timeout=DEADLINE_SECONDS)
        listed = requests.get(sim.url + "/.simulator/requests", timeout=DEADLINE_SECONDS).text
        assert sim.requests[0].query == "auth=REDACTED&print=pretty"
        assert sim.requests[1].query == "print=pretty&access_token=REDACTED"
        assert sim.requests[0].headers["Authorization"] == "REDACTED"
        assert "geheim" not in listed + repr(sim.requests)


@pytest.mark.parametrize(
    "target",
    [
        "/a.json?auth=geheim",
        "/a.json?access_token=geheim&print=pretty",
        "/a.json?print=pretty&ac=geheim",
        "/a.json?AUTH=geheim&auth=geheim&auth=geheim",
        "/a.json?%61c%63ess_token=geheim",
        "/a.json?ns=x?auth=geheim",
        "/a.json&auth=geheim",
        "/a.json;auth=geheim",
        "/a.json%3Fauth%3dgeheim%26x=1",
        "/geheim-not.json/?auth=geheim",
    ],
)
@pytest.mark.parametrize("header", ["Authorization", "authorization", "X-Firebase-AppCheck", "Proxy-Authorization"])
def test_no_secret_is_shown_wherever_a_client_puts_it(caplog, monkeypatch, target, header):
    lines = []
    with Simulator(on_request=lambda record: lines.append(str(record))) as sim:
        # A failure of the simulator's own must not tell either.
        monkeypatch.setattr("flamelet_tools.simulator.rtdb.rest.perform", None)
        for method in ("GET", "PUT"):
            connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=DEADLINE_SECONDS)
            connection.request(method, target, "1", {header: "Bearer geheim"})
            connection.getresponse().read()
            connection.close()
        listed = requests.get(sim.url + "/.simulator/requests", timeout=DEADLINE_SECONDS).text
    shown = listed + "".join(lines) + caplog.text
    assert shown.count("REDACTED") >= 6
    assert "geheim" not in shown.replace("geheim-not", "")


# Namespaces


def test_each_namespace_is_a_database_of_its_own(sim):
    call(sim, "PUT", "/a.json?ns=one", 1)
    call(sim, "PUT", "/a.json", 2, headers={"Host": "two.firebaseio.com"})
    call(sim, "PUT", "/a.json", 3, headers={"Host": "Three.europe-west1.firebasedatabase.app:443"})
    call(sim, "PUT", "/a.json", 4, headers={"Host": "example.com"})
    call(sim, "PUT", "/b.json?ns=one", 5, headers={"Host": "two.firebaseio.com"})
    assert [sim.get(namespace=name) for name in ("one", "two", "three")] == [{"a": 1, "b": 5}, {"a": 2}, {"a": 3}]
    assert sim.get() == {"a": 4}


@pytest.mark.parametrize(
    "host", ["two.europe-west1.firebaseio.com", "firebaseio.com", "db.firebasedatabase.app", "a_b.firebaseio.com:443"]
)
def test_a_host_of_firebase_that_has_no_database_is_not_found(sim, host):
    answer = call(sim, "PUT", "/a.json", 1, headers={"Host": host})
    assert (answer.status_code, answer.json()) == (404, {"error": "The specified Realtime Database was not found."})


@pytest.fixture(scope="module")
def regional():
    databases = {"euro": "europe-west1", "home": "us-central1", "demo-default-rtdb": "asia-southeast1"}
    with Simulator(databases=databases) as simulator:
        yield simulator


MOVED = "Database lives in a different region. Please change your database URL to https://"
EURO = MOVED + "euro.europe-west1.firebasedatabase.app"
HOME = MOVED + "home.firebaseio.com"
DEMO = MOVED + "demo-default-rtdb.asia-southeast1.firebasedatabase.app"
NOT_FOUND = "The specified Realtime Database was not found."


@pytest.mark.parametrize(
    ("host", "query", "error"),
    [
        ("euro.europe-west1.firebasedatabase.app", "", None),
        ("EURO.Europe-West1.firebasedatabase.app:443", "", None),
        ("euro.firebaseio.com", "", EURO),
        ("euro.asia-southeast1.firebasedatabase.app", "", EURO),
        ("euro.asia-southeast1.firebasedatabase.app:443", "?ns=euro", EURO),
        ("home.firebaseio.com", "", None),
        ("home.europe-west1.firebasedatabase.app", "", HOME),
        ("demo-default-rtdb.firebaseio.com", "", DEMO),
        ("127.0.0.1", "", None),
        ("127.0.0.1:9000", "?ns=euro", None),
        ("s-usc1c-nss-123.firebaseio.com", "?ns=home", None),
        ("s-usc1c-nss-123.firebaseio.com", "", NOT_FOUND),
        ("other.firebaseio.com", "", NOT_FOUND),
        ("127.0.0.1", "?ns=other", NOT_FOUND),
    ],
)
@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("GET", STREAM), ("PUT", {}), ("POST", {}), ("PATCH", {}), ("DELETE", {})]
)
def test_only_the_databases_that_there_are_answer_and_only_at_their_host(regional, host, query, error, method, headers):
    data = {"b": 1} if method in ("PUT", "POST", "PATCH") else None
    answer = call(regional, method, f"/a.json{query}", data, headers={"Host": host, **headers}, stream=True)
    assert answer.status_code == (404 if error else 200)
    if error:
        assert answer.json() == {"error": error}
    answer.close()


def test_a_database_that_is_not_there_is_not_made_by_a_write(regional):
    call(regional, "PUT", "/x.json", 1, headers={"Host": "euro.firebaseio.com"})
    call(regional, "PUT", "/x.json?ns=other", 1)
    assert regional.get("x", namespace="euro") is regional.get("x", namespace="other") is None


@pytest.mark.parametrize(
    "databases", [{"a.b": "us-central1"}, {"": "us-central1"}, {"A": "r"}, {"a": ""}, {"a": "e_1"}]
)
def test_a_name_that_no_database_or_region_has_is_refused(databases):
    with pytest.raises(ValueError, match="is not the name of a database or of a region"):
        Simulator(databases=databases)


def test_streams_hear_only_their_own_namespace(sim):
    with open_stream(sim, "/.json?ns=one") as stream:
        assert read_event(stream) == ("put", '{"path":"/","data":null}')
        sim.set("a", 1, namespace="two")
        sim.set("a", 2, namespace="one")
        assert read_event(stream) == ("put", '{"path":"/a","data":2}')


# Streams


def test_writes_over_rest_are_heard_above_at_and_below_their_path(sim):
    paths = ("/.json", "/a.json", "/a/b.json", "/a/b/c.json", "/other.json")
    streams = [open_stream(sim, path) for path in paths]
    for stream in streams:
        assert read_event(stream)[0] == "put"
    call(sim, "PUT", "/a/b.json", {"c": 1})
    call(sim, "PUT", "/other.json", True)
    heard = [read_event(stream)[1] for stream in streams]
    assert heard == [
        '{"path":"/a/b","data":{"c":1}}',
        '{"path":"/b","data":{"c":1}}',
        '{"path":"/","data":{"c":1}}',
        '{"path":"/","data":1}',
        '{"path":"/","data":true}',
    ]
    for stream in streams:
        stream.close()


def test_each_kind_of_write_makes_its_kind_of_event(sim):
    with open_stream(sim, "/a.json") as stream:
        read_event(stream)
        key = call(sim, "POST", "/a.json", "x").json()["name"]
        assert read_event(stream) == ("put", f'{{"path":"/{key}","data":"x"}}')
        call(sim, "PATCH", "/a.json", {"n": {".sv": {"increment": 1}}, "b/c": [], key: None})
        assert read_event(stream) == ("patch", f'{{"path":"/","data":{{"n":1,"b/c":null,"{key}":null}}}}')
        call(sim, "DELETE", "/a/n.json")
        assert read_event(stream) == ("put", '{"path":"/n","data":null}')
        call(sim, "PATCH", "/a.json", {})
        call(sim, "PUT", "/a.json", 1, headers={"if-match": "stale"})
        call(sim, "PUT", "/a.json", 2)
        assert read_event(stream) == ("put", '{"path":"/","data":2}')


def test_a_stream_that_the_client_closed_is_forgotten(sim):
    stream = open_stream(sim, "/a.json")
    read_event(stream)
    assert sim.open_streams == 1
    stream.close()
    wait_until(lambda: sim.open_streams == 0)
    sim.set("a", 1)


def test_no_event_is_lost_between_the_snapshot_and_a_burst_of_writes(sim):
    with open_stream(sim, "/n.json") as stream:
        for n in range(500):
            sim.set("n", n)
        seen = [json.loads(read_event(stream)[1])["data"]]
        while seen[-1] != 499:
            seen.append(json.loads(read_event(stream)[1])["data"])
    numbers = [n for n in seen if n is not None]
    assert numbers == list(range(numbers[0], 500))


# Redirects


def test_a_redirected_stream_serves_at_its_second_port():
    with Simulator(redirect=("streams",)) as sim:
        with open_stream(sim, "/a.json?auth=x") as stream:
            assert [answer.status_code for answer in stream.history] == [307]
            assert stream.url.endswith("/a.json?ns=demo-default-rtdb&sse=true")
            assert f":{sim.port}/" not in stream.url
            read_event(stream)
            call(sim, "PUT", "/a.json", 1)
            assert read_event(stream) == ("put", '{"path":"/","data":1}')
        assert [record.status for record in sim.requests] == [307, 200, 200]


def test_a_redirected_write_keeps_its_parameters_and_reads_stay():
    with Simulator(redirect=("writes",), token="t") as sim:
        answer = call(sim, "PUT", "/a%20b.json?auth=t&print=silent", 1, allow_redirects=False)
        assert answer.status_code == 307
        location = answer.headers["Location"]
        assert location.endswith("/a%20b.json?ns=demo-default-rtdb&print=silent")
        assert sim.get() is None
        assert requests.put(location, data="1", timeout=DEADLINE_SECONDS).status_code == 401
        assert requests.put(location + "&auth=t", data="1", timeout=DEADLINE_SECONDS).status_code == 204
        assert call(sim, "GET", "/a%20b.json?auth=t", allow_redirects=False).json() == 1


@pytest.mark.parametrize("redirect", ["streams", ("reads",), ("writes", "all")])
def test_an_unknown_kind_of_redirect_is_refused(redirect):
    with pytest.raises(ValueError, match="redirect"):
        Simulator(redirect=redirect)


# TLS


def test_tls_is_verified_against_the_ca_of_the_simulator(tmp_path):
    with Simulator(tls=True) as sim:
        assert sim.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cadata=sim.ca_pem.decode())
        for host in ("127.0.0.1", "localhost"):
            assert tls_get(trusting, host, sim.port) == b"null"
        assert tls_get(ssl.create_default_context(cadata=sim.ca_der), "127.0.0.1", sim.port) == b"null"
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_get(ssl.create_default_context(), "127.0.0.1", sim.port)
        assert tls_get(trusting, "127.0.0.1", sim.port) == b"null"


def test_redirects_of_a_tls_simulator_are_tls_too(tmp_path):
    with Simulator(tls=True, redirect=("streams",)) as sim:
        ca_file = tmp_path / "ca.pem"
        ca_file.write_bytes(sim.ca_pem)
        with open_stream(sim, "/a.json", verify=str(ca_file)) as stream:
            assert stream.url.startswith("https://")
            assert read_event(stream) == ("put", '{"path":"/","data":null}')


def test_without_tls_there_is_no_ca(sim):
    assert (sim.ca_pem, sim.ca_der) == (None, None)


def tls_get(context, host, port):
    connection = http.client.HTTPSConnection(host, port, timeout=DEADLINE_SECONDS, context=context)
    try:
        connection.request("GET", "/a.json")
        return connection.getresponse().read()
    finally:
        connection.close()


# Start, stop, restart


def test_it_starts_and_stops_within_tens_of_milliseconds():
    times = []
    for _ in range(20):
        begun = time.monotonic()
        with Simulator() as sim:
            with requests.Session() as session:
                session.get(sim.url + "/a.json", timeout=DEADLINE_SECONDS)
                stream = open_stream(sim, "/a.json")
            stream.close()
        times.append(time.monotonic() - begun)
    # The fastest of them: what else runs on this machine delays single ones.
    assert min(times) < 0.1, times


def test_stopping_closes_connections_streams_and_thread():
    threads = threading.active_count()
    with Simulator() as sim:
        idle = socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS)
        stream = open_stream(sim, "/a.json")
        read_event(stream)
        port = sim.port
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert idle.recv(1) == b""
    assert stream.raw.read() == b""
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
    idle.close()
    stream.close()


def test_it_restarts_on_its_port_at_once_and_can_run_again():
    sim = Simulator()
    sim.start()
    port = sim.port
    assert call(sim, "PUT", "/a.json", 1).status_code == 200
    sim.stop()
    for _ in range(3):
        with Simulator(port) as again:
            assert call(again, "GET", "/a.json").json() is None
    sim.stop()


def test_a_taken_port_is_an_os_error(sim):
    with pytest.raises(OSError, match="in use"), Simulator(sim.port):
        pass


def test_a_stopped_simulator_says_so():
    with Simulator() as sim:
        pass
    with pytest.raises(RuntimeError, match="is not running"):
        sim.get("a")


def test_data_is_there_after_a_restart(tmp_path):
    file = tmp_path / "data.json"
    with Simulator(data_file=file) as sim:
        call(sim, "PUT", "/a.json", {"x": [1, None, "\u00e9"]})
        call(sim, "PUT", "/b.json?ns=other", 2)
    assert json.loads(file.read_text())["other"] == {"b": 2}
    with Simulator(data_file=file) as sim:
        assert sim.get() == {"a": {"x": [1, None, "\u00e9"]}}
        assert sim.get(namespace="other") == {"b": 2}
    assert os.listdir(tmp_path) == ["data.json"]


def test_data_is_written_while_it_runs(tmp_path):
    file = tmp_path / "data.json"
    with Simulator(data_file=file) as sim:
        sim.set("a", 1)
        wait_until(file.exists)
        assert json.loads(file.read_text()) == {"demo-default-rtdb": {"a": 1}}
        sim.set("a", 2)
        wait_until(lambda: json.loads(file.read_text()) == {"demo-default-rtdb": {"a": 2}})


BAD_SETTINGS = [
    '{".settings": 1}',
    '{".settings": {"ns": 1}}',
    '{".settings": {"ns": {"rules": 1}}}',
    '{".settings": {"ns": {"rules": "{}"}}}',
    '{".settings": {"ns": {"nonsense": 1}}}',
    '{".settings": {"ns": {"strictTriggerValidation": 1}}}',
]


@pytest.mark.parametrize("content", ["", "{broken", "[1]", '{"ns": {"bad.key": 1}}', *BAD_SETTINGS])
def test_a_data_file_that_is_not_ours_is_refused_and_kept(tmp_path, content):
    file = tmp_path / "data.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="data.json"), Simulator(data_file=file):
        pass
    assert file.read_text() == content


def test_a_data_file_that_cannot_be_written_is_told_at_the_end(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    sim = Simulator(data_file=folder / "data.json").start()
    folder.rmdir()
    sim.set("a", 1)
    with pytest.raises(OSError):
        sim.stop()


def test_data_that_could_not_be_written_is_written_later(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    with Simulator(data_file=folder / "data.json") as sim:
        folder.rmdir()
        sim.set("a", 1)
        wait_until(lambda: "could not be written" in caplog.text)
        folder.mkdir()
    assert json.loads((folder / "data.json").read_text()) == {"demo-default-rtdb": {"a": 1}}


# The simulator's own side


def test_what_the_backend_writes_and_reads(sim):
    sim.set("a", {"b": 1})
    sim.update("a", {"c/d": [True]})
    key = sim.push("log", {".sv": {"increment": 3}})
    assert sim.get() == {"a": {"b": 1, "c": {"d": [True]}}, "log": {key: 3}}
    assert sim.get("/a/c/") == {"d": [True]}
    for wrong in (lambda: sim.set("a.b", 1), lambda: sim.set("a", {"#": 1}), lambda: sim.update("a", 1)):
        with pytest.raises(ValueError, match="Invalid"):
            wrong()


def test_the_records_tell_of_each_request_and_its_connection(sim):
    with requests.Session() as session:
        session.put(sim.url + "/a.json", data="1", timeout=DEADLINE_SECONDS)
        session.get(sim.url + "/a.json?print=pretty", timeout=DEADLINE_SECONDS)
    call(sim, "GET", "/b#c")
    with open_stream(sim, "/a.json") as stream:
        read_event(stream)
        facts = [(r.number, r.method, r.path, r.query, r.status, r.connection, r.stream) for r in sim.requests]
    assert facts == [
        (1, "PUT", "/a.json", "", 200, 1, False),
        (2, "GET", "/a.json", "print=pretty", 200, 1, False),
        (3, "GET", "/b", "", 404, 2, False),
        (4, "GET", "/a.json", "", 200, 3, True),
    ]
    assert sim.connections == 3


def test_the_same_control_over_http():
    with Simulator(token="t") as sim:
        control = sim.url + "/.simulator/"
        fault = {"name": "unavailable", "method": "PUT", "count": 1}
        assert requests.post(control + "faults", json=fault, timeout=DEADLINE_SECONDS).status_code == 200
        assert call(sim, "PUT", "/a.json?auth=t", 1).status_code == 503
        assert call(sim, "PUT", "/a.json?auth=t", 1).status_code == 200
        requests.post(control + "faults", json={"name": "unavailable"}, timeout=DEADLINE_SECONDS)
        requests.delete(control + "faults", timeout=DEADLINE_SECONDS)
        assert sim.faults == []
        listed = requests.get(control + "requests", timeout=DEADLINE_SECONDS).json()
        assert [(record["method"], record["status"]) for record in listed] == [("PUT", 503), ("PUT", 200)]
        for name, last in (("cancel", ("cancel", '"No."')), ("revoke", None), ("close", ())):
            with open_stream(sim, "/a.json?auth=t") as stream:
                read_event(stream)
                counts = requests.get(control + "connections", timeout=DEADLINE_SECONDS).json()
                assert counts["streams"] == 1
                assert counts["accepted"] == sim.connections
                answer = requests.post(control + name, json={"reason": "No."}, timeout=DEADLINE_SECONDS)
                assert answer.json() == {"ended": 1}
                assert read_event(stream) == (
                    last if last is not None else ("auth_revoked", "credential is no longer valid")
                )


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("POST", "faults", '{"name":"nonsense"}', 400),
        ("POST", "faults", "{}", 400),
        ("POST", "faults", "[1]", 400),
        ("POST", "faults", "{broken", 400),
        ("GET", "faults", "", 404),
        ("POST", "nonsense", "", 404),
    ],
)
def test_a_wrong_control_request_is_told_what_is_wrong(sim, method, name, body, status):
    answer = requests.request(method, f"{sim.url}/.simulator/{name}", data=body, timeout=DEADLINE_SECONDS)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert sim.requests == []


# The command


def sim_command(*options):
    return subprocess.Popen(
        [sys.executable, "-m", "flamelet_tools.cli", "sim", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready_url(process):
    line = process.stdout.readline()
    assert line.startswith("simulator ready: http"), process.communicate(timeout=DEADLINE_SECONDS)
    assert process.stdout.readline().startswith("accounts: ")
    return line.split()[-1]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_url_and_ends_cleanly(end):
    process = sim_command("--verbose", "--token", "geheim")
    url = ready_url(process)
    assert requests.put(url + "/a.json?auth=geheim", data="1", timeout=DEADLINE_SECONDS).json() == 1
    requests.get(url + "/a.json", timeout=DEADLINE_SECONDS)
    process.send_signal(end)
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert output.splitlines() == ["200 PUT /a.json?auth=REDACTED connection=1", "401 GET /a.json connection=2"]
    assert (process.returncode, errors) == (0, "")


def test_the_command_says_where_its_accounts_are_and_gives_tokens_of_the_lifetime_asked_for():
    process = sim_command("--project", "mine", "--token-seconds", "5", "--strict", "--verbose")
    url = process.stdout.readline().split()[-1]
    host = url.partition("://")[2]
    line = f"accounts: FIREBASE_AUTH_EMULATOR_HOST={host}, project mine, API key demo-api-key"
    assert process.stdout.readline().strip() == line
    sign_up = f"http://{host}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=demo-api-key"
    given = requests.post(sign_up, json={"returnSecureToken": True}, timeout=DEADLINE_SECONDS).json()
    assert given["expiresIn"] == "5"
    assert requests.get(f"{url}/a.json?auth={given['idToken']}", timeout=DEADLINE_SECONDS).status_code == 200
    assert requests.get(f"{url}/a.json?auth=other", timeout=DEADLINE_SECONDS).status_code == 401
    process.terminate()
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    path = "/identitytoolkit.googleapis.com/v1/accounts:signUp"
    assert output.splitlines()[0] == f"200 POST {path}?key=REDACTED connection=1"
    assert (process.returncode, errors) == (0, "")


def test_over_tls_the_command_gives_the_address_of_its_accounts():
    process = sim_command("--tls")
    url = process.stdout.readline().split()[-1]
    line = f"accounts: {url}/identitytoolkit.googleapis.com/v1, project demo, API key demo-api-key"
    assert process.stdout.readline().strip() == line
    process.terminate()
    process.communicate(timeout=DEADLINE_SECONDS)


def test_the_command_serves_on_when_nobody_reads_its_output():
    process = sim_command("--verbose")
    url = ready_url(process)
    process.stdout.close()
    for n in range(3):
        assert requests.put(url + "/a.json", json=n, timeout=DEADLINE_SECONDS).json() == n
    process.terminate()
    assert process.wait(DEADLINE_SECONDS) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_the_command_keeps_its_data_and_shows_its_faults(tmp_path):
    file = tmp_path / "data.json"
    for expected in (None, 1):
        process = sim_command("--data", str(file), "--fault", "unavailable method=PUT path=/busy count=1")
        url = ready_url(process)
        assert requests.get(url + "/a.json", timeout=DEADLINE_SECONDS).json() == expected
        assert requests.put(url + "/busy.json", data="1", timeout=DEADLINE_SECONDS).status_code == 503
        assert requests.put(url + "/a.json", data="1", timeout=DEADLINE_SECONDS).status_code == 200
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0


def test_the_command_writes_its_ca(tmp_path):
    file = tmp_path / "ca.pem"
    process = sim_command("--tls", "--ca-file", str(file), "--redirect", "both", "--requests-per-connection", "1")
    url = ready_url(process)
    answer = requests.put(url + "/a.json", data="1", timeout=DEADLINE_SECONDS, verify=str(file))
    assert (answer.json(), answer.history[0].status_code, answer.headers["Connection"]) == (1, 307, "close")
    process.terminate()
    process.communicate(timeout=DEADLINE_SECONDS)


def test_the_command_has_the_databases_that_it_is_given():
    process = sim_command("--database", "euro=europe-west1", "--database", "home")
    url = ready_url(process) + "/a.json"
    answers = [
        requests.get(url, headers={"Host": host} if host else {}, timeout=DEADLINE_SECONDS).json()
        for host in ("euro.europe-west1.firebasedatabase.app", "home.firebaseio.com", "", "euro.firebaseio.com")
    ]
    assert answers == [None, None, None, {"error": EURO}]
    assert requests.get(url + "?ns=other", timeout=DEADLINE_SECONDS).status_code == 404
    process.terminate()
    process.communicate(timeout=DEADLINE_SECONDS)


def test_the_command_keeps_rules(tmp_path):
    file = tmp_path / "rules.json"
    file.write_text('{"rules": {"open": {".read": true}}} // as in a project')
    process = sim_command("--rules", str(file))
    url = ready_url(process)
    assert requests.get(url + "/open.json", timeout=DEADLINE_SECONDS).status_code == 200
    assert requests.get(url + "/closed.json", timeout=DEADLINE_SECONDS).status_code == 401
    process.terminate()
    process.communicate(timeout=DEADLINE_SECONDS)


def test_the_command_tells_which_rule_is_wrong(tmp_path):
    file = tmp_path / "rules.json"
    file.write_text('{"rules": {"open": {".read": "nonsense"}}}')
    output, errors = sim_command("--rules", str(file)).communicate(timeout=DEADLINE_SECONDS)
    assert output == ""
    assert "/open: .read: Unknown variable 'nonsense'" in errors


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--rules", "/no/such/rules.json"], 2, "--rules"),
        (["--port", "TAKEN"], 1, "Address already in use; try another --port"),
        (["--host", "no-such-host.invalid"], 1, "no-such-host.invalid"),
        (["--data", "/no/such/folder/data.json"], 1, "no directory"),
        (["--ca-file", "ca.pem"], 2, "--ca-file needs --tls"),
        (["--fault", "nonsense"], 2, "unknown fault"),
        (["--fault", "delay ms"], 2, "key=value"),
        (["--fault", "delay ms=soon"], 2, "ms must be a number of 0 or more, not 'soon'"),
        (["--redirect", "all"], 2, "--redirect"),
        (["--database", "a.b"], 2, "'a.b' is not the name of a database or of a region"),
        (["--database", "a="], 2, "'' is not the name of a database or of a region"),
        (["--keep-alive", "0"], 2, "--keep-alive"),
    ],
)
def test_a_wrong_option_of_the_command_is_told_without_a_traceback(sim, options, code, message):
    process = sim_command(*(str(sim.port) if option == "TAKEN" else option for option in options))
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, output) == (code, "")
    assert message in errors
    assert "Traceback" not in errors
