"""Makes tokens from the credentials of a whole project, which stay on this computer, with google-auth.

In: a service account's key file, or the credentials that gcloud keeps. Out: an OAuth2 access token, which is valid for
an hour, or a custom token, which is exchanged for an ID token. The key itself is never sent.
(Source: "Using OAuth 2.0 for Server to Server Applications" of Google; "Create custom tokens" of Firebase.)
"""

import calendar
import functools
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import google.auth
from google.auth import crypt, jwt
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as person
from google.oauth2 import service_account

from flamelet_tools.tokens.identity import emulator, refusal, unreached

TIMEOUT_SECONDS = 20
SCOPE = "https://www.googleapis.com/auth/"
# The scopes that each service requires of an OAuth2 token.
SCOPES = {
    "database": (SCOPE + "firebase.database", SCOPE + "userinfo.email"),
    "firestore": (SCOPE + "datastore",),
}
AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
CUSTOM_TOKEN_SECONDS = 300  # It is exchanged at once.
UID_LENGTH = 128
RESERVED_CLAIMS = frozenset(
    ("acr", "amr", "at_hash", "aud", "auth_time", "azp", "cnf", "c_hash", "exp", "firebase", "iat", "iss", "jti", "nbf")
    + ("nonce", "sub")
)
EMULATOR_ACCOUNT = "firebase-auth-emulator@example.com"
NEW_KEY = "In the Firebase console: Project settings, Service accounts, Generate new private key"

request = functools.partial(Request(), timeout=TIMEOUT_SECONDS)


class EmulatorSigner(crypt.Signer):
    """Returns empty signatures: an Auth emulator accepts unsigned custom tokens, so no key is needed for it."""

    key_id = None

    def sign(self, message: bytes | str) -> bytes:
        return b""


def scopes_of(services: Iterable[str]) -> list[str]:
    """Return the scopes that these services need."""
    return list(dict.fromkeys(scope for service in services for scope in SCOPES[service]))


def service_account_credentials(path: Path, scopes: Iterable[str] = ()) -> service_account.Credentials:
    """Return the credentials from a service account's key file.

    Raises: click.ClickException that says what the file is instead.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("type") != "service_account":
        raise click.ClickException(f"{path} {kind_of(content)}, but a service account's key is needed. {NEW_KEY}")
    try:
        return service_account.Credentials.from_service_account_info(content, scopes=list(scopes))
    except ValueError:
        raise click.ClickException(f"{path} is a service account's key that is damaged. {NEW_KEY}") from None


def kind_of(content: Any) -> str:
    """Return what kind of file this is, for files that are often mistaken for a key."""
    if not isinstance(content, dict):
        return "is not a JSON object"
    if content.get("type") == "authorized_user":
        return "is gcloud's credentials (use --adc)"
    if "id_token" in content or "access_token" in content:
        return "is a token"
    if "project_info" in content or "apiKey" in content:
        return "is the configuration of an app"
    if "installed" in content or "web" in content:
        return "is an OAuth2 client"
    return "is JSON"


def default_credentials(scopes: Iterable[str]) -> tuple[Any, str | None]:
    """Return gcloud's application-default credentials, and their project if it is known.

    Raises: click.ClickException if there are none.
    """
    scopes = list(scopes)
    try:
        credentials, project = google.auth.default(scopes=scopes)
    except (DefaultCredentialsError, ValueError) as error:
        reason = f"there are no application-default credentials ({first_line(error)})"
        raise click.ClickException(f"{reason}: {login(scopes)}") from None
    return narrowed(credentials, scopes), project


def narrowed(credentials: Any, scopes: list[str]) -> Any:
    """Return the credentials limited to these scopes.

    A person's credentials come with all scopes that gcloud has, and a device needs few.
    """
    if not isinstance(credentials, person.Credentials):
        return credentials
    info = {name: getattr(credentials, name) for name in ("refresh_token", "client_id", "client_secret")}
    return person.Credentials.from_authorized_user_info(info, scopes=scopes)


def access_token(credentials: Any) -> dict[str, Any]:
    """Request an OAuth2 access token from Google.

    Returns: the content for token.json.
    Raises: click.ClickException with the reason and what to do.
    """
    try:
        credentials.refresh(request)
    except TransportError as error:
        reason = unreached(error.__cause__ or error)
        raise click.ClickException(f"Google's token endpoint {reason}") from None
    except GoogleAuthError as error:
        # google-auth adds the answer itself, if there was one.
        words = refusal(error.args[1] if len(error.args) > 1 else str(error))
        how = f": {login(credentials.scopes)}" if "invalid_scope" in words else ""
        raise click.ClickException(f"Google refuses to make a token: {words}{how}") from None
    granted = getattr(credentials, "granted_scopes", None) or credentials.scopes
    if not set(credentials.scopes) <= set(granted):
        raise click.ClickException(f"gcloud's credentials do not have these scopes: {login(credentials.scopes)}")
    expires_at = calendar.timegm(credentials.expiry.utctimetuple())
    return {"access_token": credentials.token, "expires_at": expires_at, "scope": " ".join(granted)}


def custom_token(uid: str, claims: Mapping[str, Any], key: Path | None) -> str:
    """Make a custom token for `uid`, signed by this service account; an emulator needs none.

    Raises: click.ClickException.
    """
    if not 0 < len(uid) <= UID_LENGTH:
        raise click.ClickException(f"a uid has 1 to {UID_LENGTH} characters, not {len(uid)}")
    reserved = RESERVED_CLAIMS.intersection(claims)
    if reserved:
        raise click.ClickException(f"the claim {min(reserved)} is reserved: choose another name")
    signer: crypt.Signer = EmulatorSigner()
    header, account = {"alg": "none"}, EMULATOR_ACCOUNT
    if key:
        credentials = service_account_credentials(key)
        signer, header, account = credentials.signer, {}, credentials.service_account_email
    elif not emulator():
        raise click.ClickException(f"a token for a uid needs --service-account. {NEW_KEY}")
    now = int(time.time())
    payload = {
        "iss": account,
        "sub": account,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + CUSTOM_TOKEN_SECONDS,
        "uid": uid,
    }
    return jwt.encode(signer, payload | ({"claims": claims} if claims else {}), header).decode()


def login(scopes: Iterable[str]) -> str:
    """Return the command that gives application-default credentials these scopes; gcloud requires the first one."""
    return f"gcloud auth application-default login --scopes={','.join([SCOPE + 'cloud-platform', *scopes])}"


def first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].partition(". To set up")[0].rstrip(".")
