"""Implements `flamelet bench`: prints a table of what a push, an event and a reconnect cost on MicroPython, with
targets.

In: options. Out: the table, the same as JSON, and an exit code: 1 if a figure of memory or of network traffic misses
its target. A ratio of time only warns, unless --strict is given, because other programs run on this machine too.
"""

import itertools
import json
from pathlib import Path

import click
from rich import box
from rich.table import Table

from flamelet_tools.proof.bench import firestore, measure
from flamelet_tools.proof.bench.figures import CLIENTS, Row, shown
from flamelet_tools.proof.bench.running import benchmark
from flamelet_tools.shared.tables import borders, table_console

WIDTH = 140  # if the output is not a terminal


@click.command()
@click.option("--quick", is_flag=True, help="Run fewer pushes and rounds, and skip the search for the smallest heaps.")
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the figures to this file, as JSON.",
)
@click.option("--strict", is_flag=True, help="Also fail if a ratio of time misses its target.")
def bench(quick: bool, output: Path | None, strict: bool) -> None:
    """Measure pushes, events and reconnects on MicroPython, beside requests and a bare socket."""
    rows = measured(quick)
    if output:
        output.write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    report(rows, strict)


def report(rows: list[Row], strict: bool = False) -> None:
    """Print the table, and what misses its target. Raises SystemExit if a figure that counts does."""
    console = table_console(WIDTH)
    console.print(table(rows, borders(console)))
    missed = [row for row in rows if row.met() is False]
    for row in missed:
        click.echo(f"{row.section}: {row.name}: misses its target ({row.target()})", err=True)
    if any(strict or not row.is_time for row in missed):
        raise SystemExit(1)


def measured(quick: bool) -> list[Row]:
    """Take all measurements, and return their rows."""
    count, rounds = (1000, 3) if quick else (5000, 9)
    rows = []
    with benchmark() as running:
        for transport in measure.TRANSPORTS:
            rows += measure.pushes(running, transport, count, rounds)
        rows += measure.words32(running)
        for transport in measure.TRANSPORTS:
            rows += measure.events(running, transport)
        for transport in measure.TRANSPORTS:
            rows += measure.reconnects(running, transport, 1000)
            rows += measure.settled(running, transport, 2000 if quick else 20000)
        rows += measure.answers(running, "TCP")
        rows += measure.transactions(running)
        rows += measure.refresh(running, quick)
        rows += firestore.measured(running)
        if not quick:
            rows += measure.smallest_heaps(running)
        rows += measure.modules(running)
    return rows


def table(rows: list[Row], frame: box.Box | None) -> Table:
    shape = Table("", box=frame)
    for name in CLIENTS:
        shape.add_column(name, justify="right")
    shape.add_column("target")
    shape.add_column("met")
    for section, members in itertools.groupby(rows, lambda row: row.section):
        shape.add_section()
        of_section = list(members)
        columns = columns_of(of_section)
        shape.add_row(f"[bold]{section}[/]", *([] if columns == list(CLIENTS) else columns))
        for row in of_section:
            values = [shown(row.values[name]) if name in row.values else "" for name in columns]
            values += [""] * (len(CLIENTS) - len(values))
            shape.add_row(f"  {row.name}", *values, row.target(), {True: "yes", False: "NO", None: ""}[row.met()])
    return shape


def columns_of(rows: list[Row]) -> list[str]:
    """Return the columns of a section: the clients, or its own columns."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    return list(CLIENTS) if set(names) <= set(CLIENTS) else names
