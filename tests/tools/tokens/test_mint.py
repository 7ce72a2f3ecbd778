"""`flamelet mint` before any service: arguments, files, and each refusal in plain words with what to do.

The services are a scripted one here, whose answers have the shapes and texts of Google's own. What really comes of a
mint is tested against the simulator, in test_mint_simulator.py.
"""

import json
import os
import pty
import re
import select
import socket
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth import jwt

from flamelet_tools.simulator import Simulator
from flamelet_tools.tokens import google_credentials, identity
from flamelet_tools.tokens.mint import mint, write

ACCOUNT = "minter@demo-x.iam.gserviceaccount.com"
ID_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkMSIsImV4cCI6OTk5OTk5OTk5OX0."
SIGNED_IN = {"idToken": ID_TOKEN, "refreshToken": "the-refresh-token", "expiresIn": "3600"}
SECRETS = (ID_TOKEN, "the-refresh-token", "the-password", "ya29.the-access-token", "PRIVATE KEY")


class Services:
    """Identity, securetoken and OAuth2, with the answers that a test puts into `answers`: (status, body)."""

    def __init__(self):
        self.answers = []
        self.requests = []
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                services.requests.append((self.path, body))
                status, content = services.answers.pop(0)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                """The tests look at `requests`."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()


@pytest.fixture
def services(monkeypatch):
    scripted = Services()
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", scripted.host)
    yield scripted
    scripted.close()


@pytest.fixture(scope="session")
def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def key(tmp_path, private_key, services):
    """A service account's key file, whose token_uri is the scripted service."""
    content = {
        "type": "service_account",
        "project_id": "demo-x",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": ACCOUNT,
        "token_uri": f"http://{services.host}/token",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that the command works in."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def run(*arguments, stdin=None):
    """What `flamelet mint` did with these arguments. Whatever it did, it showed no secret."""
    done = CliRunner().invoke(mint, [str(argument) for argument in arguments], input=stdin, env={"COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert not [secret for secret in SECRETS if secret in done.output]
    return done


def token_file(folder, **content):
    path = folder / "token.json"
    path.write_text(json.dumps(content))
    return path


def refusal(message, code=400, **others):
    return code, {"error": {"code": code, "message": message, **others}}


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "give one of --for, --uid, --email, --anonymous, --check"),
        (["--anonymous", "--uid", "d1"], "give one of"),
        (["--anonymous"], "--api-key is missing: the API key is in the Firebase console"),
        (["--for", "database"], "--for needs --service-account or --adc"),
        (["--for", "database", "--adc", "--service-account", "key.json"], "--for needs --service-account or --adc"),
        (["--for", "mail", "--adc"], "is not one of 'database', 'firestore'"),
        (["--for", "database", "--adc", "--api-key", "k"], "--api-key cannot be combined with --for"),
        (["--email", "a@b.c", "--api-key", "k", "--claim", "a=1"], "--claim cannot be combined with --email"),
        (
            ["--anonymous", "--api-key", "k", "--service-account", "key.json"],
            "--service-account cannot be combined with",
        ),
        (["--check", "token.json", "--output", "other.json"], "--output cannot be combined with --check"),
        (["--anonymous", "--api-key", "k", "--url", "https://db"], "--url cannot be combined with --anonymous"),
        (["--uid", "d1", "--api-key", "k", "--claim", "site"], "--claim is NAME=VALUE, as in --claim site=north"),
        (["--email", "a@b.c", "--api-key", "k", "--password", "p"], "No such option"),
    ],
)
def test_what_makes_no_sense_is_refused(folder, arguments, reason):
    done = run(*arguments)
    assert (done.exit_code, reason in done.output) == (2, True), done.output
    assert not list(folder.iterdir())


def test_an_anonymous_account_is_made_and_its_token_written_for_its_owner_alone(folder, services):
    services.answers = [(200, SIGNED_IN)]
    done = run("--anonymous", "--api-key", "the-api-key")
    assert done.exit_code == 0, done.output
    path, body = services.requests[0]
    assert path == "/identitytoolkit.googleapis.com/v1/accounts:signUp?key=the-api-key"
    assert json.loads(body) == {"returnSecureToken": True}
    written = json.loads((folder / "token.json").read_text())
    assert abs(written.pop("expires_at") - time.time() - 3600) < 60
    assert written == {
        "id_token": ID_TOKEN,
        "refresh_token": "the-refresh-token",
        "api_key": "the-api-key",
        "token_uri": f"http://{services.host}/securetoken.googleapis.com/v1/token",
    }
    assert stat.S_IMODE((folder / "token.json").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["token.json"]


def test_without_an_emulator_the_file_names_no_place(folder, monkeypatch):
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    asked = []
    monkeypatch.setattr(identity, "ask", lambda url, **arguments: asked.append(url) or SIGNED_IN)
    assert run("--anonymous", "--api-key", "k").exit_code == 0
    assert asked == ["https://identitytoolkit.googleapis.com/v1/accounts:signUp"]
    assert "token_uri" not in json.loads((folder / "token.json").read_text())


@pytest.mark.parametrize("text", ["the-password", "the-password\n", "the-password\r\nanother line\n"])
@pytest.mark.parametrize("option", [["--password-file", "password"], ["--password-file", "-"], []])
def test_a_password_comes_from_a_file_or_from_standard_input(folder, services, text, option):
    services.answers = [(200, SIGNED_IN)]
    (folder / "password").write_text(text)
    stdin = None if "password" in option else text
    done = run("--email", "d1@example.com", *option, "--api-key", "k", stdin=stdin)
    assert done.exit_code == 0, done.output
    assert json.loads(services.requests[0][1])["password"] == "the-password"


def test_an_empty_password_is_not_sent(folder, services):
    done = run("--email", "d1@example.com", "--api-key", "k", stdin="\n")
    assert (done.exit_code, "there is no password" in done.output) == (1, True)
    assert services.requests == []


def at_a_terminal(arguments, typed, folder, environment):
    """Run the command at a terminal, and type each line when its prompt has come.

    Returns: exit code, and all that the terminal showed.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flamelet_tools.cli", "mint", *arguments],
        cwd=folder,
        env=os.environ | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, deadline = "", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(ours, 4096)
            except OSError:  # Linux says so when the other side is closed.
                data = b""
            if not data:
                return process.wait(10), shown
            shown += data.decode()
            if typed and typed[0][0] in shown:
                os.write(ours, typed.pop(0)[1].encode() + b"\n")
        raise AssertionError(f"it did not end in time, and showed: {shown}")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_at_a_terminal_it_asks_before_it_overwrites_and_does_not_show_the_password(folder, services):
    services.answers = [(200, SIGNED_IN)]
    token_file(folder, old=True)
    arguments = ["--email", "d1@example.com", "--api-key", "k"]
    environment = {"FIREBASE_AUTH_EMULATOR_HOST": services.host}
    exit_code, shown = at_a_terminal(arguments, [("Replace it?", "n")], folder, environment)
    assert exit_code == 1, shown
    assert json.loads((folder / "token.json").read_text()) == {"old": True}
    typed = [("Replace it?", "y"), ("Password:", "the-password")]
    exit_code, shown = at_a_terminal(arguments, typed, folder, environment)
    assert exit_code == 0, shown
    assert "the-password" not in shown
    assert json.loads(services.requests[0][1])["password"] == "the-password"
    assert json.loads((folder / "token.json").read_text())["refresh_token"] == "the-refresh-token"


def test_elsewhere_a_file_is_replaced_only_by_force_and_nothing_is_minted_before(folder, services):
    path = token_file(folder, old=True)
    done = run("--anonymous", "--api-key", "k")
    assert done.exit_code == 1
    assert "token.json exists already: --force replaces it, --output names another one" in done.output
    assert (services.requests, json.loads(path.read_text())) == ([], {"old": True})
    services.answers = [(200, SIGNED_IN)]
    assert run("--anonymous", "--api-key", "k", "--force").exit_code == 0
    assert json.loads(path.read_text())["id_token"] == ID_TOKEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_not_overwritten_even_by_force(folder, key, services):
    before = key.read_bytes()
    done = run("--uid", "d1", "--service-account", key, "--api-key", "k", "--output", key, "--force")
    assert (done.exit_code, "holds a service account's private key" in done.output) == (1, True)
    assert (services.requests, key.read_bytes()) == ([], before)


def test_a_folder_that_is_not_there_is_named_before_anything_is_minted(folder, services):
    done = run("--anonymous", "--api-key", "k", "--output", "nowhere/token.json")
    assert (done.exit_code, "there is no folder nowhere" in done.output, services.requests) == (1, True, [])


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(folder, monkeypatch):
    path = token_file(folder, old=True)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(google_credentials.click.ClickException, match="cannot be written: No space left on device"):
        write(path, {"new": True})
    assert [path.name for path in folder.iterdir()] == ["token.json"]
    assert json.loads(path.read_text()) == {"old": True}


def test_a_custom_token_is_signed_by_the_key_and_carries_uid_and_claims(folder, services, key, private_key):
    services.answers = [(200, SIGNED_IN)]
    claims = ["--claim", "site=north", "--claim", "admin=true", "--claim", "floor=3", "--claim", 'tags=["a"]']
    done = run("--uid", "d1", *claims, "--service-account", key, "--api-key", "k")
    assert done.exit_code == 0, done.output
    sent = json.loads(services.requests[0][1])["token"]
    parts = jwt.decode(sent, verify=False)
    assert parts["claims"] == {"site": "north", "admin": True, "floor": 3, "tags": ["a"]}
    assert (parts["uid"], parts["iss"], parts["sub"]) == ("d1", ACCOUNT, ACCOUNT)
    assert parts["aud"] == google_credentials.AUDIENCE
    assert 0 < parts["exp"] - parts["iat"] <= 3600
    assert jwt.decode_header(sent)["alg"] == "RS256"
    assert jwt.decode_header(sent)["kid"] == "1"


def test_an_emulator_takes_a_custom_token_without_a_key(folder, services):
    services.answers = [(200, SIGNED_IN)]
    assert run("--uid", "d1", "--api-key", "k").exit_code == 0
    assert jwt.decode_header(json.loads(services.requests[0][1])["token"])["alg"] == "none"


def test_google_takes_none_without_a_key(folder, monkeypatch):
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    done = run("--uid", "d1", "--api-key", "k")
    assert (done.exit_code, "a token for a uid needs --service-account" in done.output) == (1, True)


@pytest.mark.parametrize("uid", ["", "d" * 129])
def test_a_uid_that_cannot_be_is_refused(folder, services, uid):
    assert "a uid has 1 to 128 characters" in run("--uid", uid, "--api-key", "k").output
    assert services.requests == []


def test_a_reserved_claim_is_refused(folder, services):
    assert "the claim sub is reserved" in run("--uid", "d1", "--claim", "sub=x", "--api-key", "k").output
    assert services.requests == []


def test_an_access_token_has_the_scopes_of_the_services(folder, services, key):
    services.answers = [(200, {"access_token": "ya29.the-access-token", "expires_in": 3599, "token_type": "Bearer"})]
    done = run("--for", "database", "--for", "firestore", "--service-account", key)
    assert done.exit_code == 0, done.output
    form = parse_qs(services.requests[0][1].decode())
    scope = "https://www.googleapis.com/auth/"
    wanted = f"{scope}firebase.database {scope}userinfo.email {scope}datastore"
    assert jwt.decode(form["assertion"][0], verify=False)["scope"] == wanted
    written = json.loads((folder / "token.json").read_text())
    assert abs(written.pop("expires_at") - time.time() - 3599) < 60
    assert written == {"access_token": "ya29.the-access-token", "scope": wanted}
    for shown in ("Google OAuth2 access token", "database, firestore", "demo-x", ACCOUNT, "59 minutes", "mint again"):
        assert shown in done.output


def default_credentials(folder, monkeypatch, **content):
    path = folder / "application_default_credentials.json"
    path.write_text(json.dumps(content))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))


PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}


def test_gclouds_credentials_make_an_access_token(folder, services, monkeypatch):
    default_credentials(folder, monkeypatch, **PERSON)
    # google-auth asks Google itself for a person's token, wherever gcloud was.
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"http://{services.host}/token")
    scope = google_credentials.SCOPES["firestore"][0]
    services.answers = [(200, {"access_token": "ya29.the-access-token", "expires_in": 100, "scope": scope})]
    done = run("--for", "firestore", "--adc")
    assert done.exit_code == 0, done.output
    form = parse_qs(services.requests[0][1].decode())
    assert (form["grant_type"], form["refresh_token"], form["scope"]) == (["refresh_token"], ["r"], [scope])
    assert json.loads((folder / "token.json").read_text())["scope"] == scope


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_scope", "error_description": "Bad Request"}),
        (200, {"access_token": "ya29.the-access-token", "expires_in": 100, "scope": "openid"}),
    ],
)
def test_gcloud_without_the_scopes_says_how_to_get_them(folder, services, monkeypatch, answer):
    default_credentials(folder, monkeypatch, **PERSON)
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"http://{services.host}/token")
    services.answers = [answer]
    done = run("--for", "database", "--adc")
    assert done.exit_code == 1
    scopes = [google_credentials.SCOPE + name for name in ("cloud-platform", "firebase.database", "userinfo.email")]
    assert f"gcloud auth application-default login --scopes={','.join(scopes)}" in done.output
    assert not (folder / "token.json").exists()


def test_no_default_credentials_say_how_to_get_them(folder, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "nothing.json"))
    done = run("--for", "database", "--adc")
    assert (done.exit_code, "gcloud auth application-default login" in done.output) == (1, True)


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "cannot be read: No such file"),
        ("no JSON", "is not a JSON object, but a service account's key is needed"),
        (PERSON, "is gcloud's credentials (use --adc)"),
        ({"id_token": "x"}, "is a token"),
        ({"project_info": {}, "client": []}, "is the configuration of an app"),
        ({"apiKey": "k", "databaseURL": "https://db"}, "is the configuration of an app"),
        ({"installed": {"client_id": "c"}}, "is an OAuth2 client"),
        ({"type": "service_account", "private_key": "x"}, "is a service account's key that is damaged"),
        (
            {"type": "service_account", "private_key": "x", "client_email": ACCOUNT, "token_uri": "https://x"},
            "is a service account's key that is damaged",
        ),
    ],
)
@pytest.mark.parametrize("mode", [["--for", "database"], ["--uid", "d1", "--api-key", "k"]])
def test_a_wrong_file_in_place_of_the_key_is_told(folder, services, content, reason, mode):
    if content is not None:
        (folder / "wrong.json").write_text(content if isinstance(content, str) else json.dumps(content))
    done = run(*mode, "--service-account", "wrong.json")
    assert (done.exit_code, reason in done.output) == (1, True), done.output
    assert "wrong.json" in done.output


INVALID_KEY = {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]}


@pytest.mark.parametrize(
    "answer, advice",
    [
        (refusal("API key not valid. Please pass a valid API key.", **INVALID_KEY), "the API key is wrong"),
        (refusal("The request is missing a valid API key.", 403), "the API key is missing"),
        (refusal("API key expired. Please renew the API key."), "the API key has expired"),
        (refusal("Requests from referer <empty> are blocked.", 403), "the API key is restricted"),
        (
            refusal("Identity Toolkit API has not been used in project 1 before or it is disabled.", 403),
            "enable that API",
        ),
        (refusal("CONFIGURATION_NOT_FOUND"), "Authentication, Get started"),
        (refusal("OPERATION_NOT_ALLOWED"), "this way to sign in is not enabled"),
        (refusal("PASSWORD_LOGIN_DISABLED"), "signing in by password is not enabled"),
        (refusal("ADMIN_ONLY_OPERATION"), "anonymous sign-in, or sign-up, is not enabled"),
        (refusal("INVALID_LOGIN_CREDENTIALS"), "the e-mail address or the password is wrong"),
        (refusal("INVALID_PASSWORD"), "the password is wrong"),
        (refusal("EMAIL_NOT_FOUND"), "no account with that e-mail address"),
        (refusal("INVALID_EMAIL"), "that is not an e-mail address"),
        (refusal("USER_DISABLED"), "enable it in the Firebase console"),
        (refusal("TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been disabled."), "wait some minutes"),
        (refusal("CREDENTIAL_MISMATCH"), "of different projects"),
        (refusal("INVALID_CUSTOM_TOKEN : Invalid assertion format"), "the clock of this machine right?"),
        (refusal("CLAIMS_TOO_LARGE"), "at most 1,000 bytes"),
        (refusal("QUOTA_EXCEEDED : Exceeded quota.", 429), "too many requests"),
        (refusal("Internal error encountered.", 500), "try again later"),
        ((200, SIGNED_IN | {"idToken": ""}), "the answer of the service has no idToken"),
        ((200, {"mfaPendingCredential": "m", "mfaInfo": []}), "has a second factor"),
        ((302, b""), "without JSON: does this network want you to sign in"),
        ((200, b"<html>Welcome to the hotel</html>"), "without JSON: does this network want you to sign in"),
        ((200, b"[]"), "without JSON"),
    ],
)
def test_a_refusal_to_sign_in_says_what_to_do(folder, services, answer, advice):
    services.answers = [answer]
    done = run("--email", "d1@example.com", "--api-key", "k", stdin="the-password\n")
    assert (done.exit_code, advice in done.output) == (1, True), done.output
    assert not list(folder.iterdir())


SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@pytest.mark.parametrize(
    "description, advice",
    [
        (SHORT_LIVED, "the clock of this machine is wrong"),
        ("Invalid JWT Signature.", "the key was deleted, or is damaged"),
        ("Invalid grant: account not found", "the service account was deleted"),
        ("Bad Request", "these credentials were revoked"),
    ],
)
def test_a_refusal_of_a_key_says_what_to_do(folder, services, key, description, advice):
    services.answers = [(400, {"error": "invalid_grant", "error_description": description})]
    done = run("--for", "database", "--service-account", key)
    assert (done.exit_code, advice in done.output) == (1, True), done.output
    assert not list(folder.iterdir())


@pytest.fixture
def silent():
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_service_that_says_nothing_is_given_up(folder, silent, monkeypatch, key):
    monkeypatch.setattr(identity, "TIMEOUT", (1, 0.2))
    monkeypatch.setattr(google_credentials, "request", quick_request())
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", silent)
    content = json.loads(key.read_text()) | {"token_uri": f"http://{silent}/token"}
    key.write_text(json.dumps(content))
    began = time.monotonic()
    assert "gave no answer in time: try again" in run("--anonymous", "--api-key", "k").output
    done = run("--for", "database", "--service-account", key)
    assert "Google's token endpoint gave no answer in time: try again" in done.output
    assert time.monotonic() - began < 20


def quick_request():
    request = google_credentials.request
    assert request.keywords["timeout"] == google_credentials.TIMEOUT_SECONDS
    return type(request)(request.func, timeout=0.2)


def test_a_network_that_is_not_there_is_told_without_the_url(folder, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", host)
    done = run("--anonymous", "--api-key", "the-api-key")
    assert (done.exit_code, f"{host} was not reached: is this machine online?" in done.output) == (1, True)
    assert "the-api-key" not in done.output


def test_an_unverified_certificate_is_told(folder, monkeypatch):
    with Simulator(tls=True) as sim:
        monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
        monkeypatch.setattr(identity, "address", lambda service: f"{sim.url}/{service}")
        done = run("--anonymous", "--api-key", "k")
    assert (done.exit_code, "could not be verified" in done.output) == (1, True), done.output


def test_a_redirect_is_not_followed(folder, services):
    services.answers = [(307, b"")]
    assert run("--email", "d1@example.com", "--api-key", "k", stdin="the-password\n").exit_code == 1
    assert len(services.requests) == 1


def test_a_key_is_told_not_to_be_for_a_device(folder, services, key):
    done = run("--check", key)
    assert (done.exit_code, "must never be on a device" in done.output) == (1, True)
    assert services.requests == []


def test_a_token_with_its_refresh_token_is_checked_by_renewing_it_and_the_file_stays_as_it_is(folder, services):
    path = token_file(folder, id_token=ID_TOKEN, refresh_token="the-refresh-token", api_key="k")
    before = path.read_bytes()
    services.answers = [(200, {"id_token": ID_TOKEN, "refresh_token": "another", "expires_in": "3600"})]
    done = run("--check", path)
    assert done.exit_code == 0, done.output
    assert services.requests == [
        (
            "/securetoken.googleapis.com/v1/token?key=k",
            b"grant_type=refresh_token&refresh_token=the-refresh-token",
        )
    ]
    assert re.search("works +it was renewed", done.output)
    assert path.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["token.json"]


@pytest.mark.parametrize(
    "message, advice",
    [
        ("TOKEN_EXPIRED", "tokens were revoked"),
        ("USER_DISABLED", "the account is disabled"),
        ("USER_NOT_FOUND", "the account was deleted"),
        ("INVALID_REFRESH_TOKEN", "the refresh token is not valid"),
    ],
)
def test_a_refresh_token_that_is_refused_does_not_work(folder, services, message, advice):
    path = token_file(folder, id_token=ID_TOKEN, refresh_token="the-refresh-token", api_key="k")
    services.answers = [refusal(message)]
    done = run("--check", path)
    assert (done.exit_code, advice in done.output) == (1, True), done.output


def test_a_token_alone_is_checked_by_its_account(folder, services):
    path = token_file(folder, id_token=ID_TOKEN, api_key="k")
    services.answers = [(200, {"users": [{"localId": "d1"}]}), refusal("INVALID_ID_TOKEN")]
    done = run("--check", path)
    assert done.exit_code == 0, done.output
    assert "mint again: it came without a refresh token" in done.output
    assert json.loads(services.requests[0][1]) == {"idToken": ID_TOKEN}
    assert "the ID token is not valid" in run("--check", path).output


def test_a_token_whose_end_has_passed_does_not_work(folder, services):
    ended = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkMSIsImV4cCI6MX0."
    for content in ({"id_token": ended, "api_key": "k"}, {"access_token": "ya29.the-access-token", "expires_at": 1}):
        done = run("--check", token_file(folder, **content))
        assert (done.exit_code, "this token expired 1970-01-01" in done.output) == (1, True), done.output
    assert services.requests == []


def test_an_access_token_is_checked_by_google(folder, services):
    path = token_file(folder, access_token="ya29.the-access-token")
    scope = " ".join(google_credentials.SCOPES["database"])
    info = {"azp": "1", "aud": "1", "scope": scope, "exp": str(int(time.time()) + 600), "expires_in": "600"}
    services.answers = [(200, info), (400, {"error": "invalid_token", "error_description": "Invalid Value"})]
    done = run("--check", path)
    assert done.exit_code == 0, done.output
    assert services.requests == [("/oauth2.googleapis.com/tokeninfo", b"access_token=ya29.the-access-token")]
    assert re.search("for +database", done.output)
    done = run("--check", path)
    assert (done.exit_code, "the access token has expired, or was revoked" in done.output) == (1, True)


@pytest.mark.parametrize(
    "content, reason",
    [
        ({"database_secret": "s"}, "only its database can check this token: give its URL with --url"),
        ({"id_token": ID_TOKEN}, "only its database can check this token: give its URL with --url"),
        ({"id_token": "x"}, "the id_token is no JWT"),
        ({"id_token": ID_TOKEN, "refresh_token": "r"}, "a refresh_token needs the api_key"),
        ({}, "a token is one of id_token, access_token and database_secret"),
        ({"id_token": "eyJ.eyJzdWIiOiJkMSJ9.x", "api_key": "k"}, "the id_token is not a JWT"),
    ],
)
def test_a_file_that_cannot_be_checked_says_why(folder, services, content, reason):
    done = run("--check", token_file(folder, **content))
    assert (done.exit_code, reason in done.output) == (1, True), done.output
    assert services.requests == []


@pytest.mark.parametrize("content", ["no JSON", "[1]", ""])
def test_a_file_without_a_token_says_so(folder, content):
    (folder / "token.json").write_text(content)
    done = run("--check", "token.json")
    assert (done.exit_code, "is no JSON object: flamelet mint writes one" in done.output) == (1, True)
    assert "cannot be read" in run("--check", "nothing.json").output


@pytest.mark.parametrize("expires_at", ["soon", 1e30, None])
def test_an_end_that_makes_no_sense_is_unknown(folder, services, expires_at):
    services.answers = [(200, {"scope": "s", "exp": "99999999999999"})]
    done = run("--check", token_file(folder, access_token="ya29.the-access-token", expires_at=expires_at))
    assert re.search("expires +unknown", done.output), done.output


def test_every_place_that_is_asked_is_googles_own(monkeypatch):
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    places = [identity.accounts("signUp"), identity.securetoken(), identity.address("oauth2.googleapis.com/tokeninfo")]
    assert [(urlsplit(place).scheme, urlsplit(place).netloc) for place in places] == [
        ("https", "identitytoolkit.googleapis.com"),
        ("https", "securetoken.googleapis.com"),
        ("https", "oauth2.googleapis.com"),
    ]
