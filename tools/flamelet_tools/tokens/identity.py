"""Calls Firebase Authentication and Google's OAuth2: signs in, renews tokens, and asks about a token.

In: credentials. Out: the service's answer, or one line with the service's words and what to do. If
FIREBASE_AUTH_EMULATOR_HOST names an emulator, all requests go there, as in Google's SDKs. Redirects are not followed: a
password or a token goes to its own host only. Errors never show a secret: secrets are in bodies only, and the API key
of a project is not a secret.
(Source: the Firebase Auth REST API; Google's tokeninfo endpoint.)
"""

import os
from typing import Any
from urllib.parse import urlsplit

import click
import requests

TIMEOUT = (10, 20)  # seconds to connect, and between two bytes of the answer
WORDS_LENGTH = 300

API_KEYS = "the API key is in the Firebase console: Project settings, General, Web API Key"
SIGN_IN_METHODS = "in the Firebase console, Authentication, Sign-in method"
MINT_AGAIN = "mint a new one"
CLOCK = "the clock of this machine is wrong, or the key is: set the clock, and try again"

# What to do, by a part of the text of a refusal; the first match counts.
ADVICE = {
    "API key not valid": f"the API key is wrong: {API_KEYS}",
    "API_KEY_INVALID": f"the API key is wrong: {API_KEYS}",
    "missing a valid API key": f"the API key is missing: {API_KEYS}",
    "API key expired": f"the API key has expired: {API_KEYS}",
    "are blocked": "the API key is restricted: in the Google Cloud console, APIs and services, Credentials, let it use "
    "the Identity Toolkit API and the Token Service API, from any application",
    "it is disabled": "enable that API in the Google Cloud console, and wait a few minutes",
    "CONFIGURATION_NOT_FOUND": "this project has no Authentication yet: Firebase console, Authentication, Get started",
    "OPERATION_NOT_ALLOWED": f"this way to sign in is not enabled: enable it {SIGN_IN_METHODS}",
    "PASSWORD_LOGIN_DISABLED": f"signing in by password is not enabled: enable it {SIGN_IN_METHODS}",
    "ADMIN_ONLY_OPERATION": f"anonymous sign-in, or sign-up, is not enabled: enable Anonymous {SIGN_IN_METHODS}",
    "INVALID_LOGIN_CREDENTIALS": "the e-mail address or the password is wrong",
    "INVALID_PASSWORD": "the password is wrong",
    "EMAIL_NOT_FOUND": "this project has no account with that e-mail address",
    "INVALID_EMAIL": "that is not an e-mail address",
    "MISSING_PASSWORD": "the password is empty",
    "TOO_MANY_ATTEMPTS": "too many attempts: wait some minutes",
    "USER_DISABLED": "the account is disabled: enable it in the Firebase console, Authentication, Users",
    "USER_NOT_FOUND": f"the account was deleted: {MINT_AGAIN}",
    "TOKEN_EXPIRED": f"the account's tokens were revoked, or its password changed: {MINT_AGAIN}",
    "REFRESH_TOKEN": f"the refresh token is not valid: {MINT_AGAIN}",
    "INVALID_ID_TOKEN": f"the ID token is not valid in the project of this API key: {MINT_AGAIN}",
    "CREDENTIAL_MISMATCH": "the API key and the service account are of different projects",
    "FORBIDDEN_CLAIM": "that claim is reserved: choose another name",
    "CLAIMS_TOO_LARGE": "claims take at most 1,000 bytes: make them smaller",
    "INVALID_CUSTOM_TOKEN": "is the service account of the API key's project, and the clock of this machine right?",
    "short-lived token": CLOCK,
    "Invalid JWT Signature": "the key was deleted, or is damaged: make a new one in the Firebase console, Project "
    "settings, Service accounts",
    "account not found": "the service account was deleted: make a key of another one",
    "invalid_scope": "gcloud's credentials do not have these scopes",
    "invalid_rapt": "sign in again: gcloud auth application-default login",
    "invalid_grant": "these credentials were revoked, or have expired: make a new key, or sign in again with "
    "gcloud auth application-default login",
    "invalid_token": f"the access token has expired, or was revoked: {MINT_AGAIN}",
    "QUOTA": "too many requests: wait some minutes",
    "RESOURCE_EXHAUSTED": "too many requests: wait some minutes",
}


def sign_in_with_custom_token(custom_token: str, api_key: str) -> dict[str, Any]:
    """Exchange a custom token.

    Returns: the answer, with `idToken`, `refreshToken` and `expiresIn`.
    Raises: click.ClickException, as do all functions here.
    """
    return sign_in("signInWithCustomToken", api_key, token=custom_token)


def sign_in_with_password(email: str, password: str, api_key: str) -> dict[str, Any]:
    """Sign in with an e-mail address and a password. Return the same answer as `sign_in_with_custom_token`."""
    return sign_in("signInWithPassword", api_key, email=email, password=password)


def sign_up_anonymously(api_key: str) -> dict[str, Any]:
    """Make a new anonymous account. Return the same answer as `sign_in_with_custom_token`."""
    return sign_in("signUp", api_key)


def sign_in(method: str, api_key: str, **content: str) -> dict[str, Any]:
    answer = ask(accounts(method), params={"key": api_key}, json=content | {"returnSecureToken": True})
    if "mfaPendingCredential" in answer:
        raise click.ClickException(
            "this account has a second factor, which a device cannot provide: use an account without one"
        )
    return require(answer, "idToken", "refreshToken", "expiresIn")


def lookup(id_token: str, api_key: str) -> dict[str, Any]:
    """Return the account that an ID token belongs to: its `localId` and more."""
    answer = ask(accounts("lookup"), params={"key": api_key}, json={"idToken": id_token})
    return require(answer, "users")["users"][0]


def refresh(refresh_token: str, api_key: str, token_uri: str | None) -> dict[str, Any]:
    """Renew an ID token, as a device does. Return the answer, with `id_token` and `expires_in`."""
    content = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    answer = ask(token_uri or securetoken(), params={"key": api_key}, data=content)
    return require(answer, "id_token", "expires_in")


def token_info(access_token: str) -> dict[str, Any]:
    """Return what an OAuth2 access token grants: its `scope` and `exp`."""
    return require(ask(address("oauth2.googleapis.com/tokeninfo"), data={"access_token": access_token}), "scope", "exp")


def accounts(method: str) -> str:
    return address(f"identitytoolkit.googleapis.com/v1/accounts:{method}")


def securetoken() -> str:
    """Return the URL at which ID tokens are renewed."""
    return address("securetoken.googleapis.com/v1/token")


def emulator() -> str | None:
    """Return the host and port of the Auth emulator, or None for Google's own services."""
    return os.environ.get("FIREBASE_AUTH_EMULATOR_HOST")


def address(service: str) -> str:
    return f"http://{emulator()}/{service}" if emulator() else f"https://{service}"


def ask(url: str, **arguments: Any) -> dict[str, Any]:
    """Send a POST.

    Returns: the JSON object of the answer.
    Raises: click.ClickException.
    """
    host = urlsplit(url).netloc
    try:
        response = requests.post(url, timeout=TIMEOUT, allow_redirects=False, **arguments)
    except requests.RequestException as error:
        raise click.ClickException(f"{host} {unreached(error)}") from None
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        reason = f"{host} answered {response.status_code} without JSON"
        raise click.ClickException(f"{reason}: does this network want you to sign in to it first, in a browser?")
    if response.status_code != 200:
        later = ": the trouble is the service's: try again later" if response.status_code >= 500 else ""
        raise click.ClickException(f"{host}: {refusal(answer)}{later}")
    return answer


def require(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    missing = [name for name in names if not answer.get(name)]
    if missing:
        raise click.ClickException(f"the answer of the service has no {missing[0]}: is that the service?")
    return answer


def refusal(answer: Any) -> str:
    """Return the words of a refusal by any of these services, and what to do."""
    words = words_of(answer)
    for mark, advice in ADVICE.items():
        if mark in words:
            return f"{words}: {advice}"
    return words


def words_of(answer: Any) -> str:
    if not isinstance(answer, dict):
        return str(answer)[:WORDS_LENGTH]
    error = answer.get("error")
    if isinstance(error, dict):
        words = str(error.get("message"))
    else:
        words = ": ".join(str(answer[name]) for name in ("error", "error_description") if answer.get(name))
    return " ".join(words.split())[:WORDS_LENGTH].rstrip(".")


def unreached(error: BaseException) -> str:
    """Return why there was no answer, without the error's text, which holds the whole URL."""
    if isinstance(error, requests.exceptions.SSLError):
        return "could not be verified: does this network intercept, or is the clock of this machine wrong?"
    if isinstance(error, requests.exceptions.ProxyError):
        return "was not reached: the proxy of HTTPS_PROXY refuses or is not there"
    if isinstance(error, requests.Timeout):
        return "gave no answer in time: try again"
    return "was not reached: is this machine online?"
