"""Keeps the documents of one Firestore database, with their history of the last hour; no I/O.

In: checked writes, each with its commit time. Out: documents as they are, or as they were at a time. Times are whole
microseconds since 1970, as in the service, and no two commits have the same time. Fields are kept in the form of the
REST API (`{"n": {"integerValue": "5"}}`), in the one spelling that `documents` gives every value.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]
Fields = dict[str, Any]
# How far a read time may go back, as on the live service without point-in-time recovery.
HISTORY_MICROS = 3600 * 1_000_000


@dataclass(frozen=True)
class Document:
    """A document; `path` begins with its first collection: `("cities", "LA")`. It is never changed in place."""

    database: str
    path: Path
    fields: Fields
    create_time: int
    update_time: int

    @property
    def name(self) -> str:
        """The full resource name."""
        return resource_name(self.database, self.path)


def resource_name(database: str, path: Path) -> str:
    """Return the full name of a document or a collection in `projects/P/databases/D`."""
    return "/".join((database, "documents", *path))


def sort_key(path: Path) -> tuple[tuple[int, int, bytes], ...]:
    """Return the sort key of a name: ids such as `__id7__` come first, by their number, then all others by their UTF-8
    bytes.
    """
    return tuple(_id_key(part) for part in path)


def _id_key(part: str) -> tuple[int, int, bytes]:
    number = part.removeprefix("__id").removesuffix("__")
    if part == f"__id{number}__" and number.removeprefix("-").isdigit():
        return 0, int(number), b""
    return 1, 0, part.encode()


class Clock:
    """A clock in microseconds; each `tick` is later than the previous one."""

    def __init__(self) -> None:
        self._last = 0

    def tick(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last


@dataclass
class _Version:
    since: int
    document: Document | None


class Store:
    """One database. A deleted document keeps an empty version until its history is forgotten."""

    def __init__(self, name: str, clock: Clock):
        self.name = name
        self.clock = clock
        self.created = clock.tick()
        self._versions: dict[Path, list[_Version]] = {}
        self._outdated: deque[tuple[int, Path]] = deque()

    def get(self, path: Path, at: int | None = None) -> Document | None:
        """Return the document, now or at a time, or None if there is none."""
        versions = self._versions.get(path, ())
        return next((version.document for version in reversed(versions) if at is None or version.since <= at), None)

    def documents(self, at: int | None = None) -> Iterator[Document]:
        """Return all documents, now or at a time, in no particular order."""
        found = (self.get(path, at) for path in self._versions)
        return (document for document in found if document is not None)

    def put_all(self, changes: Mapping[Path, Document | None], commit_time: int) -> None:
        """Write documents, or delete those that are None."""
        for path, document in changes.items():
            if document is None and self.get(path) is None:
                continue
            versions = self._versions.setdefault(path, [])
            # The version that a deletion leaves is outdated at once, as is the deleted document.
            outdated = bool(versions) + (document is None)
            self._outdated.extend([(commit_time, path)] * outdated)
            versions.append(_Version(commit_time, document))
        self._forget(commit_time - HISTORY_MICROS)

    def clear(self) -> None:
        """Delete all documents, and their history."""
        self._versions.clear()
        self._outdated.clear()

    def _forget(self, horizon: int) -> None:
        while self._outdated and self._outdated[0][0] < horizon:
            _, path = self._outdated.popleft()
            versions = self._versions[path]
            if len(versions) > 1 or versions[0].document is None:
                del versions[0]
            if not versions:
                del self._versions[path]
