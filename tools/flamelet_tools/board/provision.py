"""Implements `flamelet provision`: makes config.json, the configuration that main.py reads on a device.

In: options; at a terminal missing ones are asked for. Out: config.json, checked by the same table as on the board
(boards/shared/settings.py), readable by its owner only (mode 600); with --port it is also written to the board,
together with token.json. The service is asked whether it is reachable; a failure is only a warning, because the board
may be in another network than this computer.

Secrets: the password of a network is typed without echo, or comes from a file or the environment, and a token comes
from its file. They cannot be given on the command line, where other users could read them, and they are never shown. A
file that holds a private key is refused.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from flamelet import Database, FlameletError, Gateway, InvalidArgument, Timeouts, Token
from flamelet.net import tls as _tls
from flamelet_tools.shared.board_modules import board_module
from flamelet_tools.shared.private_key import refuse_private_key
from flamelet_tools.tokens.facts import claims_of, show
from flamelet_tools.tokens.mint import FILE, may_write, write

PASSWORD = "FLAMELET_WIFI_PASSWORD"
ASK_MS = 5000
# The settings that are files on the board, where they have these fixed names.
ON_THE_BOARD = {"token": "token.json", "ca": "ca.pem"}
# The settings that --set must not give.
OF_OPTIONS = {"networks": "--network", "token": "--token", "ca": "--ca"}


@click.command()
@click.option("--url", help="The database's, https://NAME.firebaseio.com, or the gateway's. Asked for, if missing.")
@click.option(
    "--service", type=click.Choice(["database", "gateway"]), help="The service at that URL (default: database)."
)
@click.option(
    "--network",
    "names",
    metavar="SSID",
    multiple=True,
    help="A Wi-Fi network that the board may use; can be repeated. Its password is asked for.",
)
@click.option(
    "--password-file", type=FILE, help=f"The file with the passwords, one line for each network; or use ${PASSWORD}."
)
@click.option("--device", help="The name of the device (default: the uid of its token, else the id of the board).")
@click.option("--token", type=FILE, help="The token.json that flamelet mint has made for this device.")
@click.option("--ca", type=FILE, help="Certificates (PEM), for a service without a certificate of a public authority.")
@click.option("--interval", type=float, help="Seconds between two readings (default: 10).")
@click.option("--mode", type=click.Choice(["on", "sleep"]), help="Always on, or asleep between readings (default: on).")
@click.option(
    "--country", metavar="XX", help="The country of the board, which decides the radio channels that it may use."
)
@click.option("--set", "others", metavar="NAME=VALUE", multiple=True, help="Any other setting; the value is JSON.")
@click.option("--desktop", is_flag=True, help="For main.py on a desktop: no network is needed.")
@click.option("--change", is_flag=True, help="Keep the settings in the file, except those given here.")
@click.option("--output", type=FILE, default=Path("config.json"), show_default=True)
@click.option("--force", is_flag=True, help="Replace the output file without asking.")
@click.option("--port", help="Write it to the board at this serial port, and restart the board.")
@click.option("--no-check", is_flag=True, help="Do not ask the service.")
@click.option("--dry-run", is_flag=True, help="Write nothing, on this computer or the board.")
def provision(**options: Any) -> None:
    """Make the configuration of a device.

    \b
    flamelet provision --network HomeWiFi --url https://NAME.firebaseio.com --token token.json --port /dev/ttyUSB0
    flamelet provision --change --interval 60 --mode sleep --port /dev/ttyUSB0
    flamelet provision --desktop --url http://127.0.0.1:9000
    """
    output, port = options["output"], options["port"]
    if options["desktop"] and (port or options["names"]):
        raise click.UsageError("--desktop cannot be combined with --port and --network: a desktop has its own network")
    if not options["change"] and not options["dry_run"]:
        may_write(output, options["force"])
    given = changed(output) if options["change"] else {}
    given |= given_settings(options, given)
    if not options["desktop"]:
        given["networks"] = networks(given.get("networks") or [], options["names"], options["password_file"])
    files = {name: options[name] for name in ON_THE_BOARD if options[name]}
    given |= {name: str(path) if options["desktop"] else ON_THE_BOARD[name] for name, path in files.items()}
    for path in files.values():
        refuse_private_key(path)
    check_certificates(options["ca"])
    token = load_token(options["token"])
    uid = uid_of(token)
    if uid:
        given.setdefault("device", uid)
    settings = check(given, output, not options["desktop"])
    found = described(given)
    if uid and settings["device"] != uid:
        found["note"] = (
            f"the token belongs to {uid}: check that the rules allow it to write below devices/{settings['device']}?"
        )
    if not options["no_check"]:
        found["asked"] = ask(settings, given.get("device"), token, options["ca"])
    if not options["dry_run"]:
        write(output, given)
        found["written to"] = str(output)
        if port:
            try:
                found["on the board"] = put(port, given, files)
            except click.ClickException as error:
                text = f"{error.message}. {output} is written, but not on the board: repeat the command with --force"
                raise click.ClickException(text) from None
    show(found)


def changed(output: Path) -> dict[str, Any]:
    """Return the settings in the file that should be changed, or an empty dict if there is no file.

    Raises: click.ClickException.
    """
    if not output.exists():
        return {}
    refuse_private_key(output)
    try:
        content = json.loads(output.read_bytes())
    except ValueError as error:
        raise click.ClickException(f"{output} is not JSON ({error}): without --change it is made anew") from None
    check(content, output, False)
    return content


def given_settings(options: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are given by options; ask for the URL if there is none yet."""
    plain = ("url", "service", "device", "interval", "mode", "country")
    given = {name: options[name] for name in plain if options[name] is not None}
    given |= dict(parsed(text) for text in options["others"])
    if "url" not in given | dict(before):
        if not sys.stdin.isatty():
            raise click.UsageError("--url is missing: the database's, https://NAME.firebaseio.com, or the gateway's")
        given["url"] = click.prompt("URL of the database or gateway")
    return given


def parsed(text: str) -> tuple[str, Any]:
    """Return the name and value of a NAME=VALUE text.

    Raises: click.UsageError.
    """
    name, equals, value = text.partition("=")
    if name in OF_OPTIONS:
        raise click.UsageError(f"{name} cannot be set by --set: use {OF_OPTIONS[name]}")
    if not name or not equals:
        raise click.UsageError("--set is NAME=VALUE, as in --set patience=300")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def networks(before: list, names: Sequence[str], file: Path | None) -> list:
    """Return the networks as a setting: those from before, and the given ones with their passwords.

    Raises: click.ClickException or click.UsageError if something is missing.
    """
    if not names and not before:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "--network is missing: the name (SSID) of the Wi-Fi that the board should use; a desktop needs "
                "none, with --desktop"
            )
        names = [click.prompt("Name (SSID) of the Wi-Fi network")]
    given = list(zip(names, passwords(names, file), strict=True))
    kept = [pair for pair in before if not (isinstance(pair, list) and pair and pair[0] in names)]
    return kept + [list(pair) for pair in given]


def passwords(names: Sequence[str], file: Path | None) -> list[str]:
    """Return a password for each network: from the file, from the environment, or typed by the user."""
    if file is not None:
        refuse_private_key(file)
        return as_lines(names, file.read_text(), str(file))
    if names and PASSWORD in os.environ:
        return as_lines(names, os.environ[PASSWORD], f"${PASSWORD}")
    if names and not sys.stdin.isatty():
        raise click.UsageError(f"the password of {names[0]} is missing: give it with --password-file or in ${PASSWORD}")
    question = "Password of {} (none for an open network)"
    return [click.prompt(question.format(name), hide_input=True, default="", show_default=False) for name in names]


def as_lines(names: Sequence[str], text: str, source: str) -> list[str]:
    lines = text.splitlines() or [""]
    if len(lines) != len(names):
        raise click.ClickException(
            f"{source} has {len(lines)} lines: write one line for each network, {len(names)} in all"
        )
    return lines


def load_token(file: Path | None) -> Token | None:
    """Return the token in a file, or None if there is no file.

    Raises: click.ClickException if it holds no token.
    """
    try:
        return Token.load(str(file)) if file else None
    except InvalidArgument as error:
        raise click.ClickException(str(error)) from None


def check_certificates(file: Path | None) -> None:
    """Check that a device could read this file of certificates.

    Raises: click.ClickException if it could not.
    """
    try:
        if file is not None:
            _tls._context(str(file))
    except InvalidArgument as error:
        raise click.ClickException(str(error)) from None


def uid_of(token: Token | None) -> str | None:
    """Return the uid in a token, or None if it has none."""
    return claims_of(token.text).get("sub") if token is not None and token.kind == "id_token" else None


def check(given: Any, output: Path, is_board: bool) -> dict[str, Any]:
    """Return all settings as the device will have them.

    Raises: click.ClickException if one of them is wrong.
    """
    try:
        settings = board_module("shared/settings.py").checked(given, str(output), "device", is_board)
        client(settings, None, None).close()
    except (ValueError, InvalidArgument) as error:
        raise click.ClickException(str(error)) from None
    return settings


def client(settings: Mapping[str, Any], token: Token | None, ca: Path | None) -> Database | Gateway:
    """Return a client of the service that the settings name.

    Raises: InvalidArgument if the library refuses a setting.
    """
    service = Gateway if settings["service"] == "gateway" else Database
    timeouts = Timeouts(connect=ASK_MS, handshake=ASK_MS, first_byte=ASK_MS, answer=ASK_MS)
    return service(settings["url"], token, ca=str(ca) if ca else None, timeouts=timeouts)


def ask(settings: Mapping[str, Any], device: str | None, token: Token | None, ca: Path | None) -> str:
    """Ask the service for the device's folder with this token, without renewing it. Return the result as text."""
    path = settings["readings"] or (f"devices/{device}" if device else "devices")
    bare = token and Token({token.kind: token.text, "app_check": token.app_check})
    try:
        with client(settings, bare, ca) as service:
            if isinstance(service, Database):
                service.get(path, shallow=True)
            else:
                service.get(path)
    except FlameletError as error:
        if getattr(error, "code", "") == "TOKEN_EXPIRED" and token and token.refresh_token:
            return f"the {settings['service']} answers; the token in the file has expired, and the device renews it"
        if getattr(error, "status", 0):
            return f"the {settings['service']} answers, and refuses {path}: {error}"
        click.echo(f"Warning: the {settings['service']} did not answer here: {error}", err=True)
        return "it did not answer here"
    return f"the {settings['service']} answers, and allows reading {path}"


def described(given: Mapping[str, Any]) -> dict[str, str]:
    """Return a description of the settings without passwords, and without queries of URLs, which may hold a token."""
    found = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    found["url"] = given["url"].partition("?")[0]
    if given.get("networks"):
        found["networks"] = "\n".join(name + ("" if password else " (open)") for name, password in given["networks"])
    else:
        found.pop("networks", None)
    return found


def put(port: str, given: Mapping[str, Any], files: Mapping[str, Path]) -> str:
    """Write the configuration to a board, after the files that it names.

    Returns: a description of the board.
    Raises: click.ClickException.
    """
    from flamelet_tools.board import link

    contents = {ON_THE_BOARD[name]: path.read_bytes() for name, path in files.items()}
    contents["config.json"] = json.dumps(given).encode()
    with link.connected(port) as board:
        facts = link.ask(board)
        for name, data in contents.items():
            link.replace(board, f"/{name}", data)
    return f"{', '.join(contents)}: {facts.machine} on {facts.port}, which restarts now"
