"""Awaits the Realtime Database: `flamelet.aio.Database` has the methods of `flamelet.Database`.

Each method makes the same flow, and `run` of pump.py runs it on asyncio. Several tasks may use one service: requests
wait for each other, and a stream has a connection of its own.
"""

from ..rtdb import database
from .feed import Feed
from .pump import run
from .stream import Stream


class Database(database.Database):
    """`flamelet.Database`, whose methods are awaited."""

    _pump = staticmethod(run)

    def listen(self, path: str, **options):
        """Return a `Stream` as `flamelet.Database.listen` does, to iterate over with `async for`."""
        return Stream(self._client, path, **options)

    def _new_feed(self, reading):
        return Feed(reading)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()
