"""The accounts of the simulator against the recorded answers of the Auth emulator, one by one, in their order.

Ids, tokens and times aside they are the same; where the live service is known to differ, it is followed: see LIVE.
"""

import http.client
import json
import re
import time
from pathlib import Path

import jwt
import pytest

from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 10
RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "auth"
HOST = "127.0.0.1"
KIT = "/identitytoolkit.googleapis.com"
ACCOUNTS = KIT + "/v1/accounts:"
ADMIN = KIT + "/v1/projects/demo-x/accounts:"
TOKEN = "/securetoken.googleapis.com/v1/token"
AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
SECURE = {"returnSecureToken": True}
EMAIL = {"email": "dev@example.com", "password": "secret12"}
OWNER = {"Authorization": "Bearer owner"}


def unsigned(header=None, **claims):
    return jwt.encode({"aud": AUDIENCE, **claims}, None, algorithm="none", headers=header or {})


def custom_token():
    now = int(time.time())
    claims = {"site": "A", "admin": True}
    return unsigned(iss="sa@demo-x.iam", sub="sa@demo-x.iam", iat=now, exp=now + 3600, uid="device-1", claims=claims)


def of_another_key():
    header, claims, _ = custom_token().split(".")
    return f"{header}.{claims}.c2ln"


def expired():
    return unsigned(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600, uid="device-1")


def sign_in(token):
    return "POST", ACCOUNTS + "signInWithCustomToken", {"token": token, **SECURE}


def refresh(kind="refresh_token", **form):
    return "POST", TOKEN, "&".join(f"{name}={value}" for name, value in {"grant_type": kind, **form}.items() if value)


# What was sent, by the name of its answer; {...} is what an answer before it gave.
REQUESTS = {
    "002_signUp_anonymous": ("POST", ACCOUNTS + "signUp", SECURE),
    "003_signUp_email": ("POST", ACCOUNTS + "signUp", {**EMAIL, **SECURE}),
    "004_signUp_email_exists": ("POST", ACCOUNTS + "signUp", {**EMAIL, **SECURE}),
    "005_signUp_weak": ("POST", ACCOUNTS + "signUp", {"email": "dev2@example.com", "password": "123", **SECURE}),
    "006_signUp_bademail": ("POST", ACCOUNTS + "signUp", {"email": "zzz", "password": "123456", **SECURE}),
    "007_signUp_nokey": ("POST", ACCOUNTS + "signUp", SECURE),
    "011_signUp_wrongtype": ("POST", ACCOUNTS + "signUp", {"email": 5}),
    "013_signIn_badpw": ("POST", ACCOUNTS + "signInWithPassword", {**EMAIL, "password": "wrong123", **SECURE}),
    "014_signIn_nouser": (
        "POST",
        ACCOUNTS + "signInWithPassword",
        {"email": "none@example.com", "password": "wrong123", **SECURE},
    ),
    "015_signIn_nopw": ("POST", ACCOUNTS + "signInWithPassword", {"email": "dev@example.com", **SECURE}),
    "017_signInWithCustomToken_unsigned": sign_in(custom_token()),
    "018_signInWithCustomToken_json": sign_in('{"uid": "device-2", "claims": {"a": 1}}'),
    "019_signInWithCustomToken_expired": sign_in(expired()),
    "021_signInWithCustomToken_rs256": sign_in(of_another_key()),
    "022_signInWithCustomToken_garbage": sign_in("garbage"),
    "023_signInWithCustomToken_missing": ("POST", ACCOUNTS + "signInWithCustomToken", {}),
    "024_lookup": ("POST", ACCOUNTS + "lookup", {"idToken": "{021 idToken}"}),
    "025_lookup_bad": ("POST", ACCOUNTS + "lookup", {"idToken": "x.y.z"}),
    "027_refresh_json": (
        "POST",
        TOKEN,
        {"grant_type": "refresh_token", "refresh_token": "{017 refreshToken}"},
    ),
    "028_refresh_json_camel": ("POST", TOKEN, {"grantType": "refresh_token", "refreshToken": "{017 refreshToken}"}),
    "029_refresh_invalid": refresh(refresh_token="garbage"),
    "031_refresh_badgrant": refresh("password", refresh_token="{017 refreshToken}"),
    "032_refresh_nogrant": refresh("", refresh_token="{017 refreshToken}"),
    "033_refresh_nokey": refresh(refresh_token="{017 refreshToken}"),
    "034_admin_disable": ("POST", ADMIN + "update", {"localId": "device-1", "disableUser": True}),
    "035_refresh_disabled": refresh(refresh_token="{017 refreshToken}"),
    "036_signInCustom_disabled": sign_in(custom_token()),
    "037_admin_enable_revoke": (
        "POST",
        ADMIN + "update",
        {"localId": "device-1", "disableUser": False, "validSince": str(int(time.time()) + 1_000_000)},
    ),
    "039_lookup_revoked": ("POST", ACCOUNTS + "lookup", {"idToken": "{021 idToken}"}),
    "040_admin_delete": ("POST", ADMIN + "delete", {"localId": "device-1"}),
    "042_delete_self": ("POST", ACCOUNTS + "delete", {"idToken": "{002 idToken}"}),
    "050_get_method": ("GET", ACCOUNTS + "signUp", None),
    "051_tenant": ("POST", ACCOUNTS + "signUp", {**SECURE, "tenantId": "nope"}),
    "052_root_v1": ("POST", "/v1/accounts:signUp", SECURE),
    "053_custom_domain_host": ("POST", ACCOUNTS + "signUp", SECURE),
}
BY_HOST = ("052_root_v1", "053_custom_domain_host")


def secure_token_error(code, message, name):
    """The error object of the live Secure Token, without the emulator's list of errors."""
    return code, {"error": {"code": code, "message": message, "status": name}}


def identity_error(message):
    errors = [{"message": message, "reason": "invalid", "domain": "global"}]
    return 400, {"error": {"code": 400, "message": message, "errors": errors}}


# Where the live service is known to answer in another way than the emulator.
LIVE = {
    "013_signIn_badpw": identity_error("INVALID_LOGIN_CREDENTIALS"),
    "014_signIn_nouser": identity_error("INVALID_LOGIN_CREDENTIALS"),
    "029_refresh_invalid": secure_token_error(400, "INVALID_REFRESH_TOKEN", "INVALID_ARGUMENT"),
    "031_refresh_badgrant": secure_token_error(400, "INVALID_GRANT_TYPE", "INVALID_ARGUMENT"),
    "032_refresh_nogrant": secure_token_error(400, "MISSING_GRANT_TYPE", "INVALID_ARGUMENT"),
    "033_refresh_nokey": secure_token_error(403, "The request is missing a valid API key.", "PERMISSION_DENIED"),
    "035_refresh_disabled": secure_token_error(400, "USER_DISABLED", "INVALID_ARGUMENT"),
    # A project without tenants.
    "051_tenant": identity_error("UNSUPPORTED_TENANT_OPERATION"),
}
# By its Host header alone the live service is reached, which the emulator does not know.
LIKE_ANOTHER = {"052_root_v1": "053_custom_domain_host"}
# Public keys and OAuth2, which the emulator has not, have tests of their own; the others are not served.
OTHERS = {"043_config_get", "044_sendOob", "045_oobCodes", "046_certs", "047_jwk", "048_oauth_token"}


@pytest.fixture(scope="module")
def given():
    """The simulator's answers to all of these requests, as (status, content) by name."""
    answers = {}
    with Simulator(project="demo-x") as sim:
        for name, (method, path, body) in REQUESTS.items():
            answers[name] = ask(sim, name, method, path, body, answers)
        assert sim.refreshes == (7, 2)
    return answers


def ask(sim, name, method, path, body, answers):
    is_form = isinstance(body, str)
    text = body if is_form else None if body is None else json.dumps(body)
    if text:
        text = re.sub(r"\{(\d+) (\w+)\}", lambda match: earlier(answers, *match.groups()), text)
    headers = {"Content-Type": "application/x-www-form-urlencoded" if is_form else "application/json"}
    headers["Host"] = "identitytoolkit.googleapis.com" if name in BY_HOST else f"{HOST}:{sim.port}"
    is_admin = path.startswith(ADMIN)
    headers |= OWNER if is_admin else {}
    query = "" if is_admin or name.endswith("_nokey") else "?key=" + sim.api_key
    connection = http.client.HTTPConnection(HOST, sim.port, timeout=DEADLINE_SECONDS)
    try:
        connection.request(method, path + query, text, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read().decode().replace(sim.api_key, "fake-api-key"))
    finally:
        connection.close()


def earlier(answers, number, field):
    return next(content for name, (_, content) in answers.items() if name.startswith(number))[field]


def recorded(name):
    head, _, body = (RECORDINGS / f"{name}.response").read_bytes().partition(b"\r\n\r\n")
    if b"Transfer-Encoding: chunked" in head:
        size, _, rest = body.partition(b"\r\n")
        body = rest[: int(size, 16)]
    return int(head.split()[1]), json.loads(body)


RANDOM = {"localId": r"[\w-]{20,40}", "refreshToken": r"[\w=-]{40,}", "refresh_token": r"[\w=-]{40,}"}
TIMES = {"lastLoginAt": r"\d{13}", "createdAt": r"\d{13}", "lastRefreshAt": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"}
NUMBERS = {"project_id": r"\d+"}
SHAPES = {**RANDOM, **TIMES, **NUMBERS}
CLAIMS_THAT_VARY = {"iat", "exp", "auth_time"}


def comparable(content):
    """`content` with its tokens as their claims, and what is made anew each time as its shape."""
    if isinstance(content, list):
        return [comparable(item) for item in content]
    if not isinstance(content, dict):
        return content
    return {key: comparable_member(key, value) for key, value in content.items()}


def comparable_member(key, value):
    if key in ("idToken", "id_token", "access_token"):
        claims = jwt.decode(value, options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] in (3600, 3601), "it lives an hour, or less than a second more"
        assert claims["user_id"] == claims["sub"]
        return {name: shape(name, item) for name, item in claims.items() if name not in CLAIMS_THAT_VARY}
    return shape(key, comparable(value))


def shape(key, value):
    if key in ("user_id", "sub") and re.fullmatch(RANDOM["localId"], value):
        return "an id"
    known = SHAPES.get(key)
    return f"a {key}" if known and re.fullmatch(known, value) else value


def test_every_recording_is_asked_for_or_known_to_be_another_matter():
    names = {path.stem for path in RECORDINGS.glob("*.response")}
    assert len(names) > 40
    assert names == REQUESTS.keys() | OTHERS


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in LIVE])
def test_the_answer_is_the_recorded_one(given, name):
    status, content = given[name]
    expected_status, expected = recorded(LIKE_ANOTHER.get(name, name))
    assert (status, comparable(content)) == (expected_status, comparable(expected))


@pytest.mark.parametrize("name", LIVE)
def test_where_the_live_service_differs_it_is_followed(given, name):
    assert given[name] == LIVE[name]
    assert recorded(name) != LIVE[name], "the emulator does as the live service: compare with the recording"
