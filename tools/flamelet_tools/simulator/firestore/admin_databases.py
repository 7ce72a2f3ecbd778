"""Manages whole databases: describes, makes, changes, exports and imports them; no I/O.

In: the JSON of requests. Out: the database as the service shows it, or operations. Exports are kept in the memory of
the simulator, which has every bucket that is asked for. Not documented, so chosen here: the texts of the refusals,
except those for imports that do not exist.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from flamelet_tools.simulator.firestore.admin_fields import Fields
from flamelet_tools.simulator.firestore.admin_indexes import enum, members
from flamelet_tools.simulator.firestore.admin_operations import Json, Operation, Operations, refused, timestamp, typed
from flamelet_tools.simulator.firestore.documents import camel_case, check_id, format_time, invalid
from flamelet_tools.simulator.firestore.store import Clock, Document, Store

DEFAULT = "(default)"
_ID = re.compile(r"[a-z][a-z0-9-]{2,61}[a-z0-9]")
# In the order of their numbers.
_CHANGING = {
    "type": ("FIRESTORE_NATIVE", "DATASTORE_MODE"),
    "concurrencyMode": ("OPTIMISTIC", "PESSIMISTIC"),
    "pointInTimeRecoveryEnablement": ("POINT_IN_TIME_RECOVERY_ENABLED", "POINT_IN_TIME_RECOVERY_DISABLED"),
    "deleteProtectionState": ("DELETE_PROTECTION_DISABLED", "DELETE_PROTECTION_ENABLED"),
    "appEngineIntegrationMode": ("ENABLED", "DISABLED"),
}
_DEFAULTS = {
    "type": "FIRESTORE_NATIVE",
    "concurrencyMode": "PESSIMISTIC",
    "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_DISABLED",
    "deleteProtectionState": "DELETE_PROTECTION_DISABLED",
    "appEngineIntegrationMode": "DISABLED",
}
_FIXED = ("name", "uid", "createTime", "updateTime", "locationId", "databaseEdition", "etag")
_RETENTION_SECONDS = {"POINT_IN_TIME_RECOVERY_DISABLED": 3600, "POINT_IN_TIME_RECOVERY_ENABLED": 7 * 24 * 3600}
_URI = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(/[^/].*?)?/?")


@dataclass
class Database:
    """The administrative data of one database; `settings` are those that requests can change."""

    name: str
    operations: Operations
    location: str = "nam5"
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    update_time: float = 0
    settings: dict[str, str] = field(default_factory=lambda: dict(_DEFAULTS))
    indexes: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fields = Fields(self.name, self.operations)


@dataclass(frozen=True)
class Export:
    """The result of an export; `collections` are those that were asked for, empty for all."""

    documents: tuple[Document, ...]
    collections: tuple[str, ...]


def to_json(database: Database, created: int, now: float) -> Json:
    """Return a database as the service shows it."""
    retention = _RETENTION_SECONDS[database.settings["pointInTimeRecoveryEnablement"]]
    create_time = created / 1_000_000
    return {
        "name": database.name,
        "uid": database.uid,
        "createTime": format_time(created, 6),
        "updateTime": timestamp(max(database.update_time, create_time)),
        "locationId": database.location,
        **database.settings,
        "versionRetentionPeriod": f"{retention}s",
        "earliestVersionTime": timestamp(max(create_time, now - retention)),
        "databaseEdition": "STANDARD",
        "freeTier": database.name.endswith("/" + DEFAULT),
        "etag": str(int(database.update_time * 1_000_000) or created),
    }


def parse_new(name: str, body: Any) -> tuple[str, dict[str, str]]:
    """Return the location and the settings for a new database. Raises: Refused."""
    database_id = name.rpartition("/")[2]
    if database_id != DEFAULT and not _ID.fullmatch(database_id):
        raise invalid("databaseId has 4 to 63 of a-z, 0-9 and -, a letter first and no - last; or is (default).")
    body = members(body, (*_FIXED, *_CHANGING), "database")
    location = body.get("locationId")
    if not isinstance(location, str) or not location:
        raise invalid("locationId is missing.")
    return location, _settings(body)


def update(database: Database, body: Any, mask: str | None, created: int, now: float) -> Operation:
    """Begin to change the settings in the mask, or those in the body without a mask. Raises: Refused."""
    settings = _settings(members(body, (*_FIXED, *_CHANGING), "database"))
    if body.get("etag", "") not in ("", to_json(database, created, now)["etag"]):
        raise refused("FAILED_PRECONDITION", "The etag is not the present one.")
    names = [camel_case(name) for name in mask.split(",")] if mask else list(settings)
    for name in names:
        if name not in _CHANGING:
            raise invalid(f"Invalid field mask: {name}")

    def finish() -> Json:
        database.settings.update({name: settings.get(name, _DEFAULTS[name]) for name in names})
        database.update_time = now
        return typed("Database", to_json(database, created, now))

    return database.operations.begin("UpdateDatabaseMetadata", {}, now, finish)


def export_documents(database: Database, store: Store, exports: dict[str, Export], body: Any, now: float) -> Operation:
    """Begin to export the documents as they are now to a URI. Raises: Refused."""
    body = members(body, ("outputUriPrefix", "collectionIds", "namespaceIds", "snapshotTime"), "export")
    collections = _collections(body)
    bucket, folder = _parse_uri(body.get("outputUriPrefix"))
    stamp = datetime.fromtimestamp(now, timezone.utc)
    folder = folder or f"/{stamp:%Y-%m-%dT%H:%M:%S}_{stamp.microsecond % 100_000}"
    uri = f"gs://{bucket}{folder}"
    if uri in exports:
        raise invalid(f"Path already exists: {_metadata_file(uri)}")
    documents = tuple(found for found in store.documents() if not collections or found.path[-2] in collections)
    metadata = {"outputUriPrefix": uri, **({"collectionIds": list(collections)} if collections else {})}

    def finish() -> Json:
        exports[uri] = Export(documents, collections)
        return typed("ExportDocumentsResponse", {"outputUriPrefix": uri})

    return database.operations.begin("ExportDocumentsMetadata", metadata, now, finish, documents=len(documents))


def import_documents(
    database: Database, store: Store, clock: Clock, exports: dict[str, Export], body: Any, now: float
) -> Operation:
    """Begin to import the documents of an export, replacing existing ones. Raises: Refused."""
    body = members(body, ("inputUriPrefix", "collectionIds", "namespaceIds"), "import")
    collections = _collections(body)
    bucket, folder = _parse_uri(body.get("inputUriPrefix"))
    uri = f"gs://{bucket}{folder}"
    export = exports.get(uri)
    if export is None:
        raise refused("NOT_FOUND", f"Google Cloud Storage file does not exist: {_metadata_file(uri)}")
    if not set(collections) <= set(export.collections):
        raise invalid("The requested kinds/namespaces are not available")
    documents = [found for found in export.documents if not collections or found.path[-2] in collections]
    metadata = {"inputUriPrefix": uri, **({"collectionIds": list(collections)} if collections else {})}

    def finish() -> Json:
        time = clock.tick()
        store.put_all({found.path: _imported(store, found, time) for found in documents}, time)
        return {"@type": "type.googleapis.com/google.protobuf.Empty"}

    return database.operations.begin("ImportDocumentsMetadata", metadata, now, finish, documents=len(documents))


def _imported(store: Store, found: Document, time: int) -> Document:
    before = store.get(found.path)
    return Document(store.name, found.path, found.fields, before.create_time if before else time, time)


def _settings(body: Json) -> dict[str, str]:
    return {
        name: enum(body[name], values, f"database.{name}", f"Database.{name[0].upper()}{name[1:]}")
        for name, values in _CHANGING.items()
        if name in body
    }


def _collections(body: Json) -> tuple[str, ...]:
    collections = body.get("collectionIds", [])
    if not isinstance(collections, list) or len(set(map(str, collections))) < len(collections):
        raise invalid("collectionIds is a list of ids, each of them once.")
    for collection in collections:
        if not isinstance(collection, str):
            raise invalid("collectionIds is a list of ids, each of them once.")
        check_id(collection)
    return tuple(collections)


def _parse_uri(uri: Any) -> tuple[str, str]:
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if not match:
        raise invalid(f"Invalid Google Cloud Storage URI: {uri}; it is gs://BUCKET_NAME[/NAMESPACE_PATH]")
    return match[1], match[2] or ""


def _metadata_file(uri: str) -> str:
    path = uri.removeprefix("gs:/")
    return f"{path}/{path.rpartition('/')[2]}.overall_export_metadata"
