"""Manages the configuration of single fields: their indexes, exemptions from the default indexes, and TTL; no I/O.

In: the resource name of a field and the body of a PATCH. Out: the field as the service shows it. A field inherits what
it does not configure itself from its ancestor: the map that holds it, then the field `*` of its group, then that of the
group `__default__`. Not documented, so chosen here: a field refuses a change while another one is in progress, and the
texts of the refusals. Documents are not deleted by TTL, because the live service does not promise a time for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from flamelet_tools.simulator.firestore.admin_indexes import ANY_FIELD, bad_value, members, parse
from flamelet_tools.simulator.firestore.admin_operations import Json, Operation, Operations, refused, typed
from flamelet_tools.simulator.firestore.documents import camel_case, invalid, parse_field_path

DEFAULT_GROUP = "__default__"
_NAMES = ("name", "indexConfig", "ttlConfig")
_CONFIG_NAMES = ("indexes", "usesAncestorConfig", "ancestorField", "reverting")
_TTL_NAMES = ("state", "expirationOffset")
_FILTER_TERMS = {"indexconfig.usesancestorconfig": "indexConfig", "ttlconfig": "ttlConfig"}
_TERM = re.compile(r"\s*([\w.]+)\s*(?::|=)\s*(false|\*)\s*", re.IGNORECASE)
_SECONDS = re.compile(r"(\d+)(?:\.0+)?s")
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_MODES = ({"order": "ASCENDING"}, {"order": "DESCENDING"}, {"arrayConfig": "CONTAINS"})
AUTOMATIC = [
    {"queryScope": "COLLECTION", "fields": [{"fieldPath": ANY_FIELD, **mode}], "state": "READY"} for mode in _MODES
]


@dataclass
class Field:
    """A field's own configuration. `indexes` None: it inherits them; `ttl` None: it has no TTL."""

    indexes: list[Json] | None = None
    ttl: Json | None = None
    reverting: bool = False


class _Change(NamedTuple):
    """The changes of a PATCH: new values for the parts in `mask`; None stands for the inherited value, or no TTL."""

    mask: set[str]
    indexes: list[Json] | None
    ttl: Json | None


def normal_path(path: str) -> str:
    """Return a field path with only the necessary backticks. Raises: Refused."""
    return path if path == ANY_FIELD else _join(parse_field_path(path))


class Fields:
    """The fields of one database, `projects/P/databases/D`, that have a configuration of their own."""

    def __init__(self, database: str, operations: Operations):
        self._database = database
        self._operations = operations
        self._own: dict[str, Field] = {}

    def get(self, group: str, path: str) -> Json:
        """Return a field as the service shows it."""
        name = self._name(group, path)
        own = self._own.get(name, Field())
        ancestor, inherited = self._inherited(group, path)
        indexes = inherited if own.indexes is None else own.indexes
        config: Json = {"indexes": indexes} if indexes else {}
        if own.indexes is None and ancestor:
            config["usesAncestorConfig"] = True
        if ancestor:
            config["ancestorField"] = ancestor
        if own.reverting:
            config["reverting"] = True
        return {"name": name, "indexConfig": config, **({} if own.ttl is None else {"ttlConfig": own.ttl})}

    def listed(self, condition: str) -> list[tuple[str, str]]:
        """Return the groups and paths of the fields that a filter selects; it may only select by a field's own
        configuration.

        Raises: Refused.
        """
        wanted = _parse_filter(condition)
        return [
            _place(name)
            for name, own in sorted(self._own.items())
            if "indexConfig" in wanted and own.indexes is not None or "ttlConfig" in wanted and own.ttl
        ]

    def patch(self, group: str, path: str, body: Any, mask: str | None, now: float, documents: int) -> Operation:
        """Begin to change a field. Raises: Refused."""
        name = self._name(group, path)
        body = members(body, _NAMES, "field")
        if body.get("name", name) != name:
            raise invalid("The name in the body is not the one in the URL.")
        change = _Change(_parse_mask(mask), _parse_indexes(body.get("indexConfig"), path), _parse_ttl(body))
        for operation in self._operations.all.values():
            if operation.ended is None and operation.metadata.get("field") == name:
                raise refused("FAILED_PRECONDITION", f"An operation on {name} is under way: wait for it.")
        if "ttlConfig" in change.mask and change.ttl is not None:
            self._check_ttl(group, path)
        if change.indexes is None and (group, path) == (DEFAULT_GROUP, ANY_FIELD):
            change = change._replace(indexes=AUTOMATIC)
        own = self._own.setdefault(name, Field())
        metadata = {"field": name, **self._begin(group, path, own, change)}

        def finish() -> Json:
            _finish(own, change)
            if own == Field():
                del self._own[name]
            return typed("Field", self.get(group, path))

        return self._operations.begin("FieldOperationMetadata", metadata, now, finish, lambda: _fail(own), documents)

    def _begin(self, group: str, path: str, own: Field, change: _Change) -> Json:
        """Apply what is visible while the operation is in progress; return the changes for its metadata."""
        metadata: Json = {}
        if "indexConfig" in change.mask:
            inherited = self._inherited(group, path)[1]
            before, after = (inherited if found is None else found for found in (own.indexes, change.indexes))
            metadata["indexConfigDeltas"] = deltas = _deltas(before, after)
            added = [delta["index"] for delta in deltas if delta["changeType"] == "ADD"]
            own.reverting = own.indexes is not None and change.indexes is None
            if change.indexes is not None:
                own.indexes = [
                    {**index, "state": "CREATING" if _stateless(index) in added else "READY"}
                    for index in change.indexes
                ]
        if "ttlConfig" in change.mask and (own.ttl is None) != (change.ttl is None):
            metadata["ttlConfigDelta"] = {"changeType": "REMOVE" if change.ttl is None else "ADD"}
        if "ttlConfig" in change.mask and change.ttl is not None:
            own.ttl = {**change.ttl, "state": own.ttl["state"] if own.ttl else "CREATING"}
        return {name: value for name, value in metadata.items() if value}

    def _check_ttl(self, group: str, path: str) -> None:
        if path == ANY_FIELD:
            raise invalid("TTL cannot be set for all fields.")
        for name, own in self._own.items():
            if own.ttl is not None and _place(name)[0] == group and _place(name)[1] != path:
                raise refused("FAILED_PRECONDITION", f"The collection group has a TTL policy already: {name}")

    def _inherited(self, group: str, path: str) -> tuple[str | None, list[Json]]:
        """Return the field that this one inherits its indexes from, or None if it has its own, and those indexes."""
        for place in _ancestors(group, path):
            own = self._own.get(self._name(*place))
            if own and own.indexes is not None:
                return self._name(*place), own.indexes
        is_default = (group, path) == (DEFAULT_GROUP, ANY_FIELD)
        return None if is_default else self._name(DEFAULT_GROUP, ANY_FIELD), AUTOMATIC

    def _name(self, group: str, path: str) -> str:
        return f"{self._database}/collectionGroups/{group}/fields/{path}"


def _place(name: str) -> tuple[str, str]:
    group, _, path = name.partition("/collectionGroups/")[2].partition("/fields/")
    return group, path


def _finish(own: Field, change: _Change) -> None:
    if "indexConfig" in change.mask:
        own.indexes = None if change.indexes is None else [{**index, "state": "READY"} for index in change.indexes]
        own.reverting = False
    if "ttlConfig" in change.mask:
        own.ttl = None if change.ttl is None else {**change.ttl, "state": "ACTIVE"}


def _fail(own: Field) -> None:
    own.reverting = False
    for part in (*(own.indexes or ()), *(() if own.ttl is None else (own.ttl,))):
        if part["state"] == "CREATING":
            part["state"] = "NEEDS_REPAIR"


def _join(names: tuple[str, ...]) -> str:
    quoted = (re.sub(r"([`\\])", r"\\\1", name) for name in names)
    return ".".join(name if _SIMPLE.fullmatch(name) else f"`{name}`" for name in quoted)


def _check_ttl(fields: dict[str, Field], name: str, path: str) -> None:
    if path == ANY_FIELD:
        raise invalid("TTL cannot be set for all fields.")
    group = name.rpartition("/fields/")[0] + "/"
    others = [other for other, own in fields.items() if other.startswith(group) and other != name and own.ttl]
    if others:
        raise refused("FAILED_PRECONDITION", f"The collection group has a TTL policy already: {others[0]}")


def _ancestors(group: str, path: str) -> Iterator[tuple[str, str]]:
    if path != ANY_FIELD:
        names = parse_field_path(path)
        yield from ((group, _join(names[:count])) for count in range(len(names) - 1, 0, -1))
        yield group, ANY_FIELD
    if group != DEFAULT_GROUP:
        yield DEFAULT_GROUP, ANY_FIELD


def _deltas(before: list[Json], after: list[Json]) -> list[Json]:
    old, new = ([_stateless(index) for index in indexes] for indexes in (before, after))
    removed = [{"changeType": "REMOVE", "index": index} for index in old if index not in new]
    return removed + [{"changeType": "ADD", "index": index} for index in new if index not in old]


def _stateless(index: Json) -> Json:
    return {name: value for name, value in index.items() if name != "state"}


def _parse_mask(mask: str | None) -> set[str]:
    if not mask:
        return {"indexConfig", "ttlConfig"}
    names = set()
    for part in mask.split(","):
        name = camel_case(part.partition(".")[0])
        if name not in ("indexConfig", "ttlConfig"):
            raise invalid(f"Invalid field mask: {part}")
        names.add(name)
    return names


def _parse_indexes(config: Any, path: str) -> list[Json] | None:
    if config is None:
        return None
    config = members(config, _CONFIG_NAMES, "field.index_config")
    indexes = config.get("indexes", [])
    if not isinstance(indexes, list):
        raise bad_value("field.index_config.indexes", "Index", indexes)
    parsed = [parse(index, f"field.index_config.indexes[{n}]", path) for n, index in enumerate(indexes)]
    for index in parsed:
        if len(index["fields"]) != 1 or index["fields"][0]["fieldPath"] not in (path, ANY_FIELD):
            raise invalid(f"An index of a single field is of {path} alone.")
    return parsed


def _parse_ttl(body: Json) -> Json | None:
    config = body.get("ttlConfig")
    if config is None:
        return None
    config = members(config, _TTL_NAMES, "field.ttl_config")
    offset = config.get("expirationOffset")
    if offset is None:
        return {}
    match = _SECONDS.fullmatch(offset) if isinstance(offset, str) else None
    if not match or int(match[1]) >= 2**31:
        raise invalid("expirationOffset is whole seconds from 0 to 2147483647, such as 3600s.")
    return {"expirationOffset": offset}


def _parse_filter(condition: str) -> set[str]:
    wanted = set()
    for term in re.split(r"\bOR\b", condition):
        match = _TERM.fullmatch(term)
        name = _FILTER_TERMS.get(match[1].lower()) if match else None
        if not match or name is None or (match[2] == "*") != (name == "ttlConfig"):
            text = "ListFields only supports filters on indexConfig.usesAncestorConfig:false and ttlConfig:*."
            raise invalid(text)
        wanted.add(name)
    return wanted
