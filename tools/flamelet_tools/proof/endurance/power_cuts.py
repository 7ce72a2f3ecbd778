"""Implements `flamelet power-cuts`: tests that what was reported durable arrives exactly once after any power cut.

In: how thorough the test is. Out: a table, and an exit code: 0 if every promise is kept. A device
(device/power_cuts.py) runs on the real file systems of MicroPython, on flash that stops at each of its operations, or
tears it; it restarts with what is on the flash and goes on. On CPython a real process (device/killed.py) is killed
again and again.
"""

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from flamelet_tools.proof.bench.running import compile_everything
from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.flat_build import flat_library
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path
from flamelet_tools.shared.tables import table_console
from flamelet_tools.simulator import Simulator

HEAP = "32m"
KILLS, QUICK_KILLS = 200, 20
PROCESSES = 2
DEADLINE_SECONDS = 1800
START_SECONDS = 30
LONGEST_LIFE = 0.15
LOST_ANSWERS_PERCENT = 20
WIDTH = 140
# Readings that are missing, doubled, never taken, or out of order; unfinished runs; file systems that do not mount.
FAILURES = ("lost", "doubled", "invented", "disorder", "stuck", "broken")
COLUMNS = ("cuts", "durable", "arrived", "dropped", *FAILURES)

# Name, options, and the distance between cuts in operations, normally and with --quick.
CASES: Sequence[tuple[str, dict[str, Any], int, int]] = (
    ("littlefs", {}, 1, 11),
    ("littlefs, no clock", {"undated": 1}, 1, 17),
    ("littlefs, torn", {"tear": "old", "tears": 6}, 1, 29),
    ("littlefs, torn, no clock", {"tear": "old", "tears": 6, "undated": 1}, 1, 29),
    ("littlefs, the oldest go", {"size": 8192, "burst": 12, "undated": 1}, 20, 900),
    ("littlefs, the newest go", {"size": 8192, "burst": 12, "undated": 1, "drop": "newest"}, 10, 300),
    ("FAT", {"system": "FAT"}, 1, 1),
    ("FAT, no clock", {"system": "FAT", "undated": 1}, 1, 1),
    ("FAT, the oldest go", {"system": "FAT", "size": 8192, "burst": 12, "undated": 1}, 2, 29),
    ("FAT, the newest go", {"system": "FAT", "size": 8192, "burst": 12, "undated": 1, "drop": "newest"}, 1, 11),
    ("FAT, torn, the rest old (not promised)", {"system": "FAT", "tear": "old", "tears": 60}, 1, 7),
    ("FAT, torn, the rest erased (not promised)", {"system": "FAT", "tear": "erased", "tears": 20}, 1, 7),
)
DEFAULTS = {"system": "littlefs", "tear": "none", "tears": 1, "undated": 0, "drop": "oldest", "size": 65536, "burst": 1}


@click.command("power-cuts")
@click.option("--quick", is_flag=True, help="Make fewer cuts, and kill fewer processes.")
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="The seed of a run; can be repeated.",
)
@click.option("--kills", type=click.IntRange(min=1), help=f"The number of processes to kill; {KILLS} by default.")
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the figures to this file, as JSON.",
)
def power_cuts(quick: bool, seeds: tuple[int, ...], kills: int | None, output: Path | None) -> None:
    """Cut the power of a device at each operation of its flash, and count what arrives."""
    if find_micropython() is None:
        raise click.ClickException(MISSING)
    figures = cut(quick, seeds[:1] if quick else seeds)
    figures["CPython, kill -9"] = killed(kills or (QUICK_KILLS if quick else KILLS))
    if output:
        output.write_text(json.dumps(figures, indent=2) + "\n")
    table_console(WIDTH).print(table(figures))
    broken = broken_promises(figures)
    for name in broken:
        click.echo(f"{name}: {figures[name]['examples']}", err=True)
    if broken:
        raise SystemExit(1)


def broken_promises(figures: dict[str, dict[str, Any]]) -> list[str]:
    """Return the cases in which something is wrong that should not be."""
    return [name for name in figures if "not promised" not in name and any(figures[name][kind] for kind in FAILURES)]


def table(figures: dict[str, dict[str, Any]]) -> Table:
    shown = Table(box=None, header_style="bold")
    shown.add_column("power cuts", no_wrap=True)
    for column in COLUMNS:
        shown.add_column(column, justify="right", no_wrap=True)
    for name, found in figures.items():
        shown.add_row(name, *(f"{found[column]:,}" for column in COLUMNS))
    return shown


def cut(quick: bool, seeds: Iterable[int]) -> dict[str, dict[str, Any]]:
    """Return the figures of each case: {its name: {"cuts": 718, "lost": 0, ...}}.

    Raises: click.ClickException if a device fails.
    """
    with tempfile.TemporaryDirectory(prefix="flamelet-") as folder, ThreadPoolExecutor(PROCESSES) as pool:
        compile_everything(Path(folder))
        jobs = {}
        for name, options, step, quick_step in CASES:
            step = quick_step if quick else step
            jobs[name] = [
                pool.submit(played, folder, {**options, "seed": seed, "first": first, "step": PROCESSES * step})
                for seed in seeds
                # The processes share the cuts of a run.
                for first in range(0, PROCESSES * step, step)
            ]
        return {name: added([job.result() for job in jobs[name]]) for name in jobs}


def played(folder: str, options: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return what device/power_cuts.py counts with `options`; `before`: code that it runs first."""
    before = flat_library(checkout()).translated_text(before)
    code = f"import power_cuts\n{before}\npower_cuts.main({json.dumps(DEFAULTS | options)!r})"
    command = [find_micropython() or "micropython", "-X", f"heapsize={HEAP}", "-c", code]
    done = subprocess.run(
        command, env=module_path(folder), capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    if done.returncode:
        raise click.ClickException(f"the device failed with {options}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().rpartition("\n")[2])


def added(parts: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {column: sum(part[column] for part in parts) for column in COLUMNS}
    return total | {"examples": [example for part in parts for example in part["examples"]][:5]}


class Account:
    """What the processes printed about their readings."""

    def __init__(self) -> None:
        self.last = 0
        self.recorded: set[int] = set()
        self.durable: set[int] = set()
        self.wrong: list[str] = []

    def read(self, text: str) -> None:
        """Read what one process printed until it was killed."""
        pending: set[int] = set()
        for line in text.split("\n")[:-1]:
            words = line.split()
            if words[0].isdigit():
                self.last = int(words[0])
                self.recorded.add(self.last)
                pending.add(self.last)
                if words[-1] == "durable":
                    self.durable |= pending
                    pending.clear()
            elif words[0] != "error" and line != "corrupt 0":
                self.wrong.append(line)


def killed(count: int) -> dict[str, Any]:
    """Kill `count` processes that record and flush in one folder, and let a last one send what waits."""
    chance = random.Random(7)
    account = Account()
    with tempfile.TemporaryDirectory(prefix="flamelet-") as folder, Simulator() as simulator:
        for _ in range(count):
            if chance.randrange(100) < LOST_ANSWERS_PERCENT:
                simulator.fault("drop_after", method="PATCH", count=1)
            with process(simulator.url, folder, account.last) as child:
                account.read(said_until_killed(child, chance.uniform(0, LONGEST_LIFE)))
        with process(simulator.url, folder, account.last, "drain") as child:
            text, _ = child.communicate(timeout=DEADLINE_SECONDS)
            account.read(text.decode())
            if child.returncode:
                raise click.ClickException(f"the last process failed: {text.decode()[-2000:]}")
        return balance(account, simulator.get("t") or {}) | {"cuts": count}


@contextlib.contextmanager
def process(url: str, folder: str, first: int, *more: str) -> Iterator[subprocess.Popen]:
    script = Path(__file__).parent / "device" / "killed.py"
    command = [sys.executable, str(script), url, str(Path(folder) / "outbox"), str(first), *more]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout
        child.stdout.close()


def said_until_killed(child: subprocess.Popen, seconds: float) -> str:
    """Return what `child` prints until it is killed, this number of seconds after its first output."""
    assert child.stdout
    end = None
    said = b""
    deadline = time.monotonic() + START_SECONDS
    while end is None or time.monotonic() < end:
        if time.monotonic() > deadline:
            raise click.ClickException(f"the process printed nothing within {START_SECONDS} s")
        wait = 1.0 if end is None else max(0.0, end - time.monotonic())
        if select.select([child.stdout], [], [], wait)[0]:
            piece = os.read(child.stdout.fileno(), 65536)
            if not piece:
                raise click.ClickException(f"the process ended before it was killed: {said.decode()[-2000:]}")
            said += piece
            end = end or time.monotonic() + seconds
    child.send_signal(signal.SIGKILL)
    child.wait()
    return (said + child.stdout.read()).decode()


def balance(account: Account, tree: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return what arrived of what was recorded; `tree`: {key: reading}, as the server has it."""
    numbers = [tree[key]["n"] for key in sorted(tree)]
    arrived = set(numbers)
    lost = sorted(account.durable - arrived)
    # "c" is check_of("n") of device/killed.py.
    mangled = [reading for reading in tree.values() if reading["c"] != reading["n"] * 7919 % 100003]
    invented = sorted(arrived - account.recorded) + mangled
    return {
        "durable": len(account.durable),
        "arrived": len(arrived),
        "dropped": 0,
        "lost": len(lost),
        "doubled": len(numbers) - len(arrived),
        "invented": len(invented),
        "disorder": int(numbers != sorted(numbers)),
        "stuck": len(account.wrong),
        "broken": 0,
        "examples": [lost[:10], invented[:10], account.wrong[:5]],
    }
