"""Prepares the request of a reading for Firestore: a commit of a document, of which only id and numbers change.

In: a row of readings. Out: one commit that writes a document under a new id. Its answer is not kept, but must
begin as JSON does: a captive portal answers with a page, and status 200. On an open connection `push` allocates nothing
on MicroPython, as for the Realtime Database. The id is made before a reading is sent, so a repeated commit is
idempotent. Ids sort by the time of the reading.

Numbers of a field with decimals are doubles, others are integers. `time`: the name of a field that the service sets
to the time of the request.
"""

from ..core import push_id as _push_id
from ..core import url as _url
from ..core.buffer import put_number, put_text
from ..core.runtime import const
from ..feed.streamed_reading import StreamedReading
from .path import collection

_BRACE = const(123)
_KIND_WIDTH = const(20)  # the longest kind of a value, `"booleanValue":`, and its end


class Reading(StreamedReading):
    """The request of a reading in the collection at `path`. `name`: the resource name of the collection."""

    def __init__(self, client, path: str, fields: tuple, time: str = "") -> None:
        self.name = "%s/%s" % (client.root, "/".join(collection(path)))
        self._suffix = _suffix(time)
        self._first = 0  # first byte of the answer
        super().__init__(client, fields)
        # The kind of the number follows each name.
        self.texts = [text + b"{" for text in self.texts]

    def prepare(self):
        """Build the request around an id and a length that are yet to be written, unless it exists already."""
        client = self.client
        parameters = [client.token.parameter] if client.token else []
        if parameters == self.parameters:
            return
        if not hasattr(self, "request"):
            # Once: a row is wider than that of the base class.
            self.room += _KIND_WIDTH * len(self.texts) + len(self._suffix)
        self.parameters = parameters
        head = _head(client)
        before = b'{"writes":[{"update":{"name":"%s/' % self.name.encode()
        between = b'","fields":'
        request = self.new_request(len(head), len(before) + _push_id.SIZE + len(between))
        put_text(request, 0, head)
        self.key_at = self.row_at - len(between) - _push_id.SIZE
        put_text(request, self.key_at - len(before), before)
        put_text(request, self.row_at - len(between), between)

    def put_row(self, buffer, at, row):
        """Write the fields and what ends the commit at buffer[at]. Returns the position after it."""
        i = 0
        while i < len(self.texts):
            at = put_text(buffer, at, self.texts[i])
            at = _put_value(buffer, at, row[i], self.decimals[i])
            i += 1
        return put_text(buffer, at, self._suffix)

    def begin(self, connection, row):
        """Write the reading and begin the exchange, if that can be done at once. Returns whether it did."""
        self._first = 0
        return super().begin(connection, row)

    def look(self, connection):
        """Keep the first byte of the answer."""
        self._first = self._first or connection.buffer[connection.response.piece_start]

    def is_done(self, connection):
        """Return whether the reading was written. Otherwise a flow sends it again, which reads a refusal or a page."""
        if connection.response.status != 200 or self._first != _BRACE:
            return False
        self.pending = False
        return True

    def answered(self, attempt):
        """Flow: send the request with everything that the hot path omits."""
        from .rest import check_written, send

        check_written((yield from send(self.client, self.request, self.size, True)))

    def push_many(self, rows):
        """Flow: write many readings in one commit, all or none. Returns how many there were."""
        from .rest import ask, check_written

        start = b'{"update":{"name":"%s/' % self.name.encode()
        buffer = bytearray(len(self.request))
        key = bytearray(_push_id.SIZE)
        writes = []
        for row in rows:
            self.check(row)
            _push_id.forget()
            _push_id.put(key, 0)
            # Without the end of the commit.
            end = self.put_row(buffer, 0, row) - 2
            writes.append(b'%s%s","fields":%s' % (start, bytes(key), bytes(buffer[:end])))
        if writes:
            from ..client.write_once import write_once

            body = b'{"writes":[%s]}' % b",".join(writes)
            path = self.client.root + ":commit"

            def send_writes(repeatable):
                return ask(self.client, "POST", path, body, None, repeatable)

            check_written((yield from write_once(send_writes)))
        return len(writes)


def _suffix(time):
    """Return the end of the commit; `time`: the field that the service sets to the time of the request, or ""."""
    if not time:
        return b"}}}]}"
    from ..wire import json as _json
    from . import field_path as _field_path

    path = _json.dumps(_field_path.join(_field_path.split(time)), None)
    return b'}},"updateTransforms":[{"fieldPath":%s,"setToServerValue":"REQUEST_TIME"}]}]}' % path


def _head(client):
    from .rest import headers, target

    lines = ["POST %s HTTP/1.1" % target(client, client.root + ":commit"), "Host: " + _url.host_header(client.origin)]
    lines.extend(headers(client, b""))
    return "\r\n".join(lines).encode() + b"\r\nContent-Length:"


def _put_value(buffer, at, value, decimals):
    """Write `"integerValue":"40"}` at buffer[at]. Returns the position after it."""
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
