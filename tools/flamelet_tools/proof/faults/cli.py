"""Implements `flamelet faults`: shows the outcome of each operation under each fault, and whether a promise is broken.

In: options. Out: a table for each service (rows: faults, columns: operations), the same as JSON, and an exit code: 1 if
any cell breaks the promise: success or the right error within the deadline, a client that works afterwards, nothing
lost and nothing doubled.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich import box
from rich.table import Table

from flamelet_tools.proof.faults.faults import FAULTS
from flamelet_tools.proof.faults.operations import OPERATIONS, Operation
from flamelet_tools.proof.faults.playing import Cell, play
from flamelet_tools.shared.micropython import MISSING, find_micropython
from flamelet_tools.shared.tables import borders, table_console
from flamelet_tools.simulator import Simulator

RUNTIMES = ("cpython", "micropython")
AT_A_TIME = 16
FAULTS_OF_A_DEVICE = 9  # for one device, one after another: most of the time is waiting
COLUMNS_OF_A_TABLE = 8
WIDTH = 240  # if the output is not a terminal
TITLES = {"database": "Realtime Database", "firestore": "Cloud Firestore", "gateway": "Firebase Express SDK"}
# One of each kind, for --quick.
QUICK = (
    ("database", "push"),
    ("database", "transaction"),
    ("database", "feed.push"),
    ("database", "record, flush"),
    ("database", "get"),
    ("database", "mirror"),
    ("database", "token refresh"),
    ("firestore", "create"),
    ("gateway", "record, flush"),
)


@click.command()
@click.option("--quick", is_flag=True, help="Run one operation of each kind only.")
@click.option("--runtime", "runtimes", type=click.Choice(RUNTIMES), multiple=True, help="Run on this Python only.")
@click.option("--fault", "fault", default="", help="Run only the faults whose names contain this.")
@click.option(
    "--operation", "operation", default="", help='Run only the operations whose names contain this, such as "push".'
)
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the cells to this file, as JSON.",
)
def faults(quick: bool, runtimes: tuple[str, ...], fault: str, operation: str, output: Path | None) -> None:
    """Run each operation under each fault, and count the effects on the server."""
    if "micropython" in (runtimes or RUNTIMES) and find_micropython() is None:
        raise click.ClickException(MISSING)
    columns = [one for one in OPERATIONS if (not quick or (one.service, one.name) in QUICK) and operation in one.name]
    cells = played(columns, runtimes or RUNTIMES, fault)
    if not cells:
        raise click.ClickException("no cell matches: see the names in the table")
    if output:
        output.write_text(json.dumps([as_dict(cell) for cell in cells], indent=2) + "\n")
    report(cells)


def played(columns: Sequence[Operation], runtimes: Sequence[str], name: str = "") -> list[Cell]:
    """Return all cells of these columns, for the faults whose names contain `name`."""
    rows = [fault for fault in FAULTS if name in fault.name]
    parts = [rows[at : at + FAULTS_OF_A_DEVICE] for at in range(0, len(rows), FAULTS_OF_A_DEVICE)]
    with Simulator(tls=True) as impostor, ThreadPoolExecutor(AT_A_TIME) as pool:
        plays = [
            pool.submit(play, column, runtime, part, impostor)
            for column in sorted(columns, key=lambda column: not column.is_open)  # the longest first
            for runtime in runtimes
            for part in parts
        ]
        try:
            return [cell for one in plays for cell in one.result()]
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for those that have not begun


def as_dict(cell: Cell) -> dict:
    """Return a cell for JSON."""
    return {
        "runtime": cell.runtime,
        "service": cell.operation.service,
        "operation": cell.operation.name,
        "fault": cell.fault.name,
        "outcome": cell.outcome,
        "ms": cell.ms,
        "broken": cell.broken,
    }


def report(cells: Sequence[Cell]) -> None:
    """Print the tables, and what is broken. Raises SystemExit if anything is."""
    console = table_console(WIDTH)
    for service, title in TITLES.items():
        columns = [one for one in OPERATIONS if one.service == service and any(cell.operation is one for cell in cells)]
        for start in range(0, len(columns), COLUMNS_OF_A_TABLE):
            part = columns[start : start + COLUMNS_OF_A_TABLE]
            console.print(table(title, part, cells, borders(console) or box.MARKDOWN))
    broken = [cell for cell in cells if cell.broken]
    for cell in broken:
        where = f"{cell.operation.service} {cell.operation.name} on {cell.runtime}, {cell.fault.name}"
        click.echo(f"BROKEN: {where}: {cell.broken}", err=True)
    longest = max(cell.ms for cell in cells)
    click.echo(f"{len(cells)} cells, {len(broken)} of them break the promise; the longest took {longest:,} ms")
    if broken:
        raise SystemExit(1)


def table(title: str, columns: Sequence[Operation], cells: Sequence[Cell], frame: box.Box) -> Table:
    shape = Table(title, *(column.name for column in columns), box=frame)
    for fault in FAULTS:
        row = [[cell for cell in cells if cell.operation is column and cell.fault is fault] for column in columns]
        if any(row):
            shape.add_row(fault.name, *map(shown, row))
    return shape


def shown(cells: Sequence[Cell]) -> str:
    """Return the outcome on all Pythons, once if they agree."""
    words = [f"[red]{cell.outcome} BROKEN[/]" if cell.broken else cell.outcome for cell in cells]
    return " / ".join(dict.fromkeys(words)) or "-"
