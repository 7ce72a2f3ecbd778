"""Simulates Google's services for accounts: Identity Toolkit, Secure Token, OAuth2 and public keys; no I/O.

In: a request for one of their hosts, given by its Host header or, as for the Auth emulator, before its path: `POST
/identitytoolkit.googleapis.com/v1/accounts:signUp?key=API_KEY`. Out: an `Answer`; the accounts are changed as
requested. The answers have the form that the Auth emulator was observed to send; where the live service is known to
differ (the error object of Secure Token, INVALID_LOGIN_CREDENTIALS, bad API keys, public keys), the live service is
followed.

Not served: tenants, other providers, mail, changing one's own account. Not documented, so chosen here: the text after
INVALID_CUSTOM_TOKEN, and the errors for projects that do not exist.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from flamelet_tools.simulator.accounts import tokens
from flamelet_tools.simulator.accounts.accounts import PROJECT_NUMBER, Accounts, Refused, Tokens, User, check_claims
from flamelet_tools.simulator.accounts.credentials import bearer
from flamelet_tools.simulator.google import oauth2
from flamelet_tools.simulator.http.answers import Answer, api_answer, api_error
from flamelet_tools.simulator.http.request import Request

IDENTITY_TOOLKIT = "identitytoolkit.googleapis.com"
SECURE_TOKEN = "securetoken.googleapis.com"
OAUTH2 = "oauth2.googleapis.com"
GOOGLE_APIS = "www.googleapis.com"
HOSTS = (IDENTITY_TOOLKIT, SECURE_TOKEN, OAUTH2, GOOGLE_APIS)

NO_KEY = "The request is missing a valid API key."
BAD_KEY = "API key not valid. Please pass a valid API key."
CUSTOM_TOKEN_AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
_CUSTOM_TOKEN_SECONDS = 3600
_MAX_UID_LETTERS = 128
_SCOPES = "https://www.googleapis.com/auth/"
_ADMIN_SCOPES = frozenset(_SCOPES + name for name in ("identitytoolkit", "cloud-platform", "firebase"))
_OWNER = "owner"
_KIND = "identitytoolkit#"
_ACCOUNTS = re.compile(r"/v1/(?:projects/([^/:]+)/)?accounts(?::(\w+))?")
_X509 = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
_JWK = "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"

Body = dict[str, Any]


def place_of(request: Request) -> tuple[str, str] | None:
    """Return the host and the path of a request for one of these services, or None if it is for the database."""
    host = request.headers.get("Host", "").lower().partition(":")[0]
    first, slash, rest = request.path_text.removeprefix("/").partition("/")
    if first in HOSTS:
        return first, slash + rest
    return (host, request.path_text) if host in HOSTS else None


def answer(accounts: Accounts, request: Request, host: str, path: str) -> Answer:
    """Answer a request to one of these services."""
    try:
        return _SERVICES[host](accounts, request, path, time.time())
    except Refused as refused:
        return _error(400, str(refused), host)


def _error(status: int, message: str, host: str = IDENTITY_TOOLKIT, name: str = "") -> Answer:
    """Return an error object in the form of the service."""
    if host == SECURE_TOKEN:
        return api_error(status, message, name or "INVALID_ARGUMENT")
    errors = [{"message": message, "reason": "forbidden" if status == 403 else "invalid", "domain": "global"}]
    return api_error(status, message, name, errors=errors)


def _not_found() -> Answer:
    return api_error(404, "Not Found", "NOT_FOUND", errors=[{"message": "Not Found", "reason": "notFound"}])


def _check_key(accounts: Accounts, request: Request, host: str) -> Answer | None:
    """Return the refusal of a request without the API key of the project, or None if it has the key."""
    key = request.query.get("key") or request.headers.get("X-Goog-Api-Key")
    if not key:
        return _error(403, NO_KEY, host, "PERMISSION_DENIED")
    if key == accounts.api_key:
        return None
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": host},
    }
    return api_error(400, BAD_KEY, "INVALID_ARGUMENT", details=[info])


# Secure Token


def _secure_token(accounts: Accounts, request: Request, path: str, now: float) -> Answer:
    if path != "/v1/token" or request.method != "POST":
        return _not_found()
    accounts.asked += 1
    refused = _check_key(accounts, request, SECURE_TOKEN)
    if refused:
        return refused
    body = _form_or_json(request)
    kind = _text(body, "grant_type", "grantType")
    if kind != "refresh_token":
        raise Refused("INVALID_GRANT_TYPE" if kind else "MISSING_GRANT_TYPE")
    refresh_token = _text(body, "refresh_token", "refreshToken")
    if not refresh_token:
        raise Refused("MISSING_REFRESH_TOKEN")
    given, user = accounts.refresh(refresh_token, now)
    accounts.granted += 1
    return api_answer(
        {
            "access_token": given.id_token,
            "expires_in": str(accounts.token_seconds),
            "token_type": "Bearer",
            "refresh_token": given.refresh_token,
            "id_token": given.id_token,
            "user_id": user.uid,
            "project_id": PROJECT_NUMBER,
        }
    )


# Identity Toolkit


def _identity_toolkit(accounts: Accounts, request: Request, path: str, now: float) -> Answer:
    match = _ACCOUNTS.fullmatch(path)
    project, name = match.groups() if match else (None, None)
    action = (_ADMIN_ACTIONS if project else _ACTIONS).get(name or "")
    if action is None:
        return _not_found()
    if request.method != "POST":
        return api_answer({"message": f"Method {request.method} not allowed for {request.target}"}, 405)
    if project:
        refused = _check_admin(accounts, request, project, now)
    else:
        refused = _check_key(accounts, request, IDENTITY_TOOLKIT)
    return refused or api_answer(action(accounts, _json(request), now))


def _check_admin(accounts: Accounts, request: Request, project: str, now: float) -> Answer | None:
    token = bearer(request.headers.get("Authorization", ""))
    access = accounts.access_tokens.get(token)
    is_admin = bool(access and access.expires > now and access.scopes & _ADMIN_SCOPES)
    if not is_admin and (token != _OWNER or accounts.strict):
        return _error(403, NO_KEY, IDENTITY_TOOLKIT, "PERMISSION_DENIED")
    return None if project == accounts.project else _error(400, "PROJECT_NOT_FOUND")


def _sign_up(accounts: Accounts, body: Body, now: float) -> Body:
    email, password = _text(body, "email"), _text(body, "password")
    _refuse_tenant(body)
    if body.get("idToken"):
        raise Refused("OPERATION_NOT_ALLOWED : the simulator does not link accounts")
    if email and not password:
        raise Refused("MISSING_PASSWORD")
    if password and not email:
        raise Refused("MISSING_EMAIL")
    user = accounts.add_user(now, email=email, password=password)
    given = accounts.sign_in(user, "password" if email else "anonymous", {}, now)
    shown = {"email": user.email} if email else {}
    return {"kind": _KIND + "SignupNewUserResponse", "localId": user.uid, **shown, **_given(accounts, body, given)}


def _sign_in_with_password(accounts: Accounts, body: Body, now: float) -> Body:
    email, password = _text(body, "email"), _text(body, "password")
    _refuse_tenant(body)
    if not email:
        raise Refused("MISSING_EMAIL")
    if not password:
        raise Refused("MISSING_PASSWORD")
    user = accounts.user_by_email(email)
    if user is None or user.password != password:
        raise Refused("INVALID_LOGIN_CREDENTIALS")
    given = accounts.sign_in(user, "password", {}, now)
    return {
        "kind": _KIND + "VerifyPasswordResponse",
        "localId": user.uid,
        "email": user.email,
        "displayName": "",
        "registered": True,
        **_given(accounts, body, given),
    }


def _sign_in_with_custom_token(accounts: Accounts, body: Body, now: float) -> Body:
    token = _text(body, "token")
    _refuse_tenant(body)
    if not token:
        raise Refused("MISSING_CUSTOM_TOKEN")
    content = _custom_token(accounts, token, now)
    uid, claims = content.get("uid") or content.get("user_id"), content.get("claims") or {}
    if not isinstance(uid, str) or not 0 < len(uid) <= _MAX_UID_LETTERS:
        raise Refused("MISSING_IDENTIFIER")
    if not isinstance(claims, dict):
        raise Refused("INVALID_CLAIMS")
    is_new = uid not in accounts.users
    given = accounts.sign_in_as(uid, claims, now)
    return {"kind": _KIND + "VerifyCustomTokenResponse", "isNewUser": is_new, **_given(accounts, body, given)}


def _custom_token(accounts: Accounts, text: str, now: float) -> Body:
    """Return the content of a custom token after verifying it; without `strict`, accept what the emulator accepts."""
    jwt = tokens.parse(text)
    if jwt is None and not accounts.strict and (content := _object(text)):
        return content
    if jwt is None:
        raise Refused("INVALID_CUSTOM_TOKEN : Invalid assertion format")
    claims = jwt[1]
    if claims.get("aud") != CUSTOM_TOKEN_AUDIENCE:
        raise Refused("INVALID_CUSTOM_TOKEN : The audience is not Identity Toolkit")
    account = accounts.service_accounts.get(str(claims.get("iss")))
    if account is None and not accounts.strict:
        return claims
    if account is None or claims.get("sub") != account.email:
        raise Refused("INVALID_CUSTOM_TOKEN : The issuer is no service account of this project")
    if not tokens.is_signed(text, account.public):
        raise Refused("INVALID_CUSTOM_TOKEN : The signature is not that of the service account")
    if not tokens.is_in_time(claims, now, _CUSTOM_TOKEN_SECONDS):
        raise Refused("INVALID_CUSTOM_TOKEN : It has expired, or is for more than an hour")
    return claims


def _lookup(accounts: Accounts, body: Body, now: float) -> Body:
    return _users([_owner(accounts, body, now)])


def _delete(accounts: Accounts, body: Body, now: float) -> Body:
    return _deleted(accounts, _owner(accounts, body, now))


def _owner(accounts: Accounts, body: Body, now: float) -> User:
    """Return the account that the ID token in a request belongs to."""
    if not body.get("idToken"):
        raise Refused("MISSING_ID_TOKEN")
    claims = accounts.verified(_text(body, "idToken"))
    if claims is None or claims["exp"] <= now:
        raise Refused("INVALID_ID_TOKEN")
    user = accounts.user(claims["sub"])
    if user.is_disabled:
        raise Refused("USER_DISABLED")
    if claims["auth_time"] < int(user.valid_since):
        raise Refused("TOKEN_EXPIRED")
    return user


def _create_as_admin(accounts: Accounts, body: Body, now: float) -> Body:
    user = accounts.add_user(now, _text(body, "localId"), _text(body, "email"), _text(body, "password"))
    user.is_disabled = body.get("disabled") is True
    return {"kind": _KIND + "SignupNewUserResponse", "localId": user.uid}


def _lookup_as_admin(accounts: Accounts, body: Body, now: float) -> Body:
    found = [accounts.users.get(uid) for uid in _texts(body, "localId")]
    found += [accounts.user_by_email(email) for email in _texts(body, "email")]
    return _users([user for user in found if user])


def _update_as_admin(accounts: Accounts, body: Body, now: float) -> Body:
    user = accounts.user(_text(body, "localId"))
    unknown = sorted(body.keys() - {"localId", "disableUser", "validSince", "customAttributes"})
    if unknown:
        raise Refused(f"OPERATION_NOT_ALLOWED : the simulator does not update {', '.join(unknown)}")
    if "customAttributes" in body:
        claims = _object(body["customAttributes"])
        if claims is None:
            raise Refused("INVALID_CLAIMS")
        check_claims(claims)
        user.claims = claims
    if "validSince" in body:
        user.valid_since = _seconds(body["validSince"])
    if "disableUser" in body:
        user.is_disabled = body["disableUser"] is True
    return {"kind": _KIND + "SetAccountInfoResponse", "localId": user.uid}


def _delete_as_admin(accounts: Accounts, body: Body, now: float) -> Body:
    return _deleted(accounts, accounts.user(_text(body, "localId")))


_ACTIONS: dict[str, Callable[[Accounts, Body, float], Body]] = {
    "signUp": _sign_up,
    "signInWithPassword": _sign_in_with_password,
    "signInWithCustomToken": _sign_in_with_custom_token,
    "lookup": _lookup,
    "delete": _delete,
}
_ADMIN_ACTIONS: dict[str, Callable[[Accounts, Body, float], Body]] = {
    "": _create_as_admin,
    "lookup": _lookup_as_admin,
    "update": _update_as_admin,
    "delete": _delete_as_admin,
}


def _given(accounts: Accounts, body: Body, given: Tokens) -> Body:
    if body.get("returnSecureToken") is not True:
        return {"idToken": given.id_token}
    seconds = str(accounts.token_seconds)
    return {"idToken": given.id_token, "refreshToken": given.refresh_token, "expiresIn": seconds}


def _users(users: list[User]) -> Body:
    found = {"users": [_shown(user) for user in users]} if users else {}
    return {"kind": _KIND + "GetAccountInfoResponse", **found}


def _shown(user: User) -> Body:
    shown: Body = {"localId": user.uid}
    if user.email:
        shown |= {"email": user.email, "emailVerified": False}
    if user.is_disabled:
        shown["disabled"] = True
    if user.claims:
        shown["customAttributes"] = json.dumps(user.claims)
    if user.valid_since:
        shown["validSince"] = str(int(user.valid_since))
    if user.is_custom:
        shown["customAuth"] = True
    if user.signed_in:
        shown["lastLoginAt"] = str(int(user.signed_in * 1000))
    shown["createdAt"] = str(int(user.created * 1000))
    if user.refreshed:
        shown["lastRefreshAt"] = tokens.rfc3339(user.refreshed)
    return shown


def _deleted(accounts: Accounts, user: User) -> Body:
    accounts.delete(user)
    return {"kind": _KIND + "DeleteAccountResponse"}


def _refuse_tenant(body: Body) -> None:
    if body.get("tenantId"):
        raise Refused("UNSUPPORTED_TENANT_OPERATION")


# OAuth2, public keys


def _oauth2(accounts: Accounts, request: Request, path: str, now: float) -> Answer:
    if path != oauth2.PATH or request.method != "POST":
        return _not_found()
    return oauth2.answer(accounts, _form(request), now)


def _google_apis(accounts: Accounts, request: Request, path: str, now: float) -> Answer:
    if request.method != "GET" or path not in (_X509, _JWK):
        return _not_found()
    key = tokens.signing_key()
    return api_answer({key.id: tokens.certificate(key)} if path == _X509 else {"keys": [tokens.jwk(key)]})


_SERVICES: dict[str, Callable[[Accounts, Request, str, float], Answer]] = {
    IDENTITY_TOOLKIT: _identity_toolkit,
    SECURE_TOKEN: _secure_token,
    OAUTH2: _oauth2,
    GOOGLE_APIS: _google_apis,
}


# What a body holds


def _json(request: Request) -> Body:
    content = _object(request.body or b"{}")
    if content is None:
        raise Refused("Invalid JSON payload received.")
    return content


def _form(request: Request) -> Body:
    return dict(parse_qsl(request.body.decode(errors="replace")))


def _form_or_json(request: Request) -> Body:
    is_json = request.headers.get("Content-Type", "").lower().startswith("application/json")
    return _json(request) if is_json else _form(request)


def _object(text: str | bytes) -> Body | None:
    try:
        content = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _text(body: Body, *names: str) -> str:
    """Return the first of these members that is present; the emulator accepts any type as text."""
    value = next((body[name] for name in names if body.get(name)), "")
    return value if isinstance(value, str) else json.dumps(value)


def _texts(body: Body, name: str) -> list[str]:
    value = body.get(name, [])
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _seconds(value: Any) -> float:
    try:
        return float(int(value))
    except (OverflowError, TypeError, ValueError):
        raise Refused("INVALID_VALID_SINCE") from None
