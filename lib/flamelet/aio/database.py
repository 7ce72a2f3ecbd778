"""The same services, awaited: `flamelet.aio.Database` has the methods of `flamelet.Database`.

No logic is repeated: a method makes the same flow, and `run` here pumps it on asyncio. What differs is how to wait. On
CPython the event loop watches the socket. On MicroPython watching one costs 150 bytes each time, so the socket is
tried again after 0, 1, 3, 7, 15, 31 ms of `asyncio.sleep_ms`, which costs nothing.

Several tasks may use one client: requests wait for each other, and a stream has a connection of its own.
"""

from ..rtdb import database
from ..rtdb import stream
from .feed import Feed
from .pump import _wait, run
from ..client.budget import turn
from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms

_LONGEST_PAUSE = const(31)


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
            from ..rtdb import recording as _recording

            return _recording.Feed(Feed, self, path, fields, outbox)
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
