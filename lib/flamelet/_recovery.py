"""What follows an exchange that did not end well: repeat it, go where it was redirected, or give up.

A request is repeated only if nothing of it was sent, if the server said 503 (it was not attempted), or if it is
`repeatable`: doing it twice is the same as doing it once. Otherwise a lost answer is OutcomeUnknown. Where the server
closed an idle connection, which it does all the time, the repetition is at once; else it waits, with full jitter.

Redirects (RFC 9110, section 15.4): 307 and 308 keep method, body and token, 301 to 303 are followed by a GET alone; to
the same site, never from https to http, five at most. Loaded with the first trouble.
"""

from . import _url
from ._backoff import asked, pause
from ._connection import DONE
from ._failures import failed, name
from ._override import method_override
from ._runtime import const, read
from .errors import InvalidArgument, NetworkError, ProtocolError, Timeout, TLSError, in_doubt

_ATTEMPTS = const(3)
_REDIRECTS = const(5)
_LONGEST_WAIT = const(10000)  # within one request: what the server asks beyond that is for its caller
_TOLD = (Timeout, TLSError)
REDIRECTS = (301, 302, 303, 307, 308)
_SITES = (".firebaseio.com", ".firebasedatabase.app")


def recover(client, connection, code: int, request, size: int, repeatable: bool, reused: bool, attempt: int):
    """Flow: (request, its size, milliseconds to wait before it is sent); None where the answer stands."""
    if code == DONE:
        if connection.response.status == 401:
            if not client._token:
                return None
            from ._refresh import after_401

            request = yield from after_401(client, connection, request, size)
            return request and (request, len(request), 0)
        if connection.response.status in REDIRECTS:
            connection.redirects += 1
            request = redirect(client, connection, request, size)
            return request, len(request), 0
        if connection.response.status != 503 or attempt >= _ATTEMPTS:
            return None
        return request, size, min(_LONGEST_WAIT, asked(connection) * 1000) or pause(attempt)
    error = failed(connection, request)
    if not repeatable and connection.sent:
        raise in_doubt(error)
    if reused and attempt == 1 and error.retry:
        return request, size, 0
    # A connection that cannot be opened is told at once, and so is one whose handshake fails.
    if not isinstance(error, NetworkError) or isinstance(error, _TOLD) or not error.retry or attempt >= _ATTEMPTS:
        raise error
    return request, size, pause(attempt)


def redirect(client, connection, request, size: int) -> bytes:
    """`request` for the place that the answer points to; `connection` is set to go there."""
    what = name(request)
    status = connection.response.status
    location = connection.response.headers.get(b"location")
    method = what.split(" ")[0]
    if not location or connection.redirects > _REDIRECTS:
        raise ProtocolError("%s: a redirect (%d) without a Location, or more than %d" % (what, status, _REDIRECTS))
    if status < 304 and method != "GET":
        text = "%s: a redirect (%d) would change the method: is the URL right, or does the network intercept?"
        raise ProtocolError(text % (what, status))
    origin, path, query = _target(connection.origin, location, what, client._insecure)
    connection.close()
    connection.origin = origin
    # The target may lack the token, and may have it: it is added once; so is what makes the method another.
    for parameter in client._parameters() + method_override(request):
        key = parameter.split("=")[0] + "="
        if not any(part.startswith(key) for part in query.split("&")):
            query = query + "&" + parameter if query else parameter
    target = "%s?%s" % (path or "/", query) if query else path or "/"
    host_at = request.find(b"\r\n") + 2
    rest = bytes(memoryview(request)[request.find(b"\r\n", host_at) : size])
    return ("%s %s HTTP/1.1\r\nHost: %s" % (method, target, _url.host_header(origin))).encode() + rest


def _target(origin, location, what, insecure):
    try:
        text = location.decode()
        if text.startswith("/"):
            text = "%s://%s%s" % ("https" if origin.tls else "http", _url.host_header(origin), text)
        target, path, query = _url.parse(text, insecure)
    except (InvalidArgument, UnicodeError) as error:
        raise ProtocolError("%s: a redirect that cannot be followed (%s)" % (what, error))
    if origin.tls and not target.tls:
        raise ProtocolError("%s: a redirect from https to http, refused" % what)
    if not _same_site(origin.host, target.host):
        text = "%s: a redirect to another site, %s, refused: does the network intercept?"
        raise ProtocolError(text % (what, target.host))
    return target, path, query


def _same_site(one, other):
    """Whether two hosts may see the same token: the same host, or both of the Realtime Database."""
    return one == other or _is_database(one) and _is_database(other)


def _is_database(host):
    return any(host.endswith(site) for site in _SITES)


def is_alive(connection) -> bool:
    """Whether the server has left the idle connection open; where it has not, it is closed here too."""
    try:
        alive = read(connection.sock, connection.buffer) is None
    except OSError:
        alive = False
    if not alive:
        connection.close()
    return alive
