"""One HTTP/1.1 answer, as a byte machine (RFC 9112).

In: bytes in a buffer, cut anywhere. Out: small ints (`NEED`, `HEAD`, `BODY`, `END`, or a negative code of what is
wrong). The machine never sees a socket and copies no body: `BODY` names the piece of the caller's buffer that holds
it. A line that is whole in the buffer is read where it lies; only a line that was cut is collected in `_line`.

Memory: one small object and 128 bytes, for ever; nothing is allocated except for the text of `Location`, `ETag` and the
first `Date`, and for a cut line longer than 128 bytes.

Limits, and why: a head (with all its 1xx forerunners, or the trailers) has at most 8 KiB, the line of a chunk size
at most 256 bytes: servers stay far below, and a hostile one must not fill the heap. Ambiguous framing is refused, not
repaired: two lengths that differ, a length beside chunks, a folded header, a bare CR, an unknown transfer coding.
"""

from ._runtime import const

# What feed() returns.
NEED = const(0)  # all was taken: feed more
HEAD = const(1)  # the head of the final answer is complete
BODY = const(2)  # buffer[piece_start:piece_end] is body
END = const(3)  # the answer is complete; buffer[position:end] is not part of it
NOT_HTTP = const(-10)
HEAD_TOO_LARGE = const(-11)
BAD_HEADER = const(-12)
BAD_LENGTH = const(-13)
BAD_CODING = const(-14)
BAD_CHUNK = const(-15)
TRUNCATED = const(-16)

REASONS = {
    NOT_HTTP: "the answer is not HTTP",
    HEAD_TOO_LARGE: "the head of the answer is larger than 8 KiB",
    BAD_HEADER: "a header of the answer is malformed",
    BAD_LENGTH: "the length of the answer is malformed or contradictory",
    BAD_CODING: "the answer has a transfer coding other than chunked",
    BAD_CHUNK: "a chunk of the answer is malformed",
    TRUNCATED: "the connection ended in the middle of the answer",
}

_HEAD_LIMIT = const(8192)
_CHUNK_LINE_LIMIT = const(256)

_STATUS = const(0)
_HEADER = const(1)
_LENGTH_BODY = const(2)
_CLOSE_BODY = const(3)
_CHUNK_SIZE = const(4)
_CHUNK_BODY = const(5)
_CHUNK_END = const(6)
_TRAILER = const(7)
_DONE = const(8)


class Response:
    """The parser. After HEAD these are set: status, keep_alive, length, chunked, retry_after, location, etag,
    is_event_stream (its Content-Type is text/event-stream).

    `length` is the declared size of the body in bytes, -1 where there is none declared. `date` is the first Date seen
    since it was set to b"". `position` is the first byte that feed() has not taken.
    """

    def __init__(self) -> None:
        self._line = bytearray(128)
        self.date = b""
        self.position = self.piece_start = self.piece_end = 0
        self.start(False)

    def start(self, bodiless: bool) -> None:
        """Await the next answer; `bodiless` when the request was a HEAD."""
        self._bodiless = bodiless
        self._head_size = 0
        self._held = 0
        self._await_head()

    def _await_head(self):
        self._state = _STATUS
        self.status = 0
        self.keep_alive = True
        self.length = -1
        self.chunked = False
        self.retry_after = -1
        self.location = None
        self.etag = None
        self.is_event_stream = False

    def feed(self, buffer: bytearray, start: int, end: int) -> int:
        """Take bytes from buffer[start:end] up to the next thing worth telling; feed the rest from `position`."""
        self.position = start
        state = self._state
        if state <= _HEADER or state == _TRAILER:
            return self._feed_head(buffer, end)
        if state == _DONE:
            return END
        if state == _LENGTH_BODY:
            return self._feed_body(buffer, end)
        if state == _CLOSE_BODY:
            return self._piece(start, end) if start < end else NEED
        return self._feed_chunks(buffer, end)

    def feed_eof(self) -> int:
        """The connection has ended: END where that ends the answer, TRUNCATED where it cuts it."""
        if self._state == _CLOSE_BODY:
            self._state = _DONE
        return END if self._state == _DONE else TRUNCATED

    def _piece(self, start, end):
        self.piece_start = start
        self.piece_end = self.position = end
        return BODY

    # Lines. A line is read in place, or collected in self._line when it was cut; `_take_line` returns whether it is
    # complete, and leaves its place in _text, _text_start, _text_end.

    def _take_line(self, buffer, end):
        start = self.position
        stop = buffer.find(b"\n", start, end)
        self.position = end if stop < 0 else stop + 1
        if stop < 0 or self._held:
            self._hold(buffer, start, self.position)
            if stop < 0:
                return False
            self._text = self._line
            self._text_start = 0
            self._text_end = self._held - 1
            self._held = 0
        else:
            self._text = buffer
            self._text_start = start
            self._text_end = stop
        if self._text_end > self._text_start and self._text[self._text_end - 1] == 13:
            self._text_end -= 1
        return True

    def _hold(self, buffer, start, end):
        line = self._line
        at = self._held
        while start < end:
            if at == len(line):
                line.extend(bytes(at))
            line[at] = buffer[start]
            at += 1
            start += 1
        self._held = at

    def _feed_head(self, buffer, end):
        while True:
            before = self.position
            complete = self._take_line(buffer, end)
            self._head_size += self.position - before
            if self._head_size > _HEAD_LIMIT:
                return HEAD_TOO_LARGE
            if not complete:
                # A peer that does not speak HTTP may never send a line feed: its first bytes tell.
                if self._state == _STATUS and self._held > 4 and not self._line.startswith(b"HTTP/"):
                    return NOT_HTTP
                return NEED
            if self._state == _STATUS:
                code = self._read_status()
            elif self._text_end > self._text_start:
                code = self._read_header() if self._state == _HEADER else NEED
            else:
                code = self._end_head()
            if code:
                return code

    def _read_status(self):
        text = self._text
        at = self._text_start
        end = self._text_end
        # "HTTP/1.1 204 No Content"; the reason may be missing, with or without the space before it.
        if end < at + 12 or not text.startswith(b"HTTP/1.", at) or text[at + 8] != 32:
            return NOT_HTTP
        if end > at + 12 and text[at + 12] != 32 or text.find(b"\r", at, end) >= 0:
            return NOT_HTTP
        status = _integer(text, at + 9, at + 12)
        if status < 100 or status == 101:
            return NOT_HTTP
        self.status = status
        self.keep_alive = text[at + 7] != 48
        self._state = _HEADER
        return NEED

    def _read_header(self):
        text = self._text
        at = self._text_start
        end = self._text_end
        colon = text.find(b":", at, end)
        if colon <= at or text[at] <= 32 or text[colon - 1] <= 32 or text.find(b"\r", at, end) >= 0:
            return BAD_HEADER
        size = colon - at
        # Few headers matter; their lengths tell them apart before their letters do.
        if size == 14 and _is(text, at, b"content-length"):
            return self._read_length(colon + 1)
        if size == 10 and _is(text, at, b"connection"):
            self._read_connection(colon + 1)
        elif size == 17 and _is(text, at, b"transfer-encoding"):
            return self._read_coding(colon + 1)
        elif size == 4:
            self._read_short(at, colon + 1)
        elif size == 12 and self.status == 200 and _is(text, at, b"content-type"):
            self._read_type(colon + 1)
        elif size == 8 and _is(text, at, b"location"):
            self.location = self._value(colon + 1)
        elif size == 11 and _is(text, at, b"retry-after"):
            self._read_retry_after(colon + 1)
        return NEED

    def _value_start(self, at):
        text = self._text
        end = self._text_end
        while end > at and text[end - 1] in b" \t":
            end -= 1
        self._text_end = end
        while at < end and text[at] in b" \t":
            at += 1
        return at

    def _value(self, at):
        at = self._value_start(at)
        return bytes(self._text[at : self._text_end])

    def _read_short(self, name, at):
        if _is(self._text, name, b"etag"):
            self.etag = self._value(at)
        elif not self.date and _is(self._text, name, b"date"):
            # Once for each connection mends a clock; a new text for each answer would be garbage.
            self.date = self._value(at)

    def _read_type(self, at):
        at = self._value_start(at)
        self.is_event_stream = self._text_end - at >= 17 and _is(self._text, at, b"text/event-stream")

    def _read_retry_after(self, at):
        # It may hold a date instead, which says less than back-off does.
        at = self._value_start(at)
        if 0 < self._text_end - at < 8:
            self.retry_after = _integer(self._text, at, self._text_end)

    def _read_length(self, at):
        at = self._value_start(at)
        text = self._text
        end = self._text_end
        if not 0 < end - at <= 9:
            return BAD_LENGTH
        length = _integer(text, at, end)
        if length < 0:
            return BAD_LENGTH
        if self.chunked or self.length >= 0 and self.length != length:
            return BAD_LENGTH
        self.length = length
        return NEED

    def _read_coding(self, at):
        at = self._value_start(at)
        if self._text_end - at != 7 or not _is(self._text, at, b"chunked") or self.chunked:
            return BAD_CODING
        if self.length >= 0:
            return BAD_LENGTH
        self.chunked = True
        return NEED

    def _read_connection(self, at):
        """A list of options (RFC 9110, section 7.6.1); `close` wins over `keep-alive`."""
        if self._has_option(at, b"close"):
            self.keep_alive = False
        elif self._has_option(at, b"keep-alive"):
            self.keep_alive = True

    def _has_option(self, at, option):
        text = self._text
        end = self._text_end
        while at < end:
            while at < end and text[at] in b" \t,":
                at += 1
            if end - at >= len(option) and _is(text, at, option):
                at += len(option)
                if at == end or text[at] in b" \t,":
                    return True
            while at < end and text[at] != 44:
                at += 1
        return False

    def _end_head(self):
        if self._state == _TRAILER:
            self._state = _DONE
            return END
        if self.status < 200:
            self._await_head()
            return NEED
        self._head_size = 0
        if self._bodiless or self.status == 204 or self.status == 304 or self.length == 0:
            self._state = _DONE
        elif self.chunked:
            self._state = _CHUNK_SIZE
        elif self.length > 0:
            self._state = _LENGTH_BODY
            self._left = self.length
        else:
            self._state = _CLOSE_BODY
            self.keep_alive = False
        return HEAD

    def _feed_body(self, buffer, end):
        at = self.position
        if at == end:
            return NEED
        if end - at >= self._left:
            end = at + self._left
            self._state = _DONE
        self._left -= end - at
        return self._piece(at, end)

    def _feed_chunks(self, buffer, end):
        while True:
            if self._state == _CHUNK_BODY:
                at = self.position
                if at == end:
                    return NEED
                stop = min(end, at + self._left)
                self._left -= stop - at
                if not self._left:
                    self._state = _CHUNK_END
                return self._piece(at, stop)
            if self._state == _TRAILER:
                return self._feed_head(buffer, end)
            complete = self._take_line(buffer, end)
            if self._held > _CHUNK_LINE_LIMIT:
                return BAD_CHUNK
            if not complete:
                return NEED
            code = self._read_chunk_end() if self._state == _CHUNK_END else self._read_chunk_size()
            if code:
                return code

    def _read_chunk_end(self):
        self._state = _CHUNK_SIZE
        return NEED if self._text_end == self._text_start else BAD_CHUNK

    def _read_chunk_size(self):
        text = self._text
        at = self._text_start
        end = self._text_end
        if end - at > _CHUNK_LINE_LIMIT:
            return BAD_CHUNK
        size = digits = 0
        while at < end:
            digit = _hex(text[at])
            if digit < 0:
                break
            size = size * 16 + digit
            digits += 1
            at += 1
        while at < end and text[at] in b" \t":
            at += 1
        # Extensions (RFC 9112, section 7.1.1) are skipped. Seven digits are 256 MB, the largest answer of the service.
        if not 0 < digits <= 7 or at < end and text[at] != 59:
            return BAD_CHUNK
        self._left = size
        self._state = _CHUNK_BODY if size else _TRAILER
        return NEED


def _is(text, at, name):
    """Whether `name`, in lower case, stands at text[at] in any case."""
    for letter in name:
        if text[at] | 32 != letter:
            return False
        at += 1
    return True


def _hex(byte):
    if 48 <= byte <= 57:
        return byte - 48
    byte |= 32
    return byte - 87 if 97 <= byte <= 102 else -1


def _integer(text, at, end):
    """The whole number in text[at:end]; -1 where it is none."""
    number = 0
    while at < end:
        digit = text[at] - 48
        if not 0 <= digit <= 9:
            return -1
        number = number * 10 + digit
        at += 1
    return number
