"""Awaits the sending of readings: the feed of every service of `flamelet.aio`."""

from ..client.budget import wait_for_turn
from ..core.runtime import MICROPYTHON, const
from ..feed import feed
from ..net.connection import DONE
from .pump import run, wait

_LONGEST_PAUSE = const(31)


class Feed(feed.Feed):
    """The feed of a service whose methods are awaited.

    The values of a reading are copied at the call, and its request is written when the connection is free: two tasks
    cannot mix them.
    """

    def __init__(self, reading) -> None:
        super().__init__(reading)
        if MICROPYTHON:
            self._sending = _Sending(reading)

    def push_row(self, row):
        """Send one reading under a new key: `row` is a list or tuple with a value for each field."""
        connection = self.reading.client.connection
        # On CPython a task that is cancelled before it starts would never release the connection.
        if MICROPYTHON and self.reading.begin(connection, row):
            connection.in_use = True
            return self._sending
        self.reading.check(row)
        return run(self._push(tuple(row)))

    def _push(self, row):
        yield from wait_for_turn(self.reading.client.connection)
        yield from self.reading.push(row)


if MICROPYTHON:

    class _Sending:
        """Runs the hot path of a feed on MicroPython: one awaitable, used again, where each coroutine would be an
        object.

        It has the methods that asyncio calls: `__iter__` and `__next__` to await it, `send` to make a task of it,
        `close` and `throw` to cancel it.
        """

        def __init__(self, reading):
            self._connection = reading.client.connection
            self._reading = reading
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
            code = self._reading.step(self._connection)
            if code > DONE:
                # `await` calls next() on the result of sleep_ms too.
                next(wait(self._connection, self._pause))
                self._pause = min(2 * self._pause + 1, _LONGEST_PAUSE)
                return None
            self.close()
            if code == DONE and self._reading.is_done(self._connection):
                # Else each raise would add to it.
                self._end.__traceback__ = None
                raise self._end
            self._flow = flow = self._reading.again(1)
            return self._next_of(flow)

        def _next_of(self, flow):
            try:
                next(wait(next(flow), _LONGEST_PAUSE))
            except Exception:
                self._flow = None
                raise

        def close(self):
            """Release the connection; the next user closes an exchange that was interrupted."""
            self._pause = 0
            if self._flow:
                self._flow.close()
                self._flow = None
            else:
                self._connection.in_use = False

        def throw(self, error, *_):
            self.close()
            raise error
