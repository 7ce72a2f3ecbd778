"""Decides what follows an exchange that failed: repeat it, follow a redirect, or raise.

A request is repeated only if nothing of it was sent, if the server said 503 (it was not attempted), or if it is
`repeatable`, which means idempotent. Otherwise a lost answer raises OutcomeUnknown. If the server closed an idle
connection, which it often does, the request is repeated at once; else after a pause with full jitter.

Loaded with the first failure.
"""

from ..core.backoff import asked, pause
from ..core.runtime import const, read
from ..diagnosis.failures import failed
from ..errors import NetworkError, Timeout, TLSError, in_doubt
from ..net.connection import DONE
from .redirect import REDIRECTS, redirect

_ATTEMPTS = const(3)
_LONGEST_WAIT = const(10000)  # within one request; the caller has to wait longer if the server asks for it
_AT_ONCE = (Timeout, TLSError)


def recover(client, connection, code: int, request, size: int, repeatable: bool, reused: bool, attempt: int):
    """Flow: return (next request, its size, milliseconds to wait before it), or None to keep the answer."""
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
    # A connection that cannot be opened raises at once, and so does a handshake that fails.
    if not isinstance(error, NetworkError) or isinstance(error, _AT_ONCE) or not error.retry or attempt >= _ATTEMPTS:
        raise error
    return request, size, pause(attempt)


def is_alive(connection) -> bool:
    """Return whether the idle connection is still open. If the server closed it, close it here too."""
    try:
        alive = read(connection.sock, connection.buffer) is None
    except OSError:
        alive = False
    if not alive:
        connection.close()
    return alive
