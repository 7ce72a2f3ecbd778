"""Each fault of the simulator, seen from a client, and what it leaves in the data."""

import socket
import threading
import time

import pytest
import requests

from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 10


def put(sim, value=1, path="/a.json", **arguments):
    return requests.put(sim.url + path, json=value, timeout=DEADLINE_SECONDS, **arguments)


def get(sim, path="/a.json", **arguments):
    return requests.get(sim.url + path, timeout=DEADLINE_SECONDS, **arguments)


def read_all(connection):
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def test_delay_waits_before_it_answers(sim):
    sim.fault("delay", ms=150)
    begun = time.monotonic()
    assert put(sim).status_code == 200
    assert time.monotonic() - begun >= 0.15


@pytest.mark.parametrize("reset", [False, True])
def test_drop_before_leaves_the_data_alone(sim, reset):
    sim.fault("drop_before", count=1, reset=reset)
    with pytest.raises(requests.ConnectionError, match="reset" if reset else "without response"):
        put(sim)
    assert sim.get("a") is None
    assert put(sim).status_code == 200
    assert [record.status for record in sim.requests] == [None, 200]


@pytest.mark.parametrize("reset", [False, True])
def test_drop_after_has_acted(sim, reset):
    sim.fault("drop_after", method="put", count=1, reset=reset)
    with pytest.raises(requests.ConnectionError, match="reset" if reset else "without response"):
        put(sim, 5)
    assert sim.get("a") == 5


def test_cut_sends_so_many_bytes_of_the_body(sim):
    sim.set("a", "0123456789")
    sim.fault("cut", bytes=4, count=1)
    with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
        connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"Content-Length: 12" in head
    assert body == b'"012'


def raw_get(sim):
    """All that is sent for a GET, until the connection ends."""
    with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
        connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return read_all(connection)


def test_cut_head_sends_so_many_bytes_of_the_head(sim):
    sim.fault("cut_head", bytes=30, count=1)
    received = raw_get(sim)
    assert len(received) == 30
    assert received.startswith(b"HTTP/1.1 200 OK\r\nServer:")


def test_chunked_sends_the_same_body_in_chunks(sim):
    sim.set("a", "0123456789")
    sim.fault("chunked", bytes=5, count=2)
    assert get(sim).json() == "0123456789"
    head, _, body = raw_get(sim).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert body == b'5\r\n"0123\r\n5\r\n45678\r\n2\r\n9"\r\n0\r\n\r\n'


def test_a_cut_within_a_chunk(sim):
    sim.set("a", "0123456789")
    sim.fault("chunked", bytes=5, count=1)
    sim.fault("cut", bytes=12, count=1)
    assert raw_get(sim).partition(b"\r\n\r\n")[2] == b'5\r\n"0123\r\n5\r'


def test_a_stream_in_chunks_says_the_same(sim):
    sim.set("a", 7)
    sim.fault("chunked", bytes=10, stream=True, count=1)
    with requests.get(
        sim.url + "/a.json", headers={"Accept": "text/event-stream"}, stream=True, timeout=DEADLINE_SECONDS
    ) as answer:
        lines = answer.iter_lines(chunk_size=1)
        assert [next(lines), next(lines)] == [b"event: put", b'data: {"path":"/","data":7}']


def test_cut_counts_the_bytes_of_all_events_of_a_stream(sim):
    sim.fault("cut", bytes=60, count=1, stream=True)
    with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
        connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        first = b'event: put\ndata: {"path":"/","data":null}\n\n'
        while not connection.recv(65536, socket.MSG_PEEK).endswith(first):
            time.sleep(0.001)
        sim.set("a", "something longer than what is left")
        body = read_all(connection).partition(b"\r\n\r\n")[2]
    assert len(body) == 60
    assert body.startswith(first)


@pytest.mark.parametrize(("settings", "header"), [({}, None), ({"retry_after": 3}, "3")])
def test_unavailable_is_a_503_without_acting(sim, settings, header):
    sim.fault("unavailable", count=1, **settings)
    answer = put(sim)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, header)
    assert sim.get("a") is None


@pytest.mark.parametrize(("after", "stored"), [(False, None), (True, 1)])
def test_an_internal_error_has_acted_only_with_after(sim, after, stored):
    sim.fault("internal_error", count=1, after=after)
    assert put(sim).status_code == 500
    assert sim.get("a") == stored


def test_a_loop_leads_to_the_same_place(sim):
    sim.fault("loop", count=2)
    answer = put(sim, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/a.json")
    assert sim.get("a") is None
    assert put(sim).status_code == 200
    assert sim.get("a") == 1


def test_slow_sends_byte_by_byte(sim):
    sim.fault("slow", ms=1)
    begun = time.monotonic()
    answer = get(sim)
    assert answer.json() is None
    assert time.monotonic() - begun >= 0.25


@pytest.mark.parametrize("status", [200, 404])
def test_html_is_a_page_in_place_of_the_answer(sim, status):
    sim.fault("html", status=status)
    answer = put(sim)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert sim.get("a") is None


def test_a_black_hole_takes_the_request_and_never_answers(sim):
    sim.fault("black_hole", count=1)
    with pytest.raises(requests.ReadTimeout):
        requests.put(sim.url + "/a.json", json=1, timeout=0.2)
    wait_until(lambda: sim.faults == [])
    assert sim.get("a") is None
    assert put(sim).status_code == 200


def test_a_black_hole_after_it_acted_has_acted(sim):
    sim.fault("black_hole", count=1, after=True)
    with pytest.raises(requests.ReadTimeout):
        requests.put(sim.url + "/a.json", json=1, timeout=0.2)
    wait_until(lambda: sim.get("a") == 1)


def test_a_simulator_with_a_request_in_a_black_hole_stops_at_once():
    with Simulator() as sim:
        sim.fault("black_hole")
        connection = socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS)
        connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(sim.requests) == 1)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    with connection:
        assert connection.recv(1) == b""


def test_close_says_so_and_closes(sim):
    sim.fault("close", count=1)
    with requests.Session() as session:
        assert session.get(sim.url + "/a.json", timeout=DEADLINE_SECONDS).headers["Connection"] == "close"
        assert session.get(sim.url + "/a.json", timeout=DEADLINE_SECONDS).headers["Connection"] == "keep-alive"
    assert sim.connections == 2


def test_refuse_refuses_connections_for_a_while(sim):
    put(sim, 7)
    sim.fault("refuse", seconds=1)
    wait_until(lambda: connects(sim) == "refused")
    wait_until(lambda: connects(sim) == "connected")
    assert get(sim).json() == 7


@pytest.mark.parametrize(("tls", "at_last"), [(False, b"H"), (True, b"")], ids=["plain", "tls"])
def test_hang_takes_connections_and_says_nothing_for_a_while(tls, at_last):
    with Simulator(tls=tls) as sim:
        begun = time.monotonic()
        sim.fault("hang", seconds=0.5)
        # The loop answers this after it has stopped accepting.
        assert sim.open_connections == 0
        with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
            connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\n\r\n")
            # When it is over, the one who waited is served; one who does not speak TLS to a TLS port is hung up on.
            assert connection.recv(65536)[:1] == at_last
            assert time.monotonic() - begun >= 0.5


def test_flap_resets_what_is_connected_and_refuses_others_again_and_again(sim):
    with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
        connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        sim.fault("flap", seconds=0.5, times=2)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    for _ in range(2):
        wait_until(lambda: connects(sim) == "refused")
        wait_until(lambda: connects(sim) == "connected")
    assert get(sim).json() is None


def test_connections_are_reset_on_demand(sim):
    with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
        wait_until(lambda: sim.open_connections == 1)
        assert sim.reset_connections() == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert put(sim).status_code == 200


def test_a_fault_is_for_the_requests_it_names(sim):
    sim.fault("unavailable", method="PUT", path="/devices/d1", count=2)
    assert put(sim, path="/devices.json").status_code == 200
    assert put(sim, path="/devices/d10.json").status_code == 200
    assert get(sim, path="/devices/d1.json").status_code == 200
    assert put(sim, path="/devices/d1.json").status_code == 503
    assert put(sim, path="/devices/d1/deep.json").status_code == 503
    assert put(sim, path="/devices/d1.json").status_code == 200
    assert sim.faults == []


def test_a_fault_for_streams_leaves_requests_alone(sim):
    sim.fault("unavailable", stream=True)
    assert get(sim).status_code == 200
    assert get(sim, headers={"Accept": "text/event-stream"}).status_code == 503


def test_a_fault_without_a_count_lasts_until_it_is_cleared(sim):
    sim.fault("unavailable")
    assert [put(sim).status_code for _ in range(3)] == [503] * 3
    sim.clear_faults()
    assert put(sim).status_code == 200


def test_equal_faults_apply_in_turn_and_different_ones_join(sim):
    sim.fault("html", status=404, count=1)
    sim.fault("html", status=200, count=1)
    sim.fault("delay", ms=100, count=1)
    begun = time.monotonic()
    assert get(sim).status_code == 404
    assert time.monotonic() - begun >= 0.1
    assert get(sim).text.startswith("<!DOCTYPE")
    assert get(sim).text == "null"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"name": "drop"}, "unknown fault 'drop'"),
        ({"name": "delay"}, "give ms"),
        ({"name": "delay", "ms": -1}, "0 or more"),
        ({"name": "delay", "ms": "5"}, "must be a number"),
        ({"name": "delay", "ms": float("nan")}, "must be a number"),
        ({"name": "close", "stream": "yes"}, "stream must be true or false"),
        ({"name": "cut", "bites": 3}, "unknown setting bites; it has bytes, method, path"),
        ({"name": "close", "count": 0}, "count must be 1 or more"),
        ({"name": "close", "path": "/a#"}, "Invalid path"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_reason(sim, arguments, reason):
    with pytest.raises(ValueError, match=reason):
        sim.fault(**arguments)
    assert sim.faults == []


def test_an_idle_connection_is_closed_at_its_time():
    with Simulator(idle_seconds=0.2) as sim:
        with socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection:
            connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).endswith(b"null")
            begun = time.monotonic()
            assert connection.recv(1) == b""
            assert 0.15 < time.monotonic() - begun < 5
        assert sim.connections == 1


def test_an_open_stream_is_not_idle():
    with (
        Simulator(idle_seconds=0.1, keep_alive_seconds=0.3) as sim,
        socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS) as connection,
    ):
        connection.sendall(b"GET /a.json HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        received = b""
        while b"keep-alive" not in received:
            data = connection.recv(65536)
            assert data
            received += data


def test_the_last_request_of_a_connection_is_answered_with_close():
    with Simulator(requests_per_connection=3) as sim, requests.Session() as session:
        answers = [session.get(sim.url + "/a.json", timeout=DEADLINE_SECONDS) for _ in range(6)]
        assert [a.headers["Connection"] for a in answers] == ["keep-alive", "keep-alive", "close"] * 2
        assert [record.connection for record in sim.requests] == [1, 1, 1, 2, 2, 2]
        assert sim.connections == 2


def test_faults_hold_under_many_clients_at_once(sim):
    sim.fault("drop_after", count=10)
    failed = []

    def push_many():
        for _ in range(20):
            try:
                requests.post(sim.url + "/log.json", json=1, timeout=DEADLINE_SECONDS)
            except requests.ConnectionError:
                failed.append(1)

    threads = [threading.Thread(target=push_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert len(failed) == 10
    assert len(sim.get("log")) == 80


def connects(sim):
    try:
        socket.create_connection(("127.0.0.1", sim.port), DEADLINE_SECONDS).close()
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        # The port was closed during the handshake: ask again.
        return "reset"
    return "connected"


def wait_until(holds):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.005)
