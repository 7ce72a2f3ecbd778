"""Measures what Cloud Firestore costs on MicroPython: a push of its feed, a get of a document, a query of ten thousand.

In: the running `Bench`. Out: rows of the table, all of them about memory. See measure.py for how it is counted.
"""

import click

from flamelet_tools.proof.bench.figures import FEED, Row
from flamelet_tools.proof.bench.measure import PUSHES, TRANSPORTS, warm_up
from flamelet_tools.proof.bench.running import HEAP, Bench

CLIENT = "client_firestore"
DOCUMENTS, LOOKED_AT = 10_000, 500
QUERY_HEAP = "96k"
QUERY_SECONDS = 180
LARGEST_PIECE, PIECE_STEP = 8192, 64
TOKEN = 1024


def measured(bench: Bench) -> list[Row]:
    """Return all figures of Firestore."""
    return [*(row for transport in TRANSPORTS for row in pushes(bench, transport)), *gets(bench), *queries(bench)]


def pushes(bench: Bench, transport: str) -> list[Row]:
    """Measure a push of four integers: one commit, whose answer is skipped."""
    section = f"Firestore: a push of its feed over {transport}"
    with bench.start(CLIENT, transport) as client:
        before = warm_up(bench, client)
        cost = client.ask(f"memory ints {PUSHES}")
        after = bench.counters()
        holds = client.ask("lock ints 100")["holds"]
    opened = after["connections"] - before["connections"]
    sent = None if after["bytes_in"] is None else (after["bytes_in"] - before["bytes_in"]) / PUSHES
    return [
        Row(section, "heap bytes left", {FEED: cost["left"] / PUSHES}, {FEED: 0}),
        Row(section, "heap bytes taken", {FEED: cost["taken"] / PUSHES}, {FEED: 0}),
        Row(section, "holds under heap_lock", {FEED: holds}, {FEED: True}),
        Row(section, "new connections for 1,000 pushes", {FEED: opened}, {FEED: 0}),
        Row(section, "bytes sent", {FEED: sent}),
    ]


def gets(bench: Bench) -> list[Row]:
    """Measure the smallest free heap in which `fs.get` of a document of ten fields succeeds, beside the size of the
    dict.
    """
    section = "Firestore: a get of a document of ten fields"
    given = got(bench, "-", 0)
    assert given
    needed = smallest_free(bench, 0)
    ratio = needed / given["dict"] if needed else None
    return [
        Row(section, "heap bytes of the dict", {FEED: given["dict"]}),
        Row(section, "heap bytes that have to be free, the dict's included", {FEED: needed}),
        Row(section, "... as a multiple of the dict's", {FEED: ratio}, {FEED: 3}),
        Row(section, "... with a token of 1 KB in the request", {FEED: smallest_free(bench, TOKEN)}),
    ]


def smallest_free(bench: Bench, token: int) -> int | None:
    """Return the smallest free heap, in bytes, in which a get succeeds, or None if LARGEST_PIECE is too small."""
    found = None
    for size in range(LARGEST_PIECE, 0, -PIECE_STEP):
        told = got(bench, str(size), token)
        if told is None:
            break
        found = told["free"]
    return found


def got(bench: Bench, free: str, token: int) -> dict[str, int] | None:
    """Return what device/firestore_get.py prints, or None if it failed."""
    try:
        command = bench.command("firestore_get", free, str(token), *bench.targets["TCP"], "-")
        with bench.process(command) as process:
            return process.read()
    except click.ClickException:
        return None


def queries(bench: Bench) -> list[Row]:
    """Measure whether all documents of a large query pass through a small heap, and whether they leave any bytes."""
    section = f"Firestore: a query of {DOCUMENTS:,} documents"
    passes = queried(bench, DOCUMENTS, "go", QUERY_HEAP) is not None
    growth = queried(bench, LOOKED_AT, "look", HEAP)
    return [
        Row(section, f"passes in a heap of {QUERY_HEAP}", {FEED: passes}, {FEED: True}),
        Row(section, f"growth of the heap from document 10 to {LOOKED_AT}", {FEED: growth}, {FEED: 0}),
    ]


def queried(bench: Bench, count: int, manner: str, heap: str) -> int | None:
    """Return the growth that device/firestore_query.py prints, or None if it fails in this heap."""
    command = bench.command("firestore_query", str(count), manner, *bench.targets["TCP"], "-", heap=heap)
    try:
        with bench.process(command) as process:
            told = process.read(QUERY_SECONDS)
    except click.ClickException:
        return None
    return told["growth"] if told["total"] == count * (count - 1) // 2 else None
