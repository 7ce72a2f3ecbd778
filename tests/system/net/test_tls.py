"""Verified TLS against real servers, on every Python: the right root in every form, and no server but the right one."""

import contextlib
import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
import time

import pytest
import trustme
from clients import trust
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from scenarios import tls

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

PATIENT = {"connect": 5000, "handshake": 5000, "first_byte": 5000, "answer": 10000}
HASTY = {"connect": 300, "handshake": 300, "first_byte": 300, "answer": 600}
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
SECRET = {"database_secret": "geheim"}


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


def expired(root):
    return root.issue_cert("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - DAY)


def not_yet_valid(root):
    return root.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 9 * DAY)


def of_another_host(root):
    return root.issue_cert("example.com")


def of_a_stranger(root):
    return trustme.CA().issue_cert("127.0.0.1")


def of_an_intermediate(root):
    return root.create_child_ca().issue_cert("127.0.0.1")


def by_the_address_alone(root):
    return root.issue_cert("127.0.0.1")


def context_with(certificate, chain=True):
    """A server's context with a certificate of trustme; without its `chain`, the intermediates are kept back."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if chain:
        certificate.configure_cert(context)
        return context
    with certificate.private_key_pem.tempfile() as key, certificate.cert_chain_pems[0].tempfile() as leaf:
        context.load_cert_chain(leaf, key)
    return context


def self_signed_context(folder):
    """A server's context with a certificate for 127.0.0.1 that signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + DAY)
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "self.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def must_be_refused(outcomes, words):
    """Each of `outcomes` is a TLSError in one line, with the words of the TLS library and these behind them."""
    for _, name, text, retry, _ in outcomes:
        # A certificate stays as it is; a handshake that only broke may not.
        assert (name, retry) == ("TLSError", "the connection broke" in words), text
        assert text.startswith("TLS with ") and "\n" not in text
        of_library, _, of_ours = text.partition("(")[2].rpartition("): ")
        assert len(of_library) > 10
        assert words in of_ours, text


@pytest.mark.parametrize(
    ("certificate", "host", "words"),
    [
        (of_a_stranger, "127.0.0.1", "the certificate has no trusted root"),
        (of_another_host, "127.0.0.1", "the certificate is for another host"),
        (by_the_address_alone, "localhost", "the certificate is for another host"),
        (expired, "127.0.0.1", f"the certificate has expired, or the clock is wrong, which says {NOW:%Y-}"),
        (not_yet_valid, "127.0.0.1", f"the certificate is not valid yet, or the clock is wrong, which says {NOW:%Y-}"),
    ],
)
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(client, authority, certificate, host, words):
    root, ca = authority
    with Simulator(tls=context_with(certificate(root))) as sim:
        url = f"https://{host}:{sim.port}"
        outcomes = client.run(tls.every_call, url=url, ca=ca, timeouts=PATIENT, token=SECRET)
        assert sim.requests == []
        assert sim.get("") is None
    must_be_refused(outcomes, words)


def test_a_certificate_that_signed_itself_proves_nothing(client, authority, tmp_path):
    with Simulator(tls=self_signed_context(tmp_path)) as sim:
        outcomes = client.run(tls.every_call, url=sim.url, ca=authority[1], timeouts=PATIENT, token=SECRET)
        assert sim.requests == []
    # mbedTLS does not tell the two apart.
    must_be_refused(outcomes, "no trusted root" if client.on_micropython else "the certificate is self-signed")


def test_a_server_that_keeps_its_intermediate_back_is_refused_and_with_it_welcome(client, authority):
    root, ca = authority
    leaf = of_an_intermediate(root)
    with Simulator(tls=context_with(leaf, chain=False)) as sim:
        outcomes = client.run(tls.every_call, url=sim.url, ca=ca, timeouts=PATIENT, token=SECRET)
        assert sim.requests == []
    must_be_refused(outcomes, "the server does not send an intermediate")
    with Simulator(tls=context_with(leaf)) as sim:
        assert client.run(tls.opened, url=sim.url, options={"ca": ca}) == ["ok", None]


def test_a_server_without_a_certificate_is_refused(client, authority):
    with Simulator(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as sim:
        outcomes = client.run(tls.every_call, url=sim.url, ca=authority[1], timeouts=PATIENT, token=SECRET)
        assert sim.requests == []
    must_be_refused(outcomes, "the connection broke in the handshake")


def test_the_roots_that_are_shipped_do_not_trust_just_anyone(blocking_client, authority):
    with Simulator(tls=context_with(by_the_address_alone(authority[0]))) as sim:
        outcomes = blocking_client.run(tls.every_call, url=sim.url, ca=None, timeouts=PATIENT, token=SECRET)
        assert sim.requests == []
    must_be_refused(outcomes, "no trusted root")


def test_one_context_serves_every_client_and_connection(client, tmp_path):
    with Simulator(tls=True) as sim:
        assert client.run(tls.contexts, url=sim.url, **trust(sim, tmp_path)) == 1
        assert sim.connections == 9


def test_https_to_a_server_that_speaks_plain_http_is_refused(client, authority):
    with Simulator() as sim:
        url = sim.url.replace("http://", "https://")
        outcomes = client.run(tls.every_call, url=url, ca=authority[1], timeouts=PATIENT, token=SECRET)
        assert sim.requests == []
    must_be_refused(outcomes, "does not speak TLS: the network intercepts")


@contextlib.contextmanager
def redirecting(location, tls=None):
    """A server that answers every request by a redirect to `location`; its origin, and the targets it was asked for."""
    targets = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def redirect(self):
            targets.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(307)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = redirect

        def log_message(self, *_):
            """Nothing: what is asked for holds tokens."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", targets
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.mark.parametrize(
    ("scheme", "host", "words"),
    [
        ("http", "127.0.0.1", "a redirect from https to http, refused"),
        ("https", "localhost", "a redirect to another site, localhost, refused"),
    ],
)
def test_a_redirect_elsewhere_gets_no_token_and_not_even_a_connection(client, authority, scheme, host, words):
    root, ca = authority
    # Both are trusted by their certificates: nothing but the place may stop the client.
    context = context_with(root.issue_cert("127.0.0.1", "localhost"))
    with (
        Simulator(tls=context if scheme == "https" else False) as foreign,
        redirecting(f"{scheme}://{host}:{foreign.port}/a.json", context) as (url, targets),
    ):
        outcomes = client.run(tls.every_call, url=url, ca=ca, timeouts=PATIENT, token=SECRET)
        assert foreign.connections == 0
    assert len(targets) >= 4
    assert all("auth=geheim" in target for target in targets)
    for _, name, text, retry, _ in outcomes:
        assert (name, retry) == ("ProtocolError", False)
        assert words in text
        assert "geheim" not in text


def test_a_redirect_within_the_site_gets_the_token_once(client, authority):
    root, ca = authority
    context = context_with(root.issue_cert("127.0.0.1"))
    with (
        Simulator(tls=context, token="geheim") as target,
        redirecting(f"https://127.0.0.1:{target.port}/a.json", context) as (url, _),
    ):
        target.set("a", 7)
        assert client.run(tls.opened, url=url, options={"ca": ca, "token": SECRET}) == ["ok", 7]
        assert [request.query.count("auth=") for request in target.requests] == [1]


def test_a_login_page_behind_a_certificate_of_its_own_is_named_as_what_it_may_be(client, authority):
    root, ca = authority
    for portal in (root.issue_cert("login.example.com"), trustme.CA().issue_cert("login.example.com")):
        with Simulator(tls=context_with(portal)) as sim:
            outcomes = client.run(tls.every_call, url=sim.url, ca=ca, timeouts=PATIENT, token=SECRET)
            assert sim.requests == []
        must_be_refused(outcomes, "the network intercepts")


@pytest.mark.parametrize("status", [403, 404, 502, 511])
def test_a_login_page_in_place_of_a_refusal_is_named_as_what_it_may_be(client, status):
    with Simulator() as sim:
        sim.fault("html", status=status)
        outcomes = client.run(tls.every_call, url=sim.url, ca=None, timeouts=PATIENT)
        assert sim.get("") is None
    for _, _, text, _, got in outcomes:
        assert got == status
        assert "<html>" in text
        assert "does the network intercept?" in text


def test_a_login_page_in_place_of_an_answer_is_none(client):
    with Simulator() as sim:
        sim.fault("html", status=200)
        outcomes = client.run(tls.every_call, url=sim.url, ca=None, timeouts=PATIENT)
        assert sim.get("") is None
    assert [outcome[1] for outcome in outcomes] == ["ProtocolError"] * 4
    for written in (outcomes[0], outcomes[2]):
        assert "does the network intercept?" in written[2]


def test_a_redirect_to_a_login_page_is_not_followed(client):
    with Simulator() as portal, redirecting(f"http://localhost:{portal.port}/login") as (url, _):
        outcomes = client.run(tls.every_call, url=url, ca=None, timeouts=PATIENT)
        assert portal.connections == 0
    for outcome in outcomes:
        assert "a redirect to another site, localhost, refused" in outcome[2]


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
        # With the default deadlines it would take longer.
        assert time.monotonic() - begun < 30
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


def files_of_roots(root):
    """What a person may put into the file of roots, by what it is."""
    pem = root.cert_pem.bytes()
    other = trustme.CA()
    before, behind = other.cert_pem.bytes(), trustme.CA().cert_pem.bytes()
    der, other_der = (ssl.PEM_cert_to_DER_cert(one.decode()) for one in (pem, before))
    return {
        "the first of three": pem + before + behind,
        "the last of three": before + behind + pem,
        "one that is not the first, in DER": other_der + der,
        "line ends of Windows": (before + pem).replace(b"\n", b"\r\n"),
        "words between": b"\xef\xbb\xbf# Ours\n" + pem + b"\n# Theirs, until 2030\n" + before,
        "no line end at the end": pem.rstrip(),
    }


def broken_files_of_roots(root):
    """Files that must not be taken for roots, by what they are; half of a file is what a power cut leaves."""
    pem = root.cert_pem.bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    other = trustme.CA()
    return {
        "empty": b"",
        "a page": b"<html>404 Not Found</html>",
        "zeros": bytes(600),
        "a private key": other.private_key_pem.bytes(),
        "no base64": b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        "an empty certificate": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "half of one": pem[: len(pem) // 2],
        "one and a half": pem + other.cert_pem.bytes()[:300],
        "half of one in DER": der[:-5],
        "one in DER and more": der + b"\0\0\0",
        "a bad one before a good one": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pem,
    }


@pytest.mark.parametrize("what", files_of_roots(trustme.CA()))
def test_a_file_replaces_the_roots(blocking_client, authority, tmp_path, what):
    root, _ = authority
    path = tmp_path / "ca"
    path.write_bytes(files_of_roots(root)[what])
    with Simulator(tls=context_with(by_the_address_alone(root))) as sim:
        assert blocking_client.run(tls.opened, url=sim.url, options={"ca": str(path)}) == ["ok", None]


@pytest.mark.parametrize("what", broken_files_of_roots(trustme.CA()))
def test_a_broken_file_of_roots_is_refused_by_name(blocking_client, authority, tmp_path, what):
    root, _ = authority
    path = tmp_path / "ca"
    path.write_bytes(broken_files_of_roots(root)[what])
    with Simulator(tls=context_with(by_the_address_alone(root))) as sim:
        _, name, text, retry, _ = blocking_client.run(tls.opened, url=sim.url, options={"ca": str(path)})
        assert sim.requests == []
    assert (name, retry) == ("InvalidArgument", False)
    assert f"the root certificates in {path} cannot be read" in text


def test_a_file_of_roots_replaces_those_that_are_shipped(blocking_client, authority, tmp_path):
    path = tmp_path / "ca"
    path.write_bytes(trustme.CA().cert_pem.bytes())
    with Simulator(tls=context_with(by_the_address_alone(authority[0]))) as sim:
        outcomes = blocking_client.run(tls.every_call, url=sim.url, ca=str(path), timeouts=PATIENT)
        assert sim.requests == []
    must_be_refused(outcomes, "or ca is not its root")


def test_a_root_that_is_missing_is_named(client):
    with Simulator(tls=True) as sim:
        _, name, text, _, _ = client.run(tls.opened, url=sim.url, options={"ca": "no/such/ca.pem"})
    assert name == "InvalidArgument"
    assert "no/such/ca.pem" in text
