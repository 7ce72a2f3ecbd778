"""`flamelet.aio.Firestore`: the same Firestore, awaited."""

from . import aio, firestore
from ._budget import turn


class Firestore(firestore.Firestore):
    """`flamelet.Firestore`, whose methods are awaited; the function of a transaction is a coroutine function."""

    awaited = True

    def _run(self, flow):
        return aio.run(flow)

    def feed_base(self):
        """What a feed of this Firestore is built on."""
        return aio.Feed

    def _exchange(self, request, size, repeatable, attempt=0):
        yield from turn(self._connection)
        return (yield from super()._exchange(request, size, repeatable, attempt))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()
