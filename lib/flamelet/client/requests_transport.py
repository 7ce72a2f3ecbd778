"""Sends requests through a module like MicroPython's `requests`, for boards whose network is a modem.

In: the bytes of a request, as every `Connection` takes them. Out: the codes and the answer that every `Connection`
gives, so all flows but those of streams work through it. The module connects, verifies the server or not, and waits;
each of its responses is closed, whatever happens.

The Date of an answer is ignored, since the module may not verify the server. Any error of the module counts as a lost
answer, unless the connection was refused; its text may hold a token, so our errors name only its class and number.
Redirects are followed here if the module allows it: by itself it would follow them anywhere, with the token.

Memory: a request and its answer are held whole, and copied. Deadline: `first_byte`, if the module has a `timeout`.
Loaded with the first client that has a transport.
"""

import gc
from errno import ECONNREFUSED, ETIMEDOUT

from .. import FlameletError, InvalidArgument, _broken
from ..core.runtime import MICROPYTHON, READ, const
from ..net.connection import DONE, Connection
from ..wire.http1 import BODY, HEAD

# As in wire/codes.py.
_BROKEN = const(-3)
_LATE = const(-4)
_TOO_LARGE = const(-5)
_TRUNCATED = const(-16)
_ERROR_BYTES = const(8192)  # of the body of an error, as in net/body.py
# Options beside data and headers, the best first: of CPython's requests, of MicroPython's, and of older ones.
_OPTIONS = (("timeout", "allow_redirects"), ("timeout", "parse_headers"), ("timeout",), ())
_NEED_ETAG = ("X-Firebase-ETag", "If-None-Match")
_NO_HEADERS = "%s: the responses of this transport have no headers, so their ETag cannot be read"


class _Redirected(OSError):
    # An OSError, since MicroPython's requests closes its socket for one.
    pass


class RequestsTransport:
    """Makes the connections of one client; `ca` must be None.

    Raises InvalidArgument if `module` has no `request`, or `ca` is given.
    """

    def __init__(self, module, ca) -> None:
        if not callable(getattr(module, "request", None)):
            text = "a transport has request(method, url, data=, headers=), like the module requests; %r has none"
            raise InvalidArgument(text % (module,))
        if ca is not None:
            raise InvalidArgument("ca is for flamelet's own TLS: what a transport trusts is set in the transport")
        self._module = module
        self._choices = list(_OPTIONS)

    def connect(self, *arguments):
        """Return a connection that sends through the module; `arguments`: as for `Connection`."""
        return RequestsConnection(self._module, self._choices, *arguments)


def no_stream() -> InvalidArgument:
    """Return the error for a stream over a client with a transport."""
    text = "listen and mirror need a stream, but a transport returns whole answers: get the value now and then"
    return InvalidArgument(text)


class RequestsConnection(Connection):
    """Runs the exchange of a request through `module`.

    It has no socket. A pump waits for it by calling it, as it calls every function, which blocks; on CPython that of
    asyncio does so in a thread. `choices`: the _OPTIONS that are left to try, shared by the connections of a client.
    """

    def __init__(self, module, choices, *arguments) -> None:
        super().__init__(*arguments)
        self._module = module
        self._choices = choices
        self._call: tuple = ()
        self._answer: object = None
        self._content = self.buffer = bytearray()

    def open(self):
        """Flow: do nothing, since the module opens its own connection."""
        self.idle = True
        self.new = False
        yield from ()

    def begin(self, request, size: int, streamed: bool = False, bodiless: bool = False) -> None:
        """Begin the exchange of request[:size]."""
        super().begin(request, size, streamed, bodiless)
        # Whatever the module raises, the whole request may have arrived.
        self.sent = size
        self._answer = None
        self._content = self.buffer = self.body = bytearray()
        # Copied now: the caller may give up and write the next request while a thread is about to send this one.
        self._call = _call(self.origin.tls, request, size)

    def __call__(self) -> None:
        """Call the module, and keep its answer or error. Blocks, and raises nothing."""
        call = self._call
        answer: object
        try:
            answer = self._asked(*call)
        except Exception as error:
            answer = error
        # The caller may have given up meanwhile, and another request may have begun.
        if self._call is call:
            self._answer = answer

    def step(self) -> int:
        """Move the exchange on, as `Connection.step`. Raises ProtocolError if the module cannot do what it needs.

        It may raise, since the hot path of a feed, which does not expect that, needs a socket.
        """
        answer = self._answer
        if answer is None:
            return READ
        self._call = ()
        response = self.response
        if isinstance(answer, tuple):
            response.status, response.headers, self._content = answer
            self._answer = False
            if self.streamed:
                return HEAD
        elif answer is not False:
            return self._failed(answer)
        if self.streamed and self._content:
            self.buffer = self._content
            response.piece_start = 0
            response.piece_end = len(self._content)
            self._content = bytearray()
            return BODY
        if not self.streamed:
            self.body = self._content
            self.body_size = len(self._content)
        self.idle = True
        return DONE

    def _asked(self, method, url, headers, body):
        """Return (status, headers, content) of the answer of the module."""
        try:
            response = self._requested(method, url, headers, body)
        except _Redirected as redirected:
            if method != "GET":
                text = "%s: a redirect, which a write through this transport cannot follow: is the URL right?"
                raise _broken(text, _name(method, url))
            return 307, {b"location": redirected.args[0]}, bytearray()
        try:
            return self._read(response, method, url, headers)
        finally:
            _close(response)

    def _requested(self, method, url, headers, body):
        """Return the response of the module, which is called with the best options that it accepts."""
        choices = self._choices
        values = {
            "timeout": self.timeouts.first_byte / 1000,
            "allow_redirects": False,
            "parse_headers": _keep,
        }
        while True:
            names = choices[0]
            options = {name: values[name] for name in names}
            try:
                response = self._module.request(method, url, data=body, headers=headers.copy(), **options)
            except TypeError as error:
                # It does not accept an argument: nothing was sent. After a success it is another problem.
                if len(choices) == 1 or "argument" not in str(error):
                    raise
                if choices[0] is names:
                    del choices[0]
            else:
                del choices[1:]
                return response

    def _read(self, response, method, url, headers):
        status = response.status_code
        if not 99 < status < 1000:
            raise ValueError
        found = self._headers(response)
        if found is None:
            found = {}
            is_answer = status < 300 or status == 412
            if is_answer and any(name in headers for name in _NEED_ETAG):
                raise _no_etag(method, url)
        is_error = status >= 400 and status != 412
        length = found.get(b"content-length", b"")
        size = int(length) if length.isdigit() else 0
        if not (self.streamed or is_error) and size > self.answer_bytes:
            raise MemoryError
        content = response.content or b""
        if isinstance(content, str):
            content = content.encode()
        if size > len(content) and status not in (204, 304) and b"content-encoding" not in found:
            raise EOFError
        if self.streamed and status < 300:
            return status, found, content
        if is_error:
            content = content[:_ERROR_BYTES]
        elif len(content) > self.answer_bytes:
            raise MemoryError
        return status, found, bytearray(content)

    def _headers(self, response):
        """Return {name: value} of the headers that matter, in bytes, or None if the responses have no headers."""
        headers = getattr(response, "headers", None)
        if headers is None:
            return None
        # MicroPython's requests keeps the case of the names; others ignore it.
        if isinstance(headers, dict):
            headers = {name.lower(): headers[name] for name in headers}
        found = {}
        for name in self.response.wanted + (b"content-length", b"content-encoding"):
            value = headers.get(name.decode())
            if value is not None and name != b"date":
                found[name] = value.encode() if isinstance(value, str) else value
        return found

    def _failed(self, error):
        self._answer = False
        self.idle = True
        if MICROPYTHON:
            # MicroPython's requests closes its socket for an OSError only; the collector closes it otherwise.
            gc.collect()
        if isinstance(error, FlameletError):
            raise error
        kind = type(error).__name__
        number = getattr(error, "errno", None)
        self.error = "%s %d" % (kind, number) if isinstance(number, int) else kind
        if number == ECONNREFUSED:
            self.sent = 0
        if isinstance(error, MemoryError):
            return self._fail(_TOO_LARGE)
        if isinstance(error, EOFError):
            return self._fail(_TRUNCATED)
        return self._fail(_LATE if number == ETIMEDOUT or "Timeout" in kind else _BROKEN)


def _call(tls, request, size):
    """Return (method, URL, headers, body) of request[:size]."""
    view = memoryview(request)
    end = request.find(b"\r\n\r\n")
    lines = bytes(view[:end]).decode().split("\r\n")
    body = bytes(view[end + 4 : size]) or None
    method, target, _ = lines[0].split(" ")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name] = value.strip()
    host = headers["Host"]
    # Modules write their own Host, but without the port, and the length of a body.
    if ":" not in host:
        del headers["Host"]
    if body:
        del headers["Content-Length"]
    return method, "%s://%s%s" % ("https" if tls else "http", host, target), headers, body


def _keep(line, headers):
    """Keep a line of the head in `headers`: for `parse_headers` of MicroPython's requests. Raises at a redirect."""
    name, _, value = line.decode().partition(":")
    if name.lower() == "location":
        raise _Redirected(value.strip().encode())
    headers[name] = value.strip()


def _no_etag(method, url):
    error = _broken(_NO_HEADERS, _name(method, url))
    if method == "GET":
        return error
    from ..errors import in_doubt

    return in_doubt(error)


def _name(method, url):
    """Return the name of the request, without the query, which may hold a token."""
    return "%s /%s" % (method, url.split("?")[0].split("/", 3)[3])


def _close(response):
    try:
        response.close()
    except OSError:
        return  # its socket is closed already
