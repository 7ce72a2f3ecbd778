"""Administers Firestore databases by the public REST reference, since Google's emulator cannot; no I/O.

In: the method, the path after `/v1/`, the parameters and the body of a request, and the time in seconds. Out: the JSON
of the answer. The request has then been carried out, or begun as an operation that ends after `operation_seconds`.
Permissions are checked before. The collection group `-` lists those of all groups, as in Google's tools.

Served: indexes (create, delete, get, list), fields (get, list, patch), operations (cancel, delete, get, list; there is
no wait: clients poll), databases (create, get, list, patch, exportDocuments, importDocuments). Not served: backups,
user credentials, bulk deletion. Not documented, so chosen here: the refusals of filters and pages, and that a database
exists as soon as it is used.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flamelet_tools.simulator.firestore import admin_databases, admin_fields, admin_indexes, admin_operations
from flamelet_tools.simulator.firestore.admin_databases import DEFAULT, Database, Export
from flamelet_tools.simulator.firestore.admin_fields import DEFAULT_GROUP
from flamelet_tools.simulator.firestore.admin_operations import Json, Operations, refused
from flamelet_tools.simulator.firestore.documents import Refused, check_id, invalid
from flamelet_tools.simulator.firestore.store import Clock, Store

ALL_GROUPS = "-"
_MAX_PAGE = 1000


@dataclass
class Administration:
    """The administration of all databases in `stores`.

    `operation_seconds`: how long a new operation takes; `failure`: None, or the error with which it will fail;
    `needs_indexes`: whether queries are refused without their composite indexes, as on the live service.
    """

    stores: dict[str, Store]
    clock: Clock
    operation_seconds: float = 0
    failure: str | None = None
    needs_indexes: bool = False
    databases: dict[str, Database] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)

    def settle(self, now: float) -> None:
        """End the operations whose time is over. Called before each request, including those for documents."""
        for database in list(self.databases.values()):
            database.operations.settle(now)

    def ready_indexes(self, name: str) -> list[Json]:
        """Return the composite indexes of `projects/P/databases/D` that are ready for queries."""
        database = self.databases.get(name)
        return [index for index in database.indexes.values() if index["state"] == "READY"] if database else []


@dataclass(frozen=True)
class _Call:
    """A request: the variable parts of its path, and the rest of it."""

    administration: Administration
    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: Any
    now: float

    @property
    def database(self) -> Database:
        """Return the database of the request, with the current settings for its operations. Raises: Refused."""
        database = _database(self.administration, f"projects/{self.parts[0]}/databases/{self.parts[1]}")
        database.operations.seconds = self.administration.operation_seconds
        database.operations.failure = self.administration.failure
        return database

    @property
    def store(self) -> Store:
        """Return the documents of that database."""
        return self.administration.stores[self.database.name]

    @property
    def group(self) -> str:
        """Return the full name of the collection group in the request. Raises: Refused."""
        if self.parts[2] not in (ALL_GROUPS, DEFAULT_GROUP):
            check_id(self.parts[2])
        return f"{self.database.name}/collectionGroups/{self.parts[2]}"

    def count(self) -> int:
        """Return how many documents the collection group has."""
        return sum(found.path[-2] == self.parts[2] for found in self.store.documents())


def concerns(path: str) -> bool:
    """Return whether a path after `/v1/` is about databases themselves, not about their documents."""
    return bool(re.match(r"projects/[^/]+/databases(?!/[^/]+/documents(?:[/:]|$))", path))


def perform(
    administration: Administration, method: str, path: str, query: Mapping[str, str], body: Any, now: float
) -> Json:
    """Carry out a request.

    Args:
        method, path: the path is the part after `/v1/`, percent-encoded as received.
        query: the parameters.
        body: the value of its JSON, or None if there is none.
        now: the time in seconds.
    Returns: the JSON of the answer.
    Raises: Refused.
    """
    administration.settle(now)
    for wanted, pattern, action in _ROUTES:
        match = pattern.fullmatch(path)
        if match and wanted == method:
            call = _Call(administration, tuple(map(unquote, match.groups())), query, body, now)
            return action(call)
    raise Refused(404, "NOT_FOUND", "Not Found")


# Databases


def _database(administration: Administration, name: str) -> Database:
    is_default = name.endswith("/" + DEFAULT)
    if name not in administration.stores and not is_default:
        project, database_id = name.split("/")[1::2]
        raise refused("NOT_FOUND", f"Project '{project}' or database '{database_id}' does not exist.")
    if name not in administration.stores:
        administration.stores[name] = Store(name, administration.clock)
    if name not in administration.databases:
        administration.databases[name] = Database(name, Operations(name))
    return administration.databases[name]


def _shown(call: _Call, database: Database) -> Json:
    return admin_databases.to_json(database, call.administration.stores[database.name].created, call.now)


def _get_database(call: _Call) -> Json:
    return _shown(call, call.database)


def _list_databases(call: _Call) -> Json:
    project = f"projects/{call.parts[0]}/databases/"
    names = {project + DEFAULT} | {name for name in call.administration.stores if name.startswith(project)}
    return {"databases": [_shown(call, _database(call.administration, name)) for name in sorted(names)]}


def _create_database(call: _Call) -> Json:
    administration = call.administration
    name = f"projects/{call.parts[0]}/databases/{call.query.get('databaseId', '')}"
    location, settings = admin_databases.parse_new(name, call.body)
    if name in administration.stores or name.endswith("/" + DEFAULT):
        raise refused("ALREADY_EXISTS", "Database already exists. Please use another database_id")
    operations = Operations(name, administration.operation_seconds, administration.failure)
    # Operations belong to a database, so the database exists from the beginning.
    store = administration.stores[name] = Store(name, administration.clock)
    database = administration.databases[name] = Database(name, operations, location)
    database.settings.update(settings)

    def finish() -> Json:
        return admin_operations.typed("Database", admin_databases.to_json(database, store.created, call.now))

    operation = operations.begin("CreateDatabaseMetadata", {}, call.now, finish)
    return _begun(call, operations, operation)


def _patch_database(call: _Call) -> Json:
    database = call.database
    mask = call.query.get("updateMask")
    operation = admin_databases.update(database, call.body, mask, call.store.created, call.now)
    return _begun(call, database.operations, operation)


def _export(call: _Call) -> Json:
    database, exports = call.database, call.administration.exports
    operation = admin_databases.export_documents(database, call.store, exports, call.body, call.now)
    return _begun(call, database.operations, operation)


def _import(call: _Call) -> Json:
    database, administration = call.database, call.administration
    operation = admin_databases.import_documents(
        database, call.store, administration.clock, administration.exports, call.body, call.now
    )
    return _begun(call, database.operations, operation)


# Indexes and fields


def _create_index(call: _Call) -> Json:
    database = call.database
    if call.parts[2] in (ALL_GROUPS, DEFAULT_GROUP):
        raise invalid(f'Resource id "{call.parts[2]}" is invalid.')
    operation = admin_indexes.create(
        database.indexes, database.operations, call.group, call.body, call.now, call.count()
    )
    return _begun(call, database.operations, operation)


def _get_index(call: _Call) -> Json:
    return admin_indexes.get(call.database.indexes, f"{call.group}/indexes/{call.parts[3]}")


def _delete_index(call: _Call) -> Json:
    database = call.database
    admin_indexes.delete(database.indexes, database.operations, f"{call.group}/indexes/{call.parts[3]}", call.now)
    return {}


def _list_indexes(call: _Call) -> Json:
    _refuse_filter(call)
    is_all = call.parts[2] == ALL_GROUPS
    indexes = sorted(call.database.indexes.items())
    found = [index for name, index in indexes if is_all or name.startswith(call.group + "/")]
    return _page(call, "indexes", found)


def _get_field(call: _Call) -> Json:
    return call.database.fields.get(*_field_place(call))


def _list_fields(call: _Call) -> Json:
    fields = call.database.fields
    places = fields.listed(call.query.get("filter", ""))
    return _page(call, "fields", [fields.get(*place) for place in places if call.parts[2] in (ALL_GROUPS, place[0])])


def _patch_field(call: _Call) -> Json:
    database, mask = call.database, call.query.get("updateMask")
    operation = database.fields.patch(*_field_place(call), call.body, mask, call.now, call.count())
    return _begun(call, database.operations, operation)


def _field_place(call: _Call) -> tuple[str, str]:
    return call.group.rpartition("/")[2], admin_fields.normal_path(call.parts[3])


# Operations


def _begun(call: _Call, operations: Operations, operation: admin_operations.Operation) -> Json:
    # An operation that takes no time is done at once.
    operations.settle(call.now)
    return admin_operations.to_json(operation, call.now)


def _operation_name(call: _Call) -> str:
    return f"{call.database.name}/operations/{call.parts[2]}"


def _get_operation(call: _Call) -> Json:
    return admin_operations.to_json(call.database.operations.get(_operation_name(call)), call.now)


def _list_operations(call: _Call) -> Json:
    _refuse_filter(call)
    found = call.database.operations.all.values()
    return _page(call, "operations", [admin_operations.to_json(operation, call.now) for operation in found])


def _cancel_operation(call: _Call) -> Json:
    call.database.operations.cancel(_operation_name(call), call.now)
    return {}


def _delete_operation(call: _Call) -> Json:
    call.database.operations.delete(_operation_name(call))
    return {}


# Lists


def _refuse_filter(call: _Call) -> None:
    if call.query.get("filter"):
        raise invalid("The simulator takes no filter here.")


def _page(call: _Call, name: str, found: list[Json]) -> Json:
    """Return a page of a list; empty members are left out, as in all JSON of protocol buffers."""
    size = call.query.get("pageSize", "0")
    if not size.isdigit() or len(size) > 9:
        raise invalid(f"Invalid value at 'page_size' (TYPE_INT32), \"{size}\"")
    start = _parse_page_token(call.query.get("pageToken", ""))
    end = start + min(int(size) or _MAX_PAGE, _MAX_PAGE)
    page: Json = {name: found[start:end]} if found[start:end] else {}
    if end < len(found):
        page["nextPageToken"] = base64.urlsafe_b64encode(b"%d" % end).decode()
    return page


def _parse_page_token(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token) or b"0")
    except (binascii.Error, ValueError):
        raise invalid("Invalid page token.") from None


def _route(method: str, pattern: str, action: Callable[[_Call], Json]) -> tuple[str, re.Pattern[str], Any]:
    # Only in the last part does a colon begin a verb.
    return method, re.compile(re.sub(r"\*(?=/)", "([^/]+)", pattern).replace("*", "([^/:]+)")), action


_DATABASE = "projects/*/databases/*"
_GROUP = _DATABASE + "/collectionGroups/*"
_ROUTES = (
    _route("GET", "projects/*/databases", _list_databases),
    _route("POST", "projects/*/databases", _create_database),
    _route("GET", _DATABASE, _get_database),
    _route("PATCH", _DATABASE, _patch_database),
    _route("POST", _DATABASE + ":exportDocuments", _export),
    _route("POST", _DATABASE + ":importDocuments", _import),
    _route("GET", _GROUP + "/indexes", _list_indexes),
    _route("POST", _GROUP + "/indexes", _create_index),
    _route("GET", _GROUP + "/indexes/*", _get_index),
    _route("DELETE", _GROUP + "/indexes/*", _delete_index),
    _route("GET", _GROUP + "/fields", _list_fields),
    _route("GET", _GROUP + "/fields/*", _get_field),
    _route("PATCH", _GROUP + "/fields/*", _patch_field),
    _route("GET", _DATABASE + "/operations", _list_operations),
    _route("GET", _DATABASE + "/operations/*", _get_operation),
    _route("DELETE", _DATABASE + "/operations/*", _delete_operation),
    _route("POST", _DATABASE + "/operations/*:cancel", _cancel_operation),
)
