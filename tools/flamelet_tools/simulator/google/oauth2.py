"""Simulates Google's OAuth2 token endpoint; no I/O.

In: the form of a POST to `/token`: an assertion signed by a service account (RFC 7523), or the refresh token of
application-default credentials (RFC 6749, section 6). Out: an access token with the requested scopes, or an error with
Google's text where it is known (signature, account, lifetime, scope, grant type, revoked).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flamelet_tools.simulator.accounts import tokens
from flamelet_tools.simulator.accounts.accounts import Accounts
from flamelet_tools.simulator.http.answers import Answer, api_answer

PATH = "/token"
# The audience that Google's own clients write whatever the address, and that of clients which use the address.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_AUDIENCE_ENDS = "/oauth2.googleapis.com/token"
_ASSERTION_SECONDS = 3600
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_UNTIMELY = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


class _Refused(Exception):
    """The grant is refused with this error and this text."""

    def __init__(self, error: str, words: str, status: int = 400):
        super().__init__(error, words)
        self.status = status


def answer(accounts: Accounts, form: dict[str, Any], now: float) -> Answer:
    """Answer a request to the endpoint."""
    try:
        grant = _GRANTS.get(form.get("grant_type", ""))
        if grant is None:
            raise _Refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        return api_answer(grant(accounts, form, now))
    except _Refused as refused:
        error, words = refused.args
        return api_answer({"error": error, "error_description": words}, refused.status)


def _by_assertion(accounts: Accounts, form: dict[str, Any], now: float) -> dict[str, Any]:
    assertion = form.get("assertion", "")
    jwt = tokens.parse(assertion)
    if jwt is None:
        raise _Refused("invalid_grant", "Bad Request")
    claims = jwt[1]
    account = accounts.service_accounts.get(str(claims.get("iss")))
    if account is None:
        raise _Refused("invalid_grant", "Invalid grant: account not found")
    if not tokens.is_signed(assertion, account.public):
        raise _Refused("invalid_grant", "Invalid JWT Signature.")
    audience = claims.get("aud")
    if audience != _AUDIENCE and not str(audience).endswith(_AUDIENCE_ENDS):
        raise _Refused("invalid_grant", f"Invalid JWT: Failed audience check. The right audience is {_AUDIENCE}")
    if not tokens.is_in_time(claims, now, _ASSERTION_SECONDS):
        raise _Refused("invalid_grant", _UNTIMELY)
    scopes = frozenset(str(claims.get("scope") or "").split())
    if not scopes:
        raise _Refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return _given(accounts, scopes, now)


def _by_refresh_token(accounts: Accounts, form: dict[str, Any], now: float) -> dict[str, Any]:
    user = accounts.authorized_users.get(form.get("refresh_token", ""))
    if user is None:
        raise _Refused("invalid_grant", "Token has been expired or revoked.")
    if (form.get("client_id"), form.get("client_secret")) != (user.client_id, user.client_secret):
        raise _Refused("invalid_client", "The OAuth client was not found.", 401)
    scopes = frozenset(form.get("scope", "").split()) or user.scopes
    if not scopes <= user.scopes:
        raise _Refused("invalid_scope", "Bad Request")
    return {**_given(accounts, scopes, now), "scope": " ".join(sorted(scopes))}


def _given(accounts: Accounts, scopes: frozenset[str], now: float) -> dict[str, Any]:
    access_token, _ = accounts.grant(scopes, now)
    return {"access_token": access_token, "expires_in": accounts.token_seconds, "token_type": "Bearer"}


_GRANTS: dict[str, Callable[[Accounts, dict[str, Any], float], dict[str, Any]]] = {
    _JWT_BEARER: _by_assertion,
    "refresh_token": _by_refresh_token,
}
