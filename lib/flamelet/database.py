"""The Realtime Database over REST: the names of `firebase_admin.db`, the paths and values of its documents.

In: paths and values of Python. Out: values, keys, streams and feeds, or one of our errors. Each method is a flow that
`_run` hands to a pump: here one that blocks, in `flamelet.aio` one that is awaited; nothing else differs.

Memory: a request and its answer are held whole. `feed` sends readings without allocating, and `listen` holds one event.
Limits are the service's: keys of at most 768 bytes, values 32 levels deep.
"""

from . import _json, _push_id, _runtime, _url
from ._client import Client, name, response_error
from ._connection import Connection
from ._runtime import const
from .errors import InvalidArgument, ProtocolError

_KEY_BYTES = const(768)
_SPECIAL_SEGMENTS = (".priority", ".settings", ".info")
_SPECIAL_KEYS = (".priority", ".value", ".sv")


class Database(Client):
    """A Realtime Database.

    Arguments:
    - `url`: "https://NAME-default-rtdb.firebaseio.com"; http:// only to loopback, or with `insecure=True`.
    - `token`: a `Token`, its text, or None.
    - `ca`: root certificates to trust instead of those that are shipped: DER or PEM bytes, or the name of a file.
    - `budget`: how many connections may be open at a time, 1 or 2 or more, or a `Budget` shared with other clients.
    - `timeouts`: a `Timeouts`.
    - `answer_bytes`: the largest answer, in bytes.

    On a desktop FIREBASE_DATABASE_EMULATOR_HOST leads to the emulator, as in Google's SDKs.
    (Source: the Firebase Database REST API.)
    """

    def __init__(self, url: str, token=None, **options) -> None:
        host = _runtime.getenv("FIREBASE_DATABASE_EMULATOR_HOST")
        if host:
            origin, _, _ = _url.parse(url, True)
            url = "http://%s/?ns=%s" % (host, origin.host.split(".")[0])
            options["insecure"] = True
        super().__init__(url, token, **options)

    def get(self, path: str, shallow: bool = False) -> object:
        """The value at `path`, None where there is none; `shallow`: of an object only its keys, each with True."""
        return self._run(self._get(path, shallow))

    def set(self, path: str, value: object) -> None:
        """Write `value` at `path`; None deletes."""
        return self._run(self._write("PUT", path, value))

    def push(self, path: str, value: object) -> str:
        """Write `value` under a new key below `path`; the key. It is made here, so a repeated PUT cannot duplicate."""
        return self._run(self._push(path, value))

    def update(self, path: str, values: dict) -> None:
        """Write each value of `values` at its key below `path`, all or none; a key may be a path, None deletes."""
        return self._run(self._update(path, values))

    def delete(self, path: str) -> None:
        """Delete what is at `path`."""
        return self._run(self._write("DELETE", path, None))

    def listen(self, path: str, event_bytes: int = 8192, silence_ms: int = 45000):
        """A `Stream` of the changes at `path`; `event_bytes`: the largest event; `silence_ms`: when it counts as dead."""
        return self._stream()(self, self._target(path), event_bytes, silence_ms)

    def feed(self, path: str, fields: tuple):
        """A `Feed` of readings below `path`; `fields`: a tuple of (name, decimals)."""
        return self._feed()(self, path, fields)

    # flamelet.aio has its own.
    def _stream(self):
        from .stream import Stream

        return Stream

    def _feed(self):
        from .feed import Feed

        return Feed

    def _get(self, path, shallow):
        target = self._target(path, "shallow=true" if shallow else "")
        connection = yield from self._answered(self._request("GET", target), True)
        return _json.loads(connection.body, memoryview(connection.body), connection.body_size)

    def _write(self, method, path, value):
        target = self._target(path, "print=silent" if method != "DELETE" else "")
        body = b"" if method == "DELETE" else _json.dumps(value, check_key)
        yield from self._answered(self._request(method, target, body), is_repeatable(body))

    def _push(self, path, value):
        if value is None:
            raise InvalidArgument("push writes a value under a new key; None would write nothing")
        key = _push_id.make()
        yield from self._write("PUT", "%s/%s" % (path.strip("/"), key), value)
        return key

    def _update(self, path, values):
        if not isinstance(values, dict) or not values:
            raise InvalidArgument("update takes a dict with at least one key, not %r" % (values,))
        for key in values:
            segments(key)
        # Its keys are paths, checked above; the keys below them are keys.
        body = b",".join(
            [_json.dumps(key, check_key) + b":" + _json.dumps(values[key], check_key) for key in values]
        )
        request = self._request("PATCH", self._target(path, "print=silent"), b"{" + body + b"}")
        yield from self._answered(request, is_repeatable(body))

    def _answered(self, request, repeatable, size=0):
        """Flow: the connection with the answer to `request`; ResponseError where its status says error."""
        connection = yield from self._exchange(request, size or len(request), repeatable)
        check_answer(connection, request)
        return connection

    def _target(self, path, parameter=""):
        """The request target of `path`, with what every query carries."""
        parameters = self._parameters()
        if parameter:
            parameters.insert(0, parameter)
        target = "%s/%s.json" % (self._path, "/".join([_url.quote(segment) for segment in segments(path)]))
        return target + "?" + "&".join(parameters) if parameters else target


def check_answer(connection: Connection, request) -> None:
    """Raise the ResponseError that the status of the answer stands for, with the server's words."""
    status = connection.response.status
    if status >= 300:
        raise response_error(status, error_text(connection), name(request))


def error_text(connection: Connection) -> str:
    """The server's words: `error` of a JSON body, or the beginning of any other."""
    size = connection.body_size
    try:
        content = _json.loads(connection.body, memoryview(connection.body), size)
        if isinstance(content, dict) and isinstance(content.get("error"), str):
            return content["error"]
    except ProtocolError:
        # No JSON: a proxy's page, which says more in its own words.
        return repr(bytes(connection.body[: min(size, 100)]))
    return repr(content)[:100]


def segments(path: str) -> list:
    """The keys of `path`; InvalidArgument where one cannot be."""
    if not isinstance(path, str):
        raise InvalidArgument("a path is a str, not %s" % type(path).__name__)
    path = path.strip("/")
    keys = path.split("/") if path else []
    for key in keys:
        if key not in _SPECIAL_SEGMENTS:
            _check(key, "the path %r" % path)
    return keys


def check_key(key: str) -> None:
    """InvalidArgument where a value has a key that the service does not take."""
    if key not in _SPECIAL_KEYS:
        _check(key, "the key %r" % key)


def _check(key, what):
    if not key:
        raise InvalidArgument("%s has an empty key" % what)
    for letter in key:
        if letter in ".#$[]/" or letter < " " or letter == "\x7f":
            raise InvalidArgument("%s holds %r; a key is free of . # $ [ ] / and control characters" % (what, letter))
    if len(key) * 4 > _KEY_BYTES and len(key.encode()) > _KEY_BYTES:
        raise InvalidArgument("%s has a key of more than %d bytes" % (what[:60], _KEY_BYTES))


def is_repeatable(body: bytes) -> bool:
    """Whether writing `body` twice is the same as once: not with server values, of which `increment` adds up."""
    return body.find(b'".sv":{') < 0
