"""Makes the error for an exchange that failed, and for an answer with an error status.

In: the connection. Out: an error whose text names the request (without its query, which may hold a
token), the server's words and what to do. Loaded with the first error.
"""

from .. import ProtocolError
from ..core.backoff import asked
from ..errors import FlameletError, NetworkError, PreconditionFailed, ResponseError, Timeout
from ..wire import codes as _codes
from .answers import cause

_REASONS = {
    _codes.NOT_HTTP: "the answer is not HTTP",
    _codes.TOO_LONG: "the head of the answer is longer than 8 KiB",
    _codes.BAD_HEADER: "a header of the answer is malformed",
    _codes.BAD_LENGTH: "the length of the answer is malformed or contradictory",
    _codes.BAD_CODING: "the answer has a transfer coding other than chunked",
    _codes.BAD_CHUNK: "a chunk of the answer is malformed",
}


def request_name(request) -> str:
    """Return the name of `request`, its method and path without the query: "PUT /devices/d1.json"."""
    words = bytes(memoryview(request)[:300]).split(b" ")
    return "%s %s" % (words[0].decode(), words[1].split(b"?")[0].decode())


def unreached(transport) -> NetworkError:
    """Return the error for a connection that could not be opened."""
    kind = Timeout if isinstance(transport.error, Timeout) else NetworkError
    text = "cannot connect to %s:%d (%s): is it up, and are host, port and network right?"
    return kind(text % (transport.origin.host, transport.origin.port, transport.error))


def failed(connection, request) -> FlameletError:
    """Return the error for the exchange that failed."""
    what = request_name(request)
    failure = connection.failure
    host = connection.origin.host
    error = connection.error
    if failure == _codes.LATE:
        return Timeout("%s: no answer from %s within the deadline" % (what, host))
    if failure == _codes.CLOSED:
        return NetworkError("%s: %s closed the connection before it answered" % (what, host))
    if failure == _codes.TRUNCATED:
        return NetworkError("%s: %s closed the connection in the middle of its answer" % (what, host))
    if failure == _codes.BROKEN and connection.origin.tls and connection.new and not connection.sent:
        from .tls import untrusted

        return untrusted(host, error)
    if failure == _codes.TOO_LARGE or failure == _codes.BROKEN and isinstance(error, MemoryError):
        text = "%s: the answer is larger than the memory or answer_bytes=%d: ask for less, or allow more"
        return ProtocolError(text % (what, connection.answer_bytes))
    if failure == _codes.BROKEN:
        return NetworkError("%s: the connection to %s broke (%s)" % (what, host, error))
    return ProtocolError("%s: %s: is %s the right server?" % (what, _REASONS[failure], host))


def check(connection, request) -> bool:
    """Check the answer to a write that has a body. Returns True.

    Raises ResponseError if it is a refusal, ProtocolError if it is not JSON.
    """
    if connection.response.status >= 300:
        raise refused(connection, request)
    from ..wire import json as _json

    if _json.check(connection.body, 0, connection.body_size) >= 0:
        text = "%s: the answer is not JSON but %r: is %s a Realtime Database, or does the network intercept?"
        raise ProtocolError(text % (request_name(request), bytes(connection.body[:60]), connection.origin.host))
    return True


def refused(connection, request) -> ResponseError:
    """Return the error for the status of the answer to `request`."""
    content = _content(connection)
    error = error_of(request_name(request), connection.response.status, content)
    error.retry_after = asked(connection)
    if isinstance(error, PreconditionFailed) and error.status == 412:
        # The service sends the present value, not an error text.
        error.value = None if isinstance(content, bytes) else content
        error.etag = connection.response.headers.get(b"etag", b"").decode()
    return error


def error_of(what: str, status: int, content: object) -> ResponseError:
    """Return the error for an answer to the request `what` with this status and body."""
    canonical, text = _words(content)
    kind, code, action, advice = cause(status, canonical + text)
    if content and isinstance(content, bytes):
        advice += "; this is not JSON: does the network intercept?"
    return kind("%s: %d %s (%s)" % (what, status, text, advice), status, text, code, action)


def _content(connection):
    """Return the value of the body, or its beginning as bytes if it is not JSON, but the page of a proxy."""
    from ..wire import json as _json

    size = connection.body_size
    try:
        return _json.loads(connection.body, memoryview(connection.body), size)
    except ProtocolError:
        return bytes(connection.body[: min(size, 100)])


def _words(content):
    """Return (canonical code, the server's words): the `error` of a JSON body, or the beginning of another."""
    # Firestore's methods that answer with an array put the error into one.
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict):
        # Google's other services: {"error": {"code": 400, "message": "TOKEN_EXPIRED", "status": "INVALID_ARGUMENT"}}.
        text = error.get("message")
        return "%s: " % error.get("status"), text if isinstance(text, str) else repr(content)[:100]
    return "", error if isinstance(error, str) else repr(content)[:100]
