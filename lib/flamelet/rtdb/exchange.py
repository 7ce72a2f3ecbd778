"""TODO: says what is here."""

from ..core import url as _url
from ..wire import json as _json
from .. import FlameletError, broken
from ..client.request import build


def value_of(connection):
    """The value of an answer; None where it has none (print=silent)."""
    if connection.response.status == 204:
        return None
    return _json.loads(connection.body, memoryview(connection.body), connection.body_size)


_SERVER_VALUE = b'".sv":'
ETAG = ("X-Firebase-ETag: true",)


def ask(database, method, target, body=b"", headers=(), repeatable=True):
    """Flow: the connection with the answer; ResponseError where it is a refusal."""
    request = build(database, method, target, body, headers)
    # Doing it twice is the same as once, unless it makes a key, depends on what is there, or adds up.
    is_conditional = headers and headers[0].startswith("If-Match")
    repeatable = repeatable and not (method == "POST" or is_conditional or _adds_up(body))
    try:
        return (yield from database._answered(request, len(request), repeatable))
    except FlameletError as error:
        # 503 was not attempted.
        if repeatable or error.status < 500 or error.status == 503:
            raise
        from ..errors import in_doubt

        raise in_doubt(error)


def _adds_up(body):
    # `".sv":{` cannot stand within a JSON string.
    return body.find(_SERVER_VALUE + b"{") >= 0


def condition(etag):
    """The header for a write where the value has this ETag."""
    return ("If-Match: " + _url.check_text(etag, "an ETag"),)


def etag_of(connection) -> str:
    """The ETag of the answer; ProtocolError where it has none."""
    etag = connection.response.headers.get(b"etag")
    if not etag:
        raise broken("the answer has no ETag: does a proxy take it away?")
    return etag.decode()
