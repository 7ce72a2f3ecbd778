"""Parses one HTTP/1.1 answer (RFC 9112).

In: bytes in a buffer, cut anywhere. Out: small ints (`NEED`, `HEAD`, `BODY`, `END`, or a negative code of
what is wrong). It never sees a socket and copies no body: after `BODY`, `piece_start` and `piece_end` tell where in the
caller's buffer it is. A line that is whole in the buffer is read in place; only a line that was cut is collected in
`_line`.

Memory: one small object and 64 bytes, permanently; beyond that only the headers that the caller wants, and a longer
`_line` if a longer line was cut. The lines between chunks are read by chunked.py, which is loaded with the first one.

Limits, and why: a head (with all 1xx answers before it), the trailers, or the line of a chunk's size have at most 8
KiB: servers stay far below, and a hostile one must not fill the heap. Ambiguous framing is an error: two lengths that
differ, a length beside chunks, a folded header, a bare CR, an unknown transfer coding.
"""

from ..core.runtime import const

# What feed() returns; the codes of failures have names in wire/codes.py, since a name takes memory.
NEED = const(0)  # all bytes were read: feed more
BODY = const(2)  # buffer[piece_start:piece_end] is body
HEAD = const(3)  # the head of the final answer is complete
END = const(5)  # the answer is complete; buffer[position:end] is not part of it
_NOT_HTTP = const(-10)
_TOO_LONG = const(-11)
_BAD_HEADER = const(-12)
_BAD_LENGTH = const(-13)
_BAD_CODING = const(-14)
_BAD_CHUNK = const(-15)
_TRUNCATED = const(-16)
_LIMIT = const(8192)
# The first five states read lines.
_STATUS = const(0)
_HEADER = const(1)
_TRAILER = const(2)
_CHUNK_SIZE = const(3)
_CHUNK_END = const(4)
_SIZED = const(5)  # _left bytes of body: of the answer, or of a chunk
_UNSIZED = const(6)  # the body ends with the connection
_DONE = const(7)


def _no_chunks(response, text, at: int, end: int) -> int:
    # In place of read_line of chunked.py, until the first answer in chunks.
    return _BAD_CHUNK


class Response:
    """Parses one answer after another. After HEAD these are set: status, keep_alive, length (-1: not given), chunked,
    headers.

    `headers` holds those that are `wanted`, a tuple of names in lower case, with their values as bytes. `position` is
    the first byte that feed() has not read.
    """

    def __init__(self) -> None:
        self._line = bytearray(64)
        self._read_chunk_line = _no_chunks
        self.wanted: tuple = ()
        self.headers: dict = {}
        self.position = self.piece_start = self.piece_end = 0
        self.start(False)

    def start(self, bodiless: bool) -> None:
        """Start the next answer; `bodiless`: the request was a HEAD."""
        self._bodiless = bodiless
        self._size = self._held = 0
        self._begin_head()

    def _begin_head(self):
        self.state = _STATUS
        self.status = 0
        self.length = -1
        self.chunked = False
        self.keep_alive: object = False
        if self.headers:
            self.headers.clear()

    def feed(self, buffer: bytearray, start: int, end: int) -> int:
        """Read buffer[start:end] up to the next event. Returns its code; feed the rest from `position`."""
        self.position = start
        if self.state < _SIZED:
            return self._feed_lines(buffer, end)
        if self.state == _DONE:
            return END
        if start == end:
            return NEED
        if self.state == _SIZED:
            end = min(end, start + self.left)
            self.left -= end - start
            if not self.left:
                self.state = _CHUNK_END if self.chunked else _DONE
        self._size = 0
        self.piece_start = start
        self.piece_end = self.position = end
        return BODY

    def feed_eof(self) -> int:
        """End the answer, with the connection. Returns END if it is whole, TRUNCATED if it is cut."""
        return END if self.state == _UNSIZED or self.state == _DONE else _TRUNCATED

    def _feed_lines(self, buffer, end):
        while self.state < _SIZED:
            at = self.position
            stop = buffer.find(b"\n", at, end)
            self.position = end if stop < 0 else stop + 1
            self._size += self.position - at
            if self._size > _LIMIT:
                return _TOO_LONG
            is_cut = stop < 0
            stop = self._hold(buffer, at, is_cut) if is_cut or self._held else self._read_line(buffer, at, stop)
            if stop or is_cut:
                return stop
        return self.feed(buffer, self.position, end)

    def _hold(self, buffer, at, is_cut):
        """Collect the bytes of a line that was cut, and read it when it is whole."""
        line = self._line
        while at < self.position:
            if self._held == len(line):
                line.extend(bytes(len(line)))
            line[self._held] = buffer[at]
            self._held += 1
            at += 1
        if not is_cut:
            at = self._held
            self._held = 0
            return self._read_line(line, 0, at - 1)
        # A peer that does not speak HTTP may never send a line feed: its first bytes show it.
        return _NOT_HTTP if self.state == _STATUS and self._held > 4 and not line.startswith(b"HTTP/") else NEED

    def _read_line(self, text, at, end):
        if end > at and text[end - 1] == 13:
            end -= 1
        if self.state >= _CHUNK_SIZE:
            return self._read_chunk_line(self, text, at, end)
        if self.state == _STATUS:
            return self._read_status(text, at, end)
        return self._read_header(text, at, end) if at < end else self._end_head()

    def _read_status(self, text, at, end):
        # "HTTP/1.1 204 No Content"; the reason may be missing, with or without the space before it.
        if end < at + 12 or not text.startswith(b"HTTP/1.", at) or text[at + 8] != 32 or text.find(b"\r", at, end) >= 0:
            return _NOT_HTTP
        self.status = _integer(text, at + 9, at + 12)
        if self.status < 100 or self.status == 101 or end > at + 12 and text[at + 12] != 32:
            return _NOT_HTTP
        # HTTP/1.0 does not keep a connection alive unless it says so.
        self.keep_alive = True if text[at + 7] != 48 else None
        self.state = _HEADER
        return NEED

    def _read_header(self, text, name, end):
        size = text.find(b":", name, end) - name
        if size <= 0 or text[name] <= 32 or text[name + size - 1] <= 32 or text.find(b"\r", name, end) >= 0:
            return _BAD_HEADER
        while text[end - 1] <= 32:
            end -= 1
        at = name + size + 1
        while at < end and text[at] <= 32:
            at += 1
        # Few headers matter: the length is compared before the letters. A trailer does not frame the body.
        if self.state == _TRAILER:
            return NEED
        if size == 14 and _is(text, name, b"content-length"):
            size = _integer(text, at, end)
            if not 0 < end - at < 10 or size < 0 or self.chunked or self.length >= 0 and self.length != size:
                return _BAD_LENGTH
            self.length = size
        elif size == 17 and _is(text, name, b"transfer-encoding"):
            if end - at != 7 or not _is(text, at, b"chunked") or self.chunked:
                return _BAD_CODING
            self._expect_chunks()
            if self.length >= 0:
                return _BAD_LENGTH
        elif size == 10 and _is(text, name, b"connection"):
            self._read_connection(text, at, end)
        return self._keep(text, name, end) if self.wanted else NEED

    def _expect_chunks(self):
        if self._read_chunk_line is _no_chunks:
            # frame: with another local, that of _read_header would come from the heap.
            from .chunked import read_line

            # Kept, since an import allocates even if the module is loaded.
            self._read_chunk_line = read_line
        self.chunked = True

    def _keep(self, text, at, end):
        colon = text.find(b":", at, end)
        for name in self.wanted:
            if len(name) == colon - at and _is(text, at, name):
                self.headers[name] = bytes(text[colon + 1 : end]).strip()
        return NEED

    def _read_connection(self, text, at, end):
        # A list of options (RFC 9110, section 7.6.1): `close` wins, in any position.
        while True:
            while at < end and text[at] <= 32:
                at += 1
            if _is(text, at, b"close"):
                self.keep_alive = False
            elif self.keep_alive is None and _is(text, at, b"keep-alive"):
                self.keep_alive = True
            at = text.find(b",", at, end) + 1
            if not at:
                return

    def _end_head(self):
        if self.state == _TRAILER:
            self.state = _DONE
            return END
        if self.status < 200:
            self._begin_head()
            return NEED
        self._size = 0
        self.keep_alive = self.keep_alive is True
        self.left = self.length
        if self._bodiless or self.status == 204 or self.status == 304 or not self.length:
            self.state = _DONE
        elif self.chunked:
            self.state = _CHUNK_SIZE
        elif self.length > 0:
            self.state = _SIZED
        else:
            self.state = _UNSIZED
            self.keep_alive = False
        return HEAD


def _is(text, at, name):
    """Return whether text[at:] begins with `name`, which is in lower case, in any case."""
    for letter in name:
        if text[at] | 32 != letter:
            return False
        at += 1
    return True


def _integer(text, at, end):
    """Return the whole number in text[at:end], or -1 if it is not one."""
    number = 0
    while at < end:
        if not 48 <= text[at] <= 57:
            return -1
        number = number * 10 + text[at] - 48
        at += 1
    return number
