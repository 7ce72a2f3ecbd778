"""Reads an answer that may be larger than memory as it arrives: what walks, lists and queries have in common.

In: what to ask, and a `Reader` that finds the values of the answer. Out: what a subclass makes of each one, in `for` or
`async for`. It has a connection of its own, which the budget counts, and is not resumed where that breaks. A `for` that
may end early stands in a `with` block.

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
    """A subclass has `_open`, a flow that asks and returns the request, and `_found`, which makes of a value what is
    yielded, None for nothing. `what` and `limit` name the operation, and what bounds a value, in errors.
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
        """End it, and free its connection."""
        self._connection.in_use = False
        self._connection.close()
        remove_stream(self._client, self, self._connection)

    def next_item(self):
        """Flow: what comes next; None at the end."""
        if self not in self._client.streams:
            return None
        reader = self._reader
        try:
            if not self._request:
                self._request = yield from self._open()
                # The budget parks what nobody uses.
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
        """Raise what is wrong with an answer that is whole."""

    def _failure(self, code):
        if code == NOT_JSON:
            return _broken("%s: the server sent what is not JSON", self._what)
        return _broken("%s: a value or key is larger than %s: allow more", self._what, self._limit)

    def _fill(self):
        """Flow: the next piece of the answer; False at its end."""
        connection = self._connection
        connection.deadline = ticks_add(ticks_ms(), connection.timeouts.first_byte)
        code = yield from connection.step_to(BODY)
        if code < DONE:
            from ..diagnosis.failures import failed

            raise failed(connection, self._request)
        self._at = connection.response.piece_start
        self._end = connection.response.piece_end
        return code == BODY
