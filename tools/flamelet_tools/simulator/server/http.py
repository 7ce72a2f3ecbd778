"""Serves the simulator's HTTP: requests from aiohttp's parser, the exact bytes of `answers`, and the chosen faults.

aiohttp parses the requests. Its C parser is not ours, so one bug cannot hide on both sides. The answers are written to
the transport here, each in one piece, because their bytes must be those of the live service and faults cut into them. A
request that is not HTTP at all is answered by aiohttp itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import HttpVersion11, web

from flamelet_tools.simulator.accounts.credentials import BAD_ACCESS_TOKEN
from flamelet_tools.simulator.firestore import rest as firestore
from flamelet_tools.simulator.firestore.rules import BAD_CREDENTIALS, MISSING_PERMISSIONS
from flamelet_tools.simulator.firestore.transactions import CONTENTION
from flamelet_tools.simulator.gateway import endpoints
from flamelet_tools.simulator.google import identity
from flamelet_tools.simulator.http import answers
from flamelet_tools.simulator.http.answers import Answer, Refusal, api_error
from flamelet_tools.simulator.http.request import Request
from flamelet_tools.simulator.rtdb import event_bytes, parameters, rest
from flamelet_tools.simulator.rtdb.rest import Database
from flamelet_tools.simulator.rtdb.tree import InvalidData, Path
from flamelet_tools.simulator.server import control
from flamelet_tools.simulator.server.faults import take_faults
from flamelet_tools.simulator.server.state import (
    Connection,
    Record,
    State,
    Stream,
    database,
    end_forbidden_streams,
    end_stream,
    first_event,
    publish,
)

LOG = logging.getLogger(__name__)
# aiohttp's log about requests that are not HTTP does not help the user of a simulator: the client got a 400.
_PARSER_LOG = logging.getLogger(__name__ + ".parser")
_PARSER_LOG.addHandler(logging.NullHandler())
_PARSER_LOG.propagate = False

_SECRETS = ("auth", "access_token", "ac", "key")
_SECRET_HEADERS = ("authorization", "proxy-authorization", "x-firebase-appcheck", "x-goog-api-key")
# The characters that may begin a parameter; the group keeps them in the split.
_PARAMETER_BEGINS = re.compile(r"([?&;]|%3F|%26)", re.IGNORECASE)
_PARAMETER = re.compile(r"(.*?)(?:=|%3D)", re.IGNORECASE)
# Room for the longest allowed path, percent-encoded, and for a long query.
_MAX_LINE_BYTES = 128 * 1024
_NEVER_IDLE = 3600.0
BODY_SECONDS = 20.0
# The text of the database; the text and the `status` of Google's other services.
_FAILURES = {
    401: (BAD_ACCESS_TOKEN, BAD_CREDENTIALS, "UNAUTHENTICATED"),
    403: ("Forbidden.", MISSING_PERMISSIONS, "PERMISSION_DENIED"),
    409: ("Conflict.", CONTENTION, "ABORTED"),
    429: ("Quota exceeded.", "Quota exceeded.", "RESOURCE_EXHAUSTED"),
    500: ("Internal server error.", "Internal error encountered.", "INTERNAL"),
    503: ("Service unavailable.", "The service is currently unavailable.", "UNAVAILABLE"),
    504: ("Gateway time-out.", "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
}
# Our text: that of the live service is not documented.
TIMED_OUT = "The request did not finish within its timeout."
_HTML = b"<!DOCTYPE html>\n<html><head><title>Not the database</title></head><body>Please sign in.</body></html>\n"


class _BadBody(Exception):
    """The body of a request did not arrive, or does not match its head."""

    def __init__(self, connection: Connection, status: int, text: str):
        super().__init__(text)
        self.connection = connection
        self.status = status


class Written(web.StreamResponse):
    """Tells aiohttp that the handler has written its answer, and whether the connection is kept open."""

    def __init__(self, keep_alive: bool):
        super().__init__()
        self._kept = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._kept

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


class HttpServer(web.Server):
    """aiohttp's server, which counts connections. `redirect_to` is the origin to which requests are redirected."""

    def __init__(self, state: State, idle_seconds: float | None, redirect_to: str | None = None):
        idle = idle_seconds or _NEVER_IDLE
        super().__init__(
            self._handle,
            access_log=None,
            logger=_PARSER_LOG,
            keepalive_timeout=idle,
            lingering_time=0,
            max_line_size=_MAX_LINE_BYTES,
        )
        self._state = state
        self._redirect_to = redirect_to
        self._by_protocol: dict[Any, Connection] = {}

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        self._state.accepted += 1
        connection = Connection(self._state.accepted, transport)
        self._state.connections.append(connection)
        self._by_protocol[handler] = connection
        super().connection_made(handler, transport)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        connection = self._by_protocol.pop(handler)
        self._state.connections.remove(connection)
        connection.lost.set()
        super().connection_lost(handler, exc)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = self._by_protocol.get(request.protocol)
        try:
            return Written(connection is not None and await self._answer(connection, request))
        except _BadBody as bad:
            return Written(await _send(Wire(bad.connection), answers.error(bad.status, str(bad)), keep_alive=False))
        except ConnectionError:
            return Written(keep_alive=False)
        except Exception:
            LOG.exception("a request could not be served")
            return Written(keep_alive=False)

    async def _answer(self, connection: Connection, request: web.BaseRequest) -> bool:
        if "100-continue" in request.headers.get("Expect", "").lower():
            connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.raw_path.startswith(control.PREFIX):
            answer = control.answer(
                self._state, request.method, request.raw_path, await _read_body(connection, request)
            )
            return await _send(Wire(connection), answer, request.keep_alive)
        return await _serve(self._state, self._redirect_to, connection, request)


@dataclass
class Wire:
    """A connection with the faults that affect what is written to it.

    `left`: bytes of body until it is cut; `head_left`: bytes of head; `pause`: seconds between bytes; `chunk`: bytes in
    a chunk, 0 for an unchunked body.
    """

    connection: Connection
    left: int | None = None
    head_left: int | None = None
    pause: float = 0
    chunk: int = 0


async def _serve(state: State, redirect_to: str | None, connection: Connection, incoming: web.BaseRequest) -> bool:
    """Answer one request; return whether the connection is kept open."""
    request = Request(incoming.method, incoming.raw_path, incoming.headers)
    record = _record(state, connection, incoming.method, request)
    faults = take_faults(state.faults, request.method, _path_for_faults(state, request), request.is_stream)
    request.body = await _read_body(connection, incoming)
    too_late = "delay" in faults and await _is_too_late(request, faults["delay"]["ms"])
    swallowed = "black_hole" in faults
    if swallowed and not faults["black_hole"]["after"]:
        return await _swallow(connection)
    if "drop_before" in faults:
        return drop(connection, **faults["drop_before"])
    if too_late:
        answer: Answer | Stream = answers.error(400, TIMED_OUT)
    else:
        answer = _wrong_answer(faults, state, request) or _act(state, redirect_to, request)
    if faults.get("internal_error", {}).get("after"):
        answer = _failure(500, state, request)
    if swallowed:
        return await _swallow(connection)
    if "drop_after" in faults:
        return drop(connection, **faults["drop_after"])
    if request.method == "HEAD" and isinstance(answer, Answer):
        answer.body = None
    wire = _wire(connection, faults)
    record.status = answer.status if isinstance(answer, Answer) else 200
    state.on_request(record)
    if isinstance(answer, Stream):
        return await _serve_stream(state, wire, answer)
    answer.knows_chunks = incoming.version >= HttpVersion11
    limit = state.requests_per_connection
    last = limit is not None and connection.requests >= limit
    return await _send(wire, answer, incoming.keep_alive and not last and "close" not in faults)


async def _swallow(connection: Connection) -> bool:
    """Leave a request without an answer until the client gives up."""
    await connection.lost.wait()
    return False


def _wire(connection: Connection, faults: dict[str, dict[str, Any]]) -> Wire:
    cut, cut_head, slow, chunked = (faults.get(name, {}) for name in ("cut", "cut_head", "slow", "chunked"))
    return Wire(connection, cut.get("bytes"), cut_head.get("bytes"), slow.get("ms", 0) / 1000, chunked.get("bytes", 0))


async def _is_too_late(request: Request, delay_ms: float) -> bool:
    """Wait as long as the request's `timeout` allows; return whether that was too short."""
    try:
        limit = parameters.timeout_ms(request.query) if request.method == "GET" else None
    except InvalidData:
        limit = None
    await asyncio.sleep(min(delay_ms, limit or delay_ms) / 1000)
    return limit is not None and limit < delay_ms


async def _read_body(connection: Connection, incoming: web.BaseRequest) -> bytes:
    try:
        return await asyncio.wait_for(incoming.content.read(), BODY_SECONDS)
    except asyncio.TimeoutError:
        # aiohttp does not report an invalid chunk late in a body; it looks like a body that never ends.
        raise _BadBody(connection, 408, "The body did not come in time.") from None
    except web.RequestPayloadError as error:
        raise _BadBody(connection, 400, str(error)) from None


def _act(state: State, redirect_to: str | None, request: Request) -> Answer | Stream:
    now_ms = time.time_ns() // 1_000_000
    try:
        place = identity.place_of(request)
        if place:
            return identity.answer(state.accounts, request, *place)
        if firestore.concerns(request):
            return firestore.answer(state.firestore, state.accounts, state.token, request)
        if state.gateway and endpoints.concerns(state.gateway, request):
            store = state.firestore.store(endpoints.database_name(state.gateway.project))
            return endpoints.answer(state.gateway, store, state.token, request)
        name = rest.namespace(request, state.regions)
        path = rest.parse_path(request.path_text)
        location = _location(state, redirect_to, request, name)
        if location:
            return Answer(307, b"", location=location)
        source = database(state, name)
        rest.check_auth(source, request, state.accounts, state.token, now_ms)
        rest.check_parameters(request, path)
        if request.is_stream:
            return _open_stream(source, request, name, path, now_ms)
        answer, change = rest.perform(source, request, path, now_ms)
    except Refusal as refused:
        return answers.error(refused.status, refused.text)
    except Exception:
        # A bug in the simulator: the client gets the live service's internal error, and the log the traceback.
        LOG.exception("%s %s failed", request.method, _redacted(request.path_text))
        return _failure(500, state, request)
    if change:
        publish(state, name, change)
    elif path[:1] == (rest.SETTINGS,):
        end_forbidden_streams(state, name)
        state.on_change()
    return answer


def _open_stream(source: Database, request: Request, name: str, path: Path, now_ms: int) -> Stream:
    if path[:1] in ((rest.INFO,), (rest.SETTINGS,)):
        raise Refusal(400, f"{path[0]} cannot be listened to.")
    query = rest.query_of(request)
    rest.check_read(source, request, path, query, now_ms)
    return Stream(name, path, query, rest.shows_priorities(request), request.identity)


async def _serve_stream(state: State, wire: Wire, stream: Stream) -> bool:
    queue = stream.queue
    queue.put_nowait(first_event(state, stream))
    state.streams.append(stream)
    loop = asyncio.get_running_loop()
    beat: asyncio.TimerHandle

    def keep_alive() -> None:
        nonlocal beat
        queue.put_nowait(event_bytes.KEEP_ALIVE)
        beat = loop.call_later(state.keep_alive_seconds, keep_alive)

    def revoke() -> None:
        if stream in state.streams:
            end_stream(state, stream, event_bytes.AUTH_REVOKED)

    beat = loop.call_later(state.keep_alive_seconds, keep_alive)
    expiry = loop.call_later(stream.identity.expires_ms / 1000 - time.time(), revoke)
    lost = asyncio.create_task(_end_when_lost(wire.connection, queue))
    head = event_bytes.stream_head()
    if wire.chunk:
        head = answers.chunked_head(head)
    try:
        while (data := await queue.get()) is not None and await _write(wire, head, data):
            head = b""
    finally:
        beat.cancel()
        expiry.cancel()
        lost.cancel()
        if stream in state.streams:
            state.streams.remove(stream)
    return False


async def _end_when_lost(connection: Connection, queue: asyncio.Queue[bytes | None]) -> None:
    await connection.lost.wait()
    queue.put_nowait(None)


async def _send(wire: Wire, answer: Answer, keep_alive: bool) -> bool:
    head, body = answers.head(answer, keep_alive), answers.body(answer)
    # Google's other services already send the body in a chunk.
    if wire.chunk and answer.body and not answer.is_api:
        return await _write(wire, answers.chunked_head(head), body, b"0\r\n\r\n") and keep_alive
    wire.chunk = 0
    return await _write(wire, head, body) and keep_alive


async def _write(wire: Wire, head: bytes, body: bytes, last: bytes = b"") -> bool:
    """Write head and body in one piece, or as the faults require, chunked before `last`.

    Returns: whether the connection is still open.
    """
    transport = wire.connection.transport
    if wire.chunk:
        body = answers.in_chunks(body, wire.chunk) + last
    if wire.head_left is not None and head:
        transport.write(head[: wire.head_left])
        transport.close()
        return False
    cut = wire.left is not None and len(body) > wire.left
    if cut:
        body = body[: wire.left]
    elif wire.left is not None:
        wire.left -= len(body)
    data = head + body
    step = 1 if wire.pause else len(data)
    for start in range(0, len(data), step or 1):
        if transport.is_closing():
            return False
        transport.write(data[start : start + step])
        await asyncio.sleep(wire.pause)
    if cut:
        transport.close()
    return not transport.is_closing()


def drop(connection: Connection, reset: bool) -> bool:
    """Close a connection at once, with `reset` by RST; return False: it is not kept open."""
    if reset and not connection.lost.is_set():
        # With a linger time of 0 the system sends RST in place of FIN.
        plain = connection.transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()
    return False


def _wrong_answer(faults: dict[str, dict[str, Any]], state: State, request: Request) -> Answer | None:
    if "unavailable" in faults:
        answer = _failure(503, state, request)
        answer.retry_after = faults["unavailable"]["retry_after"] or None
        return answer
    if "loop" in faults:
        return Answer(307, b"", location=request.path_text)
    if "internal_error" in faults and not faults["internal_error"]["after"]:
        return _failure(500, state, request)
    if "error" in faults:
        return _failure(faults["error"]["status"], state, request)
    if "html" in faults:
        return Answer(faults["html"]["status"], _HTML, content_type=answers.HTML_TYPE)
    return None


def _failure(status: int, state: State, request: Request) -> Answer:
    """Return a failure of the service itself, with the text of the requested service."""
    text, api_text, name = _FAILURES[status]
    if firestore.concerns(request):
        return firestore.error(firestore.Refused(status, name, api_text), request)
    if identity.place_of(request):
        return api_error(status, api_text, name)
    return endpoints.page(status) if endpoints.concerns(state.gateway, request) else answers.error(status, text)


def _location(state: State, redirect_to: str | None, request: Request, name: str) -> str | None:
    """Return where the request is redirected, or None. The credential is left out, as the live service may do."""
    kind = "streams" if request.is_stream else "reads" if request.method == "GET" else "writes"
    if redirect_to is None or kind not in state.redirect:
        return None
    query = {"ns": name}
    query.update((key, value) for key, value in request.query.items() if key not in (*_SECRETS, "ns"))
    if request.is_stream:
        query["sse"] = "true"
    return f"{redirect_to}{request.path_text}?{urlencode(query)}"


def _path_for_faults(state: State, request: Request) -> tuple[str, ...]:
    place = identity.place_of(request)
    if place:
        return tuple(part for part in "/".join(place).split("/") if part)
    if firestore.concerns(request):
        return firestore.keys_for_faults(request)
    if endpoints.concerns(state.gateway, request):
        return endpoints.keys_for_faults(request)
    try:
        return rest.parse_path(request.path_text)
    except Refusal:
        return ()


def _redacted(target: str) -> str:
    """Return the target of a request without its secrets, even if a client has put two `?`, none, or an encoded one."""
    return "".join(map(_redacted_parameter, _PARAMETER_BEGINS.split(target)))


def _redacted_parameter(part: str) -> str:
    match = _PARAMETER.match(part)
    return f"{match[0]}REDACTED" if match and unquote_plus(match[1]).lower() in _SECRETS else part


def _record(state: State, connection: Connection, method: str, request: Request) -> Record:
    connection.requests += 1
    state.received += 1
    path, _, query = _redacted(request.target).partition("?")
    headers = {
        name: "REDACTED" if name.lower() in _SECRET_HEADERS else value for name, value in request.headers.items()
    }
    record = Record(state.received, method, path, query, headers, connection.number, request.is_stream)
    state.records.append(record)
    return record
