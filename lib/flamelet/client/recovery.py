"""What follows an exchange that did not end well: repeat it, go where it was redirected, or give up.

A request is repeated only if nothing of it was sent, if the server said 503 (it was not attempted), or if it is
`repeatable`: doing it twice is the same as doing it once. Otherwise a lost answer is OutcomeUnknown. Where the server
closed an idle connection, which it does all the time, the repetition is at once; else it waits, with full jitter.

Loaded with the first trouble.
"""

from ..core.backoff import asked, pause
from ..core.runtime import const, read
from ..diagnosis.failures import failed
from ..errors import NetworkError, Timeout, TLSError, in_doubt
from ..net.connection import DONE
from .redirect import REDIRECTS, redirect

_ATTEMPTS = const(3)
_LONGEST_WAIT = const(10000)  # within one request: what the server asks beyond that is for its caller
_TOLD = (Timeout, TLSError)


def recover(client, connection, code: int, request, size: int, repeatable: bool, reused: bool, attempt: int):
    """Flow: (request, its size, milliseconds to wait before it is sent); None where the answer stands."""
    if code == DONE:
        if connection.response.status == 401:
            if not client.token:
                return None
            from ..auth.refresh import retry_after_401

            request = yield from retry_after_401(client, connection, request, size)
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


def is_alive(connection) -> bool:
    """Whether the server has left the idle connection open; where it has not, it is closed here too."""
    try:
        alive = read(connection.sock, connection.buffer) is None
    except OSError:
        alive = False
    if not alive:
        connection.close()
    return alive
