"""The same services, awaited: `flamelet.aio.Database` has the methods of `flamelet.Database`.

No logic is repeated: a method makes the same flow, and `run` here pumps it on asyncio. What differs is how to wait. On
CPython the event loop watches the socket. On MicroPython watching one costs 150 bytes each time, so the socket is
tried again after 0, 1, 3, 7, 15, 31 ms of `asyncio.sleep_ms`, which costs nothing.

Several tasks may use one client: requests wait for each other, and a stream has a connection of its own.
"""

import asyncio

from . import database, feed, stream
from ._budget import turn
from ._connection import DONE
from ._runtime import MICROPYTHON, const, ticks_add, ticks_diff, ticks_ms

_LONGEST_PAUSE = const(31)

if MICROPYTHON:
    sleep_ms = asyncio.sleep_ms

    # A plain function: sleep_ms returns the same awaitable each time, and a coroutine would be an object.
    def _wait(waited, pause, ms=1 << 29):
        if isinstance(waited, int):
            pause = waited
        elif callable(waited):
            waited()
            pause = 0
        return asyncio.sleep_ms(min(pause, ms))

else:
    from ._cpython import sleep_async as sleep_ms  # noqa: F401  for device.py
    from ._cpython import wait_async as _wait


async def run(flow):
    """Run `flow` to its end; what it returned."""
    pause = 0
    error = None
    try:
        while True:
            waited = flow.throw(error) if error else next(flow)
            error = None
            if isinstance(waited, list):
                # The user's own coroutine: what it returned takes its place.
                try:
                    waited[0] = await waited[0]
                except Exception as raised:
                    error = raised
                continue
            await _wait(waited, pause)
            # A flow that said how long begins something new: what it then waits for may be there soon.
            pause = 0 if isinstance(waited, int) else min(2 * pause + 1, _LONGEST_PAUSE)
    except StopIteration as end:
        return end.value
    finally:
        flow.close()


def __getattr__(name: str):
    # A program pays for what it uses.
    if name not in ("Firestore", "Gateway"):
        raise AttributeError("flamelet.aio has no %s" % name)
    from . import _names
    from ._aio_services import awaited

    service = awaited(_names.find(name))
    globals()[name] = service
    return service


class Database(database.Database):
    """`flamelet.Database`, whose methods are awaited."""

    def _run(self, flow):
        return run(flow)

    def listen(self, path: str, **options):
        """As `flamelet.Database.listen`: a `Stream` to iterate over with `async for`."""
        return Stream(self, path, **options)

    def feed(self, path: str, fields: tuple, outbox=None):
        """As `flamelet.Database.feed`: a `Feed` whose methods are awaited; not so `record`, which does not wait."""
        if outbox:
            from . import recording

            return recording.Feed(Feed, self, path, fields, outbox)
        return Feed(self, path, fields)

    def _exchange(self, request, size, repeatable, attempt=0):
        yield from turn(self._connection)
        return (yield from super()._exchange(request, size, repeatable, attempt))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


class Stream(stream.Stream):
    """`flamelet.stream.Stream`, over which `async for` iterates."""

    async def next(self, ms: int = -1):
        """The next event; None where none comes within `ms` milliseconds (0: without waiting; -1: for ever)."""
        end = ticks_add(ticks_ms(), max(0, ms))
        left = 1 << 29
        pause = 0
        while True:
            event = self.move()
            if event is not None or self.closed:
                return event
            if ms >= 0:
                left = ticks_diff(end, ticks_ms())
                if left <= 0 and not callable(self.waiting):
                    return None
            await _wait(self.waiting, pause, left)
            pause = min(2 * pause + 1, _LONGEST_PAUSE)

    def __aiter__(self):
        return self

    async def __anext__(self):
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event


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
