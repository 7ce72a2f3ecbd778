"""What the services share: where the service is, its connection, and the flow of a request.

`Client.exchange` is the flow that every request goes through. It opens the connection within the budget, repeats what
may be repeated, follows redirects, and ends with an answer or one of our errors.

A request is repeated by itself only if nothing of it was sent, if the server said 503 (it was not attempted), or if it
is `repeatable`: doing it twice is the same as doing it once. Otherwise a lost answer raises OutcomeUnknown. Where the
server closed an idle connection, which it does all the time, the repetition is at once; else it waits (full jitter).

Redirects (RFC 9110, section 15.4): 307 and 308 keep method, body and token, 301 to 303 are followed by a GET alone; to
the same site, never from https to http, five at most. The next request begins at the original host again.
"""

from . import _flow, _push_id, _url
from ._budget import Budget
from ._connection import DONE, Connection, failed
from ._runtime import const, getrandbits, ticks_add, ticks_diff, ticks_ms
from ._transport import Timeouts
from .auth import to_token
from .errors import (
    BadRequest,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    ProtocolError,
    ResourceExhausted,
    ResponseError,
    Timeout,
    Unauthenticated,
    Unavailable,
)

_ATTEMPTS = const(3)
_REDIRECTS = const(5)
_LONGEST_WAIT = const(10000)
_POLL = const(5)
_ADVICE = {
    Unauthenticated: " (mint a new token)",
    PermissionDenied: " (the rules refuse this to this token)",
    ResourceExhausted: " (wait before the next request)",
}


class Client:
    """One origin. See `Database` for the arguments."""

    def __init__(
        self,
        url: str,
        token=None,
        ca=None,
        insecure: bool = False,
        budget=2,
        timeouts=None,
        answer_bytes: int = 1 << 20,
    ) -> None:
        self._origin, path, self._query = _url.parse(url, insecure)
        self._path = path.rstrip("/")
        self._token = to_token(token)
        self._ca = ca
        self._insecure = insecure
        self._budget = budget if isinstance(budget, Budget) else Budget(budget)
        self._timeouts = timeouts or Timeouts()
        self._answer_bytes = answer_bytes
        self._connection = self._new_connection()
        self._streams: list = []

    def _new_connection(self):
        return Connection(self._origin, self._ca, self._timeouts, self._answer_bytes)

    def _run(self, flow):
        return _flow.run(flow)

    def close(self) -> None:
        """Close what is open: the connection, and every stream. The client can be used again."""
        for stream in list(self._streams):
            stream.close()
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _open(self, connection):
        """Flow: open `connection` within the budget."""
        yield from self._budget.take(connection)
        yield from connection.open()

    def _exchange(self, request, size, repeatable):
        """Flow: the answer to request[:size], whatever its status, in the connection that is returned."""
        connection = self._connection
        yield from self._turn()
        connection.busy = True
        try:
            yield from self._redirected(connection, request, size, repeatable)
        finally:
            # Where it was interrupted, the rest of the answer would be taken for the next one.
            if not connection.over or connection.origin is not self._origin:
                connection.close()
            connection.origin = self._origin
            connection.busy = False
        self._learn(connection)
        return connection

    def _turn(self):
        """Flow: wait until nobody uses the connection."""
        end = ticks_add(ticks_ms(), 2 * self._timeouts.answer)
        while self._connection.busy:
            if ticks_diff(end, ticks_ms()) <= 0:
                raise Timeout("the connection stayed busy: was a push not awaited?")
            yield _POLL

    def _redirected(self, connection, request, size, repeatable):
        for _ in range(_REDIRECTS + 1):
            yield from self._attempted(connection, request, size, repeatable)
            if connection.response.status not in (301, 302, 303, 307, 308):
                return
            request = redirect(connection, request, size, self._parameters(), self._insecure)
            size = len(request)
        raise ProtocolError("%s: more than %d redirects" % (name(request), _REDIRECTS))

    def _attempted(self, connection, request, size, repeatable):
        attempt = 0
        while True:
            attempt += 1
            if not connection.over:
                connection.close()
            elif connection.sock and not repeatable:
                connection.is_alive()
            reused = connection.sock is not None
            if not reused:
                yield from self._open(connection)
            connection.begin(request, size)
            code = connection.step()
            while code > DONE:
                yield connection
                code = connection.step()
            pause = self._pause(connection, code, reused, repeatable, attempt, request)
            if pause < 0:
                return
            if pause:
                yield pause

    def _pause(self, connection, code, reused, repeatable, attempt, request):
        """-1 when the exchange is over, else the milliseconds to wait before it is repeated; or the error."""
        if code == DONE:
            status = connection.response.status
            if status != 503 or attempt >= _ATTEMPTS:
                return -1
            return _back_off(attempt, connection.response.retry_after)
        error = failed(connection, name(request))
        if not repeatable and connection.sent:
            raise OutcomeUnknown("%s: it may have happened: look before you repeat it" % error)
        if reused and attempt == 1:
            return 0
        if not error.retry or isinstance(error, Timeout) or attempt >= _ATTEMPTS:
            raise error
        return _back_off(attempt, -1)

    def _learn(self, connection):
        if connection.response.date and (connection.origin.tls or _url.is_loopback(connection.origin.host)):
            _push_id.learn(connection.response.date)

    def _request(self, method, target, body=b"", headers=()):
        """The bytes of a request to `target`, a path with its query."""
        return build(method, target, _url.host_header(self._origin), body, headers)

    def _parameters(self):
        """What the query of every request carries."""
        return [part for part in (self._query, self._token.parameter() if self._token else "") if part]


def build(method: str, target: str, host: str, body: bytes, headers=()) -> bytes:
    """A request in one piece, with no header that the server does not need (RFC 9112, section 3)."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host]
    lines.extend(headers)
    if body or method not in ("GET", "DELETE"):
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def name(request) -> str:
    """What `request` asks, without its query: "PUT /devices/d1.json"."""
    words = bytes(request[:200]).split(b" ")
    return "%s %s" % (words[0].decode(), words[1].split(b"?")[0].decode())


def redirect(connection: Connection, request, size: int, parameters: list, insecure: bool) -> bytes:
    """`request` for the place that the answer points to; `connection` is set to go there."""
    what = name(request)
    status = connection.response.status
    location = connection.response.location
    method = bytes(request[: request.find(b" ")]).decode()
    if not location:
        raise ProtocolError("%s: a redirect (%d) without a Location" % (what, status))
    if status < 304 and method != "GET":
        raise ProtocolError("%s: a redirect (%d) would change the method: is this the right URL?" % (what, status))
    origin, path, query = _target(connection.origin, location, what, insecure)
    connection.close()
    connection.origin = origin
    for parameter in parameters:
        # The target may lack the token, and may have it: it is added once.
        key = parameter.split("=")[0] + "="
        if not any(part.startswith(key) for part in query.split("&")):
            query = query + "&" + parameter if query else parameter
    head_end = request.find(b"\r\n")
    rest = bytes(memoryview(request)[request.find(b"\r\n", head_end + 2) : size])
    target = "%s?%s" % (path or "/", query) if query else path or "/"
    return ("%s %s HTTP/1.1\r\nHost: %s" % (method, target, _url.host_header(origin))).encode() + rest


def _target(origin, location, what, insecure):
    try:
        text = location.decode()
        if text.startswith("/"):
            scheme = "https://" if origin.tls else "http://"
            text = scheme + _url.host_header(origin) + text
        target, path, query = _url.parse(text, insecure)
    except (InvalidArgument, UnicodeError) as error:
        raise ProtocolError("%s: a redirect that cannot be followed (%s)" % (what, error))
    if origin.tls and not target.tls:
        raise ProtocolError("%s: a redirect from https to http, refused" % what)
    if not _url.same_site(origin.host, target.host):
        raise ProtocolError("%s: a redirect to another site, %s, refused" % (what, target.host))
    return target, path, query


def _back_off(attempt, retry_after):
    """Milliseconds before the next attempt: what the server asked for, or full jitter."""
    if retry_after >= 0:
        return min(retry_after * 1000, _LONGEST_WAIT)
    return getrandbits(9) << attempt - 1


def response_error(status: int, text: str, what: str) -> ResponseError:
    """The error for an answer with the HTTP error `status` and the server's words `text`."""
    kinds = {401: Unauthenticated, 403: PermissionDenied, 404: NotFound, 412: PreconditionFailed, 429: ResourceExhausted}
    kind = kinds.get(status, Unavailable if status >= 500 else BadRequest)
    if status == 401 and text.startswith("Permission denied"):
        kind = PermissionDenied
    advice = _ADVICE.get(kind, "")
    return kind("%s: %d %s%s" % (what, status, text, advice), status, text)
