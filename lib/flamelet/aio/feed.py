"""TODO: says what is here."""

from ..feed import feed
from .pump import _wait, run
from ..client.budget import turn
from ..core.runtime import MICROPYTHON, const
from ..net.connection import DONE

_LONGEST_PAUSE = const(31)


class Feed(feed.Feed):
    """`flamelet.feed.Feed`, whose methods are awaited.

    The values of a reading are taken at the call, and its request is written when the connection is free: two tasks
    cannot mix theirs.
    """

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        if MICROPYTHON:
            self._sending = _Sending(self)

    def _push(self, row):
        yield from turn(self._database._connection)
        yield from super()._push(row)

    def _send(self, row):
        connection = self._database._connection
        # On CPython a task that is cancelled before it begins would never give the connection back.
        if MICROPYTHON and self._begin(connection, row):
            connection.busy = True
            return self._sending
        self._check(row)
        return run(self._push(tuple(row)))


if MICROPYTHON:

    class _Sending:
        """The hot path of a feed on MicroPython: one awaitable for all, where a coroutine would be an object each.

        It has what asyncio calls: `__iter__` and `__next__` to await it, `send` to make a task of it, `close` and
        `throw` to cancel it.
        """

        def __init__(self, feed):
            self._feed = feed
            self._connection = feed._database._connection
            self._end = StopIteration()
            self._flow = None
            self._pause = 0

        def __iter__(self):
            return self

        def send(self, _):
            return self.__next__()

        def __next__(self):
            if self._flow:
                return self._next_of(self._flow)
            code = self._connection.step()
            if code > DONE:
                # next() on what sleep_ms returns is what `await` does with it.
                next(_wait(self._connection, self._pause))
                self._pause = min(2 * self._pause + 1, _LONGEST_PAUSE)
                return None
            self.close()
            if self._feed._is_done(self._connection, code):
                # Else each raise would add to it, for ever.
                self._end.__traceback__ = None
                raise self._end
            self._flow = flow = self._feed._again(1)
            return self._next_of(flow)

        def _next_of(self, flow):
            try:
                next(_wait(next(flow), _LONGEST_PAUSE))
            except Exception:
                self._flow = None
                raise

        def close(self):
            """Give the connection back; an exchange that was cut short is closed by whoever uses it next."""
            self._pause = 0
            if self._flow:
                self._flow.close()
                self._flow = None
            else:
                self._connection.busy = False

        def throw(self, error, *_):
            self.close()
            raise error
