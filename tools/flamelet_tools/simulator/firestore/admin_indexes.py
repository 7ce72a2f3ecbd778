"""Manages composite indexes, and reads an index from JSON; no I/O.

In: the JSON of an index. Out: the index in the form that the service keeps, or `Refused`. By the REST reference a
composite index has 2 to 100 fields and ends with `__name__`, which is added in the direction of the last field (before
the vector of a vector index). Not documented, so chosen here: the texts for too many fields, repeated fields and fields
without a mode.
"""

from __future__ import annotations

import secrets
from typing import Any

from flamelet_tools.simulator.firestore.admin_operations import TYPES, Json, Operation, Operations, refused, typed
from flamelet_tools.simulator.firestore.documents import Refused, camel_case, invalid, parse_field_path

NAME = "__name__"
ANY_FIELD = "*"
_MAX_FIELDS = 100
_QUERY_SCOPES = ("COLLECTION", "COLLECTION_GROUP")
_MODES = {"order": ("ASCENDING", "DESCENDING"), "arrayConfig": ("CONTAINS",)}
_ENUMS = {"order": "Index.IndexField.Order", "arrayConfig": "Index.IndexField.ArrayConfig"}
# Output-only members are ignored; the others have only one value in a database of the standard edition.
_INDEX_NAMES = ("name", "queryScope", "apiScope", "fields", "state", "density")
_FIELD_NAMES = ("fieldPath", "order", "arrayConfig", "vectorConfig")
_MAX_DIMENSION = 2048


def create(indexes: dict[str, Json], operations: Operations, group: str, body: Any, now: float, work: int) -> Operation:
    """Begin to make an index of the collection group with this name. Raises: Refused."""
    index = {**parse(body, "index"), "density": "SPARSE_ALL"}
    fields = index["fields"]
    if len(fields) == 1 and "vectorConfig" not in fields[0] and fields[0]["fieldPath"] != NAME:
        raise invalid("this index is not necessary, configure using single field index controls")
    index["fields"] = _with_name(fields)
    if any(_same(index, other) for name, other in indexes.items() if name.startswith(group + "/")):
        raise refused("ALREADY_EXISTS", "index already exists")
    name = f"{group}/indexes/{secrets.token_urlsafe(9)}"
    index = indexes[name] = {"name": name, **index, "state": "CREATING"}

    def finish() -> Json:
        index["state"] = "READY"
        return typed("Index", index)

    def fail() -> None:
        index["state"] = "NEEDS_REPAIR"

    return operations.begin("IndexOperationMetadata", {"index": name}, now, finish, fail, work)


def get(indexes: dict[str, Json], name: str) -> Json:
    """Return the index with this name. Raises: Refused."""
    if name not in indexes:
        raise refused("NOT_FOUND", f"Index {name} not found.")
    return indexes[name]


def delete(indexes: dict[str, Json], operations: Operations, name: str, now: float) -> None:
    """Delete an index, and end the operation that makes it. Raises: Refused."""
    get(indexes, name)
    for operation in list(operations.all.values()):
        if operation.metadata.get("index") == name:
            operations.cancel(operation.name, now)
    del indexes[name]


def parse(body: Any, place: str, default_path: str = "") -> Json:
    """Return the scope and the fields of an index. `default_path`: for a field without a path. Raises: Refused."""
    body = members(body, _INDEX_NAMES, place)
    scope = enum(body.get("queryScope"), _QUERY_SCOPES, f"{place}.queryScope", "Index.QueryScope")
    if body.get("apiScope", "ANY_API") not in ("ANY_API", 0):
        raise invalid("apiScope must be ANY_API for a Firestore Native database")
    fields = body.get("fields")
    if not isinstance(fields, list) or not 1 <= len(fields) <= _MAX_FIELDS:
        raise invalid(f"An index has 1 to {_MAX_FIELDS} fields.")
    parsed = [_field(item, f"{place}.fields[{number}]", default_path) for number, item in enumerate(fields)]
    paths = [item["fieldPath"] for item in parsed]
    if len(set(paths)) < len(paths):
        raise invalid("An index has each field only once.")
    return {"queryScope": scope, "fields": parsed}


def members(value: Any, names: tuple[str, ...], place: str) -> Json:
    """Return an object with one spelling of its member names; unknown names are refused. Raises: Refused."""
    if not isinstance(value, dict):
        raise bad_value(place, "Index", value)
    found = {camel_case(name): member for name, member in value.items()}
    for name in found:
        if name not in names:
            raise invalid(f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field.")
    return found


def enum(value: Any, names: tuple[str, ...], place: str, kind: str) -> str:
    """Return the name of an enum's value, which may be given as a number: they count from 1. Raises: Refused."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(names):
        return names[value - 1]
    if value not in names:
        raise bad_value(place, kind, value)
    return str(value)


def bad_value(place: str, kind: str, value: Any) -> Refused:
    """Return the refusal of a value that its type does not have."""
    return invalid(f"Invalid value at '{place}' ({TYPES}{kind}), \"{value}\"")


def _field(item: Any, place: str, default_path: str) -> Json:
    item = members(item, _FIELD_NAMES, place)
    path = item.get("fieldPath", default_path)
    if not isinstance(path, str) or not path:
        raise invalid(f"{place} has no fieldPath.")
    if path not in (NAME, ANY_FIELD):
        parse_field_path(path)
    modes = [name for name in _FIELD_NAMES[1:] if name in item]
    if len(modes) != 1:
        raise invalid(f"{place} has one of order, arrayConfig and vectorConfig.")
    mode = modes[0]
    if mode == "vectorConfig":
        return {"fieldPath": path, mode: _vector(item[mode], f"{place}.{mode}")}
    return {"fieldPath": path, mode: enum(item[mode], _MODES[mode], f"{place}.{mode}", _ENUMS[mode])}


def _vector(config: Any, place: str) -> Json:
    config = members(config, ("dimension", "flat"), place)
    dimension = config.get("dimension")
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 1 <= dimension <= _MAX_DIMENSION:
        raise invalid(f"{place}.dimension is from 1 to {_MAX_DIMENSION}.")
    return {"dimension": dimension, "flat": {}}


def _with_name(fields: list[Json]) -> list[Json]:
    if any(item["fieldPath"] == NAME for item in fields):
        return fields
    name = {"fieldPath": NAME, "order": fields[-1].get("order", "ASCENDING")}
    return [*fields[:-1], name, fields[-1]] if "vectorConfig" in fields[-1] else [*fields, name]


def _same(index: Json, other: Json) -> bool:
    return index["queryScope"] == other["queryScope"] and index["fields"] == other["fields"]
