from collections.abc import Iterable

from .._typing import Row

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
