"""Offers the same services, awaited: `flamelet.aio.Database` has the methods of `flamelet.Database`.

Holds the pump that awaits, and each service, feed and stream on it. May import everything but device.
"""

from .database import Database  # noqa: F401
from .feed import Feed  # noqa: F401
from .pump import run, sleep_ms  # noqa: F401
from .stream import Stream  # noqa: F401


def __getattr__(name: str):
    # A program pays only for what it uses. The deploy leaves out a service whose class no program names.
    if name == "Firestore":
        from .firestore import Firestore

        globals()[name] = Firestore
    elif name == "Gateway":
        from .gateway import Gateway

        globals()[name] = Gateway
    else:
        raise AttributeError("flamelet.aio has no %s" % name)
    return globals()[name]
