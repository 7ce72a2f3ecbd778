"""`flamelet mint --check`: does this token still work? The services are asked, not the file.

In: a token.json, and a database's URL if that is to be asked too. Out: facts, or the one line that says why not. An ID
token is renewed as a device does it, and what came of it is dropped: the refresh token stays good, and the file as it
is. With a URL the library itself asks the database, so that what holds here holds on a device.
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

    Returns: what it grants, and who said so.
    Raises: click.ClickException if it does not work, or must not be on a device.
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
        raise click.ClickException("only its database knows whether this token works: --url names it")
    return facts(content) | {"works": "; ".join(by)}


def check_id_token(token: Token, content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the token as it is now, and what was learnt from whom; so do those below."""
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
    return content | {"scope": answer["scope"], "expires_at": int(answer["exp"])}, ["Google knows it"]


def check_database_secret(token: Token, content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    return content, []


CHECKS: dict[str, Callable[[Token, dict[str, Any]], tuple[dict[str, Any], list[str]]]] = {
    "id_token": check_id_token,
    "access_token": check_access_token,
    "database_secret": check_database_secret,
}


def refuse_ended(expires_at: Any) -> None:
    if isinstance(expires_at, (int, float)) and expires_at <= time.time():
        raise click.ClickException(f"this token served until {until(expires_at)}: {identity.MINT_AGAIN}")


def ask_database(url: str, content: dict[str, Any], app_check: str | None) -> str:
    """Read the keys at `url` with this token; a denial by the rules is an answer to a token that works."""
    kinds = {name: content[name] for name in CHECKS if content.get(name)}
    try:
        with Database(url, Token(kinds | {"app_check": app_check})) as database:
            database.get("", shallow=True)
    except PermissionDenied:
        return "the database takes it, and its rules do not let it read there"
    except FlameletError as error:
        raise click.ClickException(f"the database: {error}") from None
    return "the database lets it read there"
