from collections.abc import Iterable
from typing import type_check_only

from .._typing import Kept, Row, Value
from ..outbox.ram import RamOutbox

class Feed:
    @property
    def pending(self) -> bool: ...
    @property
    def key(self) -> str: ...
    async def push(
        self,
        a: float | None,
        b: float | None = ...,
        c: float | None = ...,
        d: float | None = ...,
        e: float | None = ...,
        f: float | None = ...,
    ) -> None: ...
    async def push_row(self, row: Row) -> None: ...
    async def push_many(self, rows: Iterable[Row]) -> int: ...
    async def repeat(self) -> None: ...

# At run time it is the class of the blocking service, which returns what this feed returns.

@type_check_only
class RecordingFeed(Feed):
    outbox: RamOutbox
    @property
    def fits(self) -> int: ...
    def record(
        self,
        a: float | None,
        b: float | None = ...,
        c: float | None = ...,
        d: float | None = ...,
        e: float | None = ...,
        f: float | None = ...,
    ) -> Kept: ...
    def record_row(self, row: Row) -> Kept: ...
    def record_set(self, path: str, value: Value) -> Kept: ...
    def keep(self, feed: Feed) -> Kept: ...
    async def flush(self, batches: int = 0) -> int: ...
