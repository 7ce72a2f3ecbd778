"""Readings as documents of Firestore, without allocation: one prepared commit, in which only the id and the numbers
change.

In: a row of readings. Out: one commit that writes a document under a new id. Its answer is not kept, but has to begin
as JSON does: a captive portal answers with a page, and says 200. On an open connection `push` allocates nothing on
MicroPython, as that of the database's feed. Every reading is written once: its id is made before it is sent, so that a
repeated commit changes nothing. Ids sort by the time of the reading.

Numbers of a field with decimals are doubles, of one without integers. `time`: the name of a field that the service sets
to the time of the request. METHODS are those of a feed that differ: see _hot_feed.py.
"""

from ..core import push_id as _push_id
from ..core import url as _url
from ..feed import feed
from .. import FlameletError
from ..core.buffer import put_number, put_text
from ..core.runtime import const
from ..feed.with_body import begin
from ..net.connection import DONE


_LENGTH_DIGITS = const(6)
_BRACE = const(123)
_KIND_WIDTH = const(20)  # the longest kind of a value, `"booleanValue":`, and what closes it


def _init(self, fs, path, fields, time="") -> None:
    from .path import collection

    self._name = "%s/%s" % (fs._root, "/".join(collection(path)))
    self._suffix = _suffix(time)
    # Awaited, an answer is collected as any other.
    self._is_streamed = self._base is feed.Feed
    self._first = 0
    self._base.__init__(self, fs, "", fields)
    # Behind each name stands the kind of the number.
    self._texts = [text + b"{" for text in self._texts]


def _prepare(self):
    fs = self._database
    parameters = [fs._token.parameter] if fs._token else []
    if parameters == self._parameters:
        return
    self._parameters = parameters
    head = _head(fs)
    before = b'{"writes":[{"update":{"name":"%s/' % self._name.encode()
    between = b'","fields":'
    self._length_at = len(head)
    body_at = len(head) + _LENGTH_DIGITS + 4
    self._key_at = body_at + len(before)
    self._row_at = self._key_at + _push_id.SIZE + len(between)
    room = self._room + _KIND_WIDTH * len(self._texts) + len(self._suffix)
    self._request = request = bytearray(self._row_at + room)
    put_text(request, put_text(request, 0, head) + _LENGTH_DIGITS, b"\r\n\r\n")
    put_text(request, put_text(request, body_at, before) + _push_id.SIZE, between)


def _put_row(self, buffer, at, row):
    """Write the fields and what ends the commit at buffer[at]; the position behind it."""
    i = 0
    while i < len(self._texts):
        at = put_text(buffer, at, self._texts[i])
        at = _put_value(buffer, at, row[i], self._decimals[i])
        i += 1
    return put_text(buffer, at, self._suffix)


def _begin(self, connection, row):
    self._first = 0
    return begin(self, connection, row)


def _read(self, connection):
    self._first = self._first or connection.buffer[connection.response.piece_start]


def _is_done(self, connection, code):
    if not self._is_streamed and connection.body_size:
        self._first = connection.body[0]
    # What refuses, or is the page of who intercepts, is asked again, by the flow that reads it.
    if code != DONE or connection.response.status != 200 or self._first != _BRACE:
        return False
    self.pending = False
    return True


def _again(self, attempt=0):
    from .rest import check_written, send

    try:
        check_written((yield from send(self._database, self._request, self._size, True)))
        self.pending = False
    except FlameletError as error:
        self.pending = error.retry
        raise


def _push_many(self, rows):
    """Write many readings in one commit, all or none; how many there were."""
    return self._database._run(_commit(self, rows))


METHODS = {
    "__init__": _init,
    "_prepare": _prepare,
    "put_row": _put_row,
    "_begin": _begin,
    "_read": _read,
    "_is_done": _is_done,
    "_again": _again,
    "push_many": _push_many,
}


def _commit(self, rows):
    """Flow: the readings of `rows` in one commit, each under a new id; how many."""
    from .rest import ask, check_written

    fs = self._database
    start = b'{"update":{"name":"%s/' % self._name.encode()
    buffer = bytearray(len(self._request))
    key = bytearray(_push_id.SIZE)
    writes = []
    for row in rows:
        self._check(row)
        _push_id.forget()
        _push_id.put(key, 0)
        # Without what ends the whole.
        end = self.put_row(buffer, 0, row) - 2
        writes.append(b'%s%s","fields":%s' % (start, bytes(key), bytes(buffer[:end])))
    if writes:
        from ..client.write_once import once

        body = b'{"writes":[%s]}' % b",".join(writes)
        path = fs._root + ":commit"
        check_written((yield from once(lambda repeatable: ask(fs, "POST", path, body, None, repeatable))))
    return len(writes)


def _suffix(time):
    if not time:
        return b"}}}]}"
    from . import field_path as _field_path
    from ..wire import json as _json

    path = _json.dumps(_field_path.join(_field_path.split(time)), None)
    return b'}},"updateTransforms":[{"fieldPath":%s,"setToServerValue":"REQUEST_TIME"}]}]}' % path


def _head(fs):
    from .rest import headers, target

    lines = ["POST %s HTTP/1.1" % target(fs, fs._root + ":commit"), "Host: " + _url.host_header(fs._origin)]
    lines.extend(headers(fs, b""))
    return "\r\n".join(lines).encode() + b"\r\nContent-Length:"


def _put_value(buffer, at, value, decimals):
    """Write `"integerValue":"40"}` at buffer[at]; the position behind it."""
    if value is None:
        at = put_text(buffer, at, b'"nullValue":')
    elif value is True or value is False:
        at = put_text(buffer, at, b'"booleanValue":')
    elif decimals:
        at = put_text(buffer, at, b'"doubleValue":')
    else:
        at = put_number(buffer, put_text(buffer, at, b'"integerValue":"'), value, 0)
        return put_text(buffer, at, b'"}')
    return put_text(buffer, put_number(buffer, at, value, decimals), b"}")
