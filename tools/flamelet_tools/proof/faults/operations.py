"""Defines the columns: each operation, how the server is prepared for number `n` of it, and its effect there.

In: a simulator. Out: how often the effect is there, which is 1 if the operation succeeded, however often it was sent;
for a read, its result. Anything else on the server raises `Mangled`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator import Simulator

MANY = 5  # readings of a cell
BAD_AT, WITH_BAD = 25, 50  # the index of the reading that the rules refuse, and the number of readings

_FEED_RULE = {"$key": {".validate": "newData.child('ok').val() == 1"}}
RULES = {"rules": {".read": "auth != null", ".write": "auth != null", "feed": _FEED_RULE}}


class Mangled(Exception):
    """What is stored is not what was written."""


def allow(auth: Any, method: str, path: str, document: Any, new_document: Any) -> bool:
    """Apply the same rules to Firestore: with a token everything is allowed except a reading that is not ok."""
    return auth is not None and not (path.startswith("feed/") and new_document and new_document.get("ok") != 1)


def gateway_description() -> dict[str, Any]:
    """Return the routes of the gateway: each operation has its own collection."""
    names = ("well", "create", "replace", "update", "delete", "read", "listed", "feed")
    actions: list[dict[str, Any]] = [
        {"collection": name, "endpoint": f"/api/{name}/:id", "method": method, "paramKey": "id"}
        for name in names
        for method in ("GET", "PUT", "PATCH", "DELETE")
        if name != "listed"
    ]
    actions.append({"collection": "create", "endpoint": "/api/create", "method": "POST"})
    listed = {"collection": "listed", "endpoint": "/api/listed/:n", "method": "GET", "paramKey": "n"}
    actions.append({**listed, "query": {"operator": "=="}})
    return {"collections": {name: ["n", "ok"] for name in names}, "actions": actions}


@dataclass(frozen=True)
class Operation:
    """A column.

    `prepare(simulator, n)`; `count(simulator, n)`: how often it was done, None for a read; `result(n)`: the result of a
    read. `kind`: "write", "read", "stream", "mirror", "refresh", "outbox"; `repeatable`: idempotent; `has_body`: its
    answer has one; `target`: which of its requests a fault applies to; `numbers`: how many readings it writes;
    `is_asked_once`: it is not repeated by itself, because the caller decides that; `right`: errors that are right for
    this operation only, by the names of the faults.
    """

    service: str
    name: str
    kind: str = "write"
    repeatable: bool = True
    has_body: bool = True
    prepare: Callable[[Simulator, int], None] = lambda simulator, n: None
    count: Callable[[Simulator, int], int] | None = None
    result: Callable[[int], Any] | None = None
    target: dict[str, Any] = field(default_factory=dict)
    numbers: int = 0
    is_asked_once: bool = False
    right: dict[str, str] = field(default_factory=dict)

    @property
    def is_feed(self) -> bool:
        return self.numbers > 0

    @property
    def is_open(self) -> bool:
        """Return whether it is a stream that stays open from fault to fault."""
        return self.kind in ("stream", "mirror")


# The Realtime Database.


def is_there(path: str, before: Any, after: Callable[[int], Any]) -> Callable[[Simulator, int], int]:
    """Return a counter for the value at `path`/cN: 0 if it is unchanged, 1 if it is as it should be."""

    def count(simulator: Simulator, n: int) -> int:
        return between(simulator.get(f"{path}/c{n}"), before, after(n))

    return count


def between(value: Any, before: Any, after: Any) -> int:
    if value != before and value != after:
        raise Mangled(f"{value!r} is there")
    return int(value == after)


def sets(path: str, value: Any) -> Callable[[Simulator, int], None]:
    return lambda simulator, n: simulator.set(f"{path}/c{n}", value)


def pushed(simulator: Simulator, n: int) -> int:
    values = list((simulator.get(f"push/c{n}") or {}).values())
    if any(value != {"n": n} for value in values):
        raise Mangled(f"{values!r} is there")
    return len(values)


def added(simulator: Simulator, n: int) -> int:
    return simulator.get(f"add/c{n}") - 5


def fed(simulator: Simulator) -> dict[str, Any]:
    """Return the readings of the feed by their keys, in any of the services."""
    documents = simulator.firestore.documents("feed")
    return {path.split("/")[-1]: fields for path, fields in documents.items()} or simulator.get("feed") or {}


def read(simulator: Simulator, n: int) -> None:
    simulator.set(f"read/c{n}", {"a": n, "b": "x" * 700, "c": n + 1})


def mirrored(simulator: Simulator, n: int) -> None:
    simulator.set("mirrored", {"n": n, "same": 1})


READ_VALUE = "x" * 700
# A refusal by the service that renews tokens is final.
OF_TOKENS = {"401 once": "Unauthenticated", "redirects in a circle": "BadRequest"}
_PATH_OF_TOKENS = {"path": "/securetoken.googleapis.com"}

DATABASE = (
    Operation("database", "set", has_body=False, count=is_there("set", None, lambda n: {"n": n})),
    Operation("database", "set an increment", "write", False, False, sets("add", 5), added),
    Operation("database", "push", has_body=False, repeatable=False, count=pushed),
    Operation(
        "database",
        "update",
        has_body=False,
        prepare=sets("update", {"old": 1}),
        count=is_there("update", {"old": 1}, lambda n: {"old": 1, "n": n}),
    ),
    Operation(
        "database", "delete", prepare=sets("delete", {"old": 1}), count=is_there("delete", {"old": 1}, lambda n: None)
    ),
    Operation("database", "transaction", "write", False, False, sets("add", 5), added, target={"method": "PUT"}),
    Operation("database", "feed.push", has_body=False, numbers=1),
    Operation("database", "feed.push_many", has_body=False, repeatable=False, numbers=MANY),
    Operation("database", "record, flush", "outbox", has_body=False, numbers=MANY),
    Operation("database", "get", "read", prepare=read, result=lambda n: {"a": n, "b": READ_VALUE, "c": n + 1}),
    Operation("database", "query", "read", prepare=read, result=lambda n: [["a", n], ["b", READ_VALUE]]),
    Operation(
        "database",
        "walk",
        "read",
        prepare=read,
        result=lambda n: [n, READ_VALUE, n + 1],
        is_asked_once=True,
    ),
    Operation(
        "database",
        "listen",
        "read",
        prepare=read,
        result=lambda n: {"a": n, "b": READ_VALUE, "c": n + 1},
        target={"stream": True},
        is_asked_once=True,
    ),
    Operation(
        "database",
        "open stream",
        "stream",
        prepare=lambda s, n: s.set("live", n),
        result=lambda n: n,
        target={"stream": True},
    ),
    Operation("database", "mirror", "mirror", prepare=mirrored, result=lambda n: n, target={"stream": True}),
    Operation("database", "token refresh", "refresh", result=lambda n: "well", target=_PATH_OF_TOKENS, right=OF_TOKENS),
)

# Firestore, and the gateway, whose documents are those of Firestore.


def put(collection: str, **fields: Any) -> Callable[[Simulator, int], None]:
    """Return a function that writes the document cN, in which a field that should be `n` is None."""

    def prepare(simulator: Simulator, n: int) -> None:
        values = {name: n if value is None else value for name, value in fields.items()}
        simulator.firestore.set(f"{collection}/c{n}", values)

    return prepare


def document(collection: str, before: Any, after: Callable[[int], Any]) -> Callable[[Simulator, int], int]:
    def count(simulator: Simulator, n: int) -> int:
        return between(simulator.firestore.get(f"{collection}/c{n}"), before, after(n))

    return count


def created(simulator: Simulator, n: int) -> int:
    return sum(fields["n"] == n for fields in simulator.firestore.documents("create").values())


def increased(simulator: Simulator, n: int) -> int:
    found = simulator.firestore.get(f"add/c{n}")
    assert found
    return found["n"] - 5


FIRESTORE = (
    Operation("firestore", "create", repeatable=False, count=created),
    Operation("firestore", "set", count=document("set", None, lambda n: {"n": n})),
    Operation(
        "firestore",
        "update",
        prepare=put("update", old=1),
        count=document("update", {"old": 1}, lambda n: {"old": 1, "n": n}),
    ),
    Operation(
        "firestore", "delete", prepare=put("delete", old=1), count=document("delete", {"old": 1}, lambda n: None)
    ),
    Operation("firestore", "update an increment", repeatable=False, prepare=put("add", n=5), count=increased),
    Operation(
        "firestore",
        "transaction",
        repeatable=False,
        prepare=put("add", n=5),
        count=increased,
        target={"path": "/v1/projects/demo/databases/(default)/documents:commit"},
    ),
    Operation("firestore", "feed.push", numbers=1),
    Operation("firestore", "feed.push_many", repeatable=False, numbers=MANY),
    Operation("firestore", "record, flush", "outbox", numbers=MANY),
    Operation(
        "firestore",
        "get",
        "read",
        prepare=put("read", n=None, b=READ_VALUE),
        result=lambda n: {"n": n, "b": READ_VALUE},
    ),
    Operation("firestore", "query", "read", prepare=put("read", n=None), result=lambda n: [n]),
)


def listed(simulator: Simulator, n: int) -> None:
    # A parameter in a path is a string.
    simulator.firestore.set(f"listed/c{n}", {"n": str(n), "ok": 1})


GATEWAY = (
    Operation("gateway", "create", repeatable=False, count=created),
    Operation("gateway", "replace", count=document("replace", None, lambda n: {"n": n, "ok": 1})),
    Operation(
        "gateway",
        "update",
        prepare=put("update", n=1, ok=1),
        count=document("update", {"n": 1, "ok": 1}, lambda n: {"n": n, "ok": 1}),
    ),
    Operation(
        "gateway",
        "delete",
        prepare=put("delete", n=1, ok=1),
        count=document("delete", {"n": 1, "ok": 1}, lambda n: None),
    ),
    Operation("gateway", "feed.push", numbers=1),
    Operation("gateway", "record, flush", "outbox", numbers=MANY),
    Operation("gateway", "get", "read", prepare=put("read", n=None, ok=1), result=lambda n: n),
    Operation("gateway", "list", "read", prepare=listed, result=lambda n: [str(n)], is_asked_once=True),
)

OPERATIONS = DATABASE + FIRESTORE + GATEWAY


def counted(readings: dict[str, Any], n: int) -> Counter[int]:
    """Return how often each reading of cell `n` is there, by its place in the cell."""
    return Counter(fields["n"] - 100 * n for fields in readings.values() if fields["n"] // 100 == n)


def in_order(readings: dict[str, Any], n: int) -> bool:
    """Return whether the readings of cell `n` are in the order in which they were taken, by their keys."""
    numbers = [readings[key]["n"] for key in sorted(readings) if readings[key]["n"] // 100 == n]
    return numbers == sorted(numbers)
