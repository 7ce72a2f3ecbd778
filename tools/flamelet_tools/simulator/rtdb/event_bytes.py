"""Writes the answers of streams and ETags as the Realtime Database does: heads, events, cancellations."""

from __future__ import annotations

import base64
import hashlib

from flamelet_tools.simulator.http.answers import compact_json, join, status_line
from flamelet_tools.simulator.rtdb.events import Event
from flamelet_tools.simulator.rtdb.tree import Node, to_json

NULL_ETAG = "null_etag"
KEEP_ALIVE = b"event: keep-alive\ndata: null\n\n"
PERMISSION_CANCELLED = "Permission denied."
TOO_LARGE_CANCELLED = "The specified payload is too large, please request a location with less data."
MAX_EVENT_BYTES = 512_000_000
AUTH_REVOKED = b"event: auth_revoked\ndata: credential is no longer valid\n\n"


def stream_head() -> bytes:
    """Return the head of a stream: neither length nor chunking, so that the stream lasts as long as its connection."""
    return join(
        [
            status_line(200),
            "Server: nginx",
            "Content-Type: text/event-stream; charset=utf-8",
            "Connection: close",
            "Cache-Control: no-cache",
        ]
    )


def event_bytes(event: Event) -> bytes:
    """Return a put or patch as a stream sends it."""
    data = compact_json({"path": event.path, "data": event.data})
    return b"event: %s\ndata: %s\n\n" % (event.kind.encode(), data)


def cancel_bytes(reason: str | None) -> bytes:
    """Return a cancel as a stream sends it."""
    return b"event: cancel\ndata: %s\n\n" % compact_json(reason)


def etag(node: Node) -> str:
    """Return the ETag of a node: equal data with equal priorities has the same one."""
    if node is None:
        return NULL_ETAG
    digest = hashlib.sha1(compact_json(to_json(node, export=True)), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
