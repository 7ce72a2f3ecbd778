"""Runs one operation on one Python under each fault, and judges each cell.

In: an operation, a runtime, faults. Out: `Cell`s. One client (and one more for TLS), in its own process, meets all of
these faults; the server is its own simulator, where the effects are counted. A device that ends, or that hangs beyond
every deadline, breaks its cell; the next fault gets a new one.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from flamelet_tools.proof.bench.running import Process
from flamelet_tools.proof.faults import operations
from flamelet_tools.proof.faults.faults import TIMEOUTS, Fault, reset
from flamelet_tools.proof.faults.operations import BAD_AT, WITH_BAD, Mangled, Operation
from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.micropython import environment, find_micropython
from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.rtdb.push_id import milliseconds

HEAP = "4m"
UNKNOWN, LATER = "OutcomeUnknown", "later"
# Three tries, the pauses between them, and time for a slow machine.
DEADLINE_MS = 3 * TIMEOUTS["answer"] + 4000
HANGS_SECONDS = 60
BACK_SECONDS = 10
KEY_TOLERANCE_MS = 600_000
DEVICE = Path(__file__).parent / "device"


@dataclass(frozen=True)
class Cell:
    """The outcome of an operation under a fault: "ok", "later" or an error; `broken`: why that breaks the promise."""

    runtime: str
    operation: Operation
    fault: Fault
    outcome: str
    ms: int
    broken: str


@dataclass
class Column:
    """One operation on one Python, while it runs."""

    operation: Operation
    runtime: str
    simulators: dict[bool, Simulator]
    impostor: Simulator
    device: Process

    def play(self, fault: Fault, n: int) -> Cell:
        """Run one cell."""
        simulator = self.simulators[fault.tls]
        told = {"n": n, "tls": fault.tls, "trouble": fault.trouble, "port": self.impostor.port}
        self.ask(told, "ready")
        begun = time.monotonic()
        if not self.operation.is_open:
            self.operation.prepare(simulator, n)
        fault.begin(simulator, self.operation)
        if self.operation.is_open:
            reset(simulator)
            self.operation.prepare(simulator, n)
        acted = self.ask(told, "act")
        simulator.clear_faults()
        time.sleep(max(0.0, begun + fault.seconds - time.monotonic()))
        simulator.wait_until_listening(BACK_SECONDS)
        healed = self.ask(told, "heal")
        outcome = acted["outcome"]
        shown = outcome[1] if outcome[0] == "error" or outcome[1] == LATER else "ok"
        reasons = list(judged(fault, self.operation, simulator, n, acted, healed))
        return Cell(self.runtime, self.operation, fault, shown, acted["ms"], "; ".join(reasons))

    def ask(self, told: dict[str, Any], do: str) -> Any:
        return self.device.ask(json.dumps({"do": do, **told}), HANGS_SECONDS)


def play(operation: Operation, runtime: str, faults: Sequence[Fault], impostor: Simulator) -> list[Cell]:
    """Return the cells of one column."""
    cells: list[Cell] = []
    left = [fault for fault in faults if fault.concerns(operation)]
    while left:
        with column(operation, runtime, impostor) as playing:
            while left:
                fault = left.pop(0)
                try:
                    cells.append(playing.play(fault, len(cells) + 1))
                except click.ClickException as error:
                    cells.append(Cell(runtime, operation, fault, "hangs", 0, error.message))
                    break
    return cells


@contextlib.contextmanager
def column(operation: Operation, runtime: str, impostor: Simulator) -> Iterator[Column]:
    """Start two servers, without and with TLS, and a device."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flamelet-")))
        simulators = {tls: stack.enter_context(serving(operation, tls)) for tls in (False, True)}
        device = stack.enter_context(started(runtime))
        order = {
            "service": operation.service,
            "operation": operation.name,
            "folder": str(folder),
            "timeouts": TIMEOUTS,
            "plain": place(simulators[False], folder),
            "tls": place(simulators[True], folder),
        }
        device.send(json.dumps(order))
        yield Column(operation, runtime, simulators, impostor, device)


@contextlib.contextmanager
def serving(operation: Operation, tls: bool) -> Iterator[Simulator]:
    """Start a server that has what a successful operation needs."""
    gateway = operations.gateway_description() if operation.service == "gateway" else None
    with Simulator(
        tls=tls, rules=operations.RULES, firestore_rules=operations.allow, gateway=gateway, strict=True
    ) as simulator:
        simulator.set("", {"well": "well", "live": 0, "mirrored": {"n": 0, "same": 1}})
        simulator.firestore.set("well/well", {"value": "well"})
        yield simulator


def place(simulator: Simulator, folder: Path) -> dict[str, Any]:
    """Return how a device reaches it: its URL, a token, and the certificate to trust."""
    ca = None
    if simulator.ca_der:
        ca = str(folder / "ca.der")
        Path(ca).write_bytes(simulator.ca_der)
    return {"url": simulator.url, "token": simulator.sign_in("d1"), "ca": ca}


def started(runtime: str) -> Process:
    """Start a device."""
    script = str(DEVICE / "device.py")
    if runtime == "cpython":
        return Process([sys.executable, script])
    command = [find_micropython() or "micropython", "-X", f"heapsize={HEAP}", script]
    return Process(command, environment(checkout(), "tools/flamelet_tools/proof/faults/device"))


# Judging.


def judged(
    fault: Fault, operation: Operation, simulator: Simulator, n: int, acted: dict[str, Any], healed: dict[str, Any]
) -> Iterator[str]:
    """Yield why the promise is broken; nothing if it is kept."""
    outcome, again = acted["outcome"], healed["again"]
    failed = outcome[0] == "error"
    if failed and not is_right(fault, operation, outcome[1]):
        yield f"{outcome[1]} is not the right error ({outcome[2]})"
    if acted["ms"] > DEADLINE_MS:
        yield f"it took {acted['ms']} ms"
    if healed["after"] != ["ok", "well"]:
        yield f"the read afterwards: {healed['after'][1:3]}"
    if again and (again[0] == "error" or again[1] == LATER):
        yield f"repeated when the fault was over: {again[1:3]}"
    is_unknown = failed and outcome[1] == UNKNOWN
    try:
        yield from effects(fault, operation, simulator, n, is_unknown)
    except Mangled as mangled:
        yield str(mangled)
    yield from results(fault, operation, n, again if failed or outcome[1] == LATER else outcome, healed["told"])


def is_right(fault: Fault, operation: Operation, error: str) -> bool:
    if error == UNKNOWN:
        return fault.in_doubt and not operation.repeatable
    if operation.is_asked_once and error in fault.at_once:
        return True
    return error in fault.errors or error == operation.right.get(fault.name)


def effects(fault: Fault, operation: Operation, simulator: Simulator, n: int, is_unknown: bool) -> Iterator[str]:
    """Yield what is wrong with the stored data."""
    if operation.is_feed:
        yield from of_readings(fault, operation, simulator, n, is_unknown)
    elif operation.count:
        count = operation.count(simulator, n)
        if count != 1 and not (is_unknown and count == 0):
            yield f"it was done {count} times"


def of_readings(fault: Fault, operation: Operation, simulator: Simulator, n: int, is_unknown: bool) -> Iterator[str]:
    readings = operations.fed(simulator)
    there = operations.counted(readings, n)
    wanted = Counter(range(operation.numbers))
    if fault.trouble == "refused reading" and operation.name != "feed.push_many":
        wanted = Counter(number for number in range(WITH_BAD) if number != BAD_AT)
    if fault.trouble == "corrupt record":
        del wanted[operation.numbers - 1]
    if there != wanted and not (is_unknown and not there):
        yield f"lost {sorted(wanted - there)}, doubled {sorted(there - wanted)}"
    if not operations.in_order(readings, n):
        yield "the keys are not in the order of the readings"
    if fault.trouble in ("clock ahead", "clock back"):
        return
    now = time.time() * 1000
    for key, fields in readings.items():
        ahead = milliseconds(key) - now
        if fields["n"] // 100 == n and abs(ahead) > KEY_TOLERANCE_MS:
            yield f"a key is {ahead / 86_400_000:.0f} days from now"
            return


def results(fault: Fault, operation: Operation, n: int, last: Any, told: Any) -> Iterator[str]:
    """Yield what is wrong with the result that the device received, and with what it knows."""
    if operation.result and last and last[0] == "ok" and last[1] != operation.result(n):
        yield f"the result is {last[1]!r}"
    if operation.kind == "mirror" and told != {"times": 1, "value": {"n": n, "same": 1}}:
        yield f"the mirror has {told}"
    if operation.kind == "outbox":
        expected = {"waiting": 0, "dropped": 0}
        expected["refused"] = int(fault.trouble == "refused reading")
        expected["corrupt"] = int(fault.trouble == "corrupt record")
        if told != expected:
            yield f"the outbox has {told}"
