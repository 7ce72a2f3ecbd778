"""One HTTP exchange after another on one socket: `step()`, the primitive of everything.

`begin()` hands over the bytes of a request. `step()` then moves the exchange on as far as the socket allows and
returns a small int: DONE, HEAD, BODY (the last two only where the answer is streamed), READ or WRITE (what it waits
for: a pump waits and calls again), or FAILED, with the reason in `failure` and `error`. It raises nothing.

Memory: a buffer of 1 KiB for what is received and one for the body of an answer, both for ever; with an answer
without a body, an exchange allocates nothing. Limits: an answer has at most `answer_bytes`; of an error's body, the
first 512 bytes are kept.
"""

from ._buffer import copy
from ._http1 import BODY as _BODY
from ._http1 import END as _END
from ._http1 import HEAD as _HEAD
from ._http1 import REASONS, TRUNCATED, Response
from ._runtime import MICROPYTHON, READ, WRITE, const, read, ticks_add, ticks_diff, ticks_ms, write
from ._transport import Transport
from .errors import FlameletError, NetworkError, ProtocolError, Timeout

DONE = const(0)
BODY = const(2)
HEAD = const(3)
FAILED = const(-1)

# What `failure` says, beside the codes of _http1.
CLOSED = const(-2)  # the server closed the connection before it answered
BROKEN = const(-3)  # the socket failed: `error` says how
LATE = const(-4)  # a deadline passed
TOO_LARGE = const(-5)

_ERROR_BYTES = const(512)


class _Caught:
    """A `with` block that keeps the exception it caught; `except ... as` would take its frame from the heap."""

    error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Exception):
            self.error = error
            return True
        return False


class Connection(Transport):
    """A transport and the exchange on it.

    `busy`: someone is using it; `over`: no exchange is under way; `fresh`: none was completed since it was opened.
    """

    def __init__(self, origin, ca, timeouts, answer_bytes: int) -> None:
        super().__init__(origin, ca, timeouts)
        self.response = Response()
        self.buffer = bytearray(1024)
        self.body = bytearray(128)
        self.body_size = 0
        self.answer_bytes = answer_bytes
        self.busy = False
        self.fresh = True
        self.over = True
        self.sent = 0
        self.failure = 0
        self.error = None
        self._caught = _Caught()
        self._left = 0
        self._at = self._have = 0

    def open(self):
        """Flow: connect to the origin, and shake hands."""
        self.fresh = True
        self.over = False
        self.response.date = b""
        self._at = self._have = 0
        yield from super().open()
        self.over = True

    def begin(self, request, size: int, streamed: bool = False, bodiless: bool = False) -> None:
        """Await the answer to request[:size], which must not change until DONE; `bodiless` for HEAD."""
        self._request = request
        self._left = size
        self._streamed = streamed
        self.sent = self.body_size = self.failure = 0
        self.error = None
        self.over = False
        self.response.start(bodiless)
        now = ticks_ms()
        self._end = ticks_add(now, self.timeouts.answer)
        # On MicroPython the handshake happens within the first write.
        first = self.timeouts.handshake if MICROPYTHON and self.fresh and self.origin.tls else self.timeouts.first_byte
        self.deadline = ticks_add(now, first)

    def unstream(self) -> int:
        """After HEAD: collect the body after all, as of any other answer; the first step of that."""
        self._streamed = False
        self.deadline = self._end
        return self.step()

    def step(self) -> int:
        """Move the exchange on. DONE, HEAD, BODY, READ, WRITE or FAILED."""
        with self._caught:
            return self._advance()
        self.error = self._caught.error
        return self._fail(BROKEN)

    def _advance(self):
        return self._send() if self._left else self._receive()

    def _send(self):
        count = write(self.sock, self._request, self.sent, self._left)
        if count is None:
            return self._pending(READ if MICROPYTHON and self.origin.tls and not self.sent else WRITE)
        self.sent += count
        self._left -= count
        self.deadline = ticks_add(ticks_ms(), self.timeouts.first_byte)
        # The answer cannot be there yet: reading would be a system call for nothing.
        return self._pending(WRITE if self._left else READ)

    def _receive(self):
        while True:
            code = self.response.feed(self.buffer, self._at, self._have)
            self._at = self.response.position
            code = self._take(code) if code else self._fill()
            if code is not None:
                return code

    def _fill(self):
        """Read what is there into the buffer, which was all taken; what step() returns where nothing is."""
        self._at = self._have = 0
        have = read(self.sock, self.buffer)
        if have is None:
            return self._pending(READ)
        if not self._streamed:
            self.deadline = self._end
        self._have = have
        return None if have else self._ended()

    def _take(self, code):
        """What step() returns for a code of the parser; None to go on."""
        if code == _BODY:
            return BODY if self._streamed else self._collect()
        if code == _HEAD:
            return HEAD if self._streamed else None
        return self._finish() if code == _END else self._fail(code)

    def _ended(self):
        code = self.response.feed_eof()
        if code == _END:
            return self._finish()
        return self._fail(CLOSED if self.response.status == 0 else TRUNCATED)

    def _finish(self):
        self.fresh = False
        self.over = True
        # Bytes behind an answer that nobody asked for: whose they are cannot be known.
        if not self.response.keep_alive or self._at < self._have or self._left:
            self.close()
        return DONE

    def _pending(self, events):
        self.events = events
        return self._fail(LATE) if ticks_diff(self.deadline, ticks_ms()) <= 0 else events

    def _fail(self, failure):
        self.failure = failure
        self.over = True
        self.close()
        return FAILED

    def _collect(self):
        start = self.response.piece_start
        size = self.body_size + self.response.piece_end - start
        if self.response.status >= 400 and size > _ERROR_BYTES:
            size = _ERROR_BYTES
        elif size > self.answer_bytes:
            return self._fail(TOO_LARGE)
        if size > len(self.body):
            declared = min(self.response.length, self.answer_bytes, 16 * size)
            self._grow(max(size, declared, 2 * len(self.body)))
        self.body_size = copy(self.body, self.body_size, self.buffer, start, start + size - self.body_size)
        return None

    def _grow(self, size):
        body = bytearray(size)
        body[: self.body_size] = memoryview(self.body)[: self.body_size]
        self.body = body

    def is_alive(self) -> bool:
        """Whether the server has left the idle connection open; where it has not, it is closed here too."""
        try:
            alive = self.sock is not None and read(self.sock, self.buffer) is None
        except Exception as error:
            self.error = error
            alive = False
        if not alive:
            self.close()
        return alive


def failed(connection: Connection, what: str) -> FlameletError:
    """The error for the exchange that failed; `what` was asked, e.g. "PUT /a.json"."""
    failure = connection.failure
    host = connection.origin.host
    if failure == LATE:
        return Timeout("%s: no answer from %s within the deadline" % (what, host))
    if failure == CLOSED:
        return NetworkError("%s: %s closed the connection before it answered" % (what, host))
    if failure == BROKEN and isinstance(connection.error, MemoryError):
        return ProtocolError("%s: the answer does not fit into the memory: ask for less" % what)
    if failure == BROKEN and connection.origin.tls and connection.fresh and not connection.sent:
        return connection.untrusted(connection.error)
    if failure == BROKEN:
        return NetworkError("%s: the connection to %s broke (%s)" % (what, host, connection.error))
    if failure == TOO_LARGE:
        text = "%s: the answer is larger than answer_bytes=%d: ask for less, or allow more"
        return ProtocolError(text % (what, connection.answer_bytes))
    if failure == TRUNCATED:
        return NetworkError("%s: %s" % (what, REASONS[failure]))
    return ProtocolError("%s: %s: is %s the right server?" % (what, REASONS[failure], host))
