"""The same services, awaited: `flamelet.aio.Database` has the methods of `flamelet.Database`."""

from .database import Database, Feed, Stream  # noqa: F401
from .pump import run, sleep_ms  # noqa: F401


def __getattr__(name: str):
    # A program pays for what it uses.
    if name not in ("Firestore", "Gateway"):
        raise AttributeError("flamelet.aio has no %s" % name)
    from .. import _exports
    from .awaited import awaited

    service = awaited(_exports.find(name))
    globals()[name] = service
    return service
