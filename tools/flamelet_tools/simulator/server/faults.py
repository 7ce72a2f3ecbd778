"""Defines the faults that the simulator produces on demand; no I/O.

In: a name, the requests that it applies to (method, path, stream or not), their number, and the settings of the fault.
Out: the faults that apply to a request; each use counts down. Of faults with the same name only the first that
matches is used, so two with `count=1` apply to two requests in turn; different faults are combined.

For requests:
    delay ms=N              waits before it acts
    drop_before             closes the connection before it acts     (reset=True: by RST)
    drop_after              closes it after it acted, before an answer (reset=True: by RST)
    cut bytes=N             closes it after N bytes of the body
    cut_head bytes=N        closes it after N bytes of the head
    chunked bytes=N         sends the body in chunks of N bytes; combined with `cut`, which counts their framing too
    unavailable             503 without acting                         (retry_after=SECONDS: says so in the head)
    internal_error          500 without acting                         (after=True: after it acted)
    error status=N          another error without acting: one of ERRORS, with the text of the requested service
    slow ms=N               one byte every N ms, head and body
    html                    an HTML page instead of the answer, without acting (status=200 or 404, ...)
    black_hole              reads the request and never answers       (after=True: after it acted)
    loop                    307 to the same place, without acting
    close                   answers with `Connection: close`
For the listening sockets, at once, for a time:
    refuse seconds=S        connections are refused
    hang seconds=S          connections are accepted by the system, but the server sends nothing (not even TLS)
    flap seconds=S times=N  N times: all connections are reset, new ones refused for S seconds, then accepted for S
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator.rtdb.tree import Path, split_path

_SETTINGS: dict[str, dict[str, Any]] = {
    "delay": {"ms": None},
    "drop_before": {"reset": False},
    "drop_after": {"reset": False},
    "cut": {"bytes": None},
    "cut_head": {"bytes": None},
    "chunked": {"bytes": None},
    "unavailable": {"retry_after": 0},
    "internal_error": {"after": False},
    "error": {"status": None},
    "slow": {"ms": None},
    "html": {"status": 200},
    "black_hole": {"after": False},
    "loop": {},
    "close": {},
    "refuse": {"seconds": None},
    "hang": {"seconds": None},
    "flap": {"seconds": None, "times": 1},
}
_OF_ALL = ("method", "path", "stream", "count")
LISTENER_FAULTS = ("refuse", "hang", "flap")
ERRORS = (401, 403, 409, 429, 500, 503, 504)


@dataclass
class Fault:
    """A fault and the requests that it applies to; None stands for any. `count` None: until the faults are cleared."""

    name: str
    method: str | None = None
    path: Path = ()
    stream: bool | None = None
    count: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def matches(self, method: str, path: Path, stream: bool) -> bool:
        return self.method in (None, method) and path[: len(self.path)] == self.path and self.stream in (None, stream)


def make_fault(
    name: str,
    method: str | None = None,
    path: str = "/",
    stream: bool | None = None,
    count: int | None = None,
    **settings: Any,
) -> Fault:
    """Make a fault.

    Args:
        name: one of those above.
        method: only for requests with this method.
        path: only for requests at or below this path; `/securetoken.googleapis.com` stands for that service, and
            `/v1/projects` for Cloud Firestore.
        stream: True for streams only, False for all but streams.
        count: the number of requests, or None: until the faults are cleared.
        settings: the settings of the fault.
    Raises: ValueError that says what is wrong.
    """
    if name not in _SETTINGS:
        raise ValueError(f"unknown fault {name!r}: there are {', '.join(_SETTINGS)}")
    known = _SETTINGS[name]
    unknown = settings.keys() - known
    if unknown:
        names, there = ", ".join(sorted(unknown)), ", ".join([*known, *_OF_ALL])
        raise ValueError(f"fault {name}: unknown setting {names}; it has {there}")
    merged = {**known, **settings}
    missing = [setting for setting, value in merged.items() if value is None]
    if missing:
        raise ValueError(f"fault {name}: give {', '.join(missing)}")
    for setting, value in merged.items():
        if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise ValueError(f"fault {name}: {setting} must be a number of 0 or more, not {value!r}")
    if name == "error" and merged["status"] not in ERRORS:
        raise ValueError(f"fault error: status must be one of {', '.join(map(str, ERRORS))}, not {merged['status']!r}")
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(f"fault {name}: count must be 1 or more, not {count!r}")
    if stream not in (None, True, False):
        raise ValueError(f"fault {name}: stream must be true or false, not {stream!r}")
    return Fault(name, method.upper() if method else None, _parse_path(path), stream, count, merged)


def parse_fault(text: str) -> dict[str, Any]:
    """Return the arguments of `make_fault` in a text such as `drop_after method=PUT path=/devices count=1`.

    Raises: ValueError that says what is wrong.
    """
    name, *pairs = text.split() or [""]
    arguments: dict[str, Any] = {"name": name}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"fault {name}: write settings as key=value, not {pair!r}")
        arguments[key] = _parse_setting(value) if key not in ("method", "path") else value
    return arguments


def take_faults(faults: list[Fault], method: str, path: Path, stream: bool) -> dict[str, dict[str, Any]]:
    """Return the settings, by name, of the faults that apply to this request; count them down, and remove used ones."""
    taken = {}
    for fault in list(faults):
        if fault.name in taken or not fault.matches(method, path, stream):
            continue
        taken[fault.name] = fault.settings
        if fault.count is not None:
            fault.count -= 1
            if fault.count == 0:
                faults.remove(fault)
    return taken


def _parse_path(path: str) -> Path:
    keys = tuple(key for key in path.split("/") if key)
    # The hosts of Google's services have dots, which keys of the database cannot have.
    return keys if keys and keys[0].endswith(".googleapis.com") else split_path(path)


def _parse_setting(text: str) -> bool | int | float | str:
    try:
        return json.loads(text)
    except ValueError:
        return text
