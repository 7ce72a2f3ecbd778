"""Manages the transactions of one database; no I/O.

In: begin, reads, commit, rollback. Out: whether a commit is allowed. Transactions are optimistic: reads see the
database as it was when the transaction began, nothing waits for a lock, and a commit is refused if any of its reads
would now give another result. The live service may make others wait instead; a client sees the same errors and must
react in the same way. As there, a transaction ends after 60 s without use, and 270 s after its begin.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator.firestore import documents
from flamelet_tools.simulator.firestore.documents import Refused, invalid
from flamelet_tools.simulator.firestore.store import HISTORY_MICROS, Store

IDLE_MICROS = 60 * 1_000_000
LONGEST_MICROS = 270 * 1_000_000
CLOSED = "The referenced transaction has expired or is no longer valid."
CONTENTION = "Too much contention on these documents. Please try again."
_FIRST_BYTE = 0x11

# The result of a read, now (None) or at a time.
Read = Callable[[int | None], Any]


@dataclass
class Transaction:
    """An open transaction; its `reads` are repeated at the commit."""

    id: str
    read_only: bool
    read_time: int
    begun: int
    used: int
    reads: list[Read] = field(default_factory=list)


class Transactions:
    """The open transactions of one database."""

    def __init__(self, store: Store):
        self._store = store
        self._begun = 0
        self._open: dict[str, Transaction] = {}

    def begin(self, options: Any) -> Transaction:
        """Begin a transaction with these TransactionOptions. Raises: Refused."""
        given = documents.members(options or {}, ("readOnly", "readWrite"))
        if len(given) > 1:
            raise invalid()
        read_only = documents.members(given.get("readOnly", {}), ("readTime",))
        retried = documents.members(given.get("readWrite", {}), ("retryTransaction",)).get("retryTransaction")
        if retried is not None:
            self._number(retried)
        now = self._store.clock.tick()
        read_time = check_read_time(read_only["readTime"], now) if "readTime" in read_only else now
        self._begun += 1
        transaction = Transaction(_id(self._begun), "readOnly" in given, read_time, now, now)
        self._open[transaction.id] = transaction
        return transaction

    def get(self, id: Any) -> Transaction:
        """Return an open transaction, and count this as a use of it. Raises: Refused."""
        now = self._store.clock.tick()
        self._end_late(now)
        transaction = self._open.get(_id(self._number(id)))
        if transaction is None:
            raise invalid(CLOSED)
        transaction.used = now
        return transaction

    def check_commit(self, transaction: Transaction, has_writes: bool) -> None:
        """End a transaction for a commit, and refuse if it may not be committed. Raises: Refused."""
        del self._open[transaction.id]
        if transaction.read_only and has_writes:
            raise invalid("Cannot modify entities in a read-only transaction.")
        # A transaction that only reads has seen the database at one time, which is all that is promised.
        if has_writes and any(read(transaction.read_time) != read(None) for read in transaction.reads):
            raise Refused(409, "ABORTED", CONTENTION)

    def roll_back(self, id: Any) -> None:
        """End a transaction; one that has already ended is not an error. Raises: Refused."""
        self._open.pop(_id(self._number(id)), None)

    def end_all(self) -> None:
        """End all transactions, as a timeout does."""
        self._open.clear()

    def _end_late(self, now: int) -> None:
        for transaction in list(self._open.values()):
            if now - transaction.used > IDLE_MICROS or now - transaction.begun > LONGEST_MICROS:
                del self._open[transaction.id]

    def _number(self, id: Any) -> int:
        data = documents.decode_base64(id)
        number = int.from_bytes(data[1:], "little")
        if len(data) != 9 or data[0] != _FIRST_BYTE or not 0 < number <= self._begun:
            raise invalid("Invalid transaction.")
        return number


def check_read_time(text: Any, now: int) -> int:
    """Return the requested read time. Raises: Refused."""
    read_time = documents.parse_time(text)
    if read_time > now:
        raise invalid("read_time cannot be in the future.")
    if read_time < now - HISTORY_MICROS:
        raise Refused(400, "FAILED_PRECONDITION", "The requested snapshot version is too old.")
    return read_time


def _id(number: int) -> str:
    return base64.b64encode(bytes([_FIRST_BYTE]) + number.to_bytes(8, "little")).decode()
