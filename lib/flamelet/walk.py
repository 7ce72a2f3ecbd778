"""A walk through an answer that may be larger than memory: the values whose paths match a pattern, as they arrive.

In: a path, and a pattern of the paths below it ("*/name": `*` stands for any key). Out: (path, value), in the order of
the answer. The rest is skipped without being built. A walk has a connection of its own, which the budget counts; it is
not resumed where that breaks. A `for` that may end early stands in a `with` block.

Memory: the connection's 512 bytes, and one value at a time, of at most `value_bytes`. Deadline: the server has the
client's `first_byte` for each piece.
"""

from . import broken
from ._budget import Closing, enter, leave
from ._connection import DONE
from ._http1 import BODY
from ._opening import opened
from ._reader import FOUND, NEED, NOT_JSON, Reader
from ._runtime import ticks_add, ticks_ms
from .database import keys


class Walk(Closing):
    """Made by `Database.walk(path, pattern)`: iterate over it, with `async for` where the database is awaited."""

    def __init__(self, client, path: str, pattern: str, raw: bool, value_bytes: int) -> None:
        parts = [part for part in keys(pattern) if part]
        self._what = "/".join(keys(path) + parts)
        self._client = client
        self._path = path
        self._request = b""
        self._reader = Reader(parts, value_bytes)
        self._raw = raw
        self._connection = client._new_connection()
        self._connection.response.wanted = (b"location",)
        self._at = self._end = 0
        enter(client, self)

    def __iter__(self):
        return self

    def __next__(self):
        found = self._client._run(self._next())
        if found is None:
            raise StopIteration
        return found

    def __aiter__(self):
        return self

    async def __anext__(self):
        found = await self._client._run(self._next())
        if found is None:
            raise StopAsyncIteration
        return found

    def close(self) -> None:
        """End the walk, and free its connection."""
        self._connection.busy = False
        self._connection.close()
        leave(self._client, self)

    def _next(self):
        """Flow: the next (path, value); None at the end."""
        if self not in self._client._streams:
            return None
        reader = self._reader
        try:
            if not self._request:
                self._request = yield from opened(self._client, self._connection, self._client._target(self._path))
                # The budget parks what nobody uses.
                self._connection.busy = True
            code = reader.feed(self._connection.buffer, self._at, self._end)
            while True:
                self._at = reader.position
                if code == FOUND:
                    found = self._found()
                    if found:
                        return found
                elif code != NEED:
                    raise self._failure(code)
                elif not (yield from self._fill()):
                    break
                code = reader.feed(self._connection.buffer, self._at, self._end)
            code = reader.feed_eof()
            if code not in (NEED, FOUND):
                raise self._failure(code)
        except Exception:
            self.close()
            raise
        self.close()
        return self._found() if code == FOUND else None

    def _found(self):
        """What the reader found; None where it is null, which stands for nothing."""
        reader = self._reader
        path = "/".join(reader.keys)
        if reader.size == 4 and reader.text.startswith(b"null"):
            return None
        if self._raw:
            return path, bytes(memoryview(reader.text)[: reader.size])
        return path, reader.read()

    def _failure(self, code):
        if code == NOT_JSON:
            return broken("walk %s: the server sent what is not JSON", self._what)
        return broken("walk %s: a value or key is larger than value_bytes: allow more", self._what)

    def _fill(self):
        """Flow: the next piece of the answer; False at its end."""
        connection = self._connection
        connection.deadline = ticks_add(ticks_ms(), connection.timeouts.first_byte)
        code = connection.step()
        while code > DONE and code != BODY:
            yield connection
            code = connection.step()
        if code < DONE:
            from ._failures import failed

            raise failed(connection, self._request)
        self._at = connection.response.piece_start
        self._end = connection.response.piece_end
        return code == BODY
