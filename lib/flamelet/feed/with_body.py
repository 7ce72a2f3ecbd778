"""Feeds whose answers have a body: what the feed of a service other than the Realtime Database is built on.

In: `feed.Feed` or `aio.Feed`, and the methods that differ. Out: a class. The answer of a push says little or nothing
new, so it is not collected: it passes by, and `_read` may look at it.

The class is made by `type`, of functions: which feed it stands on is known when there is a service.
"""

from . import feed
from ..net.connection import DONE
from ..wire.http1 import BODY, HEAD


_classes: dict = {}  # {(module, base): class}


def feed_class(module, base):
    """The feed on `base` with the METHODS of `module`, and `_base`, which stands for super()."""
    if (module, base) not in _classes:
        members = {"_base": base, "_is_streamed": True, "_begin": begin, "_send": _send, "_read": _read}
        members.update(module.METHODS)
        _classes[(module, base)] = type("Feed", (base,), members)
    return _classes[(module, base)]


def begin(self, connection, row):
    """Begin the exchange, if that can be done at once."""
    if not self._base._begin(self, connection, row):
        return False
    connection.streamed = self._is_streamed
    return True


def _read(self, connection):
    """Look at a piece of the answer: nothing of it matters."""


def _send(self, row):
    connection = self._database._connection
    if self._base is not feed.Feed:
        return self._base._send(self, row)
    if not self._begin(connection, row):
        return self._database._run(self._push(row))
    code = connection.step()
    while code > DONE:
        if code == BODY:
            self._read(connection)
        elif code != HEAD:
            connection.wait(connection.remaining())
        code = connection.step()
    if not self._is_done(connection, code):
        self._database._run(self._again(1))
