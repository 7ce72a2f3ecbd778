"""Awaits Firestore: `flamelet.aio.Firestore` has the methods of `flamelet.Firestore`."""

from ..firestore import firestore
from .feed import Feed
from .pump import run


class Firestore(firestore.Firestore):
    """`flamelet.Firestore`, whose methods are awaited."""

    _pump = staticmethod(run)
    awaited = True

    def _new_feed(self, reading):
        return Feed(reading)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()
