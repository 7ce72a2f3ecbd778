"""Keeps the state of a running simulator: plain structures, used only by the thread of its event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flamelet_tools.simulator.accounts.accounts import Accounts
from flamelet_tools.simulator.accounts.credentials import ANYBODY, Identity
from flamelet_tools.simulator.firestore.rest import Firestore
from flamelet_tools.simulator.gateway.endpoints import Gateway
from flamelet_tools.simulator.rtdb import events, tree
from flamelet_tools.simulator.rtdb.event_bytes import (
    MAX_EVENT_BYTES,
    PERMISSION_CANCELLED,
    TOO_LARGE_CANCELLED,
    cancel_bytes,
    event_bytes,
)
from flamelet_tools.simulator.rtdb.events import Change, Event
from flamelet_tools.simulator.rtdb.push_id import push_ids
from flamelet_tools.simulator.rtdb.query import Query, filtered
from flamelet_tools.simulator.rtdb.rest import Database, may_read
from flamelet_tools.simulator.rtdb.tree import Node, Path
from flamelet_tools.simulator.server.faults import Fault

# Enough for every test; limited so that a simulator can run for weeks.
MAX_RECORDS = 100_000


@dataclass
class Record:
    """One request, without its secrets. `status` is None until it is answered, and stays None if it was dropped."""

    number: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    connection: int
    stream: bool
    status: int | None = None


@dataclass(eq=False)
class Connection:
    """One TCP connection; `requests` counts the requests on it so far."""

    number: int
    transport: asyncio.Transport
    requests: int = 0
    lost: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Stream:
    """One open stream; what is put on its queue is sent, None ends it. `window` is what a query has shown so far."""

    namespace: str
    path: Path
    query: Query | None = None
    export: bool = False
    identity: Identity = ANYBODY
    window: Any = None
    queue: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)


@dataclass
class State:
    """The whole state of one simulator. `redirect` holds "streams", "writes" or both; `on_change` and `on_request` may
    be set.

    `regions` has the existing databases, or None if any database exists.
    """

    token: str | None = None
    redirect: frozenset[str] = frozenset()
    keep_alive_seconds: float = 30
    requests_per_connection: int | None = None
    regions: dict[str, str] | None = None
    accounts: Accounts = field(default_factory=Accounts)
    databases: dict[str, Database] = field(default_factory=dict)
    firestore: Firestore = field(default_factory=Firestore)
    gateway: Gateway | None = None
    streams: list[Stream] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    accepted: int = 0
    faults: list[Fault] = field(default_factory=list)
    records: deque[Record] = field(default_factory=lambda: deque(maxlen=MAX_RECORDS))
    received: int = 0
    on_change: Callable[[], None] = lambda: None
    on_listener_fault: Callable[[Fault], None] = lambda fault: None
    on_request: Callable[[Record], None] = lambda record: None


def database(state: State, name: str) -> Database:
    """Return the database with this name; it is created empty on first use."""
    if name not in state.databases:
        state.databases[name] = Database(push_ids())
    return state.databases[name]


def publish(state: State, name: str, change: Change) -> None:
    """Send a change to every stream that listens to it."""
    end_forbidden_streams(state, name)
    node_at = database(state, name).get
    for stream in [stream for stream in state.streams if stream.namespace == name]:
        event = _event(stream, change, node_at)
        data = event_bytes(event) if event else b""
        if len(data) > MAX_EVENT_BYTES:
            end_stream(state, stream, cancel_bytes(TOO_LARGE_CANCELLED))
        elif data:
            stream.queue.put_nowait(data)
    state.on_change()


def first_event(state: State, stream: Stream) -> bytes:
    """Return the first event of a stream: the whole value."""
    node = filtered(stream.query, database(state, stream.namespace).get(stream.path))
    stream.window = tree.to_json(node, stream.export)
    return event_bytes(Event("put", "/", stream.window))


def _event(stream: Stream, change: Change, node_at: Callable[[Path], Node]) -> Event | None:
    if stream.query is None:
        return events.event_for(stream.path, change, node_at, lambda node: tree.to_json(node, stream.export))
    before = stream.window
    stream.window = tree.to_json(filtered(stream.query, node_at(stream.path)), stream.export)
    return events.event_between(before, stream.window)


def end_forbidden_streams(state: State, name: str) -> None:
    """Cancel the streams that the rules no longer allow to read, after the rules or the data that they use changed."""
    now_ms = time.time_ns() // 1_000_000
    source = database(state, name)
    for stream in [stream for stream in state.streams if stream.namespace == name]:
        if not may_read(source, stream.identity, stream.path, stream.query, now_ms):
            end_stream(state, stream, cancel_bytes(PERMISSION_CANCELLED))


def end_streams(state: State, last_words: bytes = b"") -> int:
    """End all streams after sending `last_words`; return how many there were."""
    streams = list(state.streams)
    for stream in streams:
        end_stream(state, stream, last_words)
    return len(streams)


def end_stream(state: State, stream: Stream, last_words: bytes) -> None:
    """End an open stream after sending `last_words`."""
    stream.queue.put_nowait(last_words)
    stream.queue.put_nowait(None)
    state.streams.remove(stream)
