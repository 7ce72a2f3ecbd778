"""Identifies who sends a request, by its credential; no I/O.

In: the parameters `auth`, `access_token` and `auth_variable_override`, the Authorization header, the accounts, and the
one token that the simulator requires, if any. Out: an `Identity` for the rules. As in the live service, an ID token is
sent in `auth`, a Google OAuth2 token in `access_token` or the header, and a custom token is never accepted.

Tokens that the simulator issued are verified: signature, project and expiry of ID tokens, scopes and expiry of OAuth2
tokens. Other tokens are treated as the emulators treat them: a JWT with another key or none is read for its claims, and
anything that is not a JWT counts as an administrator's credential (an OAuth2 token, the emulators' `owner`, or a
database secret in `auth`). With `strict` all of these are refused, as the live service would. Not documented, so chosen
here: the text for an ID token of another project or with a wrong signature, and that a stream is revoked when its
OAuth2 token expires.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from flamelet_tools.simulator.accounts import tokens
from flamelet_tools.simulator.accounts.accounts import Accounts

PERMISSION_DENIED = "Permission denied"
BAD_ID_TOKEN = "Could not parse auth token."
BAD_ACCESS_TOKEN = "Unauthorized request."
EXPIRED_ID_TOKEN = "Auth token is expired"
NO_KEY_ID = "Missing claim 'kid' in auth header."
UNKNOWN_KEY_ID = "Invalid claim 'kid' in auth header."

_OAUTH2_BEGINNING = "ya29."
_CUSTOM_TOKEN_AUDIENCE = "identitytoolkit.googleapis.com"
_SCOPES = "https://www.googleapis.com/auth/"
# The documentation requires the first two; Google's own Admin SDK requests the third instead of the second.
_EMAIL_SCOPES = frozenset((_SCOPES + "userinfo.email", "email"))
_DATABASE_SCOPES = frozenset((_SCOPES + "firebase.database", _SCOPES + "firebase"))


class BadCredential(Exception):
    """The credential is refused; the message is the text of the service."""


class Identity(NamedTuple):
    """Who sends a request, and until when: an administrator, whom no rule restricts, or a user with this `auth`
    variable.
    """

    is_admin: bool
    auth: Any = None
    expires_ms: float = math.inf


ANYBODY = Identity(False)


def identify(
    query: Mapping[str, str], authorization: str, accounts: Accounts, token: str | None, anybody: bool, now_ms: int
) -> Identity:
    """Identify who sends a request.

    Args:
        query: the parameters of the request.
        authorization: its header of that name, or an empty string.
        accounts: the accounts whose tokens are verified.
        token: the credential that is required, or None if any is accepted.
        anybody: whether a request without a credential is accepted, because rules will judge it.
        now_ms: the time, for tokens that expire.
    Raises: BadCredential.
    """
    access_token = query.get("access_token") or bearer(authorization)
    id_token = query.get("auth", "")
    if not id_token and not access_token:
        if token is not None and not anybody:
            raise BadCredential(PERMISSION_DENIED)
        return ANYBODY
    if access_token and tokens.parse(access_token):
        raise BadCredential(BAD_ACCESS_TOKEN)
    user = user_of(id_token, accounts, now_ms) if id_token else None
    if token is not None and token not in (id_token, access_token):
        raise BadCredential(BAD_ID_TOKEN if id_token else BAD_ACCESS_TOKEN)
    if user is not None:
        return Identity(False, user, _expires_ms(user["token"]))
    expires_ms = _check_access(access_token, accounts, now_ms) if access_token else math.inf
    return _overridden(query.get("auth_variable_override"), expires_ms)


def bearer(authorization: str) -> str:
    """Return the token of an Authorization header, or an empty string if it has none."""
    scheme, _, text = authorization.partition(" ")
    return text if scheme.lower() == "bearer" else ""


def _overridden(override: str | None, expires_ms: float) -> Identity:
    if override is None:
        return Identity(True, None, expires_ms)
    try:
        return Identity(False, json.loads(override), expires_ms)
    except ValueError:
        raise BadCredential(BAD_ACCESS_TOKEN) from None


def user_of(id_token: str, accounts: Accounts, now_ms: int) -> dict[str, Any] | None:
    """Return the `auth` variable of an ID token, or None if it is a database secret."""
    jwt = tokens.parse(id_token)
    if id_token.startswith(_OAUTH2_BEGINNING) or jwt is None and accounts.strict:
        raise BadCredential(BAD_ID_TOKEN)
    if jwt is None:
        return None
    header, claims = jwt
    _check_key(header, claims, accounts.strict)
    if header.get("kid") == tokens.signing_key().id and accounts.verified(id_token) is None:
        raise BadCredential(BAD_ID_TOKEN)
    if _expires_ms(claims) <= now_ms:
        raise BadCredential(EXPIRED_ID_TOKEN)
    firebase = claims.get("firebase")
    provider = firebase.get("sign_in_provider") if isinstance(firebase, dict) else None
    return {"uid": claims.get("sub", claims.get("user_id")), "provider": provider, "token": claims}


def _check_key(header: dict[str, Any], claims: dict[str, Any], strict: bool) -> None:
    # The emulator's tokens are not signed and have no key.
    is_emulators = header.get("alg") == "none" and not strict
    if _CUSTOM_TOKEN_AUDIENCE in str(claims.get("aud")) or ("kid" not in header and not is_emulators):
        raise BadCredential(NO_KEY_ID)
    if strict and header["kid"] != tokens.signing_key().id:
        raise BadCredential(UNKNOWN_KEY_ID)


def _check_access(access_token: str, accounts: Accounts, now_ms: int) -> float:
    """Check that an OAuth2 token is valid, and return when it expires, in milliseconds."""
    access = accounts.access_tokens.get(access_token)
    if access is None:
        if accounts.strict:
            raise BadCredential(BAD_ACCESS_TOKEN)
        return math.inf
    has_scopes = access.scopes & _EMAIL_SCOPES and access.scopes & _DATABASE_SCOPES
    if not has_scopes or access.expires * 1000 <= now_ms:
        raise BadCredential(BAD_ACCESS_TOKEN)
    return access.expires * 1000


def _expires_ms(claims: dict[str, Any]) -> float:
    expires = claims.get("exp")
    # Python's JSON has NaN, infinities and integers of any size.
    return expires * 1000 if isinstance(expires, (int, float)) and expires < 1e12 else math.inf
