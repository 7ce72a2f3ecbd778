"""Reads a list of documents as it arrives, in the envelope of Firebase Express SDK.

In: a path. Out: its documents, one after another, or the error in the envelope. See client/streamed_answer.py for
memory and deadlines; a document has at most the client's `answer_bytes`.
"""

from .. import FlameletError, _broken
from ..client.answer_head import open_answer
from ..client.streamed_answer import StreamedAnswer
from ..wire.json_reader import NEED, Reader
from .envelope import check_envelope
from .target import headers, named, target

_KEYS = ("status", "data", "message")


class Documents(StreamedAnswer):
    """Made by `Gateway.list(path)`: iterate over it. `message`: at the end, the server's message, or None."""

    def __init__(self, client, path: str) -> None:
        self._path = path
        self.message = None
        self._envelope: dict = {}
        target(client, path)
        super().__init__(client, _EnvelopeReader(client.answer_bytes), named("GET", path), "answer_bytes")

    def _open(self):
        """Flow: send the request. Returns it."""
        client = self._client
        connection = self._connection
        try:
            return (yield from open_answer(client, connection, target(client, self._path), headers(client, b"")))
        except FlameletError as error:
            if not error.status or error.status != connection.response.status:
                raise
            from .envelope_errors import http_error

            raise http_error(self._what, error.status, connection.body, connection.body_size)

    def _found(self):
        reader = self._reader
        if reader.is_array():
            raise _broken("%s: the answer is a list: is this a Firebase Express SDK endpoint?", self._what)
        value = reader.read()
        if len(reader.keys) == 1:
            self._envelope[reader.keys[0]] = value
            return None
        if not reader.is_list or not isinstance(value, dict):
            raise self._no_list()
        return value

    def _check(self):
        check_envelope(self._envelope, self._what)
        if not self._reader.is_list:
            raise self._no_list()
        self.message = self._envelope.get("message")

    def _no_list(self):
        return _broken("%s: the answer holds no list of documents: is it a document, which get() reads?", self._what)


class _EnvelopeReader(Reader):
    """Finds the elements of `data`, and the other values of the envelope.

    `is_list`: `data` has arrived, and is an array.
    """

    def __init__(self, value_bytes: int) -> None:
        self.is_list = False
        super().__init__(["*"], value_bytes)

    def _match(self, key):
        if self._depth > 1 or self.is_array():
            return super()._match(key)
        self.aim([key, "*"] if key == "data" else [key])
        self.keys[0] = key
        # Other keys are skipped.
        self._matched = 1 if key in _KEYS else 0
        return NEED

    def _begin_other(self, byte, at):
        if self._depth == 1 and self.keys[0] == "data":
            self.is_list = byte == 91
        return super()._begin_other(byte, at)
