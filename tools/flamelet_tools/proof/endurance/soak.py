"""Implements `flamelet soak`: tests that the heap of a device does not grow, over a very long time.

In: the number of pushes. Out: a table, and an exit code: 0 if every promise is kept. First all pushes use one
connection while keep-alives arrive on a stream, with the collector off and a heap of 256 KB: a single byte per push
would fill it. Then the collector is on, and the server closes every connection after 100 requests.
"""

import click

from flamelet_tools.proof.bench import measure
from flamelet_tools.proof.bench.cli import report
from flamelet_tools.proof.bench.figures import FEED, Row
from flamelet_tools.proof.bench.running import HEAP, Bench, benchmark

PUSHES = 1_000_000
QUICK_PUSHES = 20_000
PUSHES_WITH_RECONNECTS = 20_000
QUICK_PUSHES_WITH_RECONNECTS = 4_000
SECONDS_PER_PUSH = 0.005


@click.command()
@click.option("--pushes", type=click.IntRange(min=1), default=PUSHES, show_default=True)
@click.option("--quick", is_flag=True, help=f"{QUICK_PUSHES:,} pushes.")
def soak(pushes: int, quick: bool) -> None:
    """Push a million times on MicroPython, and check that the heap does not grow."""
    count = min(pushes, QUICK_PUSHES) if quick else pushes
    click.echo(f"soak: {count:,} pushes and a stream's keep-alives on MicroPython, a heap of {HEAP}", err=True)
    report(measured(count, QUICK_PUSHES_WITH_RECONNECTS if quick else PUSHES_WITH_RECONNECTS))


def measured(count: int, count_with_reconnects: int) -> list[Row]:
    """Take all measurements, and return their rows."""
    with benchmark() as running:
        rows = steady(running, count)
        rows += measure.settled(running, "TCP", count_with_reconnects)
        rows += measure.reconnects(running, "TCP", 1000)
    return rows


def steady(bench: Bench, count: int) -> list[Row]:
    """Make `count` pushes on one connection, with keep-alives on a stream and without the collector."""
    before = bench.counters()
    cost = bench.run("soak", str(count), transport="TCP", seconds=60 + count * SECONDS_PER_PUSH)
    after = bench.counters()
    keep_alives = after["events"] - before["events"]
    section = f"{count:,} pushes and {keep_alives:,} keep-alives, collector off"
    return [
        Row(section, "heap bytes left by all", {FEED: cost["left"]}, {FEED: 0}),
        Row(section, "heap bytes taken by all", {FEED: cost["taken"]}),
        Row(section, "connections, with the stream's", {FEED: after["connections"] - before["connections"]}, {FEED: 2}),
        Row(section, "reconnects of the stream", {FEED: cost["reconnects"]}, {FEED: 0}),
    ]
