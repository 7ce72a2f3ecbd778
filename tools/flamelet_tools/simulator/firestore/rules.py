"""Decides who sends a request, and what they may do; no I/O.

In: the Authorization header (or `access_token`) and the accounts. Out: an `Identity`, and the decision of the rules
about a request. An OAuth2 token with the scope of Firestore passes all rules, as does the emulators' `owner`. ID tokens
and requests without a token are judged by the rules, and never get what is reserved for administrators. Rules are a
Python function here; Google's emulator evaluates the real language. Without rules everybody may read and write.

Tokens are treated as the Realtime Database treats them (see `credentials`). Not documented, so chosen here: the reason
in the 401 of a token that is not one of Google's, and that a read cannot begin a transaction if the caller could not
begin one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flamelet_tools.simulator.accounts import credentials, tokens
from flamelet_tools.simulator.accounts.accounts import Accounts
from flamelet_tools.simulator.firestore import plain
from flamelet_tools.simulator.firestore.documents import Refused
from flamelet_tools.simulator.firestore.store import Document, Path

# Arguments: auth, method (get, list, create, update, delete), path, document, new document; both in plain Python.
Rules = Callable[[dict[str, Any] | None, str, str, dict[str, Any] | None, dict[str, Any] | None], bool]

MISSING_PERMISSIONS = "Missing or insufficient permissions."
BAD_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
SCOPES = frozenset("https://www.googleapis.com/auth/" + name for name in ("datastore", "cloud-platform"))
_OWNER = "owner"


class Identity(NamedTuple):
    """Who sends a request: an administrator, a user with this `request.auth`, or nobody."""

    is_admin: bool
    auth: dict[str, Any] | None = None


def identify(token: str, accounts: Accounts, method: str, now_ms: int) -> Identity:
    """Identify who sends a request.

    Args:
        token: the bearer token; empty if there is none.
        accounts: the accounts whose tokens are verified.
        method: the called method of the RPC API, for the answer.
        now_ms: the time, for tokens that expire.
    Raises: Refused.
    """
    if not token:
        return Identity(False)
    if token == _OWNER and not accounts.strict:
        return Identity(True)
    if tokens.parse(token) or token.count(".") == 2:
        return Identity(False, _auth(token, accounts, method, now_ms))
    access = accounts.access_tokens.get(token)
    if access is None and accounts.strict:
        raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", method)
    if access and access.expires * 1000 <= now_ms:
        raise unauthenticated("ACCESS_TOKEN_EXPIRED", method)
    if access and not access.scopes & SCOPES:
        text = "Request had insufficient authentication scopes."
        raise Refused(403, "PERMISSION_DENIED", text, [_error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method)])
    return Identity(True)


def _auth(token: str, accounts: Accounts, method: str, now_ms: int) -> dict[str, Any]:
    try:
        user = credentials.user_of(token, accounts, now_ms)
    except credentials.BadCredential as bad:
        is_late = str(bad) == credentials.EXPIRED_ID_TOKEN
        raise unauthenticated("ACCESS_TOKEN_EXPIRED" if is_late else "ACCESS_TOKEN_TYPE_UNSUPPORTED", method) from None
    if user is None:
        raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", method)
    return {"uid": user["uid"], "token": user["token"]}


def check_admin(identity: Identity) -> None:
    """Refuse callers who are not administrators. Raises: Refused."""
    if not identity.is_admin:
        raise denied()


def check(
    rules: Rules | None, identity: Identity, method: str, path: Path, before: Document | None, after: Document | None
) -> None:
    """Apply the rules. Raises: Refused."""
    if rules is None or identity.is_admin:
        return
    shown = [None if document is None else plain.decode_fields(document.fields) for document in (before, after)]
    if not rules(identity.auth, method, "/".join(path), *shown):
        raise denied()


def denied() -> Refused:
    """Return the refusal for missing permissions."""
    return Refused(403, "PERMISSION_DENIED", MISSING_PERMISSIONS)


def unauthenticated(reason: str, method: str) -> Refused:
    """Return the refusal of an invalid token, with one of the reasons of `google.api.ErrorReason`."""
    return Refused(401, "UNAUTHENTICATED", BAD_CREDENTIALS, [_error_info(reason, method)])


def _error_info(reason: str, method: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"method": f"google.firestore.v1.Firestore.{method}", "service": "firestore.googleapis.com"},
    }
