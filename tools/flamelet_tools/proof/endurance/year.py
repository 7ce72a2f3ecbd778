"""Implements `flamelet year`: tests that a device loses nothing in a year of outages, expired tokens and power cuts.

In: the number of days. Out: a table, and an exit code: 0 if every promise is kept. The program of flamelet.device on
MicroPython (device/year.py, in compressed time) measures every ten minutes and executes commands; `script()` defines
what happens to it. The server has the device's time, so that tokens expire when they should. What arrived, and how
often, is counted there.
"""

import contextlib
import itertools
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import click

from flamelet_tools.proof.bench.cli import report
from flamelet_tools.proof.bench.figures import Row, Value
from flamelet_tools.proof.bench.running import Process, compile_everything
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path
from flamelet_tools.simulator import Record, Simulator
from flamelet_tools.simulator.rtdb.push_id import milliseconds

DEVICE = "devices/d1"
RULES = {"rules": {"devices": {"$device": {".read": "auth.uid == $device", ".write": "auth.uid == $device"}}}}
DAYS = 365
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000  # milliseconds
OFF = 3 * MINUTE  # the duration of a restart
BOOT_DAYS = 30
FIRST_OUTAGE = 14  # the hour of the first day, after an outage in which the device restarted
LONGEST_OUTAGE = 3 * HOUR
COMMANDS_A_DAY = 4
COMMANDS_FIRST_DAY = 20  # so that the device's buffers for them have their full size
SEED = 7
START_SECONDS = 30
STOP_SECONDS = 60  # the time limit of the device from one stop to the next
REFUSED_SECONDS = 2  # of the machine's time
GROUP = 8  # readings that are written to flash together
KEY_TOLERANCE = 120_000  # milliseconds: the accepted error of a server's Date
HEAP_STEP = 4  # KiB, of the search for the smallest heap
REAL_TIME_NS = time.time_ns  # `time` is replaced while a device runs

# The ways to lose the server: the faults of the simulator, and whether nothing answers at all.
OUTAGES: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "black hole": ([{"name": "black_hole"}], True),
    "answers are lost": ([{"name": "drop_after"}], False),
    "503": ([{"name": "unavailable"}], False),
    "reset": ([{"name": "drop_before", "reset": True}], False),
    "429": ([{"name": "error", "status": 429}], False),
    "another server's page": ([{"name": "html"}], False),
    "500": ([{"name": "internal_error"}], False),
    "refused": ([{"name": "drop_before", "reset": True}, {"name": "refuse", "seconds": REFUSED_SECONDS}], False),
}
SHORT = {"refused": 20 * MINUTE, "429": HOUR}  # the longest duration of these

Figure = tuple[str, Value, Value]  # its name, what it is, and what it may be


@click.command()
@click.option("--days", type=click.IntRange(min=4), default=DAYS, show_default=True, help="The number of days.")
@click.option("--heap", type=click.IntRange(min=1), help="KiB of the device's heap (default: the smallest possible).")
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the figures to this file, as JSON.",
)
def year(days: int, heap: int | None, output: Path | None) -> None:
    """Run a device for a year of compressed time, with outages, expired tokens, commands, restarts and power cuts."""
    if find_micropython() is None:
        raise click.ClickException(MISSING)
    rows = measured(days, heap or smallest_heap())
    if output:
        output.write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    report(rows)


@dataclass(order=True, frozen=True)
class Stop:
    """Something that happens `at` milliseconds after the beginning."""

    at: int
    what: str
    kind: str = ""


def script(days: int) -> list[Stop]:
    """Return what happens in this number of days, in order.

    The first day of each month has a short outage of each kind, so that everything that errors load is present when the
    heap is first measured; after that there is one a day. Each month ends in a restart: in turn a regular one, a power
    cut, and an outage that lasts until the device restarts itself.
    """
    chance = random.Random(SEED)
    kinds = itertools.cycle(OUTAGES)
    boot = min(BOOT_DAYS, days // 2)
    stops = [Stop(hour * HOUR, "hour") for hour in range(1, days * 24)]
    restarts = itertools.cycle(["power cut", "restart", "own"])
    for day in range(days):
        begin = day * DAY
        commands = COMMANDS_A_DAY if day % boot else COMMANDS_FIRST_DAY
        stops += [Stop(begin + chance.randrange(DAY - 3 * HOUR), "command") for _ in range(commands)]
        stops.append(Stop(begin + 23 * HOUR + 31 * MINUTE, "collect"))
        if day % boot == 0:
            for number, kind in enumerate(OUTAGES):
                stops += short_outage(begin, number, kind)
            stops.append(Stop(begin + 23 * HOUR + 30 * MINUTE, "heap", "start"))
            continue
        kind = next(kinds)
        lost = begin + chance.randrange(2 * HOUR, 12 * HOUR)
        found = lost + chance.randrange(10 * MINUTE, SHORT.get(kind, LONGEST_OUTAGE))
        stops += outage(lost, found, kind)
        if day % boot == boot - 1:
            # After the same error as the first time, because the last error is kept.
            stops += short_outage(begin, len(OUTAGES) - 1, list(OUTAGES)[-1])
            stops.append(Stop(begin + 23 * HOUR + 30 * MINUTE, "heap", "end"))
        if day % boot == boot - 1 and day < days - 1:
            stops += restart(begin + 23 * HOUR + 40 * MINUTE, next(restarts), chance)
    stops.append(Stop(days * DAY, "end"))
    return sorted(stops)


def outage(lost: int, found: int, kind: str) -> list[Stop]:
    return [Stop(lost, "outage", kind), Stop(found, "restore")]


def short_outage(day: int, number: int, kind: str) -> list[Stop]:
    """Return an outage of twenty minutes in the hour `number` of the outage hours of a day."""
    hour = day + (FIRST_OUTAGE + number) * HOUR
    return outage(hour + 5 * MINUTE, hour + 25 * MINUTE, kind)


def restart(at: int, what: str, chance: random.Random) -> list[Stop]:
    if what == "own":
        return outage(at, at + 13 * HOUR, "black hole")
    # In the middle of an outage.
    return [*outage(at, at + 3 * HOUR, "503"), Stop(at + chance.randrange(HOUR, 2 * HOUR), what)]


@dataclass
class Seen:
    """What was observed of a device in its life."""

    readings: dict[int, set[tuple[str, int]]] = field(default_factory=dict)  # {n: {(key, at)}}
    commands: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    pending_at_cuts: set[int] = field(default_factory=set)
    totals: Counter[str] = field(default_factory=Counter)
    boots: list[dict[str, int]] = field(default_factory=list)  # heap of each, at its start and end
    most_waiting: int = 0
    renewed: int = 0
    requests: int = 0
    without_clock: int = 0
    offline: int = 0  # milliseconds

    def see(self, record: Record) -> None:
        self.requests += 1
        self.renewed += "/securetoken.googleapis.com/" in record.path and record.status == 200


class Life:
    """A device, the server, and what happens to them."""

    def __init__(self, folder: Path, heap: int, days: int) -> None:
        self.folder = folder
        self.heap = heap
        self.days = days
        self.seen = Seen()
        self.begin = (time.time_ns() // 1_000_000 // DAY + 1) * DAY
        self.clock = open(folder / "clock", "w+b", buffering=0)  # noqa: SIM115  closed by close()
        self.simulator = Simulator(
            rules=RULES, strict=True, rotation="keep", requests_per_connection=50, on_request=self.seen.see
        )
        self.token = folder / "token.json"
        (folder / "storage").mkdir()
        self.device: Process | None = None
        self.status: dict[str, Any] = {"measured": 0}
        self.is_dark = False
        self.lost_at = 0

    def live(self) -> None:
        """Follow the script, with the device stopped at each of its times."""
        self.set_clock(self.begin)
        with self.simulator:
            self.token.write_text(json.dumps(self.simulator.sign_in("d1")))
            stops = script(self.days)
            self.start(self.begin)
            for stop in stops:
                self.go_to(stop)
                self.act(stop)
            self.collect()

    # The device.

    def start(self, at: int) -> None:
        """Start the device at `at`; every third time its clock is not set."""
        self.set_clock(at)
        is_unset = len(self.seen.boots) % 3 == 2
        self.seen.without_clock += is_unset
        self.seen.boots.append({})
        arguments = [self.simulator.url, self.folder, at, 0 if is_unset else at]
        command = [find_micropython() or "micropython", "-X", f"heapsize={self.heap}k", "-m", "year"]
        texts = [str(argument) for argument in [*arguments, self.status["measured"]]]
        self.device = Process(command + texts, module_path(str(self.folder)))
        self.status = self.device.read(START_SECONDS)

    def go_to(self, stop: Stop) -> None:
        """Let the device run until `stop`."""
        self.status = self.order(self.begin + stop.at)
        while self.status["ended"]:
            # It restarted itself.
            self.seen.totals["own restarts"] += 1
            self.add_up()
            self.start(self.status["at"] + OFF)
            self.status = self.order(self.begin + stop.at)
        self.seen.most_waiting = max(self.seen.most_waiting, self.status["waiting"])

    def order(self, at: int, **order: bool) -> dict[str, Any]:
        assert self.device
        line = {"next": at, "dark": self.is_dark, "end": False, "heap": False, **order}
        return self.device.ask(json.dumps(line), STOP_SECONDS)

    def end(self, is_cut: bool) -> None:
        """End the device, by a power cut or regularly."""
        assert self.device
        if is_cut:
            self.device.process.kill()
            measured = self.status["measured"]
            self.seen.pending_at_cuts |= set(range(measured - self.status["pending"], measured))
        else:
            self.status = self.order(self.status["at"] + DAY, end=True)
        self.add_up()

    def add_up(self) -> None:
        """Add what the device did from its start to its end to the totals."""
        assert self.device
        self.device.close()
        self.seen.totals.update(self.status["told"])
        for name in ("identified", "dropped", "refused", "corrupt"):
            self.seen.totals[name] += self.status[name]

    def close(self) -> None:
        """End everything that still runs."""
        self.clock.close()
        if self.device and self.device.process.poll() is None:
            self.device.process.kill()
            self.device.close()

    # What happens.

    def act(self, stop: Stop) -> None:
        if stop.what == "outage":
            self.lose(stop)
        elif stop.what == "restore":
            self.restore(stop)
        elif stop.what == "hour":
            # Listeners are notified that their token has expired.
            self.simulator.revoke_streams()
        elif stop.what == "command":
            self.seen.commands.append(self.simulator.push(f"{DEVICE}/commands", {"name": "identify"}))
        elif stop.what == "collect":
            self.collect()
        elif stop.what == "heap":
            self.seen.boots[-1][stop.kind] = self.order(self.begin + stop.at, heap=True)["heap"]
        else:
            self.end(stop.what == "power cut")
            if stop.what != "end":
                self.start(self.begin + stop.at + OFF)

    def lose(self, stop: Stop) -> None:
        faults, self.is_dark = OUTAGES[stop.kind]
        self.lost_at = stop.at
        for fault in faults:
            self.simulator.fault(**fault)
        if not self.is_dark:
            self.simulator.close_streams()

    def restore(self, stop: Stop) -> None:
        self.simulator.clear_faults()
        self.is_dark = False
        self.seen.offline += stop.at - self.lost_at
        # A closed listener reconnects by itself.
        self.simulator.wait_until_listening(2 * REFUSED_SECONDS)

    def collect(self) -> None:
        """Remove what has arrived, so that the tree does not grow, and remember it."""
        for key, reading in self.take("telemetry").items():
            self.seen.readings.setdefault(reading["n"], set()).add((key, reading["at"]))
        self.seen.answered += self.take("answers")

    def take(self, name: str) -> dict[str, Any]:
        found = self.simulator.get(f"{DEVICE}/{name}") or {}
        self.simulator.update(f"{DEVICE}/{name}", dict.fromkeys(found))
        return found

    # Time.

    def set_clock(self, at: int) -> None:
        """Set the time to `at`: while it runs, the device writes the same file."""
        os.pwrite(self.clock.fileno(), b"%020d" % (at - REAL_TIME_NS() // 1_000_000), 0)

    def time_ns(self) -> int:
        return REAL_TIME_NS() + int(os.pread(self.clock.fileno(), 20, 0)) * 1_000_000


@contextlib.contextmanager
def life(heap: int, days: int) -> Iterator[Life]:
    """Yield a life, during which the time of this process is the device's too."""
    with tempfile.TemporaryDirectory(prefix="flamelet-") as name:
        folder = Path(name)
        compile_everything(folder)
        living = Life(folder, heap, days)
        with (
            contextlib.closing(living),
            mock.patch.object(time, "time_ns", living.time_ns),
            mock.patch.object(time, "time", lambda: living.time_ns() / 1e9),
        ):
            yield living


def smallest_heap() -> int:
    """Return the smallest heap, in KiB, in which the device gets through two days."""
    fits, fails = 512, 0
    while fits - fails > HEAP_STEP:
        heap = (fits + fails) // 2 // HEAP_STEP * HEAP_STEP
        if lives(heap):
            fits = heap
        else:
            fails = heap
    return fits


def lives(heap: int) -> bool:
    try:
        with life(heap, 2) as living:
            living.live()
    except click.ClickException:
        return False
    return not living.seen.totals["MemoryError"]


def measured(days: int, heap: int) -> list[Row]:
    """Run a device for this number of days, and return the rows of the table.

    Raises: click.ClickException if it fails, or does not reach a time in the script soon enough.
    """
    click.echo(f"year: {days} days of a device on MicroPython, a heap of {heap} KiB", err=True)
    begun = time.monotonic()
    with life(heap, days) as living:
        living.live()
    seconds = time.monotonic() - begun
    section = f"{days} days in a heap of {heap} KiB"
    return [
        Row(section, name, {"micropython": value}, {} if limit is None else {"micropython": limit})
        for name, value, limit in figures(living, seconds)
    ]


def figures(living: Life, seconds: float) -> Iterator[Figure]:
    seen, days = living.seen, living.days
    stops = Counter(stop.what for stop in script(days))
    measured = set(range(living.status["measured"]))
    arrived = set(seen.readings)
    answered = set(seen.answered)
    yield "readings measured", len(measured), None
    yield "... lost", len(measured - arrived - seen.pending_at_cuts), 0
    yield "... doubled", sum(len(found) > 1 for found in seen.readings.values()), 0
    yield "... never measured", len(arrived - measured), 0
    yield "... not arrived at the end", living.status["waiting"], 0
    yield "... pending at a power cut, and gone", len(measured - arrived), stops["power cut"] * (GROUP - 1)
    yield "... the most that waited", seen.most_waiting, None
    yield "seconds that a key is off its reading, the most", largest_error(seen), KEY_TOLERANCE / 1000
    yield "dropped, refused or corrupt", sum(seen.totals[name] for name in ("dropped", "refused", "corrupt")), 0
    yield "outages", stops["outage"], None
    yield "... hours of the server being lost", seen.offline / HOUR, None
    yield "tokens renewed", seen.renewed, None
    yield "restarts in good order", stops["restart"], None
    yield "... by the device itself, since it made no progress", seen.totals["own restarts"], None
    yield "... by a power cut", stops["power cut"], None
    yield "restarts of the network", seen.totals["network"], None
    yield "starts without a clock", seen.without_clock, None
    yield "commands", len(seen.commands), None
    yield "... not executed", len(set(seen.commands) - answered), 0
    yield "... executed once more, after a power cut", seen.totals["identified"] - len(answered), stops["power cut"]
    yield "heap after a collection, at the first start", seen.boots[0]["start"], None
    yield "... its growth until the end of a boot, the most", growth(seen.boots), 0
    yield "... MemoryErrors, which it survived", seen.totals["MemoryError"], None
    yield "errors reported", seen.totals["error"], None
    yield "requests", seen.requests, None
    yield "seconds that it took", seconds, None


def growth(boots: list[dict[str, int]]) -> int:
    return max(boot["end"] - boot["start"] for boot in boots if len(boot) == 2)


def largest_error(seen: Seen) -> float:
    """Seconds between the time in a key and the time in its reading."""
    return max(abs(milliseconds(key) - at * 1000) for found in seen.readings.values() for key, at in found) / 1000
