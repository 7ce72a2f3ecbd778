"""Awaits the events of a stream."""

from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms
from ..rtdb import stream
from .pump import wait

_LONGEST_PAUSE = const(31)


class Stream(stream.Stream):
    """A stream of `flamelet.Database.listen`, over which `async for` iterates."""

    async def next(self, ms: int = -1):
        """Return the next event, or None if none comes in `ms` milliseconds (0: without waiting; -1: for ever)."""
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
            await wait(self.waiting, pause, left)
            pause = min(2 * pause + 1, _LONGEST_PAUSE)

    def __aiter__(self):
        return self

    async def __anext__(self):
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event
