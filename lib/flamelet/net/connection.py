"""Runs one HTTP exchange after another on one socket.

`begin()` takes the bytes of a request. `step()` then moves the exchange on as far as the socket allows and returns a
small int: DONE, HEAD or BODY (of wire/http1.py; only if the answer is streamed), READ or WRITE (what it waits for: a
pump waits and calls again), or FAILED, with the reason in `failure` and `error`. It raises nothing.

Memory: 512 bytes to receive, permanently. An exchange allocates nothing if its answer has no body. A body is collected
by body.py, up to `answer_bytes`.
"""

from ..core.runtime import READ, WRITE, const, read, ticks_add, ticks_diff, ticks_ms, write
from ..wire.http1 import BODY, END, Response
from .transport import Transport

DONE = const(0)
_FAILED = const(-1)
# Codes in `failure`, beside those of wire/http1.py; wire/codes.py names them all.
_CLOSED = const(-2)  # the server closed the connection before it answered
_BROKEN = const(-3)  # the socket failed: `error` says how
_LATE = const(-4)  # a deadline passed
_TOO_LARGE = const(-5)
_TRUNCATED = const(-16)


class Connection(Transport):
    """A transport and the exchange on it.

    `in_use`: someone is using it; `idle`: no exchange is under way; `new`: none was completed since it was opened;
    `sent`: how many bytes of the request were sent; `streamed`: `step` returns HEAD and BODY; `end`: the deadline of
    the whole answer; `body[:body_size]`: the body of the answer.
    """

    def __init__(self, origin, ca, timeouts, answer_bytes: int) -> None:
        super().__init__(origin, ca, timeouts)
        self.response = Response()
        self.buffer = bytearray(512)
        self.body = bytearray()
        self.answer_bytes = answer_bytes
        self.in_use = False
        self.after_step: object = None  # called at the end of a step that shakes hands
        self.new = self.idle = True
        self.sent = self.failure = self.body_size = 0
        self._left = self._at = self._have = 0

    def open(self):
        """Flow: connect to the origin, with its TLS handshake."""
        self.new = True
        self.idle = False
        self._at = self._have = 0
        yield from super().open()
        self.idle = True

    def begin(self, request, size: int, streamed: bool = False, bodiless: bool = False) -> None:
        """Begin the exchange of request[:size], which must not change until DONE; `bodiless`: it is a HEAD."""
        self.request = request
        self._left = size
        self.streamed = streamed
        self.sent = self.failure = self.body_size = 0
        self.idle = False
        self.response.start(bodiless)
        self.end = ticks_add(ticks_ms(), self.timeouts.answer)
        # On MicroPython the handshake happens within the first write.
        wait = self.timeouts.handshake if self.shakes else self.timeouts.first_byte
        self.deadline = ticks_add(ticks_ms(), wait)

    def step(self) -> int:
        """Move the exchange on. Returns DONE, HEAD, BODY, READ, WRITE or FAILED."""
        with self:
            return self._send() if self._left else self._receive()
        return self._fail(_BROKEN)

    def step_to(self, wanted: int):
        """Flow: move the exchange on to `wanted`, HEAD or BODY, or to its end. Returns the code."""
        code = self.step()
        while code > DONE and code != wanted:
            yield self
            code = self.step()
        return code

    # frame: a `with` block keeps the exception; that of `except ... as` would come from the heap.

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.error = error
        if self.after_step:
            self.after_step()  # type: ignore[operator]
        return isinstance(error, Exception)

    def _send(self):
        if self.shakes:
            from .tls import prepare

            prepare(self)
        count = write(self.sock, self.request, self.sent, self._left)
        if count is None:
            return self._pending(READ if self.shakes else WRITE)
        self.shakes = False
        self.sent += count
        self._left -= count
        self.deadline = ticks_add(ticks_ms(), self.timeouts.first_byte)
        # A peer that reads the request very slowly gets no more time than for the whole answer.
        if self._left and ticks_diff(self.end, self.deadline) < 0:
            self.deadline = self.end
        # The answer cannot be there yet: a read would be a wasted system call.
        return self._pending(WRITE if self._left else READ)

    def _receive(self):
        while True:
            code = self.response.feed(self.buffer, self._at, self._have)
            self._at = self.response.position
            if code == BODY and not self.streamed:
                from .body import collect

                result = None if collect(self) else self._fail(_TOO_LARGE)
            elif code == END:
                result = self._finish()
            elif code < 0:
                result = self._fail(code)
            elif code:
                result = code if self.streamed else None
            else:
                result = self._fill()
            if result is not None:
                return result

    def _fill(self):
        """Read into the buffer, all of which was parsed. Returns None, or what step() returns if there is nothing."""
        self._at = self._have = 0
        have = read(self.sock, self.buffer)
        if have is None:
            return self._pending(READ)
        if have:
            if not self.streamed:
                self.deadline = self.end
            self._have = have
            return None
        if self.response.feed_eof() == END:
            return self._finish()
        return self._fail(_TRUNCATED if self.response.status else _CLOSED)

    def _finish(self):
        self.new = False
        self.idle = True
        # Bytes after the answer belong to no request.
        if not self.response.keep_alive or self._at < self._have or self._left:
            self.close()
        return DONE

    def _pending(self, events):
        self.events = events
        return events if self.remaining() else self._fail(_LATE)

    def _fail(self, failure):
        self.failure = failure
        self.idle = True
        self.close()
        return _FAILED
