"""Verified TLS against real servers, on every Python: the right root in every form, and no server but the right one."""

import contextlib
import datetime
import socket
import ssl
import threading
import time

import pytest
import trustme
from clients import trust
from scenarios import tls

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

PATIENT = {"connect": 5000, "handshake": 5000, "first_byte": 5000, "answer": 10000}
HASTY = {"connect": 300, "handshake": 300, "first_byte": 300, "answer": 600}
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A root, and the file that clients trust."""
    root = trustme.CA()
    path = tmp_path_factory.mktemp("root") / "ca.pem"
    root.cert_pem.write_to_path(path)
    return root, str(path)


@pytest.fixture(scope="module")
def root_files(tmp_path_factory):
    """A simulator over TLS, with its root as PEM and as DER."""
    folder = tmp_path_factory.mktemp("simulator")
    with Simulator(tls=True) as sim:
        (folder / "ca.pem").write_bytes(sim.ca_pem)
        (folder / "ca.der").write_bytes(sim.ca_der)
        yield sim, folder


@pytest.mark.parametrize("form", ["file", "bytes"])
@pytest.mark.parametrize("name", ["ca.pem", "ca.der"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_root_is_taken_in_every_form(blocking_client, root_files, name, form, host):
    sim, folder = root_files
    sim.set("", None)
    url = f"https://{host}:{sim.port}"
    value, pushed = blocking_client.run(tls.trusting, url=url, ca=str(folder / name), form=form)
    assert (value, pushed) == ({"n": 1}, ["ok", None])
    assert [*sim.get("readings").values()] == [{"n": 7}]


def certificate(root, kind):
    if kind == "expired":
        return root.issue_cert("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    if kind == "not yet valid":
        return root.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 9 * DAY)
    if kind == "wrong host":
        return root.issue_cert("example.com")
    return trustme.CA().issue_cert("127.0.0.1")


def server_context(root, kind, folder):
    """A context for a server that no client may trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind == "self-signed":
        path = folder / "self.pem"
        own = trustme.CA()
        own.private_key_pem.write_to_path(path)
        own.cert_pem.write_to_path(path, append=True)
        context.load_cert_chain(path)
    elif kind != "missing":
        certificate(root, kind).configure_cert(context)
    return context


@pytest.mark.parametrize(
    "kind", ["untrusted", "self-signed", "wrong host", "expired", "not yet valid", "missing"]
)
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(client, authority, kind, tmp_path):
    root, ca = authority
    with Simulator(tls=server_context(root, kind, tmp_path)) as sim:
        outcomes = client.run(tls.every_call, url=sim.url, ca=ca, timeouts=PATIENT)
        assert sim.requests == []
        assert sim.get("") is None
    for outcome in outcomes:
        _, name, text, retry, _ = outcome
        assert (name, retry) == ("TLSError", False), outcome
        assert text.startswith("TLS with 127.0.0.1 failed (")
        # The reason of the TLS library, and what to think of it.
        assert len(text.partition("(")[2].partition(")")[0].strip()) > 10
        assert "\n" not in text


def test_the_roots_that_are_shipped_do_not_trust_just_anyone(blocking_client, authority, tmp_path):
    root, _ = authority
    with Simulator(tls=server_context(root, "untrusted", tmp_path)) as sim:
        outcomes = blocking_client.run(tls.every_call, url=sim.url, ca=None, timeouts=PATIENT)
        assert [outcome[1] for outcome in outcomes] == ["TLSError"] * 4
        assert sim.requests == []


def test_one_context_serves_every_client_and_connection(client, tmp_path):
    with Simulator(tls=True) as sim:
        assert client.run(tls.contexts, url=sim.url, **trust(sim, tmp_path)) == 1
        assert sim.connections == 9


def test_https_to_a_server_that_speaks_plain_http_is_refused(client, authority):
    with Simulator() as sim:
        url = sim.url.replace("http://", "https://")
        outcomes = client.run(tls.every_call, url=url, ca=authority[1], timeouts=PATIENT)
        assert [outcome[1] for outcome in outcomes] == ["TLSError"] * 4
        assert sim.requests == []


def test_http_to_a_server_that_speaks_tls_is_an_error(blocking_client):
    with Simulator(tls=True) as sim:
        url = sim.url.replace("https://", "http://")
        outcomes = blocking_client.run(tls.every_call, url=url, ca=None, timeouts=PATIENT)
        assert {outcome[1] for outcome in outcomes} <= {"NetworkError", "ProtocolError"}
        assert sim.requests == []


@contextlib.contextmanager
def silent_server():
    """A port whose connections are taken and never spoken to."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            # Ends when the listening socket is shut down.
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listening.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    for one in taken:
        one.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_speaks_is_given_up_in_time(blocking_client, authority, scheme):
    with silent_server() as address:
        begun = time.monotonic()
        outcomes = blocking_client.run(tls.every_call, url=f"{scheme}://{address}", ca=authority[1], timeouts=HASTY)
        assert time.monotonic() - begun < 8
    assert [outcome[1] for outcome in outcomes] == ["Timeout"] * 4
    assert all("within the deadline" in outcome[2] for outcome in outcomes)


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1", "127.0.0.1.example.com", "localhost.example.com"])
def test_plain_http_leaves_this_machine_only_where_it_is_said(blocking_client, host):
    _, name, text, _, _ = blocking_client.run(tls.opened, url=f"http://{host}", options={})
    assert name == "InvalidArgument"
    assert host in text
    assert "insecure=True" in text


def test_plain_http_is_used_where_insecure_is_said(blocking_client):
    with Simulator(host="0.0.0.0") as sim:
        sim.set("a", 5)
        name = socket.gethostname()
        try:
            socket.getaddrinfo(name, sim.port, socket.AF_INET)
        except OSError:
            pytest.skip(f"this machine does not know the address of its own name, {name}")
        url = f"http://{name.lower()}:{sim.port}"
        assert blocking_client.run(tls.opened, url=url, options={})[1] == "InvalidArgument"
        assert blocking_client.run(tls.opened, url=url, options={"insecure": True}) == ["ok", 5]


@pytest.mark.parametrize("content", [b"", b"none", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"])
def test_a_root_that_is_none_is_refused_by_name(client, content, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with Simulator(tls=True) as sim:
        _, name, text, _, _ = client.run(tls.opened, url=sim.url, options={"ca": str(path)})
        assert sim.requests == []
    assert name == "InvalidArgument"
    assert "certificate" in text


def test_a_root_that_is_missing_is_named(client):
    with Simulator(tls=True) as sim:
        _, name, text, _, _ = client.run(tls.opened, url=sim.url, options={"ca": "no/such/ca.pem"})
    assert name == "InvalidArgument"
    assert "no/such/ca.pem" in text
