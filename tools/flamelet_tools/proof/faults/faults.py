"""Defines the rows: each fault, how it begins, and which errors are right under it.

A fault affects requests (the simulator's faults), connections (reset, refused, unanswered) or the device itself
(device/troubles.py). It ends after a number of requests, after a time, or when the device has reported the outcome of
the operation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from flamelet_tools.proof.faults.operations import Operation
from flamelet_tools.simulator import Simulator

# The timeouts of a client, in milliseconds.
TIMEOUTS = {"connect": 1000, "handshake": 2000, "first_byte": 1000, "answer": 2500}
TOO_LATE_MS = 1400
LATE_SECONDS = TOO_LATE_MS / 1000
REFUSED_SECONDS = 0.5
FLAP_SECONDS, FLAPS = 0.12, 4
RESET_SECONDS = 10

NETWORK = frozenset({"NetworkError"})
UNAVAILABLE = frozenset({"Unavailable"})
LATE = frozenset({"Timeout"})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fault:
    """A row.

    `errors`: the right ones, besides success; `at_once`: those of an operation that is not repeated by itself;
    `in_doubt`: the request may have arrived, so an operation that must not be done twice may end in OutcomeUnknown.
    `requests`: faults of the simulator, by name and settings; `once`: for one request, else until the device has
    answered. `resets`: all connections are reset first; `listener`: a fault of the listening sockets, by name and
    settings; `trouble`: one of the device itself, in device/troubles.py; `tls`: the server is the one with TLS.
    `seconds`: its minimum duration; `concerns`: whether it can affect an operation at all.
    """

    name: str
    errors: frozenset[str] = NOTHING
    requests: tuple[tuple[str, dict[str, Any]], ...] = ()
    once: bool = False
    in_doubt: bool = False
    resets: bool = False
    listener: tuple[str, dict[str, Any]] | None = None
    trouble: str | None = None
    seconds: float = 0
    tls: bool = False
    at_once: frozenset[str] = NOTHING
    concerns: Callable[[Operation], bool] = field(default=lambda operation: True)

    def begin(self, simulator: Simulator, operation: Operation) -> None:
        """Begin the fault; requests that do not belong to the operation are not affected."""
        count = {"count": 1} if self.once else {}
        for name, settings in self.requests:
            simulator.fault(name, **operation.target, **count, **settings)
        if self.resets:
            reset(simulator)
        if self.listener:
            name, settings = self.listener
            simulator.fault(name, **settings)


def reset(simulator: Simulator) -> None:
    """Reset all connections, and return when they are closed."""
    simulator.reset_connections()
    end = time.monotonic() + RESET_SECONDS
    while simulator.open_connections:
        if time.monotonic() > end:
            raise click.ClickException(f"the simulator kept connections open for {RESET_SECONDS} s")
        time.sleep(0.002)


def has_body(operation: Operation) -> bool:
    """Return whether the answer has a body that can be cut."""
    return operation.has_body


def has_outbox(operation: Operation) -> bool:
    return operation.kind == "outbox"


def writes_files(operation: Operation) -> bool:
    return operation.kind in ("outbox", "refresh")


def is_feed(operation: Operation) -> bool:
    return operation.is_feed


FAULTS = (
    Fault("refused", NETWORK, listener=("flap", {"seconds": REFUSED_SECONDS}), seconds=REFUSED_SECONDS),
    Fault("reset while idle", resets=True),
    Fault("reset before the request", NETWORK, (("drop_before", {"reset": True}),), True, in_doubt=True),
    Fault("reset after the request", NETWORK, (("drop_after", {"reset": True}),), True, in_doubt=True),
    Fault("answer lost", NETWORK, (("drop_after", {}),), True, in_doubt=True),
    Fault("every answer lost", NETWORK, (("drop_after", {}),), in_doubt=True),
    Fault("answer lost in silence", LATE, (("black_hole", {"after": True}),), True, in_doubt=True),
    Fault("cut in the head", NETWORK, (("cut_head", {"bytes": 40}),), True, in_doubt=True),
    Fault("cut in the body", NETWORK, (("cut", {"bytes": 2}),), True, in_doubt=True, concerns=has_body),
    Fault(
        "cut in a chunk",
        NETWORK,
        (("chunked", {"bytes": 3}), ("cut", {"bytes": 5})),
        True,
        in_doubt=True,
        concerns=has_body,
    ),
    Fault("black hole", LATE, (("black_hole", {}),), in_doubt=True),
    Fault("slow bytes", NOTHING, (("slow", {"ms": 1}),), True),
    Fault("bytes too slow", LATE, (("slow", {"ms": 30}),), in_doubt=True),
    Fault("done too late", LATE, (("delay", {"ms": TOO_LATE_MS}),), True, in_doubt=True, seconds=LATE_SECONDS + 0.2),
    Fault("429", frozenset({"ResourceExhausted"}), (("error", {"status": 429}),)),
    Fault("500", UNAVAILABLE, (("internal_error", {}),), in_doubt=True),
    Fault("500 once it was done", UNAVAILABLE, (("internal_error", {"after": True}),), in_doubt=True),
    Fault("503 once", NOTHING, (("unavailable", {}),), True, at_once=UNAVAILABLE),
    Fault("503", UNAVAILABLE, (("unavailable", {}),)),
    Fault("503, Retry-After: 1", NOTHING, (("unavailable", {"retry_after": 1}),), True, at_once=UNAVAILABLE),
    Fault("401 once", NOTHING, (("error", {"status": 401}),), True),
    Fault("401", frozenset({"Unauthenticated"}), (("error", {"status": 401}),)),
    Fault("redirects in a circle", frozenset({"ProtocolError"}), (("loop", {}),)),
    Fault("captive portal", frozenset({"ProtocolError"}), (("html", {"status": 200}),), in_doubt=True),
    Fault("DNS fails", NETWORK, resets=True, trouble="dns"),
    Fault("TLS: an impostor", frozenset({"TLSError"}), resets=True, trouble="impostor", tls=True),
    Fault("TLS: no handshake", LATE, resets=True, listener=("hang", {"seconds": 2.5}), seconds=2.5, tls=True),
    Fault("clock a year ahead", NOTHING, trouble="clock ahead"),
    Fault("clock a year back", frozenset({"ClockNotSet"}), trouble="clock back"),
    Fault("clock lost", frozenset({"ClockNotSet"}), trouble="clock lost"),
    Fault(
        "Wi-Fi flaps",
        NETWORK,
        listener=("flap", {"seconds": FLAP_SECONDS, "times": FLAPS}),
        in_doubt=True,
        seconds=2 * FLAPS * FLAP_SECONDS,
    ),
    Fault("one in 50 refused", frozenset({"PermissionDenied"}), trouble="refused reading", concerns=is_feed),
    Fault("full flash", NOTHING, trouble="full flash", concerns=writes_files),
    Fault("corrupt record", NOTHING, trouble="corrupt record", concerns=has_outbox),
)
