"""Implements `flamelet lifetimes`: tests that a device outlives its tokens again and again without losing anything.

In: the number of lifetimes, and their length in seconds. Out: a table, and an exit code: 0 if every promise is kept. A
device (the program of flamelet.device and a mirror: device/lifetimes.py) pushes readings to the simulator and executes
commands while others write to the mirrored data at any time. What arrived, and how often, is counted at the server.
"""

import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from flamelet_tools.proof.bench.cli import report
from flamelet_tools.proof.bench.figures import Row, Value
from flamelet_tools.proof.bench.running import Process, compile_everything
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path
from flamelet_tools.simulator import Record, Simulator

DEVICE = "devices/d1"
RULES = {"rules": {"devices": {"$device": {".read": "auth.uid == $device", ".write": "auth.uid == $device"}}}}
HEAP = "512k"
SAME_TREE = {"a": {"b": 1, "c": 2}}  # mirrored whenever the heap is measured
HEAP_ROUNDS, HEAP_SAMPLES = 3, 10
STREAMS = 2  # of the device: its commands, and the mirror
COMMANDS_REMEMBERED = 20
MOST_LEAVES, LONGEST_LEAF = 100, 50  # more than there will be in the tree
HEAP_GROWTH = 64  # two blocks, for requests in progress at that moment
WRITE_SECONDS = 0.02
WRITES_PER_COMMAND = 20
ANSWER_SECONDS = 30
# A token is renewed when an eighth of its time is left; a refresh sooner than this after another is one too many.
EARLIEST_REFRESH = 0.8

Figure = tuple[str, Value, Value]  # its name, what it is, and what it may be


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=1000, show_default=True, help="Lifetimes.")
@click.option("--seconds", type=click.IntRange(min=1), default=2, show_default=True, help="The lifetime of a token.")
@click.option("--runtime", type=click.Choice(["cpython", "micropython"]), default="micropython", show_default=True)
@click.option("--tls", is_flag=True, help="Use TLS.")
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the figures to this file, as JSON.",
)
def lifetimes(count: int, seconds: int, runtime: str, tls: bool, output: Path | None) -> None:
    """Run a device over many lifetimes of its token, with a mirror, pushes and commands."""
    if runtime == "micropython" and find_micropython() is None:
        raise click.ClickException(MISSING)
    click.echo(f"lifetimes: {count:,} of {seconds} s, which takes about {count * seconds * 15 / 16:,.0f} s", err=True)
    rows = measured(count, seconds, runtime, tls)
    if output:
        output.write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    report(rows)


@dataclass
class Seen:
    """What the server saw: the times of refreshes, the number granted, refusals, and opened streams."""

    refreshes: list[float] = field(default_factory=list)
    granted: int = 0
    refused: int = 0
    streams: int = 0

    def see(self, record: Record) -> None:
        if "/securetoken.googleapis.com/" in record.path:
            self.refreshes.append(time.monotonic())
            self.granted += record.status == 200
        else:
            self.refused += record.status == 401 and record.path.startswith(f"/{DEVICE}")
            self.streams += record.stream

    def most_within(self, seconds: float) -> int:
        """Return the highest number of refreshes within this number of seconds from one of them, including it."""
        return max(sum(0 <= other - one < seconds for other in self.refreshes) for one in self.refreshes)

    def longest_pause(self) -> float:
        times = self.refreshes
        return max((later - sooner for sooner, later in zip(times, times[1:], strict=False)), default=0)


class Cloud:
    """What others do while the device runs, and what they see of it."""

    def __init__(self, simulator: Simulator, seen: Seen, device: Process) -> None:
        self.simulator = simulator
        self.seen = seen
        self.device = device
        self.actor = random.Random(4)
        self.writes = self.markers = self.unequal = 0
        self.commands: list[str] = []  # the keys of all, and of those that were answered
        self.answered: list[str] = []
        self.readings: list[int] = []

    def live(self) -> None:
        """Write until the device has its next token, then check that its mirror equals what was written."""
        granted = self.seen.granted
        self.wait(lambda: self.seen.granted > granted, "renew its token", self.write)
        self.unequal += self.mark()["value"] != self.simulator.get(f"{DEVICE}/config")
        self.collect()

    def wait(self, holds: Callable[[], bool], words: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until `holds()` is true. Raises: click.ClickException if the device did not do what `words` says in
        time.
        """
        deadline = time.monotonic() + self.simulator.token_seconds + ANSWER_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise click.ClickException(f"the device did not {words} in time; {self.device.failed().message}")
            meanwhile()
            time.sleep(WRITE_SECONDS)

    def write(self) -> None:
        """Write once to the mirrored data, and sometimes send a command too."""
        self.writes += 1
        keys = [self.actor.choice("abc") for _ in range(self.actor.randint(1, 3))]
        path = "/".join([DEVICE, "config", "tree", *keys])
        kind = self.actor.randrange(3)
        if kind == 0:
            self.simulator.set(path, None)
        elif kind == 1:
            self.simulator.set(path, self.actor.choice([self.writes, f"text {self.writes}", {"e": {"f": True}}]))
        else:
            self.simulator.update(path, {"g": self.writes, "h/i": self.writes / 4})
        if self.writes % WRITES_PER_COMMAND == 0:
            self.command()

    def command(self) -> None:
        self.commands.append(self.simulator.push(f"{DEVICE}/commands", {"name": "identify"}))

    def mark(self, marker: Any = None, **others: Any) -> dict[str, Any]:
        """Write a marker to the mirrored data; return what the device prints when it sees it."""
        self.markers += 1
        self.simulator.update(f"{DEVICE}/config", {"marker": marker or self.markers, **others})
        return self.device.read(ANSWER_SECONDS)

    def heap(self) -> int | None:
        """Return the smallest heap of the device that is seen while its streams have its newest token."""
        heaps = []
        for _ in range(HEAP_ROUNDS):
            self.wait_for_streams(self.seen.streams + STREAMS)
            heaps += [self.mark(tree=SAME_TREE)["heap"] for _ in range(HEAP_SAMPLES)]
        return None if None in heaps else min(heaps)

    def wait_for_streams(self, count: int) -> None:
        self.wait(lambda: self.seen.streams >= count, "open its streams again")

    def collect(self) -> None:
        """Remove what has arrived, so that the tree does not grow, and remember it."""
        self.readings += [reading["n"] for reading in self.take("telemetry").values()]
        self.answered += self.take("answers")

    def take(self, name: str) -> dict[str, Any]:
        found = self.simulator.get(f"{DEVICE}/{name}") or {}
        self.simulator.update(f"{DEVICE}/{name}", dict.fromkeys(found))
        return dict(sorted(found.items()))

    def finish(self) -> dict[str, Any]:
        """End the device after it has answered all commands; return what it prints last."""
        self.wait(lambda: self.simulator.get(f"{DEVICE}/commands") is None, "answer its commands")
        self.mark("end")
        last = self.device.read(ANSWER_SECONDS)
        self.collect()
        return last


def measured(count: int, seconds: int, runtime: str, tls: bool) -> list[Row]:
    """Run a device for `count` lifetimes of its token, and return the rows of the table.

    Raises: click.ClickException if it fails, or does not do in time what it should.
    """
    seen = Seen()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flamelet-")))
        simulator = Simulator(tls=tls, rules=RULES, strict=True, token_seconds=seconds, on_request=seen.see)
        stack.enter_context(simulator)
        cloud = Cloud(simulator, seen, stack.enter_context(started(simulator, folder, runtime)))
        # The device's buffers for events, changes and commands are then at their full size.
        for letter in "xy":
            cloud.mark(tree={f"k{n}": letter * LONGEST_LEAF for n in range(MOST_LEAVES)})
        for _ in range(COMMANDS_REMEMBERED):
            cloud.command()
        cloud.live()
        heap = cloud.heap()
        for _ in range(count - 1):
            cloud.live()
        heap_at_end = cloud.heap()
        last = cloud.finish()
    section = f"{count:,} lifetimes of {seconds} s over {'TLS' if tls else 'TCP'}"
    growth = None if heap is None or heap_at_end is None else heap_at_end - heap
    figures = [
        *of_refreshes(seen, seconds),
        *of_data(cloud, last),
        ("growth of the device's heap", growth, HEAP_GROWTH),
    ]
    return [
        Row(section, name, {runtime: value}, {} if limit is None else {runtime: limit})
        for name, value, limit in figures
    ]


def started(simulator: Simulator, folder: Path, runtime: str) -> Process:
    """Start the device, with a token file of its own."""
    token, ca = folder / "token.json", folder / "ca.der"
    token.write_text(json.dumps(simulator.sign_in("d1")))
    if simulator.ca_der:
        ca.write_bytes(simulator.ca_der)
    arguments = [simulator.url, str(ca) if simulator.ca_der else "-", str(token)]
    script = Path(__file__).parent / "device" / "lifetimes.py"
    if runtime == "cpython":
        return Process([sys.executable, str(script), *arguments])
    compile_everything(folder)
    command = [find_micropython() or "micropython", "-X", f"heapsize={HEAP}", "-m", script.stem, *arguments]
    return Process(command, module_path(str(folder)))


def of_refreshes(seen: Seen, seconds: int) -> list[Figure]:
    return [
        ("refreshes, the most for one lifetime", seen.most_within(EARLIEST_REFRESH * seconds), 1),
        ("refreshes, all", len(seen.refreshes), None),
        ("... not granted", len(seen.refreshes) - seen.granted, 0),
        ("longest time between two, in lifetimes", seen.longest_pause() / seconds, None),
        ("requests that were refused with 401", seen.refused, None),
        ("streams opened", seen.streams, None),
    ]


def of_data(cloud: Cloud, last: dict[str, Any]) -> list[Figure]:
    arrived, answered = set(cloud.readings), set(cloud.answered)
    return [
        ("readings measured", last["readings"], None),
        ("... not sent, or with trouble", last["not_sent"] + len(last["troubles"]), 0),
        ("... lost", len(set(range(last["readings"])) - arrived), 0),
        ("... doubled", len(cloud.readings) - len(arrived), 0),
        ("writes into what is mirrored", cloud.writes, None),
        ("mirrors that did not equal the tree", cloud.unequal, 0),
        ("commands", len(cloud.commands), None),
        ("... not executed", len(set(cloud.commands) - answered), 0),
        ("... executed twice", last["identified"] - len(answered), 0),
    ]
