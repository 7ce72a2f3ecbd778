"""The simulator's accounts: sign-in, tokens that are verified, refresh, revocation, OAuth2, and Google's clients."""

import base64
import json
import socket
import time
import uuid

import firebase_admin
import google.auth.exceptions
import google.auth.transport.requests
import hypothesis
import jwt
import pytest
import requests
from calling import call
from clients import wait_until
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from firebase_admin import auth, credentials
from google.auth import jwt as google_jwt
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account
from hypothesis import strategies as st

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.accounts.accounts import Refused
from flamelet_tools.simulator.google.identity import CUSTOM_TOKEN_AUDIENCE

DEADLINE_SECONDS = 10
KIT = "/identitytoolkit.googleapis.com/v1/accounts:"
TOKEN = "/securetoken.googleapis.com/v1/token"
OAUTH2 = "/oauth2.googleapis.com/token"
X509 = "/www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
JWK = "/www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
PLACES = [KIT + name for name in ("signUp", "signInWithPassword", "signInWithCustomToken", "lookup", "delete")]
ADMIN = "/identitytoolkit.googleapis.com/v1/projects/demo/accounts"
PLACES += [ADMIN, ADMIN + ":lookup", ADMIN + ":update", ADMIN + ":delete", TOKEN, OAUTH2]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = ["https://www.googleapis.com/auth/firebase.database", "https://www.googleapis.com/auth/userinfo.email"]
OWNERS = {
    "rules": {
        "users": {"$uid": {".read": "auth.uid === $uid", ".write": "auth.uid === $uid"}},
        "site": {".read": "auth.token.site === 'A' && auth.provider === 'custom'"},
    }
}
UNTIMELY = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Lets this process reach loopback only, so that nothing can be asked of the real services."""
    connect = socket.socket.connect

    def connect_to_loopback(self, address):
        assert address[0] == "127.0.0.1", f"a connection to {address} was tried"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_to_loopback)


@pytest.fixture(params=[False, True], ids=["lenient", "strict"])
def sim(request):
    with Simulator(rules=OWNERS, strict=request.param) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def foreign_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def read(sim, token, path="/users/u1.json", parameter="auth"):
    return outcome(call(sim, "GET", path, params={parameter: token}))


def outcome(answer):
    return answer.status_code, answer.json()


def refused(text):
    return 401, {"error": text}


def refresh(sim, token, key=None, **arguments):
    form = {"grant_type": "refresh_token", "refresh_token": token}
    params = {"key": sim.api_key if key is None else key}
    return requests.post(sim.url + TOKEN, form, params=params, timeout=DEADLINE_SECONDS, **arguments)


def message(answer):
    """The status and the text of an error of Google's services."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["message"]


def sign_up(sim, name="signUp", **body):
    return call(sim, "POST", KIT + name, {"returnSecureToken": True, **body}, params={"key": sim.api_key})


def signed(claims, key, kid=None):
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid} if kid else {})


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


# ID tokens and the database


def test_an_id_token_is_its_users_and_rules_see_its_claims(sim):
    sim.set("site", 5)
    token = sim.sign_in("u1", {"site": "A"})["id_token"]
    assert call(sim, "PUT", f"/users/u1.json?auth={token}", 1).status_code == 200
    assert read(sim, token) == (200, 1)
    assert read(sim, token, "/users/u2.json") == refused("Permission denied")
    assert read(sim, token, "/site.json") == (200, 5)
    assert read(sim, sim.sign_in("u1", {"site": "B"})["id_token"], "/site.json") == refused("Permission denied")


def test_custom_claims_of_the_account_are_in_all_its_tokens(sim):
    uid = sim.add_user("a@example.com", "secret12", claims={"site": "A"})
    answer = sign_up(sim, "signInWithPassword", email="a@example.com", password="secret12").json()
    assert claims_of(answer["idToken"])["site"] == "A"
    assert claims_of(refresh(sim, answer["refreshToken"]).json()["id_token"])["site"] == "A"
    assert claims_of(sim.sign_in(uid, {"b": 1})["id_token"])["site"] == "A"


def test_what_sign_in_gives_is_a_token_file(sim):
    given = sim.sign_in("u1")
    assert given.keys() == {"id_token", "refresh_token", "api_key", "expires_at", "token_uri"}
    assert given["expires_at"] == claims_of(given["id_token"])["exp"]
    assert 3599 < given["expires_at"] - time.time() <= 3601
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    answer = requests.post(given["token_uri"], form, params={"key": given["api_key"]}, timeout=DEADLINE_SECONDS)
    assert answer.json()["user_id"] == "u1"


def encoded(content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize("change", ["header", "claims", "signature", "no signature"])
def test_a_token_that_was_changed_is_refused(sim, change):
    token = sim.sign_in("u1")["id_token"]
    head, claims = jwt.get_unverified_header(token), claims_of(token)
    begin, middle, end = token.split(".")
    changed = {
        "header": (encoded({**head, "x": 1}), middle, end),
        "claims": (begin, encoded({**claims, "site": "A"}), end),
        "signature": (begin, middle, "AAAA" + end[4:]),
        "no signature": (encoded({**head, "alg": "none"}), middle, ""),
    }[change]
    assert read(sim, ".".join(changed)) == refused("Could not parse auth token.")


def test_a_token_of_another_project_is_refused(sim):
    with Simulator(project="other") as other:
        assert read(sim, other.sign_in("u1")["id_token"]) == refused("Could not parse auth token.")


def test_a_token_that_another_simulator_of_this_project_gave_is_taken_until_it_expires(sim):
    with Simulator() as before:
        token = before.sign_in("u1")["id_token"]
    assert read(sim, token) == (200, None)


def test_a_token_of_another_key_is_read_for_its_claims_unless_strict(sim, foreign_key):
    claims = claims_of(sim.sign_in("u1")["id_token"])
    strict = sim._state.accounts.strict
    expected = refused("Invalid claim 'kid' in auth header.") if strict else (200, None)
    assert read(sim, signed(claims, foreign_key, "another")) == expected
    expected = refused("Missing claim 'kid' in auth header.") if strict else (200, None)
    assert read(sim, jwt.encode(claims, None, algorithm="none")) == expected


def test_whoever_does_not_have_a_token_of_the_simulator_is_no_administrator_if_strict():
    with Simulator(strict=True) as sim:
        assert read(sim, "ya29.never-given", parameter="access_token") == refused("Unauthorized request.")
        assert read(sim, "owner", parameter="access_token") == refused("Unauthorized request.")
        assert read(sim, "a-database-secret") == refused("Could not parse auth token.")
        owner = call(sim, "GET", "/users.json", headers={"Authorization": "Bearer owner"})
        assert outcome(owner) == refused("Unauthorized request.")


def test_a_custom_token_opens_nothing(sim):
    account = sim.service_account()
    now = int(time.time())
    claims = {"iss": account["client_email"], "sub": account["client_email"], "aud": CUSTOM_TOKEN_AUDIENCE}
    token = signed({**claims, "iat": now, "exp": now + 60, "uid": "u1"}, account["private_key"])
    assert read(sim, token) == refused("Missing claim 'kid' in auth header.")


def test_the_public_keys_verify_an_id_token_as_google_does(sim):
    token = sim.sign_in("u1", {"site": "A"})["id_token"]
    certificates = call(sim, "GET", X509).json()
    claims = google_jwt.decode(token, certificates, audience="demo")
    assert (claims["iss"], claims["sub"], claims["site"]) == ("https://securetoken.google.com/demo", "u1", "A")
    (certificate,) = certificates.values()
    parsed = x509.load_pem_x509_certificate(certificate.encode())
    assert parsed.not_valid_before_utc.timestamp() < time.time() < parsed.not_valid_after_utc.timestamp()
    (key,) = call(sim, "GET", JWK).json()["keys"]
    assert key["kid"] == jwt.get_unverified_header(token)["kid"] in certificates
    jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], audience="demo")


def test_the_key_is_that_of_the_host_in_the_header_too(sim):
    path = X509.partition(".com")[2]
    assert call(sim, "GET", path, headers={"Host": "www.googleapis.com"}).json() == call(sim, "GET", X509).json()


# Expiry


def test_a_token_serves_for_its_seconds_and_a_stream_ends_with_it(sim):
    sim.token_seconds = 2
    begin = time.time()
    given = sim.sign_in("u1")
    address = f"{sim.url}/users/u1.json?auth={given['id_token']}"
    with requests.get(
        address, headers={"Accept": "text/event-stream"}, stream=True, timeout=DEADLINE_SECONDS
    ) as stream:
        assert sim.open_streams == 1
        sim.set("users/u1", 1)
        text = stream.raw.read().decode()
    assert begin + 2 <= given["expires_at"] <= time.time() < given["expires_at"] + DEADLINE_SECONDS
    assert text.endswith(
        'event: put\ndata: {"path":"/","data":1}\n\nevent: auth_revoked\ndata: credential is no longer valid\n\n'
    )
    assert read(sim, given["id_token"]) == refused("Auth token is expired")
    answer = refresh(sim, given["refresh_token"]).json()
    assert answer["expires_in"] == "2"
    assert read(sim, answer["id_token"]) == (200, 1)


@pytest.mark.parametrize("seconds", [0, -1, 1.5, None, "2"])
def test_a_lifetime_that_is_no_number_of_seconds_is_refused(seconds):
    with pytest.raises(ValueError, match="token_seconds"):
        Simulator(token_seconds=seconds)


# Refresh tokens


def test_each_refresh_gives_the_same_refresh_token(sim):
    token = sim.sign_in("u1", {"site": "A"})["refresh_token"]
    for _ in range(3):
        answer = refresh(sim, token).json()
        assert answer["refresh_token"] == token
        assert claims_of(answer["id_token"])["site"] == "A"
    assert sim.refreshes == (3, 3)


def test_a_rotated_refresh_token_serves_beside_the_old_one_or_ends_it(sim):
    first = sim.sign_in("u1")["refresh_token"]
    sim.rotation = "keep"
    second = refresh(sim, first).json()["refresh_token"]
    assert second != first
    assert refresh(sim, first).status_code == refresh(sim, second).status_code == 200
    sim.rotation = "end"
    third = refresh(sim, second).json()["refresh_token"]
    assert message(refresh(sim, second)) == (400, "TOKEN_EXPIRED")
    assert refresh(sim, third).status_code == 200
    with pytest.raises(ValueError, match="rotation"):
        sim.rotation = "often"


def test_revocation_ends_refresh_tokens_and_leaves_the_id_token(sim):
    given = sim.sign_in("u1")
    other = sim.sign_in("u2")["refresh_token"]
    sim.revoke("u1")
    assert refresh(sim, given["refresh_token"]).json() == {
        "error": {"code": 400, "message": "TOKEN_EXPIRED", "status": "INVALID_ARGUMENT"}
    }
    assert read(sim, given["id_token"]) == (200, None)
    assert refresh(sim, other).status_code == 200
    assert refresh(sim, sim.sign_in("u1")["refresh_token"]).status_code == 200
    assert sim.refreshes == (3, 2)


def test_a_rotated_token_is_revoked_with_the_sign_in_that_it_comes_from(sim):
    sim.rotation = "keep"
    token = refresh(sim, sim.sign_in("u1")["refresh_token"]).json()["refresh_token"]
    sim.revoke("u1")
    assert message(refresh(sim, token)) == (400, "TOKEN_EXPIRED")


def test_a_disabled_user_may_nothing_until_enabled(sim):
    token = sim.sign_in("u1")["refresh_token"]
    sim.disable("u1")
    assert message(refresh(sim, token)) == (400, "USER_DISABLED")
    with pytest.raises(Refused, match="USER_DISABLED"):
        sim.sign_in("u1")
    sim.enable("u1")
    assert refresh(sim, token).status_code == 200


def test_a_deleted_user_is_not_found_not_even_by_another_of_that_uid(sim):
    given = sim.sign_in("u1")
    sim.delete_user("u1")
    assert message(refresh(sim, given["refresh_token"])) == (400, "USER_NOT_FOUND")
    sim.sign_in("u1")
    assert message(refresh(sim, given["refresh_token"])) == (400, "USER_NOT_FOUND")
    with pytest.raises(Refused, match="USER_NOT_FOUND"):
        sim.delete_user("nobody")


def test_a_refresh_without_a_token_is_refused(sim):
    assert message(refresh(sim, "")) == (400, "MISSING_REFRESH_TOKEN")


@pytest.mark.parametrize("path", [TOKEN, KIT + "signUp"])
def test_a_bad_api_key_is_refused_with_its_reason(sim, path):
    answer = requests.post(sim.url + path, params={"key": "wrong"}, timeout=DEADLINE_SECONDS)
    assert message(answer) == (400, "API key not valid. Please pass a valid API key.")
    error = answer.json()["error"]
    assert error["status"] == "INVALID_ARGUMENT"
    (detail,) = error["details"]
    assert detail["reason"] == "API_KEY_INVALID"
    assert detail["metadata"]["service"] in path


def test_the_api_key_may_come_in_its_header(sim):
    answer = requests.post(sim.url + KIT + "signUp", headers={"X-Goog-Api-Key": sim.api_key}, timeout=DEADLINE_SECONDS)
    assert answer.status_code == 200
    assert sim.requests[0].headers["X-Goog-Api-Key"] == "REDACTED"


# Sign-in


def test_sign_in_by_email_and_password(sim):
    uid = sim.add_user("Dev@example.com", "secret12")
    answer = sign_up(sim, "signInWithPassword", email="dev@EXAMPLE.com", password="secret12").json()
    assert {name: answer[name] for name in ("kind", "localId", "email", "registered", "expiresIn")} == {
        "kind": "identitytoolkit#VerifyPasswordResponse",
        "localId": uid,
        "email": "dev@example.com",
        "registered": True,
        "expiresIn": "3600",
    }
    claims = claims_of(answer["idToken"])
    assert (claims["sub"], claims["email"], claims["email_verified"]) == (uid, "dev@example.com", False)
    assert claims["firebase"] == {"identities": {"email": ["dev@example.com"]}, "sign_in_provider": "password"}
    assert read(sim, answer["idToken"], f"/users/{uid}.json") == (200, None)
    with pytest.raises(Refused, match="EMAIL_EXISTS"):
        sim.add_user("dev@example.com", "secret12")
    sim.disable(uid)
    again = sign_up(sim, "signInWithPassword", email="dev@example.com", password="secret12")
    assert message(again) == (400, "USER_DISABLED")


def test_without_return_secure_token_there_is_no_refresh_token(sim):
    assert sign_up(sim, returnSecureToken=False).json().keys() == {"kind", "localId", "idToken"}


@pytest.mark.parametrize("name", ["signUp", "signInWithPassword"])
def test_a_sign_in_needs_an_email(sim, name):
    assert message(sign_up(sim, name, password="secret12")) == (400, "MISSING_EMAIL")


@pytest.mark.parametrize("body", ["{", "[1]", '"a"'])
def test_a_body_that_is_no_object_is_refused(sim, body):
    answer = requests.post(sim.url + KIT + "signUp", body, params={"key": sim.api_key}, timeout=DEADLINE_SECONDS)
    assert message(answer) == (400, "Invalid JSON payload received.")


@pytest.mark.parametrize("name", ["lookup", "delete"])
def test_an_account_needs_an_id_token_that_serves(sim, name):
    token = sign_up(sim).json()["idToken"]
    assert message(sign_up(sim, name)) == (400, "MISSING_ID_TOKEN")
    assert message(sign_up(sim, name, idToken=token[:-6] + "AAAAAA")) == (400, "INVALID_ID_TOKEN")
    sim.disable(claims_of(token)["sub"])
    assert message(sign_up(sim, name, idToken=token)) == (400, "USER_DISABLED")
    sim.delete_user(claims_of(token)["sub"])
    assert message(sign_up(sim, name, idToken=token)) == (400, "USER_NOT_FOUND")


@pytest.mark.parametrize("claims", [{"sub": "x"}, {"firebase": 1}, {"exp": 1}])
def test_claims_that_tokens_have_of_themselves_are_refused(sim, claims):
    with pytest.raises(Refused, match=f"FORBIDDEN_CLAIM : {next(iter(claims))}"):
        sim.sign_in("u1", claims)


def test_too_many_claims_are_refused(sim):
    with pytest.raises(Refused, match="CLAIMS_TOO_LARGE"):
        sim.sign_in("u1", {"a": "x" * 1000})


@pytest.mark.parametrize("path", [KIT + "sendOobCode", KIT, TOKEN + "s", OAUTH2 + "info", "/www.googleapis.com/x"])
def test_what_is_not_served_is_not_found(sim, path):
    assert message(call(sim, "POST", path)) == (404, "Not Found")


FIELDS = ["email", "password", "token", "idToken", "localId", "validSince", "customAttributes", "disableUser"]
FIELDS += ["grant_type", "grantType", "refresh_token", "refreshToken", "returnSecureToken", "tenantId"]
TEXTS = ["refresh_token", "a@b.c", "\ud800@b.c", "u1", "{}"]
TEXTS += ['{"uid": "u", "claims": {"a": NaN}}', "[" * 100_000, "1e999", "a.b.c", "\ud800"]
ODD = st.sampled_from([*TEXTS, encoded({"aud": CUSTOM_TOKEN_AUDIENCE, "uid": "u"}) * 2, f"e30.{encoded({})}.x"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ODD, st.text(), st.lists(ODD), st.just({}))


@pytest.fixture(scope="module")
def kept():
    with Simulator(project="demo") as simulator:
        yield simulator


@hypothesis.settings(
    max_examples=200, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(body=st.dictionaries(st.sampled_from(FIELDS), VALUES), name=st.sampled_from(PLACES))
@hypothesis.example(body={"localId": "\ud800"}, name=ADMIN)
@hypothesis.example(body={"localId": "u1", "customAttributes": "[" * 100_000}, name=ADMIN + ":update")
def test_whatever_is_asked_gets_an_answer_and_no_failure(kept, body, name):
    headers = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
    answer = call(kept, "POST", name, body, params={"key": kept.api_key}, headers=headers)
    assert answer.status_code in (200, 400, 403), answer.text


# Custom tokens


def custom_token(account, key=None, **claims):
    now = int(time.time())
    email = account["client_email"]
    standard = {"iss": email, "sub": email, "aud": CUSTOM_TOKEN_AUDIENCE, "iat": now, "exp": now + 3600, "uid": "u1"}
    return signed({**standard, **claims}, key or account["private_key"], account["private_key_id"])


def exchange(sim, token):
    return sign_up(sim, "signInWithCustomToken", token=token)


def test_a_custom_token_of_a_service_account_is_exchanged(sim):
    sim.set("site", 5)
    account = sim.service_account()
    answer = exchange(sim, custom_token(account, claims={"site": "A"})).json()
    assert answer["isNewUser"] is True
    assert read(sim, answer["idToken"], "/site.json") == (200, 5)
    assert refresh(sim, answer["refreshToken"]).json()["user_id"] == "u1"
    assert exchange(sim, custom_token(account)).json()["isNewUser"] is False


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"aud": "demo"}, "INVALID_CUSTOM_TOKEN"),
        ({"sub": "someone@else"}, "INVALID_CUSTOM_TOKEN"),
        ({"exp": 1}, "INVALID_CUSTOM_TOKEN"),
        ({"exp": time.time() + 7200}, "INVALID_CUSTOM_TOKEN"),
        ({"iat": time.time() + 1000}, "INVALID_CUSTOM_TOKEN"),
        ({"exp": None}, "INVALID_CUSTOM_TOKEN"),
        ({"uid": ""}, "MISSING_IDENTIFIER"),
        ({"uid": "x" * 129}, "MISSING_IDENTIFIER"),
        ({"uid": 5}, "MISSING_IDENTIFIER"),
        ({"claims": [1]}, "INVALID_CLAIMS"),
        ({"claims": {"firebase": 1}}, "FORBIDDEN_CLAIM : firebase"),
    ],
)
def test_a_custom_token_with_a_wrong_claim_is_refused(sim, claims, text):
    answer = exchange(sim, custom_token(sim.service_account(), **claims))
    assert answer.status_code == 400
    assert message(answer)[1].startswith(text)


def test_a_custom_token_that_someone_else_signed_is_refused(sim, foreign_key):
    answer = exchange(sim, custom_token(sim.service_account(), foreign_key))
    assert message(answer)[1].startswith("INVALID_CUSTOM_TOKEN")


def test_a_custom_token_of_an_unknown_account_is_refused_if_strict(foreign_key):
    account = {"client_email": "sa@other.iam.gserviceaccount.com", "private_key_id": "k"}
    texts = (
        custom_token(account, foreign_key),
        jwt.encode(claims_of(custom_token(account, foreign_key)), None, "none"),
    )
    with Simulator(strict=True) as sim:
        for text in (*texts, '{"uid": "u1"}'):
            assert message(exchange(sim, text))[1].startswith("INVALID_CUSTOM_TOKEN")


# OAuth2


def grant(sim, **form):
    return requests.post(sim.url + OAUTH2, form, timeout=DEADLINE_SECONDS)


def assertion(account, key=None, **claims):
    now = int(time.time())
    standard = {"iss": account["client_email"], "aud": GOOGLE_AUDIENCE, "iat": now, "exp": now + 3600}
    return signed({**standard, "scope": " ".join(SCOPES), **claims}, key or account["private_key"])


def oauth2_error(error, words, status=400):
    return status, {"error": error, "error_description": words}


def test_googles_library_gets_an_administrators_token_for_a_service_account(sim):
    info = sim.service_account()
    person = service_account.Credentials.from_service_account_info(info, scopes=SCOPES)
    person.refresh(google.auth.transport.requests.Request())
    assert person.token.startswith("ya29.")
    assert read(sim, person.token, "/users.json", "access_token") == (200, None)
    answer = call(sim, "PUT", "/a.json", 1, headers={"Authorization": f"Bearer {person.token}"})
    assert outcome(answer) == (200, 1)
    assert read(sim, person.token) == refused("Could not parse auth token.")


def test_googles_library_gets_a_token_for_application_default_credentials(sim):
    info = sim.authorized_user(SCOPES)
    person = user_credentials.Credentials(
        None, info["refresh_token"], None, info["token_uri"], info["client_id"], info["client_secret"], SCOPES
    )
    person.refresh(google.auth.transport.requests.Request())
    assert read(sim, person.token, "/users.json", "access_token") == (200, None)
    wrong = {"grant_type": "refresh_token", **info, "client_secret": "wrong"}
    assert outcome(grant(sim, **wrong)) == oauth2_error("invalid_client", "The OAuth client was not found.", 401)
    ended = {"grant_type": "refresh_token", **info, "refresh_token": "1//0x"}
    assert outcome(grant(sim, **ended)) == oauth2_error("invalid_grant", "Token has been expired or revoked.")
    more = {"grant_type": "refresh_token", **info, "scope": "https://www.googleapis.com/auth/datastore"}
    assert outcome(grant(sim, **more)) == oauth2_error("invalid_scope", "Bad Request")


@pytest.mark.parametrize("scopes", [[], SCOPES[:1], SCOPES[1:], ["https://www.googleapis.com/auth/cloud-platform"]])
def test_a_token_without_a_scope_that_the_database_wants_is_refused(sim, scopes):
    token = sim.access_token(scopes)["access_token"]
    assert read(sim, token, "/users.json", "access_token") == refused("Unauthorized request.")


def test_an_access_token_ends_and_the_streams_with_it(sim):
    sim.token_seconds = 1
    given = sim.access_token()
    address = f"{sim.url}/users.json?access_token={given['access_token']}"
    with requests.get(
        address, headers={"Accept": "text/event-stream"}, stream=True, timeout=DEADLINE_SECONDS
    ) as stream:
        assert stream.raw.read().endswith(b"event: auth_revoked\ndata: credential is no longer valid\n\n")
    assert read(sim, given["access_token"], "/users.json", "access_token") == refused("Unauthorized request.")


def test_an_override_of_an_administrators_token_is_judged_by_the_rules(sim):
    token = sim.access_token()["access_token"]
    query = f"access_token={token}&auth_variable_override={json.dumps({'uid': 'u1'})}"
    assert call(sim, "GET", f"/users/u1.json?{query}").status_code == 200
    assert outcome(call(sim, "GET", f"/users/u2.json?{query}")) == refused("Permission denied")


@pytest.mark.parametrize(
    ("claims", "error", "words"),
    [
        ({"iss": "no@body"}, "invalid_grant", "Invalid grant: account not found"),
        ({"exp": 1}, "invalid_grant", UNTIMELY),
        ({"exp": time.time() + 7200}, "invalid_grant", UNTIMELY),
        ({"iat": time.time() + 1000}, "invalid_grant", UNTIMELY),
        ({"scope": ""}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        (
            {"aud": "https://elsewhere"},
            "invalid_grant",
            f"Invalid JWT: Failed audience check. The right audience is {GOOGLE_AUDIENCE}",
        ),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(sim, claims, error, words):
    text = assertion(sim.service_account(), **claims)
    assert outcome(grant(sim, grant_type=JWT_BEARER, assertion=text)) == oauth2_error(error, words)


def test_an_assertion_that_someone_else_signed_is_refused(sim, foreign_key):
    text = assertion(sim.service_account(), foreign_key)
    expected = oauth2_error("invalid_grant", "Invalid JWT Signature.")
    assert outcome(grant(sim, grant_type=JWT_BEARER, assertion=text)) == expected
    first = sim.service_account()
    sim.service_account()
    assert outcome(grant(sim, grant_type=JWT_BEARER, assertion=assertion(first))) == expected


def test_a_grant_that_is_none_is_refused(sim):
    assert outcome(grant(sim)) == oauth2_error("unsupported_grant_type", "Invalid grant_type: ")
    assert outcome(grant(sim, grant_type=JWT_BEARER, assertion="x")) == oauth2_error("invalid_grant", "Bad Request")


def test_googles_library_says_why_its_account_is_refused(sim):
    with Simulator(project="other") as other:
        info = {**other.service_account(), "token_uri": sim.url + OAUTH2}
    person = service_account.Credentials.from_service_account_info(info, scopes=SCOPES)
    with pytest.raises(google.auth.exceptions.RefreshError, match="account not found"):
        person.refresh(google.auth.transport.requests.Request())


# firebase_admin


@pytest.fixture
def admin(sim, monkeypatch):
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"127.0.0.1:{sim.port}")
    app = firebase_admin.initialize_app(
        credentials.Certificate(sim.service_account()),
        {"projectId": sim.project, "httpTimeout": DEADLINE_SECONDS},
        uuid.uuid4().hex,
    )
    yield app
    firebase_admin.delete_app(app)


@pytest.mark.parametrize("sim", [False], indirect=True, ids=["lenient"])
def test_googles_admin_library_manages_accounts(sim, admin):
    made = auth.create_user(uid="u1", email="a@example.com", password="secret12", app=admin)
    auth.set_custom_user_claims("u1", {"site": "A"}, app=admin)
    found = auth.get_user_by_email("a@example.com", app=admin)
    assert (found.uid, found.custom_claims, found.disabled) == (made.uid, {"site": "A"}, False)
    answer = sign_up(sim, "signInWithPassword", email="a@example.com", password="secret12").json()
    assert auth.verify_id_token(answer["idToken"], app=admin)["site"] == "A"
    assert auth.verify_id_token(answer["idToken"], check_revoked=True, app=admin)["uid"] == "u1"
    auth.delete_user("u1", app=admin)
    with pytest.raises(auth.UserNotFoundError):
        auth.get_user("u1", app=admin)
    assert message(refresh(sim, answer["refreshToken"])) == (400, "USER_NOT_FOUND")


@pytest.mark.parametrize("sim", [False], indirect=True, ids=["lenient"])
def test_googles_admin_library_revokes_what_is_a_second_old(sim, admin):
    given = sim.sign_in("u1")
    signed_in = int(time.time())
    wait_until(lambda: time.time() >= signed_in + 1)
    auth.revoke_refresh_tokens("u1", app=admin)
    assert message(refresh(sim, given["refresh_token"])) == (400, "TOKEN_EXPIRED")
    with pytest.raises(auth.RevokedIdTokenError):
        auth.verify_id_token(given["id_token"], check_revoked=True, app=admin)
    assert message(sign_up(sim, "lookup", idToken=given["id_token"])) == (400, "TOKEN_EXPIRED")


@pytest.mark.parametrize("sim", [False], indirect=True, ids=["lenient"])
def test_a_custom_token_of_googles_admin_library_is_exchanged(sim, admin):
    token = auth.create_custom_token("u1", {"site": "A"}, app=admin).decode()
    answer = exchange(sim, token).json()
    assert auth.verify_id_token(answer["idToken"], app=admin)["site"] == "A"


def test_a_custom_token_that_googles_admin_library_signs_is_exchanged(sim, monkeypatch):
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    app = firebase_admin.initialize_app(credentials.Certificate(sim.service_account()), name=uuid.uuid4().hex)
    try:
        token = auth.create_custom_token("u1", {"site": "A"}, app=app).decode()
    finally:
        firebase_admin.delete_app(app)
    assert claims_of(exchange(sim, token).json()["idToken"])["site"] == "A"


@pytest.mark.parametrize(
    ("scope", "status"), [("identitytoolkit", 200), ("cloud-platform", 200), ("firebase.database", 403)]
)
def test_accounts_are_managed_with_a_token_of_the_right_scope(sim, scope, status):
    sim.sign_in("u1")
    token = sim.access_token([f"https://www.googleapis.com/auth/{scope}"])["access_token"]
    path = f"/identitytoolkit.googleapis.com/v1/projects/{sim.project}/accounts:update"
    body = {"localId": "u1", "disableUser": True}
    assert call(sim, "POST", path, body, headers={"Authorization": f"Bearer {token}"}).status_code == status


@pytest.mark.parametrize("sim", [False], indirect=True, ids=["lenient"])
@pytest.mark.parametrize(
    ("project", "body", "text"),
    [
        ("other", {"localId": "u1"}, "PROJECT_NOT_FOUND"),
        ("demo", {"localId": "nobody"}, "USER_NOT_FOUND"),
        ("demo", {"localId": "u1", "customAttributes": "["}, "INVALID_CLAIMS"),
        ("demo", {"localId": "u1", "validSince": "soon"}, "INVALID_VALID_SINCE"),
        ("demo", {"localId": "u1", "phone": "1"}, "OPERATION_NOT_ALLOWED : the simulator does not update phone"),
    ],
)
def test_an_update_that_cannot_be_is_refused(sim, project, body, text):
    sim.sign_in("u1")
    path = f"/identitytoolkit.googleapis.com/v1/projects/{project}/accounts:update"
    assert message(call(sim, "POST", path, body, headers={"Authorization": "Bearer owner"})) == (400, text)


def test_nobody_else_manages_accounts(sim):
    path = f"/identitytoolkit.googleapis.com/v1/projects/{sim.project}/accounts:delete"
    assert message(call(sim, "POST", path, {"localId": "u1"}))[0] == 403


# Faults, secrets, TLS


def test_faults_meet_these_services_in_their_own_words(sim):
    token = sim.sign_in("u1")["refresh_token"]
    place = "/securetoken.googleapis.com"
    sim.fault("unavailable", path=place, count=1, retry_after=7)
    busy = refresh(sim, token)
    error = {"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}
    assert (busy.status_code, busy.json(), busy.headers["Retry-After"]) == (503, {"error": error}, "7")
    sim.fault("internal_error", path=place + "/v1/token", count=1)
    sim.fault("internal_error", path="/users", count=1)
    assert outcome(call(sim, "GET", "/users.json")) == (500, {"error": "Internal server error."})
    error = {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}
    assert outcome(refresh(sim, token)) == (500, {"error": error})
    sim.fault("html", path=place, count=1)
    assert "text/html" in refresh(sim, token).headers["Content-Type"]
    assert refresh(sim, token).status_code == 200
    assert sim.refreshes == (1, 1)
    assert sim.faults == []


def test_an_answer_of_these_services_is_dropped_cut_slow_and_swallowed(sim):
    sim.rotation = "keep"
    token = sim.sign_in("u1")["refresh_token"]
    for name, settings in (("drop_before", {}), ("drop_after", {}), ("cut", {"bytes": 100})):
        sim.fault(name, path="/securetoken.googleapis.com", count=1, **settings)
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            refresh(sim, token)
    assert sim.refreshes == (2, 2)
    sim.fault("slow", path="/securetoken.googleapis.com", count=1, ms=0.1)
    assert refresh(sim, token).json()["user_id"] == "u1"
    sim.fault("black_hole", path="/securetoken.googleapis.com", count=1)
    with pytest.raises(requests.Timeout):
        requests.post(sim.url + TOKEN, params={"key": sim.api_key}, timeout=0.3)


def test_a_fault_for_one_service_is_none_for_the_others(sim):
    sim.fault("unavailable", path="/oauth2.googleapis.com")
    token = sim.sign_in("u1")
    assert refresh(sim, token["refresh_token"]).status_code == 200
    assert read(sim, token["id_token"]) == (200, None)
    assert grant(sim).status_code == 503


def test_no_secret_is_in_the_log_of_requests(sim):
    sim.add_user("a@example.com", "the-password")
    account = sim.service_account()
    given = sign_up(sim, "signInWithPassword", email="a@example.com", password="the-password").json()
    access = grant(sim, grant_type=JWT_BEARER, assertion=assertion(account)).json()["access_token"]
    assert refresh(sim, given["refreshToken"]).status_code == 200
    call(sim, "POST", TOKEN + "?key%3D" + sim.api_key)
    read(sim, given["idToken"])
    call(sim, "GET", "/users.json", headers={"Authorization": f"Bearer {access}"})
    log = json.dumps(requests.get(sim.url + "/.simulator/requests", timeout=DEADLINE_SECONDS).json())
    assert log.count("REDACTED") == 5
    for secret in ("the-password", given["idToken"], given["refreshToken"], access, sim.api_key):
        assert secret not in log
        assert secret not in repr(sim.requests)
    assert "the-password" not in repr(sim._state.accounts)


def test_answers_are_chunked_as_those_of_googles_front_end(sim):
    answer = sign_up(sim)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert "Content-Length" not in answer.headers


def test_it_is_all_served_over_tls_too(tmp_path):
    with Simulator(tls=True) as sim:
        (tmp_path / "ca.pem").write_bytes(sim.ca_pem)
        given = sim.sign_in("u1")
        assert given["token_uri"].startswith("https://")
        answer = refresh(sim, given["refresh_token"], verify=str(tmp_path / "ca.pem"))
        assert answer.json()["user_id"] == "u1"
