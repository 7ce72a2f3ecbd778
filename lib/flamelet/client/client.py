"""What the services share: where the service is, its connection, and the flow of a request.

`Client._exchange` is the flow that every request goes through. It opens the connection within the budget and ends with
an answer or one of our errors; what may be repeated and where a redirect may lead is in _recovery.py. The next request
begins at the original host again.

Every operation is written once, as a flow: a generator that moves on without blocking and yields what it waits for:
- a `Transport`: until its socket is ready for its `events`, or its deadline has passed;
- an int: that many milliseconds;
- a function: work that blocks (DNS) and raises nothing; a pump may run it in a thread;
- a list with one awaitable, only in `flamelet.aio`: what it gives takes its place.
What the flow returns is the result; what it raises reaches the caller. `run` is the pump that blocks; the other one is
in aio.py.
"""

import time

from ..core import url as _url
from ..core.runtime import sleep_ms
from ..net.connection import Connection, DONE
from ..net.transport import Timeouts


_WANTED = (b"date", b"location", b"retry-after", b"etag")


class Client:
    """One origin. See `Database` for the arguments."""

    def __init__(
        self,
        url,
        token=None,
        ca=None,
        insecure=False,
        budget=2,
        timeouts=None,
        answer_bytes=1 << 20,
        override=False,
        transport=None,
    ):
        self._origin, path, self._query = _url.parse(url, insecure)
        self._path = path.rstrip("/")
        if not (token is None or hasattr(token, "parameter")):
            from ..auth.token import Token

            token = Token(token)
        self._token = token
        self._insecure = insecure
        self._override = override
        self._options = ca, timeouts or Timeouts(), answer_bytes
        # One connection for requests fits any budget: it is counted where there are streams, or other clients.
        self._budget = None
        if transport or not isinstance(budget, int) or budget < 1:
            from .options import take

            take(self, budget, transport)
        self._limit = budget
        self._connection = self._new_connection()
        self._streams: list = []

    def _new_connection(self):
        return Connection(self._origin, *self._options)

    def _run(self, flow):
        return run(flow)

    def close(self) -> None:
        """Close what is open: the connection, and every stream. The client can be used again."""
        for stream in list(self._streams):
            stream.close()
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _exchange(self, request, size, repeatable, attempt=0):
        """Flow: the answer to request[:size], whatever its status, in the connection that is returned."""
        connection = self._connection
        connection.busy = True
        connection.redirects = 0
        connection.renewed = False
        connection.response.wanted = _WANTED
        try:
            if self._token and self._token.is_due():
                from ..auth.refresh import ready

                request = yield from ready(self, connection, request, size)
                size = len(request)
            while True:
                attempt += 1
                if not connection.over:
                    connection.close()
                if connection.sock and not repeatable:
                    from .recovery import is_alive

                    is_alive(connection)
                reused = connection.sock
                if not reused:
                    if self._budget:
                        yield from self._budget.take(connection)
                    yield from connection.open()
                connection.begin(request, size)
                code = connection.step()
                while code > DONE:
                    yield connection
                    code = connection.step()
                status = connection.response.status
                if code == DONE and status not in (401, 503) and not 300 <= status < 309:
                    break
                from .recovery import recover

                more = yield from recover(self, connection, code, request, size, repeatable, reused, attempt)
                if not more:
                    break
                request, size, pause = more
                yield pause
        finally:
            # Where it was interrupted, the rest of the answer would be taken for the next one.
            if not connection.over or connection.origin is not self._origin:
                connection.close()
            connection.origin = self._origin
            connection.busy = False
            connection.response.wanted = ()
        if time.gmtime()[0] < 2024:
            from ..core.clock import learn

            learn(connection)
        return connection

    def _parameters(self):
        """What the query of every request carries."""
        parameters = [self._query] if self._query else []
        if self._token:
            parameters.append(self._token.parameter)
        return parameters


def wait(waited, ms: int = 1 << 29) -> None:
    """Block for what a flow yielded, at most `ms` milliseconds."""
    if isinstance(waited, int):
        sleep_ms(min(waited, ms))
    elif callable(waited):
        waited()
    else:
        waited.wait(min(waited.remaining(), ms))


def run(flow) -> object:
    """Run `flow` to its end; what it returned."""
    try:
        while True:
            wait(next(flow))
    except StopIteration as end:
        return end.value
    finally:
        # Where it was interrupted (Ctrl-C), it gives back what it holds.
        flow.close()
