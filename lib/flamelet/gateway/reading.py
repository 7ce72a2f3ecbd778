"""Readings through endpoints of Firebase Express SDK, without allocation: one prepared request.

In: a row of readings. Out: a PUT under an id that is made here, so that a repeat is the same reading; or, where the
server has no such route, a POST, which is not repeated where its answer is lost. HTTP says 200 for errors too, so the
beginning of each answer is looked at.

Falsy values count as missing in the SDK's schemas: a reading of 0 is refused there (MissingKeys) unless its author
allows it. METHODS are those of a feed that differ: see _hot_feed.py.
"""

from ..core import push_id as _push_id
from ..feed import feed
from .. import FlameletError
from ..client.request import build
from ..core.buffer import put_text
from ..core.copy import copy
from ..core.runtime import const
from ..feed.with_body import begin
from .documents import answered
from .envelope import unwrapped
from .target import headers, named, target
from ..net.connection import DONE


_LENGTH_DIGITS = const(6)
_ANSWER_BYTES = const(512)
_SUCCESS = b'{"status":"success"'
_NO_LENGTH = b" 0\r\n\r\n"


def _init(self, gateway, path, fields, post) -> None:
    target(gateway, path)
    self._target = path
    self._is_post = post
    self._what = named("POST" if post else "PUT", path)
    if post:
        from ..client.recovery import is_alive

        self._is_alive = is_alive
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
    path, mark, query = self._target.partition("?")
    place = target(gateway, self._target if self._is_post else path.strip("/") + "/" + key + mark + query)
    head = build(gateway, "POST" if self._is_post else "PUT", place, b"", headers(gateway, b" "))
    self._length_at = len(head) - len(_NO_LENGTH)
    self._row_at = self._length_at + _LENGTH_DIGITS + 4
    end = self._row_at + self._room
    self._request = request = bytearray(end + _push_id.SIZE)
    put_text(request, put_text(request, 0, head[: self._length_at]) + _LENGTH_DIGITS, b"\r\n\r\n")
    # A POST has no key: that of the feed stands behind what is sent.
    self._key_at = end if self._is_post else head.find(b" ") + 1 + len(place.split("?")[0]) - _push_id.SIZE


def _begin(self, connection, row):
    self._answer_size = 0
    if self._is_post and connection.sock and connection.over and not connection.busy:
        # Express closes what was idle for five seconds: a POST must not get lost in that.
        self._is_alive(connection)
    return begin(self, connection, row)


def _read(self, connection):
    start = connection.response.piece_start
    end = min(connection.response.piece_end, start + _ANSWER_BYTES - self._answer_size)
    self._answer_size = copy(self._answer, self._answer_size, connection.buffer, start, end)


def _is_done(self, connection, code):
    if code != DONE:
        return _is_lost(self, connection)
    if not self._is_streamed:
        _keep(self, connection)
    if connection.response.status == 200 and self._answer.find(_SUCCESS, 0, self._answer_size) == 0:
        self.pending = False
        return True
    return _look(self, connection.response.status)


def _again(self, attempt=0):
    gateway = self._database
    try:
        yield from answered(gateway, self._what, self._request, self._size, not self._is_post, attempt)
        self.pending = False
        _keep(self, gateway._connection)
    except FlameletError as error:
        self.pending = error.retry
        raise


def _push_many(self, rows):
    """Send the readings one after another, since the SDK has no way to send many; how many there were.

    What is pending goes first. After an error `pending` is as after `push`; those behind it were not sent.
    """
    return self._database._run(_push_each(self, rows))


def _key(self):
    """The id of the last reading; of a POST the one that the server has made, "" where its answer names none."""
    if not self._is_post:
        return self._request[self._key_at : self._key_at + _push_id.SIZE].decode()
    from .envelope_errors import value

    content = value(self._answer, self._answer_size)
    data = content.get("data") if isinstance(content, dict) else None
    return data.get("id", "") if isinstance(data, dict) else ""


METHODS = {
    "__init__": _init,
    "_prepare": _prepare,
    "_begin": _begin,
    "_read": _read,
    "_is_done": _is_done,
    "_again": _again,
    "push_many": _push_many,
    "key": property(_key),
}


def _push_each(self, rows):
    count = 0
    if self.pending:
        yield from self._again()
    for row in rows:
        self._check(row)
        yield from self._push(row)
        count += 1
    return count


def _keep(self, connection):
    self._answer_size = copy(self._answer, 0, connection.body, 0, min(connection.body_size, _ANSWER_BYTES))


def _is_lost(self, connection):
    """False where the request may be sent again; OutcomeUnknown where it may have happened."""
    if self._is_post and connection.sent:
        from ..diagnosis.failures import failed
        from ..errors import OutcomeUnknown

        self.pending = False
        error = failed(connection, self._request)
        raise OutcomeUnknown("%s: it may have happened: look before you send it again" % error)
    return False


def _look(self, status):
    """Whether an answer that does not begin as usual says success all the same; what it stands for is raised.

    False where the request may be sent again, by the flow that reads the answer whole.
    """
    if status != 200 and (not self._is_post or status in (401, 503) or 300 <= status < 400):
        return False
    from .envelope_errors import value

    content = value(self._answer, self._answer_size)
    if isinstance(content, bytes) and not self._is_post:
        return False
    try:
        _check(self, status, content)
    except FlameletError as error:
        self.pending = error.retry
        raise
    self.pending = False
    return True


def _check(self, status, content):
    """Raise what the answer to a reading stands for."""
    if status >= 300:
        from .envelope_errors import refused

        raise refused(self._what, status, self._answer, self._answer_size, False)
    if isinstance(content, bytes) and self._answer_size == _ANSWER_BYTES:
        # It goes on beyond that: its beginning says what is wrong.
        content = {"status": "error", "message": repr(content)}
    unwrapped(content, self._what, not self._is_post)
