"""Awaits a gateway: `flamelet.aio.Gateway` has the methods of `flamelet.Gateway`."""

from ..gateway import gateway
from .feed import Feed
from .pump import run


class Gateway(gateway.Gateway):
    """`flamelet.Gateway`, whose methods are awaited."""

    _pump = staticmethod(run)

    def _new_feed(self, reading):
        return Feed(reading)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()
