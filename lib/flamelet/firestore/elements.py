"""Reads the answers of Firestore's methods that send an array, element by element as they arrive: runQuery, batchGet.

In: a method, its body, and a function that converts an element. Out: the results, in `for` or `async for`; an error
among the elements is raised. Until the first element arrives, the request is repeated as diagnosis/answers.py says;
after that, a broken answer is not resumed.

Memory: one element at a time, of at most the client's `answer_bytes`; see client/streamed_answer.py.
"""

from .. import FlameletError, _broken
from ..client.answer_head import open_answer
from ..client.streamed_answer import StreamedAnswer
from ..core.runtime import ticks_add, ticks_ms
from ..wire.json_reader import Reader
from .rest import call, encoded, headers, pause, target


class Elements(StreamedAnswer):
    """`path`: the part after ".../v1/", with the method; `body`: a value, or JSON as bytes; `made(element)`: returns
    the item for an element, or None for none.
    """

    def __init__(self, client, path: str, body, made) -> None:
        self._path = path
        self._body = encoded(body)
        self._made = made
        super().__init__(client, Reader(["*"], client.answer_bytes), path, "answer_bytes")

    def _open(self):
        """Flow: ask until there is a good answer. Returns the request."""
        client = self._client
        asked = target(client, self._path), headers(client, self._body), "POST", self._body
        end = ticks_add(ticks_ms(), self._connection.timeouts.answer)
        attempt = 0
        while True:
            attempt += 1
            try:
                return (yield from open_answer(client, self._connection, *asked))
            except FlameletError as error:
                if not error.status:
                    raise
                ms = pause(error, attempt, end)
            self._connection.close()
            yield ms

    def _found(self):
        self._check()
        return self._made(checked(self._reader.read(), self._what))

    def _check(self):
        if not self._reader.is_array():
            raise _broken("%s: the answer is no array: is this Firestore?", self._what)


def call_elements(client, what: str, body):
    """Flow: return the elements of the answer to `what`, a method that answers with an array, in a list."""
    elements = yield from call(client, "POST", what, body)
    if not isinstance(elements, list):
        raise _broken("%s: the answer is no array: is this Firestore?", what)
    return [checked(element, what) for element in elements]


def checked(element, what: str) -> dict:
    """Return `element` of an answer to `what`. Raises the error if it holds one, ProtocolError if it is no object."""
    if not isinstance(element, dict):
        raise _broken("%s: an element of the answer is no object: is this Firestore?", what)
    error = element.get("error")
    if error:
        from ..diagnosis.failures import error_of

        code = error.get("code") if isinstance(error, dict) else 0
        raise error_of(what, code if isinstance(code, int) and code >= 300 else 500, element)
    return element
