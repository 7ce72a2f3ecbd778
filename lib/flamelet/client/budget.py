"""Limits how many connections are open at a time: requests and streams share one budget.

A TLS connection takes 23-40 KiB of a board's memory, so the budget is two (requests and a stream) or one; then the
stream is parked for each request, and resumes after a moment without a request. Several clients can share a budget.
"""

from .. import InvalidArgument
from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms
from ..core.wait import wait_until

_QUIET = const(300)  # milliseconds without a request after which a parked stream resumes


class Budget:
    """Allows at most `limit` open connections. `streams`: the connections of all streams, open or parked."""

    def __init__(self, limit: int = 2) -> None:
        if not isinstance(limit, int) or limit < 1:
            raise InvalidArgument("a budget of connections is 1 or more, not %r" % (limit,))
        self.limit = limit
        self.streams: list = []
        self._open: list = []
        self._quiet_at = ticks_ms()

    def add(self, connection, requests) -> None:
        """Count the connection of a stream, and that of its client's `requests`.

        Raises InvalidArgument if the budget has no room for another stream.
        """
        if len(self.streams) >= self.limit:
            text = "a budget of %d has no room for another stream, walk or query: close one first, or use `with`"
            raise InvalidArgument(text % self.limit)
        self.streams.append(connection)
        if requests not in self._open:
            self._open.append(requests)

    def take(self, connection):
        """Flow: make room for `connection` to open. Raises Timeout if there is none within its time for an answer."""
        text = "no connection became free: the budget is %d" % self.limit
        yield from wait_until(lambda: self._make_room(connection), connection.timeouts.answer, text)

    def _make_room(self, connection):
        self._open = [one for one in self._open if (one.sock or one.in_use) and one is not connection]
        for_stream = connection in self.streams
        if len(self._open) >= self.limit and not self._park(for_stream):
            return False
        self._open.append(connection)
        if not for_stream:
            self._quiet_at = ticks_add(ticks_ms(), _QUIET)
        return True

    def _park(self, for_stream):
        """Close a connection that is not in use: one for requests, or, for a request, a stream.

        Returns whether it did.
        """
        if for_stream and ticks_diff(self._quiet_at, ticks_ms()) > 0:
            return False
        idle = [one for one in self._open if not one.in_use]
        idle.sort(key=lambda one: one in self.streams)
        if not idle or for_stream and idle[0] in self.streams:
            return False
        idle[0].close()
        self._open.remove(idle[0])
        return True


def to_budget(budget) -> Budget:
    """Return `budget`, or a new Budget of this int. Raises InvalidArgument if it is neither."""
    return budget if isinstance(budget, Budget) else Budget(budget)


def add_stream(client, stream, connection) -> None:
    """Count `stream`, a stream, a walk or a query of `client`, whose connection this is.

    Raises InvalidArgument if the budget has no room for it.
    """
    if not client.budget:
        client.budget = Budget(client.limit)
    client.budget.add(connection, client.connection)
    client.streams.append(stream)


def remove_stream(client, stream, connection) -> None:
    """Undo `add_stream`, unless that was done already."""
    if stream in client.streams:
        client.budget.streams.remove(connection)
        client.streams.remove(stream)


def wait_for_turn(connection):
    """Flow: wait until the connection is not in use. Raises Timeout if it stays in use."""
    text = "the connection stayed busy: was a push not awaited?"
    yield from wait_until(lambda: not connection.in_use, 2 * connection.timeouts.answer, text)
