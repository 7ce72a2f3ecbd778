"""The simulator over a bare socket: every byte of heads, bodies and events."""

import re
import socket
import time

import pytest

from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 10
REST_OF_HEAD = (
    b"Access-Control-Allow-Origin: *\r\n%sCache-Control: no-cache\r\n"
    b"Strict-Transport-Security: max-age=31556926; includeSubDomains; preload\r\n\r\n"
)
DATE = re.compile(rb"Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n")
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Connection: close\r\nCache-Control: no-cache\r\n\r\n"
)
STREAM_OF_A = b"GET /a.json HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


def connect(sim):
    return socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS)


def request(method, target, body=b"", headers=b""):
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"%s %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n%s" % (method, target, headers, length, body)


def read_exactly(connection, expected):
    received = b""
    while len(received) < len(expected):
        data = connection.recv(len(expected) - len(received))
        if not data:
            break
        received += data
    assert received == expected


def read_to_end(connection):
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def exchange(sim, method, target, body=b"", headers=b""):
    """The whole answer, whose Date has been checked and taken out."""
    with connect(sim) as connection:
        connection.sendall(request(method, target, body, headers + b"Connection: close\r\n"))
        answer = read_to_end(connection)
    without_date, dates = DATE.subn(b"", answer)
    assert dates == 1
    return without_date


def answer(status, body, extra=b"", connection=b"close", before=b""):
    return (
        b"HTTP/1.1 %s\r\nServer: nginx\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"
        b"Connection: %s\r\n%s%s%s" % (status, len(body), connection, before, REST_OF_HEAD % extra, body)
    )


def test_the_head_of_a_200_and_its_compact_body(sim):
    sim.set("a", {"c": [1, None, 2.5], "b": '\u00e9"\n'})
    body = '{"b":"\u00e9\\"\\n","c":[1,null,2.5]}'.encode()
    assert exchange(sim, b"GET", b"/a.json") == answer(b"200 OK", body)


def test_the_date_comes_second_and_a_kept_connection_says_so(sim):
    with connect(sim) as connection:
        connection.sendall(request(b"GET", b"/a.json"))
        head = connection.recv(65536)
        assert DATE.sub(b"", head) == answer(b"200 OK", b"null", connection=b"keep-alive")
        assert head.split(b"\r\n")[2].startswith(b"Date: ")
        connection.sendall(request(b"GET", b"/b.json"))
        assert connection.recv(65536).endswith(b"null")
    assert sim.connections == 1


def test_an_answer_comes_in_one_segment(sim):
    sim.set("a", "x" * 1000)
    with connect(sim) as connection:
        for _ in range(20):
            connection.sendall(request(b"GET", b"/a.json"))
            assert connection.recv(65536).endswith(b'x"')


def test_a_204_has_neither_length_nor_type(sim):
    expected = b"HTTP/1.1 204 No Content\r\nServer: nginx\r\nConnection: close\r\n" + REST_OF_HEAD % b""
    assert exchange(sim, b"PUT", b"/a.json?print=silent", b"1") == expected
    assert sim.get("a") == 1


def test_a_401_is_byte_for_byte_the_live_one():
    with Simulator(token="t") as sim:
        body = b'{\n  "error" : "Permission denied"\n}\n'
        assert exchange(sim, b"GET", b"/a.json") == answer(b"401 Unauthorized", body)


@pytest.mark.parametrize(
    ("method", "target", "body", "text"),
    [
        (b"PUT", b"/a.json", b"{bad", "Invalid data; couldn't parse JSON object, array, or value."),
        (b"PUT", b"/a.json", b"NaN", "Invalid data; couldn't parse JSON object, array, or value."),
        (b"PUT", b"/a.json", b"\xff", "Invalid data; couldn't parse JSON object, array, or value."),
        (b"PUT", b"/a.json", b"[" * 100_000, "Invalid data; couldn't parse JSON object, array, or value."),
        (b"PUT", b"/a.json", b"1" * 5000, "Invalid data; couldn't parse JSON object, array, or value."),
        (b"PUT", b"/a.json", b'"\\ud800"', "Invalid data; couldn't parse JSON object, array, or value."),
        (b"POST", b"/a.json", b"{1:2}", "Invalid data; couldn't parse JSON object, array, or value."),
        (b"PUT", b"/a.json", b"", "Error: No data supplied."),
        (b"PATCH", b"/a.json", b" \r\n", "Error: No data supplied."),
        (
            b"PATCH",
            b"/a.json",
            b"5",
            "Invalid data; couldn't parse JSON object. Are you sending a JSON object with valid key names?",
        ),
        (
            b"PUT",
            b"/a.json",
            b'{"a.b":1}',
            "Invalid data; couldn't parse JSON object. Are you sending a JSON object with valid key names?",
        ),
        (b"GET", b"/a%23b.json", b"", "Invalid path: Invalid token in path"),
        (b"GET", b"/a%2Fb.json", b"", "Invalid path: Invalid token in path"),
        (b"GET", b"/%FF.json", b"", "Invalid path: Invalid token in path"),
        (b"GET", b"/a.b.json", b"", "Invalid path: Invalid token in path"),
        (b"PATCH", b"/a.json", b'{"b$":1}', "Invalid path: Invalid token in path"),
    ],
)
def test_a_bad_request_gets_the_service_text_and_changes_nothing(sim, method, target, body, text):
    sim.set("", {"a": "before"})
    error = b'{\n  "error" : "%s"\n}\n' % text.encode()
    assert exchange(sim, method, target, body) == answer(b"400 Bad Request", error)
    assert sim.get() == {"a": "before"}


def test_etag_stands_before_cache_control(sim):
    expected = answer(b"200 OK", b"null", extra=b"ETag: null_etag\r\n")
    assert exchange(sim, b"GET", b"/a.json", headers=b"X-Firebase-ETag: true\r\n") == expected


def test_a_304_has_no_body(sim):
    expected = (
        b"HTTP/1.1 304 Not Modified\r\nServer: nginx\r\nConnection: close\r\n" + REST_OF_HEAD % b"ETag: null_etag\r\n"
    )
    assert exchange(sim, b"GET", b"/a.json", headers=b"If-None-Match: null_etag\r\n") == expected


def test_print_pretty(sim):
    sim.set("a", {"b": [1, 2]})
    assert exchange(sim, b"GET", b"/a.json?print=pretty") == answer(b"200 OK", b'{\n  "b" : [ 1, 2 ]\n}\n')


def test_a_503_may_say_when_to_come_back(sim):
    sim.fault("unavailable", retry_after=7)
    body = b'{\n  "error" : "Service unavailable."\n}\n'
    expected = answer(b"503 Service Unavailable", body, before=b"Retry-After: 7\r\n")
    assert exchange(sim, b"GET", b"/a.json") == expected


def test_a_redirect_of_a_stream_has_the_live_form_and_no_credential():
    with Simulator(redirect=("streams",)) as sim:
        headers = b"Accept: text/event-stream\r\n"
        answer = exchange(sim, b"GET", b"/n.json?auth=secret&ns=db", headers=headers)
    assert re.match(rb"HTTP/1.1 307 Temporary Redirect\r\nServer: nginx\r\n", answer)
    location = re.search(rb"\r\nLocation: (.*)\r\n", answer).group(1).decode()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/n\.json\?ns=db&sse=true", location)
    assert b"\r\nContent-Length: 0\r\n" in answer


def test_a_stream_has_the_live_head_and_events(sim):
    sim.set("a", "firebase demo")
    with connect(sim) as connection:
        connection.sendall(STREAM_OF_A)
        read_exactly(connection, STREAM_HEAD + b'event: put\ndata: {"path":"/","data":"firebase demo"}\n\n')
        sim.set("a/b", {"x": ["\u00e9", 1]})
        read_exactly(connection, 'event: put\ndata: {"path":"/b","data":{"x":["\u00e9",1]}}\n\n'.encode())
        sim.update("a", {"b/x": None, "c": True})
        read_exactly(connection, b'event: patch\ndata: {"path":"/","data":{"b/x":null,"c":true}}\n\n')
        sim.set("", None)
        read_exactly(connection, b'event: put\ndata: {"path":"/","data":null}\n\n')
        sim.set("other", 1)
        sim.cancel_streams("Permission denied.")
        read_exactly(connection, b'event: cancel\ndata: "Permission denied."\n\n')
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (lambda sim: sim.revoke_streams(), b"event: auth_revoked\ndata: credential is no longer valid\n\n"),
        (lambda sim: sim.cancel_streams(None), b"event: cancel\ndata: null\n\n"),
        (lambda sim: sim.close_streams(), b""),
    ],
)
def test_a_stream_ends_with_the_words_it_is_given(sim, end, last):
    with connect(sim) as connection:
        connection.sendall(STREAM_OF_A)
        read_exactly(connection, STREAM_HEAD + b'event: put\ndata: {"path":"/","data":null}\n\n')
        assert end(sim) == 1
        read_exactly(connection, last)
        assert connection.recv(1) == b""


def test_keep_alives_come_at_their_time():
    with Simulator(keep_alive_seconds=0.05) as sim, connect(sim) as connection:
        begun = time.monotonic()
        connection.sendall(STREAM_OF_A)
        read_exactly(connection, STREAM_HEAD + b'event: put\ndata: {"path":"/","data":null}\n\n')
        read_exactly(connection, b"event: keep-alive\ndata: null\n\n" * 3)
        assert 0.14 < time.monotonic() - begun < 5


def test_pipelined_requests_are_answered_in_order(sim):
    with connect(sim) as connection:
        connection.sendall(request(b"PUT", b"/a.json", b"1") + request(b"PUT", b"/a.json", b"22"))
        connection.sendall(request(b"GET", b"/a.json", headers=b"Connection: close\r\n"))
        bodies = re.findall(rb"\r\n\r\n(\d+)", read_to_end(connection))
    assert bodies == [b"1", b"22", b"22"]


def test_a_request_cut_at_every_byte_is_understood(sim):
    whole = request(b"PUT", b"/a.json", b'{"x":1}')
    with connect(sim) as connection:
        for start in range(len(whole)):
            connection.sendall(whole[start : start + 1])
        assert connection.recv(65536).endswith(b'{"x":1}')


def test_expect_100_continue_is_honoured(sim):
    with connect(sim) as connection:
        connection.sendall(b"PUT /a.json HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        read_exactly(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"5")
        assert connection.recv(65536).endswith(b"5")


def test_a_chunked_body_is_read(sim):
    with connect(sim) as connection:
        head = b"PUT /a.json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        connection.sendall(head + b"1\r\n[\r\n3;x=y\r\n1,2\r\n1\r\n]\r\n0\r\n\r\n")
        assert read_to_end(connection).endswith(b"[1,2]")


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"Transfer-Encoding: chunked", b"XYZ\r\n", b" 400 "),
        (b"Content-Length: 5\r\nContent-Encoding: gzip", b"12345", b" 400 "),
        (b"Content-Length: 5\r\nContent-Length: 6", b"12345", b" 400 "),
        (b"Content-Length: 50", b"12345", b" 408 "),
        (b"Transfer-Encoding: chunked", b"5\r\n1234", b" 408 "),
    ],
)
def test_a_body_that_is_not_http_is_told_and_changes_nothing(sim, capfd, monkeypatch, head, body, status):
    monkeypatch.setattr("flamelet_tools.simulator.server.http.BODY_SECONDS", 0.2)
    with connect(sim) as connection:
        connection.sendall(b"PUT /a.json HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s" % (head, body))
        assert status in read_to_end(connection).partition(b"\r\n")[0]
    assert sim.get() is None
    assert capfd.readouterr().err == ""


def test_a_body_that_ends_too_early_changes_nothing(sim, capfd):
    with connect(sim) as connection:
        connection.sendall(b"PUT /a.json HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""
    assert sim.get() is None
    assert capfd.readouterr().err == ""


def test_what_is_not_http_gets_a_400_and_the_simulator_lives_on(sim):
    with connect(sim) as connection:
        connection.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        assert b" 400 " in read_to_end(connection)
    assert exchange(sim, b"GET", b"/a.json").endswith(b"null")


def test_a_large_body_passes(sim):
    text = b'"%s"' % (b"x" * 5_000_000)
    assert exchange(sim, b"PUT", b"/a.json", text).endswith(text)
