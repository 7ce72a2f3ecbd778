"""Gives tests access to the documents of a simulator, in plain Python: `sim.firestore`.

    sim.firestore.set("cities/LA", {"name": "Los Angeles", "pop": 3_900_000})
    assert sim.firestore.get("cities/LA")["pop"] == 3_900_000

`plain` describes the values. No rules apply, and no request is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flamelet_tools.simulator.firestore import documents, plain
from flamelet_tools.simulator.firestore.admin import Administration
from flamelet_tools.simulator.firestore.commit import Commit, Write
from flamelet_tools.simulator.firestore.rest import Firestore
from flamelet_tools.simulator.firestore.store import Store, resource_name

DEFAULT_DATABASE = "(default)"


class Documents:
    """The documents of a project.

    `call` runs a function in the thread that owns the databases; `project` is the ID of the project.
    """

    def __init__(self, firestore: Firestore, project: str, call: Callable[[Callable[[], Any]], Any]):
        self.project = project
        self._firestore = firestore
        self._call = call

    def get(self, path: str, database: str = DEFAULT_DATABASE) -> dict[str, Any] | None:
        """Return the fields of the document at `path`, or None if there is none. Raises: documents.Refused for a bad
        path.
        """
        return self._call(lambda: self._get(path, database))

    def set(self, path: str, fields: dict[str, Any], database: str = DEFAULT_DATABASE) -> None:
        """Write a document, as a backend would. Raises: TypeError or documents.Refused if it cannot be stored."""
        self._call(lambda: self._write(path, database, plain.encode_fields(fields)))

    def delete(self, path: str, database: str = DEFAULT_DATABASE) -> None:
        """Delete a document; a missing one is not an error. Raises: documents.Refused for a bad path."""
        self._call(lambda: self._write(path, database, None))

    def documents(self, collection: str = "", database: str = DEFAULT_DATABASE) -> dict[str, dict[str, Any]]:
        """Return the fields of all documents by their paths, or of those at or below `collection`."""
        return self._call(lambda: self._documents(collection, database))

    def clear(self, database: str = DEFAULT_DATABASE) -> None:
        """Delete all documents of a database, and their history."""
        self._call(lambda: self._store(database).clear())

    def end_transactions(self, database: str = DEFAULT_DATABASE) -> None:
        """End all open transactions, as a timeout does."""
        self._call(lambda: self._firestore.transactions_of(self._store(database).name).end_all())

    @property
    def administration(self) -> Administration:
        """The administration: how long its operations take, and whether they fail."""
        return self._firestore.administration

    def _store(self, database: str) -> Store:
        return self._firestore.store(f"projects/{self.project}/databases/{database}")

    def _path(self, path: str, store: Store) -> tuple[str, ...]:
        return documents.parse_name(resource_name(store.name, (path,)))[1]

    def _get(self, path: str, database: str) -> dict[str, Any] | None:
        store = self._store(database)
        found = store.get(self._path(path, store))
        return plain.decode_fields(found.fields) if found else None

    def _write(self, path: str, database: str, fields: dict[str, Any] | None) -> None:
        store = self._store(database)
        commit = Commit(store, self._firestore.clock.tick(), lambda *asked: None)
        commit.perform(Write("delete" if fields is None else "update", self._path(path, store), fields or {}))
        commit.finish()

    def _documents(self, collection: str, database: str) -> dict[str, dict[str, Any]]:
        wanted = tuple(part for part in collection.split("/") if part)
        found = (document for document in self._store(database).documents() if document.path[: len(wanted)] == wanted)
        return {"/".join(document.path): plain.decode_fields(document.fields) for document in found}
