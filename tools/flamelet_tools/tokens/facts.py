"""Describes what a token grants, and until when, as a table without the token itself.

In: the content of a token.json. Out: facts by name, which `show` prints. The claims of an ID token are read without
checking the signature; that is left to the service.
"""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from google.auth import jwt
from rich import box
from rich.console import Console
from rich.table import Table

from flamelet_tools.tokens.google_credentials import RESERVED_CLAIMS, SCOPES

KINDS = {
    "id_token": "Firebase ID token",
    "access_token": "Google OAuth2 access token",
    "database_secret": "database secret",
}
# The claims that Firebase itself adds to those of RFC 7519.
OF_FIREBASE = RESERVED_CLAIMS | {"user_id", "provider_id", "email", "email_verified"}
END_OF_TIME = 253_402_300_800  # seconds from 1970 to the year 10000, which is beyond the range of datetime


def facts(content: Mapping[str, Any]) -> dict[str, str]:
    """Return a description of a token, as {name: value}."""
    kind = next(kind for kind in KINDS if content.get(kind))
    if kind == "id_token":
        return of_id_token(content)
    found = {"kind": KINDS[kind]}
    if kind == "database_secret":
        return found | {"may": "do everything in its database, without expiring: deprecated, mint an ID token instead"}
    scopes = str(content.get("scope") or "").split()
    if scopes:
        found |= {
            "for": ", ".join(services_of(scopes)) or "none of the services that flamelet uses",
            "scopes": "\n".join(scopes),
        }
    end = "mint again: a device cannot renew it"
    return found | {"expires": until(content.get("expires_at")), "after that": end}


def of_id_token(content: Mapping[str, Any]) -> dict[str, str]:
    claims = claims_of(content["id_token"])
    own = {name: value for name, value in claims.items() if name not in OF_FIREBASE}
    provider = claims.get("firebase", {}).get("sign_in_provider")
    found = {
        "kind": KINDS["id_token"],
        "uid": claims.get("sub"),
        "e-mail": claims.get("email"),
        "signed in by": provider,
        "claims": ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in own.items()),
        "project": claims.get("aud"),
        "may": "do what the rules allow to this uid and these claims",
        "expires": until(claims.get("exp")),
    }
    end = "the device renews it" if content.get("refresh_token") else "mint again: it came without a refresh token"
    return {name: str(value) for name, value in found.items() if value} | {"after that": end}


def claims_of(id_token: str) -> dict[str, Any]:
    """Return the claims of a JWT, without checking its signature.

    Raises: click.ClickException if it is not a JWT.
    """
    try:
        return dict(jwt.decode(id_token, verify=False))
    except ValueError:
        raise click.ClickException("the id_token is not a JWT, so it is not an ID token") from None


def services_of(scopes: list[str]) -> list[str]:
    return [service for service, wanted in SCOPES.items() if set(wanted) <= set(scopes)]


def until(expires_at: Any) -> str:
    """Return a point in time as text: the local time, and the distance from now."""
    if not isinstance(expires_at, (int, float)) or not 0 <= expires_at < END_OF_TIME:
        return "unknown"
    seconds = round(abs(expires_at - time.time()))
    distance = f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"
    distance = f"in {distance}" if expires_at > time.time() else f"{distance} ago"
    return f"{datetime.fromtimestamp(expires_at).astimezone():%Y-%m-%d %H:%M:%S %Z} ({distance})"


def show(found: Mapping[str, str]) -> None:
    """Print facts as a table."""
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in found.items():
        table.add_row(name, value)
    Console(markup=False, highlight=False, emoji=False).print(table)
