"""Reads and writes documents through a gateway: the flows of `Gateway.get`, `create`, `replace`, `update` and `delete`.

In: paths and documents. Out: the content of the envelope, or the error in it. Idempotent requests are
repeated as client/recovery.py says; a POST is not, unless the caller says so.
"""

from .. import InvalidArgument, _broken
from ..client.request import build
from ..wire import json as _json
from .envelope import check_envelope
from .target import headers, named, target


def get(client, path):
    """Flow: return the document at `path`."""
    envelope = yield from ask(client, "GET", path)
    if not isinstance(envelope.get("data"), dict):
        raise _broken("GET %s: the answer holds no document: is it a list, which list() reads?", path)
    return envelope["data"]


def create(client, path, document, repeat):
    """Flow: write a new document. Returns its id."""
    envelope = yield from ask(client, "POST", path, encoded(document), repeat)
    data = envelope.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise _broken("POST %s: the answer has no id", path)
    return data["id"]


def write(client, method, path, document):
    """Flow: write a document, or some of its fields. Returns the server's message."""
    envelope = yield from ask(client, method, path, encoded(document))
    return envelope.get("message")


def delete(client, path):
    """Flow: delete a document. Returns the server's message."""
    envelope = yield from ask(client, "DELETE", path)
    return envelope.get("message")


def ask(client, method, path, body=b"", repeatable=True):
    request = build(client, method, target(client, path), body, headers(client, body))
    return answered(client, named(method, path), request, len(request), repeatable)


def answered(client, what, request, size, repeatable, attempt=0):
    """Flow: send request[:size], named `what` in errors. Returns the envelope of the answer.

    Raises an error unless the envelope says success.
    """
    connection = yield from client.exchange(request, size, repeatable, attempt)
    status = connection.response.status
    if status >= 300:
        from .envelope_errors import http_error

        raise http_error(what, status, connection.body, connection.body_size, repeatable)
    if not connection.body_size:
        raise _broken("%s: the answer is empty: is this a Firebase Express SDK endpoint?", what)
    envelope = _json.loads(connection.body, memoryview(connection.body), connection.body_size)
    return check_envelope(envelope, what, repeatable)


def encoded(document):
    if not isinstance(document, dict):
        raise InvalidArgument("a document is a dict, not %r" % (document,))
    return _json.dumps(document, _json.any_key)
