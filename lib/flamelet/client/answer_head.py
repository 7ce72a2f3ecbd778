"""Opens an answer that is read as it arrives: for streams, walks and queries of Firestore, which have connections of
their own.

In: a client, the connection, and the request. Out: the connection, at the beginning of the body of a good answer, after
all redirects and with a valid token; or one of our errors. Nothing is repeated here: the caller knows whether to.
"""

from ..net.connection import DONE
from ..wire.http1 import HEAD
from .request import build


def open_answer(client, connection, target, headers=(), method="GET", body=b""):
    """Flow: request `target` until `connection` has the head of a good answer. Returns the request that led to it."""
    request = build(client, method, target, body, headers)
    connection.in_use = True
    connection.redirects = 0
    connection.renewed = False
    try:
        if client.token and client.token.is_due():
            from ..auth.refresh import with_valid_token

            request = yield from with_valid_token(client, connection, request, len(request))
        while True:
            # It may be open, after a 401.
            if not connection.sock:
                yield from client.budget.take(connection)
                yield from connection.open()
            connection.begin(request, len(request), True)
            yield from _step_to(connection, request, HEAD)
            if connection.response.status < 300:
                connection.request = None  # it has been sent, and is long
                return request
            # A refusal or a redirect is not a stream: read it to the end.
            connection.streamed = False
            connection.deadline = connection.end
            yield from _step_to(connection, request, DONE)
            request = yield from _other(client, connection, request)
    finally:
        connection.origin = client.origin
        connection.in_use = False


def _step_to(connection, request, wanted):
    if (yield from connection.step_to(wanted)) != wanted:
        from ..diagnosis.failures import failed

        raise failed(connection, request)


def _other(client, connection, request):
    """Flow: return the request to send after a redirect or a 401. Raises ResponseError for a refusal."""
    from .redirect import REDIRECTS, redirect

    if connection.response.status in REDIRECTS:
        connection.redirects += 1
        return redirect(client, connection, request, len(request))
    if connection.response.status == 401 and client.token:
        from ..auth.refresh import retry_after_401

        renewed = yield from retry_after_401(client, connection, request, len(request))
        if renewed:
            return renewed
    from ..diagnosis.failures import refused

    raise refused(connection, request)
