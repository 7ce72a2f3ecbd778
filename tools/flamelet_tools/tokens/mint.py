"""Implements `flamelet mint`: makes a token for a device from credentials that must never be on a device.

In: a service account's key, gcloud's credentials, a uid with claims, an e-mail address and its password, or nothing for
an anonymous account. Out: token.json, in the form that `flamelet.Token.load` reads, readable by its owner only (mode
600), and a table of what the token grants and until when; the token itself is never shown. `--check` says whether a
token still works.

A refresh token does not expire: anyone who has token.json can act as that one account until it is disabled. A key is
read here and is never sent.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import click
from click.core import ParameterSource

from flamelet_tools.shared.private_key import refuse_private_key
from flamelet_tools.tokens import google_credentials, identity
from flamelet_tools.tokens.facts import facts, show
from flamelet_tools.tokens.google_credentials import SCOPES

# The modes, and the options that belong to each of them alone.
MODES = {
    "services": {"service_account", "adc", "output", "force"},
    "uid": {"service_account", "claims", "api_key", "output", "force"},
    "email": {"password_file", "api_key", "output", "force"},
    "anonymous": {"api_key", "output", "force"},
    "check": {"url"},
}
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--service-account", type=FILE, help="A service account's key: for --for and --uid.")
@click.option("--adc", is_flag=True, help="gcloud's application-default credentials: for --for.")
@click.option(
    "--for",
    "services",
    type=click.Choice(list(SCOPES)),
    multiple=True,
    help="A Google OAuth2 access token for this service, for an hour. Can be repeated.",
)
@click.option("--uid", help="A Firebase ID token of this uid, which the device renews.")
@click.option("--claim", "claims", metavar="NAME=VALUE", multiple=True, help="A claim for --uid: JSON, or text.")
@click.option("--email", metavar="ADDRESS", help="A Firebase ID token of this account. Its password is asked for.")
@click.option("--password-file", type=click.File(), help="The file with the password; - is standard input.")
@click.option("--anonymous", is_flag=True, help="A Firebase ID token of a new anonymous account.")
@click.option("--api-key", metavar="KEY", help="The project's Web API Key, which is not a secret.")
@click.option("--output", type=FILE, default=Path("token.json"), show_default=True)
@click.option("--force", is_flag=True, help="Replace the output file without asking.")
@click.option("--check", type=FILE, metavar="TOKEN_FILE", help="Say whether this token still works (exit code 0 or 1).")
@click.option("--url", metavar="DATABASE", help="For --check: ask this Realtime Database too.")
@click.pass_context
def mint(context: click.Context, **options: Any) -> None:
    """Make a token for a device, or check one.

    \b
    flamelet mint --service-account key.json --uid d1 --api-key KEY
    flamelet mint --service-account key.json --for database
    flamelet mint --adc --for firestore
    flamelet mint --email d1@example.com --api-key KEY
    flamelet mint --anonymous --api-key KEY
    flamelet mint --check token.json
    """
    mode = mode_of(context)
    if mode == "check":
        from flamelet_tools.tokens.check import check

        show(check(options["check"], options["url"]))
        return
    if mode != "services" and not options["api_key"]:
        raise click.UsageError(f"--api-key is missing: {identity.API_KEYS}")
    may_write(options["output"], options["force"])
    content, known = MINTS[mode](options)
    write(options["output"], content)
    show(facts(content) | known | {"written to": str(options["output"])})


def mode_of(context: click.Context) -> str:
    """Return the mode that the command line asks for.

    Raises: click.UsageError if it asks for none or several, or an option belongs to another mode.
    """
    flags = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    given = [name for name in flags if context.get_parameter_source(name or "") is ParameterSource.COMMANDLINE]
    modes = [name for name in given if name in MODES]
    if len(modes) != 1:
        raise click.UsageError(f"give one of {', '.join(flags[name] for name in MODES)}")
    for name in given:
        if name not in MODES[modes[0]] | {modes[0]}:
            raise click.UsageError(f"{flags[name]} cannot be combined with {flags[modes[0]]}")
    return modes[0]


def mint_access_token(options: Mapping[str, Any]) -> tuple[dict, dict]:
    """Mint an OAuth2 access token.

    Returns: the content for token.json, and further facts. The other functions of `MODES` return the same.
    """
    if bool(options["service_account"]) == options["adc"]:
        raise click.UsageError("--for needs --service-account or --adc")
    scopes = google_credentials.scopes_of(options["services"])
    if options["adc"]:
        credentials, project = google_credentials.default_credentials(scopes)
    else:
        credentials = google_credentials.service_account_credentials(options["service_account"], scopes)
        project = credentials.project_id
    account = getattr(credentials, "service_account_email", None)
    known = {"account": account, "project": project}
    return google_credentials.access_token(credentials), {name: value for name, value in known.items() if value}


def mint_for_uid(options: Mapping[str, Any]) -> tuple[dict, dict]:
    claims = dict(parse_claim(text) for text in options["claims"])
    custom_token = google_credentials.custom_token(options["uid"], claims, options["service_account"])
    return signed_in(identity.sign_in_with_custom_token(custom_token, options["api_key"]), options["api_key"])


def mint_for_email(options: Mapping[str, Any]) -> tuple[dict, dict]:
    password = read_password(options["password_file"])
    answer = identity.sign_in_with_password(options["email"], password, options["api_key"])
    return signed_in(answer, options["api_key"])


def mint_anonymous(options: Mapping[str, Any]) -> tuple[dict, dict]:
    return signed_in(identity.sign_up_anonymously(options["api_key"]), options["api_key"])


MINTS = {
    "services": mint_access_token,
    "uid": mint_for_uid,
    "email": mint_for_email,
    "anonymous": mint_anonymous,
}


def signed_in(answer: Mapping[str, Any], api_key: str) -> tuple[dict, dict]:
    content = {
        "id_token": answer["idToken"],
        "refresh_token": answer["refreshToken"],
        "api_key": api_key,
        "expires_at": int(time.time()) + int(answer["expiresIn"]),
    }
    return content | ({"token_uri": identity.securetoken()} if identity.emulator() else {}), {}


def parse_claim(text: str) -> tuple[str, Any]:
    """Return the name and value of a NAME=VALUE text.

    Raises: click.UsageError.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"--claim is NAME=VALUE, as in --claim site=north, not {text}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def read_password(file: TextIO | None) -> str:
    """Return the password: the first line of the file or of standard input; at a terminal ask for it without echo."""
    if file is None and sys.stdin.isatty():
        return click.prompt("Password", hide_input=True)
    password = (file or sys.stdin).readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("there is no password: the first line is empty")
    return password


def may_write(output: Path, force: bool) -> None:
    """Check that the output may be written, and ask before an existing file is replaced.

    Raises: click.ClickException or click.Abort if it must not be written.
    """
    if not output.parent.is_dir():
        raise click.ClickException(f"there is no folder {output.parent}")
    if not output.exists():
        return
    refuse_private_key(output)
    if force:
        return
    if not sys.stdin.isatty():
        raise click.ClickException(f"{output} exists already: --force replaces it, --output names another one")
    click.confirm(f"{output} exists already. Replace it?", abort=True)


def write(output: Path, content: Mapping[str, Any]) -> None:
    """Write `content` atomically to a file that only its owner can read.

    Raises: click.ClickException.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}-")  # of mode 600
        try:
            with open(descriptor, "w") as file:
                json.dump(content, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, output)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
