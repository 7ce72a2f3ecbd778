"""How many connections may be open at a time: one budget, kept by requests and streams together.

A TLS connection takes 23-40 KiB of a board's memory, so the budget is two (requests and a stream) or one; then the
stream is parked for each request, and resumes when no request has come for a moment. A budget can be shared by
several clients.
"""

from ._runtime import const, ticks_add, ticks_diff, ticks_ms
from .errors import InvalidArgument, Timeout

_POLL = const(5)
QUIET = const(300)  # milliseconds without a request after which a parked stream resumes


class Budget:
    """At most `limit` open connections, 1 or more."""

    def __init__(self, limit: int = 2) -> None:
        if not isinstance(limit, int) or limit < 1:
            raise InvalidArgument("a budget of connections is 1 or 2, not %r" % (limit,))
        self.limit = limit
        self._open: list = []
        self._streams: list = []
        self._quiet_at = ticks_ms()

    def add_stream(self, connection) -> None:
        """Count a stream's connection, open or not; InvalidArgument where more streams are asked for than fit."""
        if len(self._streams) >= self.limit:
            raise InvalidArgument("a budget of %d has no room for another stream: close one first" % self.limit)
        self._streams.append(connection)

    def remove_stream(self, connection) -> None:
        """The stream of `connection` has ended."""
        if connection in self._streams:
            self._streams.remove(connection)

    def take(self, connection):
        """Flow: make room for `connection` to open; Timeout where none comes within its time for connecting."""
        late = ticks_add(ticks_ms(), connection.timeouts.answer)
        is_stream = connection in self._streams
        while not self._make_room(connection, is_stream):
            if ticks_diff(late, ticks_ms()) <= 0:
                raise Timeout("no connection became free: the budget is %d" % self.limit)
            yield _POLL
        if not is_stream:
            self._quiet_at = ticks_add(ticks_ms(), QUIET)

    def _make_room(self, connection, is_stream):
        self._open = [one for one in self._open if (one.sock or one.busy) and one is not connection]
        if len(self._open) >= self.limit:
            victim = self._victim(is_stream)
            if not victim:
                return False
            victim.close()
            self._open.remove(victim)
        self._open.append(connection)
        return True

    def _victim(self, for_stream):
        """An idle connection; for a request also a stream, which is parked so."""
        if for_stream and ticks_diff(self._quiet_at, ticks_ms()) > 0:
            return None
        for one in self._open:
            if not one.busy and one not in self._streams:
                return one
        if not for_stream:
            for one in self._open:
                if not one.busy:
                    return one
        return None
