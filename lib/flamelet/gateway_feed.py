"""Readings through endpoints of Firebase Express SDK, without allocation: one prepared request.

In: a row of readings. Out: a PUT under an id that is made here, so that a repeat is the same reading; or, where the
server has no such route, a POST, which is not repeated where its answer is lost. HTTP says 200 for errors too, so the
beginning of each answer is looked at.

Falsy values count as missing in the SDK's schemas: a reading of 0 is refused there (MissingKeys) unless its author
allows it. METHODS are those of a feed that differ: see _hot_feed.py.
"""

from . import FlameletError, _json, _push_id, _url, feed
from ._buffer import put_text
from ._connection import DONE
from ._copy import copy
from ._envelope import unwrapped
from ._hot_feed import begin
from ._runtime import const

_LENGTH_DIGITS = const(6)
_ANSWER_BYTES = const(512)
_SUCCESS = b'"status":"success"'


def _init(self, gateway, path, fields, post) -> None:
    from ._gateway_flows import target

    target(gateway, path)
    self._target = path.strip("/")
    self._is_post = post
    # Awaited, an answer is collected as any other.
    self._is_streamed = self._base is feed.Feed
    self._answer = bytearray(_ANSWER_BYTES)
    self._answer_size = 0
    self._base.__init__(self, gateway, "", fields)


def _prepare(self):
    gateway = self._database
    parameters = [gateway._token.parameter] if gateway._token else []
    if parameters == self._parameters:
        return
    self._parameters = parameters
    key = "-" * _push_id.SIZE
    head = _head(gateway, self._target, None if self._is_post else key)
    self._length_at = len(head)
    self._row_at = self._length_at + _LENGTH_DIGITS + 4
    end = self._row_at + self._room
    self._request = request = bytearray(end + _push_id.SIZE)
    put_text(request, put_text(request, 0, head) + _LENGTH_DIGITS, b"\r\n\r\n")
    # A POST has no key: that of the feed stands behind what is sent.
    self._key_at = end if self._is_post else request.find(key.encode())


def _begin(self, connection, row):
    self._answer_size = 0
    return begin(self, connection, row)


def _read(self, connection):
    start = connection.response.piece_start
    end = min(connection.response.piece_end, start + _ANSWER_BYTES - self._answer_size)
    self._answer_size = copy(self._answer, self._answer_size, connection.buffer, start, end)


def _is_done(self, connection, code):
    if code != DONE:
        return _is_lost(self, connection)
    if connection.response.status != 200 and not self._is_post:
        # Asked again by the flow that reads why: a PUT may be.
        return False
    self.pending = False
    if not self._is_streamed:
        self._answer_size = copy(self._answer, 0, connection.body, 0, min(connection.body_size, _ANSWER_BYTES))
    if connection.response.status != 200 or self._answer.find(_SUCCESS, 0, self._answer_size) < 0:
        _look(self, connection)
    return True


def _again(self, attempt=0):
    from ._failures import name, refused
    from ._gateway_flows import read

    try:
        gateway = self._database
        connection = yield from gateway._exchange(self._request, self._size, not self._is_post, attempt)
        if connection.response.status >= 300:
            raise refused(connection, self._request)
        what = name(self._request)
        unwrapped(read(connection, *what.split(" ")), what)
        self.pending = False
    except FlameletError as error:
        self.pending = error.retry
        raise


def _push_many(self, rows):
    """Send the readings one after another, since the SDK has no way to send many; how many there were."""
    return self._database._run(_push_each(self, rows))


METHODS = {
    "__init__": _init,
    "_prepare": _prepare,
    "_begin": _begin,
    "_read": _read,
    "_is_done": _is_done,
    "_again": _again,
    "push_many": _push_many,
}


def _push_each(self, rows):
    count = 0
    for row in rows:
        self._check(row)
        yield from self._push(row)
        count += 1
    return count


def _is_lost(self, connection):
    """False where the request may be sent again; OutcomeUnknown where it may have happened."""
    if self._is_post and connection.sent:
        from ._failures import failed
        from .errors import OutcomeUnknown

        self.pending = False
        error = failed(connection, self._request)
        raise OutcomeUnknown("%s: it may have happened: look before you send it again" % error)
    return False


def _look(self, connection):
    """Raise what the answer stands for."""
    from ._failures import name, told

    try:
        content = _json.loads(self._answer, memoryview(self._answer), self._answer_size)
    except FlameletError:
        content = bytes(self._answer[: min(self._answer_size, 100)])
    if connection.response.status >= 300:
        raise told(name(self._request), connection.response.status, content)
    unwrapped(content, name(self._request))


def _head(gateway, path, key):
    from ._gateway_flows import headers, target

    verb = "PUT" if key else "POST"
    lines = ["%s %s HTTP/1.1" % (verb, target(gateway, "%s/%s" % (path, key) if key else path))]
    lines.append("Host: " + _url.host_header(gateway._origin))
    lines.extend(headers(gateway, b" "))
    return "\r\n".join(lines).encode() + b"\r\nContent-Length:"
