"""Applies writes to documents: update, delete, verify, transforms, preconditions; no I/O.

In: the `writes` of a commit or a batch, and the store. Out: the new documents, and one result per write. Nothing is
written until all writes are known to be valid: a commit is applied as a whole or not at all. Each write of a commit
sees the ones before it. A write that changes nothing leaves the update time unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator.firestore import documents
from flamelet_tools.simulator.firestore.documents import FieldPath, Refused, get_field, invalid, parse_name, set_field
from flamelet_tools.simulator.firestore.store import Document, Fields, Path, Store, resource_name
from flamelet_tools.simulator.firestore.values import number, value_key

_OPERATIONS = ("update", "delete", "verify", "transform")
_MEMBERS = {*_OPERATIONS, "updateMask", "updateTransforms", "currentDocument"}
# By whether the first and the second write are a verify.
_VERIFIED = {
    (False, True): "the same document cannot be written and then verified in a single request",
    (True, False): "the same document cannot be verified and then written in a single request",
    (True, True): "the same document cannot be verified more than once in a single request",
}
_LEAST, _MOST = -(2**63), 2**63 - 1


@dataclass
class Write:
    """One write that has been read, not applied."""

    kind: str
    path: Path
    fields: Fields = field(default_factory=dict)
    mask: list[FieldPath] | None = None
    transforms: list[Transform] = field(default_factory=list)
    exists: bool | None = None
    update_time: int | None = None


@dataclass
class Transform:
    """A change of one field that the server makes: its kind, and its operand."""

    path: FieldPath
    kind: str
    operand: Any


class Commit:
    """The documents as they will be after the writes, which `perform` applies one by one.

    Args:
        store: is only read.
        commit_time: the time of all these writes.
        allow: is called with each write's method, path, document before and after it; raises Refused.
    """

    def __init__(self, store: Store, commit_time: int, allow: Callable[..., None]):
        self.changes: dict[Path, Document | None] = {}
        self._store = store
        self.time = commit_time
        self._allow = allow
        self._done: list[tuple[Path, list[dict[str, Any]]]] = []

    def perform(self, write: Write) -> None:
        """Apply one write. Raises: Refused."""
        before = self.get(write.path)
        name = resource_name(self._store.name, write.path)
        transformed: list[dict[str, Any]] = []
        if write.kind == "verify":
            self._allow("get", write.path, before, before)
            _check_precondition(write, before, name)
        elif write.kind == "delete":
            self._allow("delete", write.path, before, None)
            _check_precondition(write, before, name)
            self.changes[write.path] = None
        else:
            after, transformed = self._changed(write, before)
            self._allow("update" if before else "create", write.path, before, after)
            _check_precondition(write, before, name)
            documents.check_size(name, write.path, after.fields)
            self.changes[write.path] = after
        self._done.append((write.path, transformed))

    def results(self) -> list[dict[str, Any]]:
        """Return the results of all writes, each with the update time of its document if it still exists."""
        results = []
        for path, transformed in self._done:
            left = self.get(path)
            times = {"updateTime": documents.format_time(left.update_time, 6)} if left else {}
            results.append({**times, **({"transformResults": transformed} if transformed else {})})
        return results

    def get(self, path: Path) -> Document | None:
        """Return a document as these writes have left it."""
        return self.changes[path] if path in self.changes else self._store.get(path)

    def finish(self) -> None:
        """Store the documents that the writes made."""
        self._store.put_all(self.changes, self.time)

    def _changed(self, write: Write, before: Document | None) -> tuple[Document, list[dict[str, Any]]]:
        fields = dict(before.fields) if before else {}
        if write.kind == "update" and write.mask is None:
            fields = dict(write.fields)
        for path in write.mask or ():
            fields = set_field(fields, path, get_field(write.fields, path))
        results = []
        for transform in write.transforms:
            value, result = _TRANSFORMS[transform.kind](get_field(fields, transform.path), transform.operand, self.time)
            fields = set_field(fields, transform.path, value)
            results.append(result)
        if before is not None and before.fields == fields:
            return before, results
        created = before.create_time if before else self.time
        return Document(self._store.name, write.path, fields, created, self.time), results


def parse_writes(writes: Any, database: str) -> list[Write]:
    """Read the `writes` of a request. Raises: Refused."""
    if not isinstance(writes, list):
        raise invalid()
    parsed = [parse_write(write, database) for write in writes]
    before: dict[Path, Write] = {}
    for write in parsed:
        if write.path in before:
            _check_together(before[write.path], write)
        before[write.path] = write
    return parsed


def _check_together(first: Write, second: Write) -> None:
    """Refuse two writes of one document that cannot both be applied, whatever is stored. Raises: Refused."""
    verified = first.kind == "verify", second.kind == "verify"
    if any(verified):
        raise invalid(_VERIFIED[verified])
    exists = first.kind != "delete"
    if second.exists not in (None, exists):
        raise invalid(f"Cannot {_word(first)} then {_word(second)} an entity in the same request.")


def _word(write: Write) -> str:
    if write.kind == "delete":
        return "delete"
    return {None: "upsert", True: "update", False: "insert"}[write.exists]


def parse_write(write: Any, database: str) -> Write:
    """Read one write. Raises: Refused."""
    members = documents.members(write, _MEMBERS)
    kinds = [kind for kind in _OPERATIONS if kind in members]
    if not kinds:
        raise invalid("empty write operation")
    if len(kinds) > 1:
        raise invalid()
    kind, content = kinds[0], members[kinds[0]]
    parsed = _PARSERS[kind](content, members, database)
    _parse_precondition(parsed, members.get("currentDocument"))
    if kind == "verify" and parsed.exists is None and parsed.update_time is None:
        raise invalid("a verify must contain a precondition")
    return parsed


def _parse_update(content: Any, members: dict[str, Any], database: str) -> Write:
    document = documents.members(content, documents.DOCUMENT_MEMBERS)
    path = parse_name(document.get("name", ""), database)[1]
    fields = documents.parse_fields(document.get("fields") or {})
    mask = None
    if members.get("updateMask") is not None:
        mask = documents.parse_mask_object(members["updateMask"])
    return Write("update", path, fields, mask, _parse_transforms(members.get("updateTransforms") or []))


def _parse_transform_write(content: Any, members: dict[str, Any], database: str) -> Write:
    transform = documents.members(content, ("document", "fieldTransforms"))
    path = parse_name(transform.get("document", ""), database)[1]
    if not transform.get("fieldTransforms"):
        raise invalid("The list of FieldTransform must not be empty.")
    return Write("transform", path, transforms=_parse_transforms(transform["fieldTransforms"]))


def _parse_named(kind: str) -> Callable[[Any, dict[str, Any], str], Write]:
    return lambda content, members, database: Write(kind, parse_name(content, database)[1])


_PARSERS: dict[str, Callable[[Any, dict[str, Any], str], Write]] = {
    "update": _parse_update,
    "transform": _parse_transform_write,
    "delete": _parse_named("delete"),
    "verify": _parse_named("verify"),
}


def _parse_precondition(write: Write, content: Any) -> None:
    members = documents.members(content or {}, ("exists", "updateTime"))
    if len(members) > 1:
        raise invalid()
    if "exists" in members:
        if not isinstance(members["exists"], bool):
            raise invalid()
        write.exists = members["exists"]
    if "updateTime" in members:
        write.update_time = documents.parse_time(members["updateTime"])


def _check_precondition(write: Write, before: Document | None, name: str) -> None:
    if write.exists is True and before is None:
        raise Refused(404, "NOT_FOUND", f"No document to update: {name}")
    if write.exists is False and before is not None:
        raise Refused(409, "ALREADY_EXISTS", f"Document already exists: {name}")
    stored = before.update_time if before else 0
    if write.update_time not in (None, stored):
        text = f"the stored version ({stored}) does not match the required base version ({write.update_time})"
        raise Refused(400, "FAILED_PRECONDITION", text)


# Transforms


def _parse_transforms(transforms: Any) -> list[Transform]:
    if not isinstance(transforms, list):
        raise invalid()
    parsed = [_parse_transform(transform) for transform in transforms]
    paths = {transform.path for transform in parsed}
    for path in paths:
        above = next((path[:length] for length in range(1, len(path)) if path[:length] in paths), None)
        if above:
            raise invalid(f"Cannot transform property {'.'.join(above)} and its nested property at the same time.")
    return parsed


def _parse_transform(content: Any) -> Transform:
    members = documents.members(content, ("fieldPath", *_TRANSFORMS))
    path = documents.parse_field_path(members.pop("fieldPath", ""))
    for name in path:
        documents.check_field_name(name)
    if not members:
        raise invalid("Operation type must be specified for field transformation.")
    [(kind, operand), *more] = members.items()
    if more:
        raise invalid()
    return Transform(path, kind, _OPERANDS[kind](operand))


def _parse_server_value(operand: Any) -> None:
    if operand not in ("REQUEST_TIME", 1):
        raise invalid()


def _parse_number(operand: Any) -> dict[str, Any]:
    value = documents.parse_value(operand)
    if not value.keys() & {"integerValue", "doubleValue"}:
        raise invalid("Input must be int64 or double.")
    return value


def _parse_elements(operand: Any) -> list[dict[str, Any]]:
    return elements(documents.parse_value({"arrayValue": operand}))


def elements(value: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the values in an array, or an empty list if it is not an array."""
    return (value or {}).get("arrayValue", {}).get("values", [])


def _request_time(value: dict[str, Any] | None, operand: None, commit_time: int) -> tuple[Any, Any]:
    # The service gives the time of a request in milliseconds.
    given = {"timestampValue": documents.format_time(commit_time // 1000 * 1000)}
    return given, given


def _increment(value: dict[str, Any] | None, operand: dict[str, Any], commit_time: int) -> tuple[Any, Any]:
    old, by = number(value or {}), number(operand)
    assert by is not None
    if old is None:
        return operand, operand
    total = old + by
    new = _clamped(total) if isinstance(total, int) else documents.double(total)
    return new, new


def _extreme(takes_new: Callable[[float, float], bool]) -> Callable[..., tuple[Any, Any]]:
    def transform(value: dict[str, Any] | None, operand: dict[str, Any], commit_time: int) -> tuple[Any, Any]:
        old, new = number(value or {}), number(operand)
        assert new is not None
        taken = operand if old is None or not math.isnan(old) and (math.isnan(new) or takes_new(new, old)) else value
        return taken, taken

    return transform


def _append(value: dict[str, Any] | None, operand: list[dict[str, Any]], commit_time: int) -> tuple[Any, Any]:
    found = list(elements(value))
    known = {value_key(element) for element in found}
    for element in operand:
        if value_key(element) not in known:
            known.add(value_key(element))
            found.append(element)
    return documents.array_value(found), {"nullValue": None}


def _remove(value: dict[str, Any] | None, operand: list[dict[str, Any]], commit_time: int) -> tuple[Any, Any]:
    removed = {value_key(element) for element in operand}
    left = [element for element in elements(value) if value_key(element) not in removed]
    return documents.array_value(left), {"nullValue": None}


def _clamped(total: int) -> dict[str, Any]:
    return {"integerValue": str(min(max(total, _LEAST), _MOST))}


_TRANSFORMS: dict[str, Callable[[Any, Any, int], tuple[Any, Any]]] = {
    "setToServerValue": _request_time,
    "increment": _increment,
    "maximum": _extreme(lambda new, old: new > old),
    "minimum": _extreme(lambda new, old: new < old),
    "appendMissingElements": _append,
    "removeAllFromArray": _remove,
}
_OPERANDS: dict[str, Callable[[Any], Any]] = {
    "setToServerValue": _parse_server_value,
    "increment": _parse_number,
    "maximum": _parse_number,
    "minimum": _parse_number,
    "appendMissingElements": _parse_elements,
    "removeAllFromArray": _parse_elements,
}
