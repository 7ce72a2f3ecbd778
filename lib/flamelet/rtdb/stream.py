"""Listens to the changes at a path: events as they happen, with reconnects.

In: the path's server-sent events ("Streaming from the REST API"). Out: `Event`s. `Stream.move()` moves
the stream on without blocking, and returns an event, or None if it waits for `waiting` (which is as a flow would yield
it). `next` blocks; `flamelet.aio` awaits.

The stream reconnects automatically, with back-off and full jitter, after a temporary failure: the server closed it
(which it does every hour), the network broke, or nothing complete came for `silence_ms` (the server sends a keep-alive
every 30 s). The server sends the whole value again at every reconnect: such an event has `snapshot`. A permanent
failure raises an error: `cancel`, and a refusal of the request; so does any failure of the first connection, since a
wrong URL should be seen at once. After such an error `next` may be called again.

Memory: the connection's 512 bytes, and the largest event so far, at most `event_bytes`. A larger event is skipped to
its end and reported with the type "too-large", and its size as `data`. A keep-alive allocates nothing; an event takes
only its value and itself. With a pattern (projection.py) the largest value that matches counts.
"""

import time
from collections import namedtuple

from .. import FlameletError, _broken
from ..client.answer_head import open_answer
from ..client.budget import add_stream, remove_stream
from ..client.client import wait
from ..client.iteration import Closing
from ..core.backoff import pause
from ..core.path import keys
from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms
from ..net.connection import DONE
from ..wire.http1 import BODY
from ..wire.sse import EVENT, NEED, PROJECTED, EventParser
from .exchange import target

Event = namedtuple("Event", ("type", "path", "data", "snapshot"))
_TYPES = ("put", "patch", "keep-alive", "cancel", "auth_revoked")
_NAMES = tuple(name.encode() for name in _TYPES)
_PUT = const(0)
_PATCH = const(1)
_KEEP_ALIVE = const(2)
_CANCEL = const(3)
_AUTH_REVOKED = const(4)
_STEADY = const(30000)  # milliseconds of connection after which the back-off starts again
_WANTED = (b"content-type", b"location", b"date")
_NO_STREAM = "%s: the answer is no event stream: is this a Realtime Database, or does the network intercept?"
_PROGRESS = const(4096)  # bytes that show that a large event makes progress


class Stream(Closing):
    """Made by `Database.listen(path)`: iterate over it, or call `next`; `close` it, or use it in a `with` block.

    An event has `type` ("put": replace what is at `path`; "patch": replace those children; "too-large"), `path`
    (relative to the stream's), `data`, and `snapshot` (True for the whole value that begins each connection).

    Options:
    - `event_bytes`: the largest event; a larger one is reported as "too-large".
    - `silence_ms`: reconnect after so many milliseconds without an event or keep-alive.
    - `query`: parameters of the REST API, as `Query.listen` makes them.
    - `pattern`: only values whose paths match, like "*/level", each with a put of its own; the server's events may then
      be larger than memory.
    """

    def __init__(
        self,
        client,
        path: str,
        event_bytes: int = 8192,
        silence_ms: int = 45000,
        query: str = "",
        pattern: str = "",
    ) -> None:
        if client.transport:
            from ..client.requests_transport import no_stream

            raise no_stream()
        self._client = client
        self._connection = client.new_connection()
        self._connection.response.wanted = _WANTED
        self._path = path
        self._query = query
        keys(path)  # raises now if it is not valid
        if pattern:
            from . import projection as _projection

            wanted = [key for key in keys(pattern) if key]
            self._parser: EventParser = _projection.Projection(_NAMES, event_bytes, wanted)
        else:
            from ..wire import json as _json

            self._parser = EventParser(_NAMES, event_bytes)
            self._loads = _json.loads
        self._silence_ms = silence_ms
        self._opening = None
        self._is_open = False
        self._was_open = False
        self._is_first = False
        self._attempt = 0
        self._error: object = None  # of the last attempt to reconnect
        self._opened_at = ticks_ms()
        self._received = 0
        self._at = self._end = 0
        self.waiting = 0
        self.reconnects = 0
        add_stream(client, self, self._connection)

    def close(self) -> None:
        """End the stream, and free its connection."""
        if self._opening:
            self._opening.close()
        self._opening = None
        self._is_open = False
        self._connection.close()
        remove_stream(self._client, self, self._connection)

    @property
    def closed(self) -> bool:
        """Whether the stream has ended."""
        return self not in self._client.streams

    def __iter__(self):
        return self

    def __next__(self):
        if self.closed:
            raise StopIteration
        return self.next()

    def next(self, ms: int = -1):
        """Return the next event, or None if none comes in `ms` milliseconds (0: only DNS may block; -1: for ever)."""
        end = ticks_add(ticks_ms(), max(0, ms))
        left = 1 << 29
        while True:
            event = self.move()
            if event is not None or self.closed:
                return event
            if ms >= 0:
                left = ticks_diff(end, ticks_ms())
                # DNS is asked even then: else no later call would get further.
                if left <= 0 and not callable(self.waiting):
                    return None
            wait(self.waiting, left)

    def move(self):
        """Move on without blocking. Returns an Event, or None if the stream waits for `waiting`."""
        if not self._is_open:
            return self._move_opening()
        while True:
            if self._at < self._end:
                code = self._parser.feed(self._connection.buffer, self._at, self._end)
                self._at = self._parser.position
                if code != NEED:
                    self._renew()
                    event = self._event_of(code) if self._parser.name != _KEEP_ALIVE else None
                    if event is not None or not self._is_open:
                        return event
                continue
            code = self._step()
            if code == BODY:
                self._take_piece()
            else:
                return None

    def _step(self):
        connection = self._connection
        if connection.sock is None:
            # Parked by a request: not a failure, so no back-off.
            self._attempt = 0
            return self._lose()
        code = connection.step()
        if code <= DONE:
            return self._lose()
        self.waiting = connection
        return code

    def _take_piece(self):
        response = self._connection.response
        self._at = response.piece_start
        self._end = response.piece_end
        # Silence is measured from event to event, so a trickle of bytes does not count; a really large event may take
        # longer, as long as it makes progress.
        self._received += self._end - self._at
        if self._received >= _PROGRESS:
            self._renew()

    def _renew(self):
        self._received = 0
        self._connection.deadline = ticks_add(ticks_ms(), self._silence_ms)

    def _lose(self):
        """Close the connection; the next move opens another. Returns DONE."""
        self._is_open = False
        self._connection.close()
        if ticks_diff(ticks_ms(), self._opened_at) > _STEADY:
            self._attempt = 0
        self.waiting = 0
        return DONE

    def _move_opening(self):
        if self.closed:
            return None
        self._opening = opening = self._opening or self._open()
        try:
            self.waiting = next(opening)
        except StopIteration:
            self._opening = None
            self.waiting = 0
        except FlameletError:
            self._opening = None
            self._connection.close()
            raise
        return None

    def _open(self):
        """Flow: connect, again and again until it succeeds or fails permanently."""
        while True:
            if self._attempt:
                yield from _pause(pause(self._attempt, self._error))
            self._attempt += 1
            try:
                yield from self._connect()
                return
            except FlameletError as error:
                self._connection.close()
                if not error.retry or not self._was_open:
                    raise
                self._error = error

    def _connect(self):
        client = self._client
        connection = self._connection
        place = target(client, self._path, self._query)
        request = yield from open_answer(client, connection, place, ("Accept: text/event-stream",))
        if not connection.response.headers.get(b"content-type", b"").lower().startswith(b"text/event-stream"):
            from ..diagnosis.failures import request_name

            raise _broken(_NO_STREAM, request_name(request))
        token = client.token
        self._parameter = token.parameter if token and request.find(token.parameter.encode()) >= 0 else ""
        self._begin()

    def _begin(self):
        self.reconnects += self._was_open
        self._is_open = self._was_open = self._is_first = True
        self._opened_at = ticks_ms()
        self._at = self._end = 0
        self._parser.start()
        self._renew()
        if time.gmtime()[0] < 2024:
            from ..core.clock import take_from_answer

            take_from_answer(self._connection)

    def _event_of(self, code):
        """Return the Event for what the parser found, or None. Raises StreamCancelled for a cancel."""
        parser = self._parser
        kind = parser.name
        if code == PROJECTED:
            return _projected(parser)
        if code != EVENT:
            return Event("too-large", _path_of(parser), parser.size, self._snapshot())
        if kind == _CANCEL:
            self.close()
            raise _cancelled(parser.data, parser.data_length)
        if kind == _AUTH_REVOKED:
            self._take_revocation()
        if kind != _PUT and kind != _PATCH:
            # A type that is not documented is ignored.
            return None
        content = self._loads(parser.data, parser.view, parser.data_length)
        if not isinstance(content, dict) or not isinstance(content.get("path"), str) or "data" not in content:
            raise _broken("the stream sent a %s without path and data", _TYPES[kind])
        return Event(_TYPES[kind], content["path"], content["data"], self._snapshot())

    def _take_revocation(self):
        """Reconnect, with a new token or to see whether the old one is still valid."""
        token = self._client.token
        if token and token.parameter != self._parameter:
            # It has been renewed: no back-off.
            self._attempt = 0
        elif token:
            token.revoke(self._parameter)
        # The server closes this connection, but MicroPython's TLS does not report an end right after data.
        self._at = self._end
        self._lose()

    def _snapshot(self):
        """Return whether this event is the first of its connection."""
        first = self._is_first
        self._is_first = False
        return first


def _projected(parser):
    event = parser.event()
    return Event(*event) if event else None


def _cancelled(data, size):
    """Return the error for a cancel with the text data[:size]."""
    from ..errors import StreamCancelled

    # It is a JSON string; without quotes, as for auth_revoked, it is accepted too.
    quotes = size > 1 and data[0] == data[size - 1] == 34
    text = _text(data, quotes, size - quotes)
    return StreamCancelled("the server cancelled the stream: %s" % text, text)


def _path_of(parser):
    """Return the path of an event that was too large, or None if the part that was kept has none."""
    start = parser.data.find(b'"path":"', 0, parser.data_length) + 8
    end = parser.data.find(b'"', start, parser.data_length)
    return _text(parser.data, start, end) if start > 7 and end > 0 else None


def _text(data, start, end):
    """Return the text in data[start:end], or its repr if it is not UTF-8."""
    try:
        return bytes(data[start:end]).decode()
    except UnicodeError:
        return repr(bytes(data[start:end]))


def _pause(ms):
    """Flow: wait `ms` milliseconds, even if the stream is moved on earlier."""
    end = ticks_add(ticks_ms(), ms)
    while ticks_diff(end, ticks_ms()) > 0:
        yield ticks_diff(end, ticks_ms())
