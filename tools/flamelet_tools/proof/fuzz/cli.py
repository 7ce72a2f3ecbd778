"""Implements `flamelet fuzz`: whatever bytes come, only flamelet's errors are raised, nothing hangs, memory is bounded.

In: a duration, or a number of inputs. Out: a table, and exit code 0; or 1 and the input for which something did not
hold. One process tries the properties of tests/tools/proof/test_fuzz.py with inputs that hypothesis generates. The
others mutate valid inputs (mutations.py) and feed them to what reads from a network or from flash (targets.py), many
times faster. If a batch does not end within a minute, its process ends itself and prints its stack.
"""

import faulthandler
import importlib.util
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from flamelet_tools.proof.fuzz import targets as fuzz_targets
from flamelet_tools.proof.fuzz.mutations import mutated
from flamelet_tools.shared.checkout import checkout

EXAMPLES = 500
INPUTS_PER_SHARE = 20  # of a batch
MEMORY = "/dev/shm"  # a folder in memory, where this system has one
HANG_SECONDS = 60
MOST_MEMORY = 64 << 20  # bytes by which a process may grow, for any number of inputs
WARM_BATCHES = 2  # its memory is measured after these


@click.command()
@click.option(
    "--seconds", type=click.FloatRange(min=1), help="The duration in seconds (default: 60; no limit with --inputs)."
)
@click.option(
    "--inputs", type=click.IntRange(min=1), help="End after this number of mutated inputs, and try no properties."
)
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--seed", type=int, help="The seed of the random numbers (default: a new one each time).")
def fuzz(seconds: float | None, inputs: int | None, jobs: int, seed: int | None) -> None:
    """Feed everything that reads input with arbitrary bytes, and check its promises."""
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    click.echo(f"fuzz: seed {seed}", err=True)
    deadline = time.monotonic() + (seconds or (float("inf") if inputs else 60))
    begun = time.monotonic()
    parent = MEMORY if os.access(MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="flamelet-", dir=parent) as name,
        ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        proved = None if inputs else pool.submit(try_properties, deadline)
        try:
            done = all_batches(pool, Path(name), seed, deadline, inputs, jobs if inputs else max(1, jobs - 1))
            tried = proved.result() if proved else 0
        except AssertionError as error:
            pool.shutdown(cancel_futures=True)
            raise click.ClickException(str(error)) from error
        except BrokenProcessPool:
            raise click.ClickException(f"something did not end within {HANG_SECONDS} s: its stack is above") from None
    report(done, time.monotonic() - begun)
    if proved:
        click.echo(f"fuzz: {tried} times {EXAMPLES} examples of the properties: all hold")
    if done.memory > MOST_MEMORY:
        raise click.ClickException(f"a process grew by {done.memory:,} bytes")


# Mutated inputs.


@dataclass
class Done:
    """What was tried: the inputs of each target, how many of them were accepted, and the nanoseconds they took."""

    tried: Counter[str]
    accepted: Counter[str]
    nanoseconds: Counter[str]
    memory: int = 0  # bytes that a process has grown by

    def add(self, other: "Done") -> None:
        self.tried += other.tried
        self.accepted += other.accepted
        self.nanoseconds += other.nanoseconds
        self.memory = max(self.memory, other.memory)


def all_batches(
    pool: ProcessPoolExecutor, folder: Path, seed: int, deadline: float, inputs: int | None, jobs: int
) -> Done:
    """Let `jobs` processes of `pool` run until the deadline, or until this number of inputs."""
    done = Done(Counter(), Counter(), Counter())
    waiting: set[Future[Done]] = set()
    number = 0
    size = INPUTS_PER_SHARE * sum(target.share for target in fuzz_targets.targets(folder).values())
    while True:
        while len(waiting) < 2 * jobs and time.monotonic() < deadline and (not inputs or number * size < inputs):
            waiting.add(pool.submit(one_batch, folder, seed, number))
            number += 1
        if not waiting:
            return done
        finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            done.add(future.result())


_process: dict = {}  # of this process: its targets, how many batches it had, its memory


def one_batch(folder: Path, seed: int, number: int) -> Done:
    """Feed a batch of inputs to the targets, whose files are in `folder`. The same numbers make the same inputs.

    Raises: AssertionError that names the target and the input for which something does not hold.
    """
    if not _process:
        add_feeding()
        _process.update(targets=fuzz_targets.targets(folder), batches=0, memory=0)
    targets = _process["targets"]
    done = Done(Counter(), Counter(), Counter())
    for name, target in targets.items():
        chance = random.Random(f"{seed} {number} {name}")
        begun = time.perf_counter_ns()
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=sys.__stderr__ or 2)
        for _ in range(INPUTS_PER_SHARE * target.share):
            data = mutated(target.seeds, target.words, chance)
            try:
                done.accepted[name] += target.check(data, chance)
            except Exception as error:
                raise AssertionError(f"{name}, seed {seed}, batch {number}: {error!r} for {data!r}") from error
            done.tried[name] += 1
        faulthandler.cancel_dump_traceback_later()
        done.nanoseconds[name] = time.perf_counter_ns() - begun
    done.memory = grown()
    return done


def grown() -> int:
    """Return the bytes by which this process has grown since its warm-up."""
    memory = psutil.Process().memory_info().rss
    _process["batches"] += 1
    if _process["batches"] <= WARM_BATCHES:
        _process["memory"] = memory
    return memory - _process["memory"]


def report(done: Done, seconds: float) -> None:
    table = Table("", box=None)
    for name in ("inputs", "accepted", "µs each"):
        table.add_column(name, justify="right")
    for name, tried in done.tried.items():
        each = done.nanoseconds[name] / tried / 1000
        table.add_row(name, f"{tried:,}", f"{done.accepted[name] / tried:.1%}", f"{each:,.0f}")
    Console(highlight=False).print(table)
    tried = sum(done.tried.values())
    click.echo(
        f"fuzz: {tried:,} mutated inputs in {seconds:,.0f} s, {tried / seconds:,.0f} a second; "
        f"a process grew by {done.memory / 1e6:.1f} MB at most: all hold"
    )


# Properties.


def try_properties(deadline: float) -> int:
    """Try all properties again and again; return how often one of them was tried."""
    properties = load_properties(checkout())
    tried = 0
    for name, check in forever(properties):
        if time.monotonic() > deadline:
            break
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=sys.__stderr__ or 2)
        try:
            check()
        except Exception as error:
            raise AssertionError(f"{name} does not hold: {error!r}") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
        tried += 1
    return tried


def load_properties(root: Path) -> dict[str, Callable[[], None]]:
    """Return the properties by name, each set to try many examples.

    Raises: click.ClickException if the packages of the tests are missing.
    """
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        raise click.ClickException('this needs hypothesis: pip install "flamelet[tools,test]"') from None
    # Before the import: a property takes its settings when it is defined.
    settings.register_profile("fuzz", max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("fuzz")
    add_feeding()
    spec = importlib.util.spec_from_file_location("test_fuzz", root / "tests" / "tools" / "proof" / "test_fuzz.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


def add_feeding() -> None:
    """Make device/feeding.py importable, by the name that it has on MicroPython too."""
    folder = str(Path(__file__).parent / "device")
    if folder not in sys.path:
        sys.path.insert(0, folder)


def forever(properties: dict[str, Callable[[], None]]) -> Iterator[tuple[str, Callable[[], None]]]:
    while True:
        yield from properties.items()
