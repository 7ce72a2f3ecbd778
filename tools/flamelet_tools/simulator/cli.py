"""Implements `flamelet sim`: runs the simulator until Ctrl-C or SIGTERM.

In: options. Out: a line with its URL when it is ready, a line with the address of its accounts and, with --verbose, a
line for each request.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from flamelet_tools.simulator import Record, Simulator
from flamelet_tools.simulator.accounts.accounts import TOKEN_SECONDS
from flamelet_tools.simulator.gateway.endpoints import parse
from flamelet_tools.simulator.google.identity import IDENTITY_TOOLKIT
from flamelet_tools.simulator.rtdb.rest import DEFAULT_REGION, parse_databases
from flamelet_tools.simulator.server.faults import make_fault, parse_fault

_REDIRECT = {"streams": ("streams",), "writes": ("writes",), "both": ("streams", "writes")}


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; 0, the default, chooses a free one.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address; 0.0.0.0 makes it reachable for boards."
)
@click.option("--tls", is_flag=True, help="Use HTTPS, with a CA made at start.")
@click.option(
    "--ca-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the certificate of that CA to this file, as PEM.",
)
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the data in this JSON file.")
@click.option(
    "--rules",
    type=click.File(encoding="utf-8"),
    help="Apply the security rules in this file, such as a project's database.rules.json.",
)
@click.option(
    "--database",
    "databases",
    multiple=True,
    metavar="NAME[=REGION]",
    help="A database of the project; can be repeated. Other databases and wrong regions are then not found.",
)
@click.option("--token", help="Refuse requests that do not carry this token.")
@click.option("--project", default="demo", show_default=True, help="The ID of the project.")
@click.option(
    "--token-seconds",
    type=click.IntRange(min=1),
    default=TOKEN_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="The lifetime of the ID tokens and OAuth2 tokens that it issues.",
)
@click.option(
    "--gateway",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="Serve the Firebase Express SDK endpoints that this JSON file describes.",
)
@click.option("--strict", is_flag=True, help="Refuse every token that it did not issue, as the live service would.")
@click.option("--redirect", type=click.Choice(list(_REDIRECT)), help="Redirect these with 307 to a second port.")
@click.option(
    "--keep-alive",
    type=click.FloatRange(min=0.001),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="The time between keep-alive events of a stream.",
)
@click.option(
    "--idle", type=click.FloatRange(min=0.001), metavar="SECONDS", help="Close connections that are idle for this time."
)
@click.option(
    "--requests-per-connection", type=click.IntRange(min=1), help="Close each connection after this number of requests."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME key=value ...",
    help='A fault to simulate, quoted: "drop_after method=PUT path=/devices count=1"; can be repeated.',
)
@click.option("--verbose", is_flag=True, help="Print one line for each request.")
def sim(
    port: int,
    host: str,
    tls: bool,
    ca_file: Path | None,
    data: Path | None,
    rules: TextIO | None,
    databases: tuple[str, ...],
    token: str | None,
    project: str,
    token_seconds: int,
    gateway: TextIO | None,
    strict: bool,
    redirect: str | None,
    keep_alive: float,
    idle: float | None,
    requests_per_connection: int | None,
    faults: tuple[str, ...],
    verbose: bool,
) -> None:
    """Run the Realtime Database simulator."""
    if ca_file and not tls:
        raise click.UsageError("--ca-file needs --tls")
    arguments = [_parse_fault(fault) for fault in faults]
    described = _parse_gateway(gateway, project) if gateway else None
    try:
        simulator = Simulator(
            port,
            tls,
            token,
            _REDIRECT.get(redirect or "", ()),
            keep_alive,
            data,
            idle,
            requests_per_connection,
            host=host,
            rules=rules.read() if rules else None,
            databases=_parse_databases(databases) if databases else None,
            on_request=_print_request if verbose else None,
            project=project,
            token_seconds=token_seconds,
            gateway=described,
            strict=strict,
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--rules") from error
    # From here on both signals are held until the simulator should stop; its threads inherit the mask.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        simulator.start()
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host} port {port}: {_reason(error)}; try another --port"
        ) from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    try:
        if ca_file:
            _write_ca(ca_file, simulator.ca_pem or b"")
        for fault in arguments:
            simulator.fault(**fault)
        click.echo(f"simulator ready: {simulator.url}")
        click.echo(f"accounts: {_accounts(simulator)}, project {simulator.project}, API key {simulator.api_key}")
        sys.stdout.flush()
        signal.sigwait(signals)
    finally:
        _stop(simulator)


def _parse_databases(databases: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in databases]
    try:
        return parse_databases({name: region if equals else DEFAULT_REGION for name, equals, region in pairs})
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--database") from error


def _parse_fault(text: str) -> dict[str, Any]:
    try:
        arguments = parse_fault(text)
        make_fault(**arguments)
    except (TypeError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    return arguments


def _parse_gateway(file: TextIO, project: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = json.load(file)
        parse(described, project)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--gateway") from error
    return described


def _accounts(simulator: Simulator) -> str:
    scheme, _, address = simulator.url.partition("://")
    # Google's clients call an emulator without TLS.
    is_clear = scheme == "http"
    return f"FIREBASE_AUTH_EMULATOR_HOST={address}" if is_clear else f"{simulator.url}/{IDENTITY_TOOLKIT}/v1"


def _reason(error: OSError) -> str:
    # Python adds the address to the text of a failed bind; the message has it already.
    unresolved = isinstance(error, socket.gaierror)
    return str(error.strerror) if unresolved or error.errno is None else os.strerror(error.errno)


def _stop(simulator: Simulator) -> None:
    try:
        simulator.stop()
    except OSError as error:
        raise click.ClickException(f"the data could not be written: {error}") from error


def _write_ca(file: Path, pem: bytes) -> None:
    try:
        file.write_bytes(pem)
    except OSError as error:
        raise click.ClickException(f"cannot write the CA to {file}: {error.strerror}") from error


def _print_request(record: Record) -> None:
    query = f"?{record.query}" if record.query else ""
    stream = " stream" if record.stream else ""
    try:
        click.echo(f"{record.status} {record.method} {record.path}{query} connection={record.connection}{stream}")
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads the output any more: the rest of it is discarded, and the simulator goes on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sim()
