"""`flamelet.aio.Firestore` and `flamelet.aio.Gateway`: the same services, awaited."""

from . import feed as _feed
from . import pump as _pump
from ..client.budget import turn


def awaited(base):
    """`base`, a service that blocks, with methods that are awaited."""
    members = {"awaited": True, "_base": base, "_run": _run, "feed_base": _feed_base, "_exchange": _exchange}
    members["__aenter__"] = _enter
    members["__aexit__"] = _exit
    return type(base.__name__, (base,), members)


def _run(self, flow):
    return _pump.run(flow)


def _feed_base(self):
    return _feed.Feed


def _exchange(self, request, size, repeatable, attempt=0):
    yield from turn(self._connection)
    return (yield from self._base._exchange(self, request, size, repeatable, attempt))


async def _enter(self):
    return self


async def _exit(self, *_):
    self.close()
