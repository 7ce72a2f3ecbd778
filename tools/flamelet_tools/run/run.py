"""Implements `flamelet run`: runs main.py as a device beside the simulator, and shows what both of them do.

In: options. Out: a line for each event on the device and in the cloud, a summary, and an exit code: 0 if everything
went well or the user ended it, 1 if the device failed or if a reading that it sent is not stored. The device is a
process of its own on the chosen Python. It has its own session, so that Ctrl-C reaches it only once, from here.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from flamelet import InvalidArgument, Token
from flamelet_tools.run.cloud import Cloud, CloudError
from flamelet_tools.shared.board_modules import board_module
from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.micropython import MISSING, environment, find_micropython

RESTART = 75  # the exit code of a device that asks for a restart
ASK_SECONDS = 1
STOP_SECONDS = 4
FIRST_COMMAND_SECONDS = 1
COMMAND_SECONDS = 4
STYLES = {"device": "cyan", "cloud": "magenta", "run": "bold"}


class LineConsole(Console):
    """A console that ends the program as Ctrl-C does if nobody reads its output any more."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.raise_signal(signal.SIGINT)


console = LineConsole(soft_wrap=True, highlight=False, markup=False, emoji=False)


@click.command()
@click.option("--count", type=click.IntRange(min=1), help="End after this many readings (default: no limit).")
@click.option(
    "--interval",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="Seconds between two readings.",
)
@click.option("--runtime", type=click.Choice(["cpython", "micropython"]), default="cpython", show_default=True)
@click.option("--url", help="Use this Realtime Database instead of the embedded simulator.")
@click.option("--token", metavar="FILE_OR_STRING", help="The database's token, or the file that holds it.")
@click.option("--no-commands", is_flag=True, help="Send no demonstration commands.")
@click.option("--picture", metavar="FILE", help="Save the output as an SVG picture.")
def run(
    count: int | None,
    interval: float,
    runtime: str,
    url: str | None,
    token: str | None,
    no_commands: bool,
    picture: str | None,
) -> None:
    """Run main.py: a device that sends this machine's readings and obeys commands. Ctrl-C ends it."""
    root = checkout()
    command = interpreter(runtime)
    if url and not url.startswith(("http://", "https://")):
        raise click.BadParameter("must begin with https:// (or http:// for this machine)", param_hint="--url")
    read = token_reader(token)
    device = board_module("desktop/board.py").unique_id()
    with embedded_simulator(read()) if url is None else contextlib.nullcontext(url) as database:
        config = {
            "url": database,
            "device": device,
            "interval": interval,
            "count": count or 0,
            "token": str(Path(token).resolve()) if token and token.endswith(".json") else read(),
        }
        with config_file(config) as path:
            env = environment(root, "boards/desktop") | {"FLAMELET_CONFIG": path, "FLAMELET_STOP": f"{path}.stop"}
            # The storage survives a restart of the device, but not the end of this command.
            env = {"FLAMELET_STORAGE": f"{path}.kept"} | env
            cloud = Cloud(database, device, read)
            demonstration = [] if no_commands else demonstration_commands(interval)
            console.record = picture is not None
            exit_code = asyncio.run(play(cloud, [*command, "main.py"], root, env, demonstration))
            if picture:
                console.save_svg(picture, title="tools/run")
    raise SystemExit(exit_code)


def interpreter(runtime: str) -> list[str]:
    if runtime == "cpython":
        return [sys.executable]
    command = find_micropython()
    if command is None:
        raise click.ClickException(MISSING)
    return [command]


def token_reader(token: str | None) -> Callable[[], str | None]:
    """Return a function that returns the text of the token: the given one, or the current content of the file.

    The device renews the token of a .json file, and saves the new one beside it.
    """
    if token is None or not Path(token).is_file():
        return lambda: token
    if not token.endswith(".json"):
        text = Path(token).read_text().strip()
        return lambda: text
    try:
        Token.load(token)
    except InvalidArgument as error:
        raise click.BadParameter(str(error), param_hint="--token") from None
    return lambda: Token.load(token).text


@contextlib.contextmanager
def embedded_simulator(token: str | None) -> Iterator[str]:
    from flamelet_tools.simulator import Simulator

    with Simulator(token=token) as simulator:
        yield simulator.url


@contextlib.contextmanager
def config_file(config: dict) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="flamelet-") as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(config))
        yield str(path)


def demonstration_commands(interval: float) -> list[dict]:
    """Return the commands that the cloud sends in turn; the last one is unknown to every device."""
    return [
        {"name": "led", "value": True},
        {"name": "interval", "value": interval / 2},
        {"name": "identify"},
        {"name": "led", "value": False},
        {"name": "interval", "value": interval},
        {"name": "sing"},
    ]


def show(side: str, what: str, value: object = "") -> None:
    """Print one line: the source, the event, and the value."""
    style = "red" if what == "error" else STYLES[side]
    console.print(Text.assemble((f"{side:8}", style), (f"{what:9}", "bold"), str(value)))


async def play(cloud: Cloud, command: list[str], root: Path, env: dict[str, str], demonstration: list[dict]) -> int:
    """Run the device until it ends or the user ends it.

    Returns: the exit code.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with cloud:
        try:
            before = await cloud.count_readings()
        except CloudError as error:
            show("run", "error", f"{cloud.url} cannot be used: {error}")
            return 1
        introduce(cloud)
        ready = asyncio.Event()
        tasks = [asyncio.create_task(watch(cloud, ready))]
        await ready.wait()
        if demonstration:
            tasks.append(asyncio.create_task(send_commands(cloud, demonstration)))
        try:
            exit_code, summaries = await run_device_with_restarts(command, root, env, stop)
            stored = await cloud.count_readings() - before
        except CloudError as error:
            show("run", "error", f"the stored readings could not be counted: {error}")
            return 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return summarize(stored, exit_code, summaries, stop.is_set())


def introduce(cloud: Cloud) -> None:
    query = "".join(f"?{name}=TOKEN" for name in cloud.parameters)
    show("run", "start", f"the device sends its readings to {cloud.url}; Ctrl-C ends it")
    show("run", "try", f"""curl -X POST -d '{{"name":"led","value":true}}' '{cloud.url}/commands.json{query}'""")


async def watch(cloud: Cloud, ready: asyncio.Event) -> None:
    """Show what arrives in the database while the stream is open."""
    try:
        await cloud.watch(ready.set, show_change)
    except CloudError as error:
        show("cloud", "error", f"the database can no longer be watched: {error}")
    finally:
        ready.set()


def show_change(path: str, value: Any) -> None:
    kind = path.partition("/")[0]
    if kind == "commands":
        if value is None:
            show("cloud", "removed", path)
    else:
        show("cloud", "stored", f"{path} {json.dumps(value, separators=(',', ':'))}")


async def send_commands(cloud: Cloud, commands: list[dict]) -> None:
    await asyncio.sleep(FIRST_COMMAND_SECONDS)
    for command in cycle(commands):
        try:
            key = await cloud.send_command(command)
            show("cloud", "command", f"commands/{key} {json.dumps(command, separators=(',', ':'))}")
        except CloudError as error:
            show("cloud", "error", f"a command could not be sent: {error}")
        await asyncio.sleep(COMMAND_SECONDS)


async def run_device_with_restarts(
    command: list[str], root: Path, env: dict[str, str], stop: asyncio.Event
) -> tuple[int, list[str]]:
    """Run the device, and start it again whenever it asks for a restart, as a board restarts itself.

    Returns: its last exit code, and the summaries that it printed.
    """
    summaries = []
    while True:
        exit_code, summary = await run_device(command, root, env, stop)
        summaries.append(summary)
        if exit_code != RESTART or stop.is_set():
            return exit_code, summaries
        show("run", "restart", "the device restarts")


async def run_device(command: list[str], root: Path, env: dict[str, str], stop: asyncio.Event) -> tuple[int, str]:
    """Run the device until it ends by itself; when `stop` is set, ask it to end, then interrupt it, then kill it.

    Returns: its exit code, and the summary that it printed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout
    output = asyncio.create_task(show_output(process.stdout))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({output, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set() and process.returncode is None:
            Path(env["FLAMELET_STOP"]).touch()
            await asyncio.wait({output}, timeout=ASK_SECONDS)
        if stop.is_set() and not output.done():
            process.send_signal(signal.SIGINT)
            await asyncio.wait({output}, timeout=STOP_SECONDS)
        if not output.done():
            show("run", "error", f"the device did not end within {STOP_SECONDS} s and was killed")
            process.kill()
        summary = await output
        return await asyncio.wait_for(process.wait(), STOP_SECONDS), summary
    finally:
        stopping.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def show_output(stdout: asyncio.StreamReader) -> str:
    """Show the device's lines as they arrive.

    Returns: the summary among them, or an empty string.
    """
    summary = ""
    async for raw in stdout:
        line = raw.decode(errors="replace").rstrip()
        what, _, value = line.partition(" ")
        if line[:1].isalpha() and len(what) < 9:
            show("device", what, value.strip())
        else:
            show("device", "", line)
        if what == "summary":
            summary = value
    return summary


def summarize(stored: int, exit_code: int, summaries: list[str], interrupted: bool) -> int:
    """Compare the readings that the device sent with those that the database stored, and show both.

    Returns: the exit code of the command.
    """
    found = [re.search(r"(\d+) sent, (\d+) not sent, (\d+) commands", summary) for summary in summaries]
    if not found[-1]:
        show("run", "summary", f"{stored} stored; the device printed no summary (exit code {exit_code})")
        return 0 if interrupted else 1
    sent, not_sent, obeyed = (sum(int(one[number]) for one in found if one) for number in (1, 2, 3))
    show("run", "summary", f"{sent} readings sent, {not_sent} not sent, {stored} stored; {obeyed} commands obeyed")
    if interrupted:
        return 0
    if stored != sent:
        show("run", "error", f"the device sent {sent} readings, but {stored} are stored")
    return 0 if stored == sent and exit_code == 0 else 1
