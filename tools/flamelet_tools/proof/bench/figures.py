"""Defines a row of the table: the measured values by client, and their limits.

In: numbers. Out: the same, with a verdict. A limit is the highest allowed value; `True` means that the value must hold.
Figures of memory are exact and always judged; those of time come from a machine that runs other programs too, so they
only warn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FEED = "flamelet"
AIO = "flamelet.aio"
REQUESTS = "requests"
BARE = "bare loop"
CLIENTS = {FEED: "client_feed", AIO: "client_aio", REQUESTS: "client_requests", BARE: "client_bare"}

Value = float | int | bool | None  # None if this machine cannot measure it


@dataclass(frozen=True)
class Row:
    """One row of the table. `values` and `limits` are by client, one of CLIENTS, or by the section's own columns."""

    section: str
    name: str
    values: Mapping[str, Value]
    limits: Mapping[str, Value] = field(default_factory=dict)
    is_time: bool = False

    def met(self) -> bool | None:
        """Return whether every figure with a limit keeps it, or None if none has a limit or was measured."""
        judged = [keeps(self.values[name], limit) for name, limit in self.limits.items() if known(self, name)]
        return all(judged) if judged else None

    def target(self) -> str:
        """Return the limits as text: "0; flamelet.aio 200"."""
        words = [f"{name} {shown(limit)}" if name == AIO else shown(limit) for name, limit in self.limits.items()]
        return "; ".join(words)

    def as_dict(self) -> dict:
        """Return the row for JSON."""
        return {
            "section": self.section,
            "figure": self.name,
            "values": dict(self.values),
            "limits": dict(self.limits),
            "met": self.met(),
        }


def known(row: Row, name: str) -> bool:
    return row.values.get(name) is not None


def keeps(value: Value, limit: Value) -> bool:
    assert value is not None and limit is not None
    return value is limit if isinstance(limit, bool) else value <= limit


def shown(value: Value) -> str:
    """Return a value as text, with at most two decimals, and none if they add nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    rounded = f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded
