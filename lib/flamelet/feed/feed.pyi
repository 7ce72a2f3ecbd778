from collections.abc import Iterable
from typing import type_check_only

from .._typing import Kept, Row, Value
from ..outbox.ram import RamOutbox

class Feed:
    @property
    def pending(self) -> bool: ...
    @property
    def key(self) -> str: ...
    def push(
        self,
        a: float | None,
        b: float | None = ...,
        c: float | None = ...,
        d: float | None = ...,
        e: float | None = ...,
        f: float | None = ...,
    ) -> None: ...
    def push_row(self, row: Row) -> None: ...
    def push_many(self, rows: Iterable[Row]) -> int: ...
    def repeat(self) -> None: ...

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
    def flush(self, batches: int = 0) -> int: ...
