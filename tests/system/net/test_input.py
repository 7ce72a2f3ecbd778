"""Bad input on every Python: one clear error that names the thing, nothing sent, and the client of use afterwards."""

import contextlib
import random
import socket
import threading
import time

import pytest
from scenarios import strange

pytestmark = pytest.mark.timeout(60)

TIMEOUTS = {"connect": 2000, "handshake": 2000, "first_byte": 700, "answer": 1500}
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel</body></html>"


@contextlib.contextmanager
def server(serve):
    """A server on a free port that calls serve(connection) for each connection; its URL."""
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            # Ends when the listening socket is shut down.
            with contextlib.suppress(OSError):
                while True:
                    connection = listening.accept()[0]
                    connection.settimeout(5)
                    threads.append(threading.Thread(target=serve_one, args=(connection,), daemon=True))
                    threads[-1].start()

        def serve_one(connection):
            # The client may close whenever it has seen enough.
            with connection, contextlib.suppress(OSError):
                serve(connection)

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[0].start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(6)


def greet_like_ssh(connection):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    connection.recv(65536)


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def close_at_once(connection):
    connection.shutdown(socket.SHUT_WR)


def babble(connection):
    connection.recv(65536)
    connection.sendall(random.Random(7).randbytes(2000))


def answer(status):
    def serve(connection):
        while connection.recv(65536):
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(HTML)}\r\n\r\n"
            connection.sendall(head.encode() + HTML)

    return serve


@pytest.mark.parametrize(
    ("serve", "errors", "word"),
    [
        (greet_like_ssh, {"ProtocolError"}, "not HTTP"),
        (echo, {"ProtocolError"}, "not HTTP"),
        (babble, {"ProtocolError"}, "not HTTP"),
        # The goodbye may cross the request: then the system says that the connection was reset.
        (close_at_once, {"NetworkError"}, "127.0.0.1"),
        (answer("200 OK"), {"ProtocolError"}, ""),
        (answer("404 Not Found"), {"NotFound"}, "hotel"),
        (answer("302 Found"), {"ProtocolError"}, "redirect"),
    ],
    ids=["ssh", "echo", "random bytes", "closes", "html 200", "html 404", "302"],
)
def test_a_server_that_is_no_database_is_one_clear_error(blocking_client, serve, errors, word):
    with server(serve) as url:
        begun = time.monotonic()
        outcomes = blocking_client.run(strange.every_call, url=url, timeouts=TIMEOUTS)
        assert time.monotonic() - begun < 30
    for name, (kind, error, text, _, _) in outcomes.items():
        assert kind == "error", name
        assert error in errors, (name, text)
        assert word in text, (name, text)
        assert "\n" not in text


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "empty"),
        ("example.com", "https://"),
        ("ftp://example.com", "https://"),
        ("https://", "host"),
        ("https://exa mple.com", "' '"),
        ("https://example.com\r\nX: y", "\\r"),
        ("https://exämple.com", "holds"),
        ("https://example.com:99999", "port"),
        ("https://example.com:http", "port"),
        ("https://user@example.com", "host"),
        ("http://example.com", "insecure=True"),
    ],
)
def test_a_url_that_cannot_be_is_refused(blocking_client, url, word):
    _, error, text, retry, _ = blocking_client.run(strange.opened, url=url)
    assert (error, retry) == ("InvalidArgument", False)
    assert word in text


def test_an_unknown_host_is_a_network_error_that_names_it(client):
    kind, error, text, retry, _ = client.run(strange.opened, url="https://no-such-host.invalid")
    assert (kind, error, retry) == ("error", "NetworkError", True)
    assert "no-such-host.invalid" in text
    assert "DNS" in text


def test_a_port_where_nobody_listens_is_a_network_error_that_names_it(client):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    _, error, text, retry, _ = client.run(strange.opened, url=f"http://127.0.0.1:{port}")
    assert (error, retry) == ("NetworkError", True)
    assert f"127.0.0.1:{port}" in text


def test_a_path_that_cannot_be_is_refused_before_anything_is_sent(client, sim):
    paths = [
        "a b\n", "a\r\nX: y", "tab\t", "null\x00", "del\x7f", "a#b", "a$b", "a[b", "a]b", "a.b", ".hidden", "..", ".sv",
        "a//b", "x" * 769, "ü" * 385, "half \ud83d", 5, None,
    ]  # fmt: skip
    outcomes, good = client.run(strange.bad_paths, "1m", url=sim.url, paths=paths)
    for path, results in zip(paths, outcomes, strict=True):
        assert [result[1] for result in results] == ["InvalidArgument"] * 7, (path, results)
    assert good == ["ok", None]
    assert [record.path for record in sim.requests] == ["/good.json"]


def test_a_value_that_cannot_be_is_refused_before_anything_is_sent(client, sim):
    outcomes, good, reading = client.run(strange.bad_values, url=sim.url)
    assert {name: outcome[1] for name, outcome in outcomes.items()} == dict.fromkeys(outcomes, "InvalidArgument")
    assert good == reading == ["ok", None]
    assert sim.get("").keys() == {"good", "readings"}
    assert len(sim.requests) == 2
    assert list(sim.get("readings").values()) == [{"n": 1.5}]
