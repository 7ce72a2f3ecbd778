from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from typing_extensions import Self

from .._typing import Credential, FeedFields, Override, Value, WriteSize
from ..client.budget import Budget
from ..feed.feed import Feed
from ..net.transport import Timeouts
from ..outbox.ram import RamOutbox
from ..outbox.recording_feed import RecordingFeed
from .mirror import Mirror
from .query import Query
from .stream import Stream
from .walk import Walk

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
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    @overload
    def get(
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
    def get(
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
    def set(
        self, path: str, value: Value, *, etag: Literal[True], if_match: str = ..., write_size_limit: WriteSize = ...
    ) -> str: ...
    @overload
    def set(
        self,
        path: str,
        value: Value,
        *,
        etag: Literal[False] = False,
        if_match: str = ...,
        write_size_limit: WriteSize = ...,
    ) -> None: ...
    @overload
    def push(
        self,
        path: str,
        value: Value,
        server_key: bool = False,
        *,
        etag: Literal[True],
        write_size_limit: WriteSize = ...,
    ) -> tuple[str, str]: ...
    @overload
    def push(
        self,
        path: str,
        value: Value,
        server_key: bool = False,
        *,
        etag: Literal[False] = False,
        write_size_limit: WriteSize = ...,
    ) -> str: ...
    def update(self, path: str, values: dict[str, Any], *, write_size_limit: WriteSize = ...) -> None: ...
    @overload
    def delete(
        self, path: str, *, etag: Literal[True], if_match: str = ..., write_size_limit: WriteSize = ...
    ) -> str: ...
    @overload
    def delete(
        self, path: str, *, etag: Literal[False] = False, if_match: str = ..., write_size_limit: WriteSize = ...
    ) -> None: ...
    def get_if_changed(self, path: str, etag: str) -> tuple[bool, Any, str | None]: ...
    def set_if_unchanged(self, path: str, etag: str, value: Value) -> tuple[bool, Any, str]: ...
    def transaction(self, path: str, function: Callable[[Any], _V]) -> _V: ...
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
    def get_rules(self) -> dict[str, Any]: ...
    def set_rules(self, rules: dict[str, Any], dry_run: bool = False) -> None: ...
