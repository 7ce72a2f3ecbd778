from .._typing import Kept, Row, Value
from ..feed.feed import Feed
from .ram import RamOutbox

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
