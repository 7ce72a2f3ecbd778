# mypy: disable-error-code="override,assignment"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar, overload, type_check_only

from typing_extensions import Self

from .._typing import Credential, FeedFields, Override, Value, WriteSize
from ..client.budget import Budget
from ..net.transport import Timeouts
from ..outbox.ram import RamOutbox
from ..rtdb import query as query_that_blocks
from ..rtdb.mirror import Change
from .feed import Feed, RecordingFeed
from .stream import Stream

_T = TypeVar("_T")
_V = TypeVar("_V", bound=Value)

class Database:
    def __init__(
        self,
        url: str,
        token: Credential = None,
        *,
        ca: str | bytes | None = None,
        insecure: bool = False,
        budget: int | Budget = 2,
        timeouts: Timeouts | None = None,
        answer_bytes: int = ...,
        override: Override = False,
        transport: object = None,
    ) -> None: ...
    def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    @overload
    async def get(
        self,
        path: str,
        *,
        etag: Literal[True],
        shallow: bool = False,
        format: Literal["export"] = ...,
        timeout: str = ...,
        print: Literal["pretty", "silent"] = ...,
        callback: str = ...,
        download: str = ...,
        auth_variable_override: str = ...,
    ) -> tuple[Any, str]: ...
    @overload
    async def get(
        self,
        path: str,
        *,
        etag: bool = False,
        shallow: bool = False,
        format: Literal["export"] = ...,
        timeout: str = ...,
        print: Literal["pretty", "silent"] = ...,
        callback: str = ...,
        download: str = ...,
        auth_variable_override: str = ...,
    ) -> Any: ...
    @overload
    async def set(
        self, path: str, value: Value, *, etag: Literal[True], if_match: str = ..., write_size_limit: WriteSize = ...
    ) -> str: ...
    @overload
    async def set(
        self,
        path: str,
        value: Value,
        *,
        etag: Literal[False] = False,
        if_match: str = ...,
        write_size_limit: WriteSize = ...,
    ) -> None: ...
    @overload
    async def push(
        self,
        path: str,
        value: Value,
        server_key: bool = False,
        *,
        etag: Literal[True],
        write_size_limit: WriteSize = ...,
    ) -> tuple[str, str]: ...
    @overload
    async def push(
        self,
        path: str,
        value: Value,
        server_key: bool = False,
        *,
        etag: Literal[False] = False,
        write_size_limit: WriteSize = ...,
    ) -> str: ...
    async def update(self, path: str, values: dict[str, Any], *, write_size_limit: WriteSize = ...) -> None: ...
    @overload
    async def delete(
        self, path: str, *, etag: Literal[True], if_match: str = ..., write_size_limit: WriteSize = ...
    ) -> str: ...
    @overload
    async def delete(
        self, path: str, *, etag: Literal[False] = False, if_match: str = ..., write_size_limit: WriteSize = ...
    ) -> None: ...
    async def get_if_changed(self, path: str, etag: str) -> tuple[bool, Any, str | None]: ...
    async def set_if_unchanged(self, path: str, etag: str, value: Value) -> tuple[bool, Any, str]: ...
    async def transaction(self, path: str, function: Callable[[Any], _V]) -> _V: ...
    def query(self, path: str) -> Query: ...
    @overload
    def walk(self, path: str, pattern: str, raw: Literal[True], value_bytes: int = 8192) -> Walk[bytes]: ...
    @overload
    def walk(self, path: str, pattern: str, raw: bool = False, value_bytes: int = 8192) -> Walk[Any]: ...
    def listen(
        self,
        path: str,
        *,
        event_bytes: int = 8192,
        silence_ms: int = 45000,
        query: str = "",
        pattern: str = "",
    ) -> Stream: ...
    def mirror(self, path: str, *, event_bytes: int = 8192, silence_ms: int = 45000, query: str = "") -> Mirror: ...
    @overload
    def feed(self, path: str, fields: FeedFields, outbox: None = None) -> Feed: ...
    @overload
    def feed(self, path: str, fields: FeedFields, outbox: RamOutbox) -> RecordingFeed: ...
    @overload
    def feed(self, path: str, fields: FeedFields, outbox: RamOutbox | None) -> Feed: ...
    async def get_rules(self) -> dict[str, Any]: ...
    async def set_rules(self, rules: dict[str, Any], dry_run: bool = False) -> None: ...

# At run time the classes below are those that block, which await what an awaited service gives them.

@type_check_only
class Query(query_that_blocks.Query):
    async def get(self, *, timeout: str = ..., auth_variable_override: str = ...) -> list[tuple[str, Any]]: ...
    def listen(self, *, event_bytes: int = 8192, silence_ms: int = 45000, pattern: str = "") -> Stream: ...

@type_check_only
class Mirror:
    loaded: bool
    @property
    def value(self) -> Any: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> Change: ...
    # Without a time limit it returns None only if the mirror was closed.
    @overload
    async def next(self) -> Change: ...
    @overload
    async def next(self, ms: int) -> Change | None: ...

@type_check_only
class Walk(Generic[_T]):
    def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> tuple[str, _T]: ...
