"""Runs long-running operations: their work, what is visible meanwhile, and how they end; no I/O.

In: work to do at the end of an operation, and the time in seconds. Out: operations in the form of google.longrunning.
The time is checked when a request comes (`settle`), so nothing runs in the background. Not documented, so chosen here:
the texts for an operation that does not exist, that one in progress cannot be deleted, and that a filter is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator.firestore.documents import Refused, format_time

TYPES = "type.googleapis.com/google.firestore.admin.v1."
# google.rpc.Code: its number, which an operation has in `error`, and the status of HTTP.
CODES = {
    "CANCELLED": (1, 499),
    "NOT_FOUND": (5, 404),
    "ALREADY_EXISTS": (6, 409),
    "FAILED_PRECONDITION": (9, 400),
    "INTERNAL": (13, 500),
}
# The member of the metadata that holds the state; other kinds have none.
_STATE_NAMES = {
    "IndexOperationMetadata": "state",
    "FieldOperationMetadata": "state",
    "ExportDocumentsMetadata": "operationState",
    "ImportDocumentsMetadata": "operationState",
}

Json = dict[str, Any]


@dataclass(eq=False)
class Operation:
    """One operation. `finish` does its work at the end and returns the response; `fail` leaves the state after a
    failure.
    """

    name: str
    kind: str
    metadata: Json
    begins: float
    ends: float
    finish: Callable[[], Json]
    fail: Callable[[], None]
    documents: int = 0
    failure: str | None = None
    ended: float | None = None
    error: Json | None = None
    response: Json | None = None


@dataclass
class Operations:
    """The operations of one database. `seconds`: how long each takes; `failure`: the error with which new ones will
    end.
    """

    database: str
    seconds: float = 0
    failure: str | None = None
    all: dict[str, Operation] = field(default_factory=dict)

    def begin(
        self,
        kind: str,
        metadata: Json,
        now: float,
        finish: Callable[[], Json],
        fail: Callable[[], None] = lambda: None,
        documents: int = 0,
    ) -> Operation:
        """Begin an operation with metadata of this kind."""
        name = f"{self.database}/operations/{secrets.token_urlsafe(18)}"
        ends = now + self.seconds
        self.all[name] = Operation(name, kind, metadata, now, ends, finish, fail, documents, self.failure)
        return self.all[name]

    def settle(self, now: float) -> None:
        """End the operations whose time is over."""
        over = [operation for operation in self.all.values() if operation.ended is None and operation.ends <= now]
        for operation in sorted(over, key=lambda operation: operation.ends):
            if operation.failure is None:
                operation.ended = operation.ends
                operation.response = operation.finish()
            else:
                _break(operation, "INTERNAL", operation.failure, operation.ends)

    def get(self, name: str) -> Operation:
        """Return the operation with this name. Raises: Refused."""
        if name not in self.all:
            raise refused("NOT_FOUND", f'Operation "{name}" not found.')
        return self.all[name]

    def cancel(self, name: str, now: float) -> None:
        """Cancel an operation in progress; do nothing if it is done. Raises: Refused."""
        operation = self.get(name)
        if operation.ended is None:
            _break(operation, "CANCELLED", "The operation was cancelled.", now)

    def delete(self, name: str) -> None:
        """Delete an operation that is done. Raises: Refused."""
        if self.get(name).ended is None:
            raise refused("FAILED_PRECONDITION", f'Operation "{name}" is not done: cancel it first.')
        del self.all[name]


def to_json(operation: Operation, now: float) -> Json:
    """Return an operation as it is visible now."""
    value: Json = {"name": operation.name, "metadata": _metadata(operation, now)}
    if operation.ended is not None:
        value["done"] = True
    if operation.error:
        value["error"] = operation.error
    if operation.response:
        value["response"] = operation.response
    return value


def typed(kind: str, value: Json) -> Json:
    """Return a message of the administration API as a `google.protobuf.Any`."""
    return {"@type": TYPES + kind, **value}


def refused(name: str, text: str) -> Refused:
    """Return the refusal with this canonical code."""
    return Refused(CODES[name][1], name, text)


def timestamp(seconds: float) -> str:
    """Return a time in the format of answers."""
    return format_time(int(seconds * 1_000_000), 6)


def _metadata(operation: Operation, now: float) -> Json:
    state_name = _STATE_NAMES.get(operation.kind)
    if state_name is None:
        return typed(operation.kind, {})
    value = typed(operation.kind, {"startTime": timestamp(operation.begins)})
    state, part = "PROCESSING", 0.0
    if operation.ended is not None:
        value["endTime"] = timestamp(operation.ended)
        state = "FAILED" if operation.error else "SUCCESSFUL"
        part = 1.0
    elif operation.ends > operation.begins:
        part = (now - operation.begins) / (operation.ends - operation.begins)
    if operation.error and operation.error["code"] == CODES["CANCELLED"][0]:
        state = "CANCELLED"
    value[state_name] = state
    if operation.documents:
        value["progressDocuments"] = _progress(operation.documents, 0 if operation.error else part)
    return {**value, **operation.metadata}


def _progress(work: int, part: float) -> Json:
    done = int(work * part)
    # Numbers that are 0 are left out, and 64-bit ones are strings.
    return {"estimatedWork": str(work), **({"completedWork": str(done)} if done else {})}


def _break(operation: Operation, code: str, message: str, now: float) -> None:
    operation.ended = now
    operation.error = {"code": CODES[code][0], "message": message}
    operation.fail()
