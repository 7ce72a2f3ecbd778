"""Asks the Realtime Database: builds a request, sends it, and reads the value and the ETag of the answer.

A request is repeated automatically, unless the server makes its key, it has a condition, or it increments.
"""

from .. import FlameletError, _broken
from ..client.request import build
from ..core import url as _url
from ..wire import json as _json
from .exchange import answered

SERVER_VALUE = b'".sv":'
ETAG = ("X-Firebase-ETag: true",)


def ask(client, method, target, body=b"", headers=(), repeatable=True):
    """Flow: return the connection with the answer. Raises ResponseError if it is a refusal."""
    request = build(client, method, target, body, headers)
    is_conditional = headers and headers[0].startswith("If-Match")
    repeatable = repeatable and not (method == "POST" or is_conditional or adds_up(body))
    try:
        return (yield from answered(client, request, len(request), repeatable))
    except FlameletError as error:
        # 503: it was not attempted.
        if repeatable or error.status < 500 or error.status == 503:
            raise
        from ..errors import in_doubt

        raise in_doubt(error)


def adds_up(body):
    """Return whether `body` holds an increment, which is not idempotent."""
    # `".sv":{` cannot occur in a JSON string.
    return body.find(SERVER_VALUE + b"{") >= 0


def value_of(connection):
    """Return the value of an answer, or None if it has none (print=silent)."""
    if connection.response.status == 204:
        return None
    return _json.loads(connection.body, memoryview(connection.body), connection.body_size)


def condition(etag):
    """Return the headers for a write on condition that the value has this ETag."""
    return ("If-Match: " + _url.check_text(etag, "an ETag"),)


def etag_of(connection) -> str:
    """Return the ETag of the answer. Raises ProtocolError if it has none."""
    etag = connection.response.headers.get(b"etag")
    if not etag:
        raise _broken("the answer has no ETag: does a proxy remove it?")
    return etag.decode()
