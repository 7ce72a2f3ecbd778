"""Implements `flamelet mint --check`: asks the services whether a token still works.

In: a token.json, and the URL of a database if that should be asked too. Out: facts, or one line that says why the token
does not work. An ID token is renewed as a device renews it, and the new one is discarded: the refresh token stays
valid, and the file does not change. With a URL the library itself asks the database, so that the result also holds on a
device.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from flamelet import Database, FlameletError, InvalidArgument, Token
from flamelet.errors import PermissionDenied
from flamelet_tools.shared.private_key import refuse_private_key
from flamelet_tools.tokens import identity
from flamelet_tools.tokens.facts import claims_of, facts, until


def check(path: Path, url: str | None) -> dict[str, str]:
    """Ask the services about the token in this file.

    Returns: what the token grants, and which service confirmed it.
    Raises: click.ClickException if the token does not work, or must not be on a device.
    """
    refuse_private_key(path)
    try:
        token = Token.load(str(path))
    except InvalidArgument as error:
        raise click.ClickException(str(error)) from None
    content, by = CHECKS[token.kind](token, json.loads(path.read_bytes()))
    if url:
        by += [ask_database(url, content, token.app_check)]
    if not by:
        raise click.ClickException("only its database can check this token: give its URL with --url")
    return facts(content) | {"works": "; ".join(by)}


def check_id_token(token: Token, content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Ask about an ID token.

    Returns: the token as it is now, and a list of what each service confirmed. The other functions of `CHECKS` do the
    same.
    """
    if token.refresh_token:
        answer = identity.refresh(token.refresh_token, token.api_key, token.token_uri)
        return content | {"id_token": answer["id_token"]}, ["it was renewed"]
    refuse_ended(claims_of(token.text).get("exp"))
    if token.api_key:
        identity.lookup(token.text, token.api_key)
        return content, ["its account is enabled"]
    return content, []


def check_access_token(token: Token, content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    refuse_ended(content.get("expires_at"))
    answer = identity.token_info(token.text)
    return content | {"scope": answer["scope"], "expires_at": int(answer["exp"])}, ["Google accepts it"]


def check_database_secret(token: Token, content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    return content, []


CHECKS: dict[str, Callable[[Token, dict[str, Any]], tuple[dict[str, Any], list[str]]]] = {
    "id_token": check_id_token,
    "access_token": check_access_token,
    "database_secret": check_database_secret,
}


def refuse_ended(expires_at: Any) -> None:
    if isinstance(expires_at, (int, float)) and expires_at <= time.time():
        raise click.ClickException(f"this token expired {until(expires_at)}: {identity.MINT_AGAIN}")


def ask_database(url: str, content: dict[str, Any], app_check: str | None) -> str:
    """Read the keys at `url` with this token. If the rules deny the read, the token works nevertheless."""
    kinds = {name: content[name] for name in CHECKS if content.get(name)}
    try:
        with Database(url, Token(kinds | {"app_check": app_check})) as database:
            database.get("", shallow=True)
    except PermissionDenied:
        return "the database accepts it, but its rules do not allow it to read there"
    except FlameletError as error:
        raise click.ClickException(f"the database: {error}") from None
    return "the database allows it to read there"
