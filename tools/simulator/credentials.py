"""Who sends a request, by the shape of its credential; no I/O, and no signature is checked.

In: the parameters `auth`, `access_token` and `auth_variable_override`, the Authorization header, and the one token that
the simulator wants, if it wants one. Out: an `Identity` for the rules. As in the live service an ID token goes into
`auth`, a Google OAuth2 token into `access_token` or the header, and a custom token nowhere. Anything that is not a JWT
counts as an administrator's: an OAuth2 token, the emulators' `owner`, or a database secret in `auth`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

PERMISSION_DENIED = "Permission denied"
BAD_ID_TOKEN = "Could not parse auth token."
BAD_ACCESS_TOKEN = "Unauthorized request."
EXPIRED_ID_TOKEN = "Auth token is expired"
NO_KEY_ID = "Missing claim 'kid' in auth header."

_OAUTH2_BEGINNING = "ya29."
_CUSTOM_TOKEN_AUDIENCE = "identitytoolkit.googleapis.com"


class BadCredential(Exception):
    """The credential is refused; the message is the text of the service."""


class Identity(NamedTuple):
    """Who asks: an administrator, whom no rule stops, or somebody with this `auth` variable; and until when."""

    is_admin: bool
    auth: Any = None
    expires_ms: float = math.inf


ANYBODY = Identity(False)


def identify(query: Mapping[str, str], authorization: str, token: str | None, anybody: bool, now_ms: int) -> Identity:
    """Finds out who sends a request.

    Args:
        query: the parameters of the request.
        authorization: its header of that name, or an empty string.
        token: what the credential must be, None if any will do.
        anybody: whether a request without a credential is let through, as rules will judge it.
        now_ms: the time, for tokens that expire.
    Raises: BadCredential.
    """
    scheme, _, bearer = authorization.partition(" ")
    access_token = query.get("access_token") or (bearer if scheme.lower() == "bearer" else "")
    id_token = query.get("auth", "")
    if not id_token and not access_token:
        if token is not None and not anybody:
            raise BadCredential(PERMISSION_DENIED)
        return ANYBODY
    if access_token and _parse_jwt(access_token):
        raise BadCredential(BAD_ACCESS_TOKEN)
    user = _user(id_token, now_ms)
    if token is not None and token not in (id_token, access_token):
        raise BadCredential(BAD_ID_TOKEN if id_token else BAD_ACCESS_TOKEN)
    if user is not None:
        return Identity(False, user, _expires_ms(user["token"]))
    return _overridden(query.get("auth_variable_override"))


def _overridden(override: str | None) -> Identity:
    if override is None:
        return Identity(True)
    try:
        return Identity(False, json.loads(override))
    except ValueError:
        raise BadCredential(BAD_ACCESS_TOKEN) from None


def _user(id_token: str, now_ms: int) -> dict[str, Any] | None:
    """The `auth` variable of an ID token; None if it is not a JWT."""
    if id_token.startswith(_OAUTH2_BEGINNING):
        raise BadCredential(BAD_ID_TOKEN)
    jwt = _parse_jwt(id_token)
    if jwt is None:
        return None
    header, claims = jwt
    # The emulator's tokens are not signed and have no key.
    if _CUSTOM_TOKEN_AUDIENCE in str(claims.get("aud")) or ("kid" not in header and header.get("alg") != "none"):
        raise BadCredential(NO_KEY_ID)
    if _expires_ms(claims) <= now_ms:
        raise BadCredential(EXPIRED_ID_TOKEN)
    firebase = claims.get("firebase")
    provider = firebase.get("sign_in_provider") if isinstance(firebase, dict) else None
    return {"uid": claims.get("sub", claims.get("user_id")), "provider": provider, "token": claims}


def _expires_ms(claims: dict[str, Any]) -> float:
    expires = claims.get("exp")
    # Python's JSON has NaN, infinities and integers without end.
    return expires * 1000 if isinstance(expires, (int, float)) and expires < 1e12 else math.inf


def _parse_jwt(text: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    parts = text.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (binascii.Error, ValueError, RecursionError):
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None
