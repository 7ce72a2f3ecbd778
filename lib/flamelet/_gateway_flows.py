"""The flows of `Gateway`: get, create, and what writes; and the iterator over a list.

In: paths and documents. Out: what the envelope holds, or the error that it stands for. What doing twice is the same as
once is repeated as _recovery.py says; a POST is not, unless its caller says so.
"""

from . import FlameletError, InvalidArgument, _json, _url, broken
from ._arriving import Arriving
from ._envelope import refused, unwrapped
from ._opening import opened
from ._reader import NEED, Reader
from ._request import build

_KEYS = ("status", "data", "message")


def get(gateway, path):
    """Flow: the document at `path`."""
    envelope = yield from _ask(gateway, "GET", path)
    if not isinstance(envelope.get("data"), dict):
        raise broken("GET %s: the answer holds no document: is it a list, which list() reads?", path)
    return envelope["data"]


def create(gateway, path, document, repeat):
    """Flow: write a new document; its id."""
    envelope = yield from _ask(gateway, "POST", path, _encoded(document), repeat)
    data = envelope.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise broken("POST %s: the answer names no id", path)
    return data["id"]


def write(gateway, method, path, document):
    """Flow: write a document, or some of its fields; the server's message."""
    envelope = yield from _ask(gateway, method, path, _encoded(document))
    return envelope.get("message")


def delete(gateway, path):
    """Flow: delete a document; the server's message."""
    envelope = yield from _ask(gateway, "DELETE", path)
    return envelope.get("message")


def _ask(gateway, method, path, body=b"", repeatable=True):
    request = build(gateway, method, target(gateway, path), body, headers(gateway, body))
    return answered(gateway, named(method, path), request, len(request), repeatable)


def named(method, path):
    """What errors call a request: without its query, which may hold a secret."""
    return "%s %s" % (method, path.split("?")[0])


def answered(gateway, what, request, size, repeatable, attempt=0):
    """Flow: the envelope of the answer to request[:size], which says success; `what` names it in errors."""
    connection = yield from gateway._exchange(request, size, repeatable, attempt)
    status = connection.response.status
    if status >= 300:
        error = refused(what, status, connection.body, connection.body_size)
        if not repeatable:
            check_outcome(error)
        raise error
    if not connection.body_size:
        raise broken("%s: the answer is empty: is this a Firebase Express SDK endpoint?", what)
    envelope = _json.loads(connection.body, memoryview(connection.body), connection.body_size)
    return unwrapped(envelope, what, repeatable)


def check_outcome(error) -> None:
    """OutcomeUnknown where this refusal leaves open whether the request was done."""
    if error.status >= 500 and error.status not in (501, 503):
        from .errors import OutcomeUnknown

        raise OutcomeUnknown("%s: it may have happened: look before you repeat it" % error)


def _encoded(document):
    if not isinstance(document, dict):
        raise InvalidArgument("a document is a dict, not %r" % (document,))
    return _json.dumps(document, _any_key)


def target(gateway, path):
    """The request target of `path`, "users/d1", which may have a query."""
    if not isinstance(path, str) or not path.strip("/"):
        raise InvalidArgument('a path is a text like "users" or "users/d1", not %r' % (path,))
    path, _, query = path.partition("?")
    parts = gateway._parameters()
    if query:
        parts.append(_url.check_text(query, "the query of a path"))
    made = gateway._path
    for part in path.strip("/").split("/"):
        if part in ("", ".", ".."):
            raise InvalidArgument("%r cannot be a part of a path" % part)
        try:
            made += "/" + _url.quote(part)
        except UnicodeError:
            raise InvalidArgument("a path with half a surrogate pair cannot be sent")
    return made + "?" + "&".join(parts) if parts else made


def headers(gateway, body):
    """What goes along: without its type the server ignores a body."""
    lines = gateway._headers
    if gateway._token:
        lines = gateway._token.headers + lines
    return ("Content-Type: application/json",) + lines if body else lines


def _any_key(key):
    # The schema of the collection says which there may be.
    pass


class Documents(Arriving):
    """Made by `Gateway.list(path)`: iterate over it. `message`, at its end: what the server said, or None."""

    def __init__(self, gateway, path: str) -> None:
        self._path = path
        self.message = None
        self._envelope: dict = {}
        target(gateway, path)
        super().__init__(gateway, _EnvelopeReader(gateway._options[2]), named("GET", path), "answer_bytes")

    def _open(self):
        """Flow: ask; the request."""
        client = self._client
        connection = self._connection
        try:
            return (yield from opened(client, connection, target(client, self._path), headers(client, b"")))
        except FlameletError as error:
            if not error.status or error.status != connection.response.status:
                raise
            raise refused(self._what, error.status, connection.body, connection.body_size)

    def _found(self):
        reader = self._reader
        if reader.is_array():
            raise broken("%s: the answer is a list: is this a Firebase Express SDK endpoint?", self._what)
        value = reader.read()
        if len(reader.keys) == 1:
            self._envelope[reader.keys[0]] = value
            return None
        if not reader.is_list or not isinstance(value, dict):
            raise self._no_list()
        return value

    def _check(self):
        unwrapped(self._envelope, self._what)
        if not self._reader.is_list:
            raise self._no_list()
        self.message = self._envelope.get("message")

    def _no_list(self):
        return broken("%s: the answer holds no list of documents: is it a document, which get() reads?", self._what)


class _EnvelopeReader(Reader):
    """Finds the elements of `data`, and what else the envelope holds. `is_list`: `data` has come, and is an array."""

    def __init__(self, value_bytes: int) -> None:
        self.is_list = False
        super().__init__(["*"], value_bytes)

    def _match(self, key):
        if self._depth > 1 or self.is_array():
            return super()._match(key)
        self.aim([key, "*"] if key == "data" else [key])
        self.keys[0] = key
        # Whatever else a server adds is passed by.
        self._matched = 1 if key in _KEYS else 0
        return NEED

    def _begin_other(self, byte, at):
        if self._depth == 1 and self.keys[0] == "data":
            self.is_list = byte == 91
        return super()._begin_other(byte, at)
