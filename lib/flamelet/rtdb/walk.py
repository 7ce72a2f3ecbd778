"""Reads the values whose paths match a pattern, as they arrive, from an answer that may be larger than memory.

In: a path, and a pattern of the paths below it ("*/name": `*` stands for any key). Out: (path, value), in the order of
the answer. The rest is skipped. See client/streamed_answer.py for memory and deadlines; a value has at most
`value_bytes`.
"""

from ..client.answer_head import open_answer
from ..client.streamed_answer import StreamedAnswer
from ..core.path import keys
from ..wire.json_reader import Reader
from .exchange import target


class Walk(StreamedAnswer):
    """Made by `Database.walk(path, pattern)`: iterate over it, with `async for` if the database is awaited."""

    def __init__(self, client, path: str, pattern: str, raw: bool, value_bytes: int) -> None:
        parts = [part for part in keys(pattern) if part]
        what = "walk " + "/".join(keys(path) + parts)
        self._path = path
        self._raw = raw
        super().__init__(client, Reader(parts, value_bytes), what, "value_bytes")

    def _open(self):
        return open_answer(self._client, self._connection, target(self._client, self._path))

    def _found(self):
        """Return (path, value) of what the reader found, or None for a null, which means no value."""
        reader = self._reader
        path = "/".join(reader.keys)
        if reader.size == 4 and reader.text.startswith(b"null"):
            return None
        if self._raw:
            return path, bytes(memoryview(reader.text)[: reader.size])
        return path, reader.read()
