"""Prepares the request of a reading for an endpoint of Firebase Express SDK.

In: a row of values. Out: a PUT under an id that is made here, so a repeat is idempotent; or, if the server has no such
route, a POST, which is not repeated if its answer is lost. The HTTP status is 200 for errors too, so the beginning of
each answer is checked.

Falsy values count as missing in the SDK's schemas: a reading of 0 is refused there (MissingKeys) unless its author
allows it.
"""

from .. import FlameletError
from ..client.request import build
from ..core import push_id as _push_id
from ..core.buffer import put_text
from ..core.copy import copy
from ..core.runtime import const
from ..feed.streamed_reading import StreamedReading
from .documents import answered
from .envelope import check_envelope
from .target import headers, named, target

_ANSWER_BYTES = const(512)
_SUCCESS = b'{"status":"success"'
_NO_LENGTH = b" 0\r\n\r\n"


class Reading(StreamedReading):
    """The request of a reading: a PUT of `path`/id, or, with `is_post`, a POST to `path`."""

    def __init__(self, client, path: str, fields: tuple, is_post: bool) -> None:
        target(client, path)
        self.path = path
        self.is_post = is_post
        self._what = named("POST" if is_post else "PUT", path)
        if is_post:
            from ..client.recovery import is_alive

            self._is_alive = is_alive
        self._answer = bytearray(_ANSWER_BYTES)
        self._answer_size = 0
        super().__init__(client, fields)

    def prepare(self):
        """Build the request around an id and a length that are yet to be written, unless it exists already."""
        client = self.client
        parameters = [client.token.parameter] if client.token else []
        if parameters == self.parameters:
            return
        if not hasattr(self, "request"):
            # A POST has no key: the feed's is kept after the bytes that are sent.
            self.room += _push_id.SIZE
        self.parameters = parameters
        key = "-" * _push_id.SIZE
        path, mark, query = self.path.partition("?")
        place = target(client, self.path if self.is_post else path.strip("/") + "/" + key + mark + query)
        head = build(client, "POST" if self.is_post else "PUT", place, b"", headers(client, b" "))
        length_at = len(head) - len(_NO_LENGTH)
        request = self.new_request(length_at)
        put_text(request, 0, head[:length_at])
        if self.is_post:
            self.key_at = len(request) - _push_id.SIZE
        else:
            self.key_at = head.find(b" ") + 1 + len(place.split("?")[0]) - _push_id.SIZE

    @property
    def key(self):
        """The id of the last reading; for a POST the one that the server made, or "" if its answer has none."""
        if not self.is_post:
            return self.request[self.key_at : self.key_at + _push_id.SIZE].decode()
        from .envelope_errors import value

        content = value(self._answer, self._answer_size)
        data = content.get("data") if isinstance(content, dict) else None
        return data.get("id", "") if isinstance(data, dict) else ""

    def begin(self, connection, row):
        """Write the reading and begin the exchange, if that can be done at once. Returns whether it did."""
        self._answer_size = 0
        if self.is_post and connection.sock and connection.idle and not connection.in_use:
            # Express closes a connection after five idle seconds: a POST must not get lost by that.
            self._is_alive(connection)
        return super().begin(connection, row)

    def look(self, connection):
        """Keep the beginning of the answer."""
        start = connection.response.piece_start
        end = min(connection.response.piece_end, start + _ANSWER_BYTES - self._answer_size)
        self._answer_size = copy(self._answer, self._answer_size, connection.buffer, start, end)

    def is_done(self, connection):
        """Return whether the reading was written; False if it may be sent again. Raises the error of the answer."""
        if connection.response.status == 200 and self._answer.find(_SUCCESS, 0, self._answer_size) == 0:
            self.pending = False
            return True
        return self._is_success(connection.response.status)

    # Apart from `is_done`: with its `try`, the frame would come from the heap.
    def _is_success(self, status):
        """Return whether an answer that does not begin as usual says success all the same, as `is_done` does."""
        if status != 200 and (not self.is_post or status in (401, 503) or 300 <= status < 400):
            return False
        from .envelope_errors import value

        content = value(self._answer, self._answer_size)
        if isinstance(content, bytes) and not self.is_post:
            return False
        try:
            self._check(status, content)
        except FlameletError as error:
            self.pending = error.retry
            raise
        self.pending = False
        return True

    def _check(self, status, content):
        """Raise the error of an answer that does not begin as usual."""
        if status >= 300:
            from .envelope_errors import http_error

            raise http_error(self._what, status, self._answer, self._answer_size, False)
        if isinstance(content, bytes) and self._answer_size == _ANSWER_BYTES:
            # It goes on beyond that: its beginning says what is wrong.
            content = {"status": "error", "message": repr(content)}
        check_envelope(content, self._what, not self.is_post)

    def answered(self, attempt):
        """Flow: send the request with all that the hot path leaves out."""
        connection = self.client.connection
        if attempt and self.is_post and connection.failure and connection.sent:
            from ..diagnosis.failures import failed
            from ..errors import OutcomeUnknown

            error = failed(connection, self.request)
            raise OutcomeUnknown("%s: it may have happened: look before you send it again" % error)
        yield from answered(self.client, self._what, self.request, self.size, not self.is_post, attempt)
        end = min(connection.body_size, _ANSWER_BYTES)
        self._answer_size = copy(self._answer, 0, connection.body, 0, end)

    def push_many(self, rows):
        """Flow: send readings one after another, since the SDK has no way to send many. Returns how many there were.

        A pending reading is sent first. After an error `pending` is as after `push`; the later readings were not sent.
        """
        count = 0
        if self.pending:
            yield from self.again()
        for row in rows:
            self.check(row)
            yield from self.push(row)
            count += 1
        return count
