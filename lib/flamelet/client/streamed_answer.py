"""Reads an answer that may be larger than memory as it arrives: the base of walks, lists and queries.

In: a request, and a `Reader` that finds the values of the answer. Out: what a subclass makes of each one, in `for` or
`async for`. It has a connection of its own, which the budget counts, and is not resumed if that breaks. Use a `with`
block if the `for` may end early.

Memory: the connection's 512 bytes, and one value at a time. Deadline: the server has the client's `first_byte` for each
piece.
"""

from .. import _broken
from ..core.runtime import ticks_add, ticks_ms
from ..net.connection import DONE
from ..wire.http1 import BODY
from ..wire.json_reader import FOUND, NEED, NOT_JSON
from .budget import add_stream, remove_stream
from .iteration import Iteration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class StreamedAnswer(Iteration):
    """A subclass has `_open`, a flow that sends and returns the request, and `_found`, which returns the item for a
    value, or None for none. `what` names the operation in errors, and `limit` the option that limits a value.
    """

    _open: "Callable[[], Generator[object, None, bytes]]"
    _found: "Callable[[], object]"

    def __init__(self, client, reader, what: str, limit: str) -> None:
        self._client = client
        self._reader = reader
        self._what = what
        self._limit = limit
        self._request = b""
        self._connection = client.new_connection()
        self._connection.response.wanted = (b"location",)
        self._at = self._end = 0
        add_stream(client, self, self._connection)

    def close(self) -> None:
        """End the iteration, and free its connection."""
        self._connection.in_use = False
        self._connection.close()
        remove_stream(self._client, self, self._connection)

    def next_item(self):
        """Flow: return the next item, or None at the end."""
        if self not in self._client.streams:
            return None
        reader = self._reader
        try:
            if not self._request:
                self._request = yield from self._open()
                # The budget closes connections that are not in use.
                self._connection.in_use = True
            code = reader.feed(self._connection.buffer, self._at, self._end)
            while True:
                self._at = reader.position
                if code == FOUND:
                    found = self._found()
                    if found is not None:
                        return found
                elif code != NEED:
                    raise self._failure(code)
                elif not (yield from self._fill()):
                    break
                code = reader.feed(self._connection.buffer, self._at, self._end)
            code = reader.feed_eof()
            if code not in (NEED, FOUND):
                raise self._failure(code)
            self._check()
            found = self._found() if code == FOUND else None
        except Exception:
            self.close()
            raise
        self.close()
        return found

    def _check(self):
        """Check an answer that is whole. A subclass may raise."""

    def _failure(self, code):
        if code == NOT_JSON:
            return _broken("%s: the server sent what is not JSON", self._what)
        return _broken("%s: a value or key is larger than %s: allow more", self._what, self._limit)

    def _fill(self):
        """Flow: read the next piece of the answer. Returns False at its end."""
        connection = self._connection
        connection.deadline = ticks_add(ticks_ms(), connection.timeouts.first_byte)
        code = yield from connection.step_to(BODY)
        if code < DONE:
            from ..diagnosis.failures import failed

            raise failed(connection, self._request)
        self._at = connection.response.piece_start
        self._end = connection.response.piece_end
        return code == BODY
