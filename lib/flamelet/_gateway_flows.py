"""The flows of `Gateway`: get, create, and what writes; and the iterator over a list.

In: paths and documents. Out: what the envelope holds, or the error that it stands for.
"""

from . import InvalidArgument, _json, _url, broken
from ._arriving import Arriving
from ._envelope import unwrapped
from ._opening import opened
from ._reader import NEED, Reader
from ._request import build


def get(gateway, path):
    """Flow: the document at `path`."""
    envelope = yield from ask(gateway, "GET", path)
    if not isinstance(envelope.get("data"), dict):
        raise broken("GET %s: the answer holds no document: is it a list, which list() reads?", path)
    return envelope["data"]


def create(gateway, path, document, repeat):
    """Flow: write a new document; its id."""
    envelope = yield from ask(gateway, "POST", path, document, repeat)
    data = envelope.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise broken("POST %s: the answer names no id", path)
    return data["id"]


def written(gateway, method, path, document):
    """Flow: write; the server's message."""
    envelope = yield from ask(gateway, method, path, document)
    return envelope.get("message")


def ask(gateway, method, path, document=None, repeatable=True):
    """Flow: the envelope of the answer, which says success."""
    if document is not None and not isinstance(document, dict):
        raise InvalidArgument("a document is a dict, not %r" % (document,))
    body = b"" if document is None else _json.dumps(document, _any_key)
    request = build(gateway, method, target(gateway, path), body, headers(gateway, body))
    connection = yield from gateway._exchange(request, len(request), repeatable)
    if connection.response.status >= 300:
        from ._failures import refused

        raise refused(connection, request)
    return unwrapped(read(connection, method, path), "%s %s" % (method, path))


def read(connection, method, path):
    """The body of an answer as a value."""
    if not connection.body_size:
        raise broken("%s %s: the answer is empty: is this a Firebase Express SDK endpoint?", method, path)
    return _json.loads(connection.body, memoryview(connection.body), connection.body_size)


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
        made += "/" + _url.quote(part)
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
        super().__init__(gateway, _EnvelopeReader(gateway._options[2]), "GET " + path, "answer_bytes")

    def _open(self):
        """Flow: ask; the request."""
        client = self._client
        return (yield from opened(client, self._connection, target(client, self._path), headers(client, b"")))

    def _found(self):
        reader = self._reader
        value = reader.read()
        if len(reader.keys) == 1:
            self._envelope[reader.keys[0]] = value
            return None
        if not reader.is_list() or not isinstance(value, dict):
            raise broken("%s: the answer holds no list of documents: is it a document, which get() reads?", self._what)
        return value

    def _check(self):
        if not self._reader.has_data:
            self._envelope.pop("data", None)
        unwrapped(self._envelope, self._what)
        if not self._reader.has_data:
            raise broken("%s: the answer holds no list", self._what)
        self.message = self._envelope.get("message")


class _EnvelopeReader(Reader):
    """Finds the elements of `data`, and whatever else the envelope holds. `has_data`: the key has come."""

    def __init__(self, value_bytes: int) -> None:
        self.has_data = False
        super().__init__(["*"], value_bytes)

    def is_list(self) -> bool:
        """Whether `data` is an array."""
        return self._open[1] == 91

    def _match(self, key):
        if self._depth > 1:
            return super()._match(key)
        is_data = key == "data"
        self.has_data = self.has_data or is_data
        self.aim([key, "*"] if is_data else [key])
        self.keys[0] = key
        self._matched = 1
        return NEED
