"""Readings as documents of Firestore, without allocation: one prepared commit, in which only the id and the numbers
change.

In: a row of readings. Out: one commit that writes a document under a new id; its answer is not kept. On an open
connection `push` allocates nothing on MicroPython, as that of the database's feed. Every reading is written once: its
id is made before it is sent, so that a repeated commit changes nothing. Ids sort by the time of the reading.

Numbers of a field with decimals are doubles, of one without integers. `time`: the name of a field that the service sets
to the time of the request.
"""

from . import _push_id, _url, feed
from ._buffer import put_number, put_text
from ._connection import DONE
from ._http1 import BODY, HEAD

_LENGTH_DIGITS = 6
_BEHIND = b"}"
_classes: dict = {}  # {base: Feed}


def feed_class(base):
    """`Feed` of Firestore on top of the database's: `feed.Feed`, or `aio.Feed` where it is awaited."""
    if base not in _classes:
        _classes[base] = _made(base)
    return _classes[base]


def _made(base):
    # MicroPython's super() knows one base: so each pump's feed has a class of its own.
    class Feed(base):
        def __init__(self, fs, path, fields, time="") -> None:
            from ._document_path import collection

            self._name = "%s/%s" % (fs._root, "/".join(collection(path)))
            self._suffix = _suffix(time)
            base.__init__(self, fs, "", fields)
            # Behind each name stands the kind of the number.
            self._texts = [text + b"{" for text in self._texts]

        def _prepare(self):
            fs = self._database
            token = fs._token
            parameters = [token.parameter] if token else []
            if parameters != self._parameters:
                self._parameters = parameters
                self._build(_head(fs), b'{"writes":[{"update":{"name":"%s/' % self._name.encode())

        def _build(self, head, before):
            self._length_at = len(head)
            body_at = len(head) + _LENGTH_DIGITS + 4
            self._key_at = body_at + len(before)
            between = b'","fields":'
            self._row_at = self._key_at + _push_id.SIZE + len(between)
            room = self._room + 20 * len(self._texts) + len(self._suffix)
            self._request = request = bytearray(self._row_at + room)
            put_text(request, put_text(request, 0, head) + _LENGTH_DIGITS, b"\r\n\r\n")
            put_text(request, put_text(request, body_at, before) + _push_id.SIZE, between)

        def put_row(self, buffer, at, row):
            """Write the fields and what ends the commit at buffer[at]; the position behind it."""
            i = 0
            while i < len(self._texts):
                at = put_text(buffer, at, self._texts[i])
                at = _put_value(buffer, at, row[i], self._decimals[i])
                i += 1
            return put_text(buffer, at, self._suffix)

        def _begin(self, connection, row):
            if not base._begin(self, connection, row):
                return False
            # The answer says nothing new: it passes by.
            connection.streamed = True
            return True

        def _send(self, row):
            return self._run_hot(row) if base is feed.Feed else base._send(self, row)

        def _run_hot(self, row):
            connection = self._database._connection
            if not self._begin(connection, row):
                return self._database._run(self._push(row))
            code = connection.step()
            while code > DONE:
                if code != BODY and code != HEAD:
                    connection.wait(connection.remaining())
                code = connection.step()
            if not self._is_done(connection, code):
                self._database._run(self._again(1))

        def _is_done(self, connection, code):
            # What refuses is asked again, by the flow that reads why.
            if code != DONE or connection.response.status != 200:
                return False
            self.pending = False
            return True

        def _again(self, attempt=0):
            from . import FlameletError
            from ._rest import send

            try:
                yield from send(self._database, self._request, self._size, True)
                self.pending = False
            except FlameletError as error:
                self.pending = error.retry
                raise

        def push_many(self, rows):
            """Write many readings in one commit, all or none; how many there were."""
            return self._database._run(_push_many(self, rows))

    return Feed


def _suffix(time):
    if not time:
        return b"}}}]}"
    from . import _document_path, _json

    path = _json.dumps(_document_path.join(_document_path.split(time)), None)
    return b'}},"updateTransforms":[{"fieldPath":%s,"setToServerValue":"REQUEST_TIME"}]}]}' % path


def _head(fs):
    from ._rest import headers, target

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
    return put_text(buffer, put_number(buffer, at, value, decimals), _BEHIND)


def _push_many(self, rows):
    """Flow: the readings of `rows` in one commit, each under a new id; how many."""
    from ._rest import ask

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
        yield from ask(fs, "POST", fs._root + ":commit", b'{"writes":[%s]}' % b",".join(writes))
    return len(writes)
