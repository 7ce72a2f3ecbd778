"""Sends a request and waits for its answer: the client that every service holds.

In: the bytes of a request. Out: the connection with its answer, or one of our errors. Every request goes through the
flow `Client.exchange`, which opens the connection within the budget. recovery.py decides what is repeated, redirect.py
where a redirect may lead. The next request starts at the original host again.

Every operation is written once, as a flow: a generator that moves on without blocking and yields what it waits for:
- a `Transport`: until its socket is ready for its `events`, or its deadline has passed;
- an int: that many milliseconds;
- a function: work that blocks (DNS) and raises nothing; a pump may run it in a thread;
- a list with one awaitable, only in `flamelet.aio`: its result replaces it in the list.
The flow returns the result, and its errors reach the caller. `run` is the pump that blocks; the other one is in
aio/pump.py.
"""

import time

from ..core import url as _url
from ..core.runtime import sleep_ms
from ..net.connection import DONE, Connection
from ..net.transport import Timeouts

_WANTED = (b"date", b"location", b"retry-after", b"etag")


class Client:
    """Sends requests to one origin. See `Database` for the arguments.

    `run`: the pump, which runs a flow. `budget`: None until there is more than one connection. `streams`: streams and
    answers with connections of their own, which are closed with the client.
    """

    def __init__(
        self,
        pump,
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
        self.run = pump
        self.origin, path, self.query = _url.parse(url, insecure)
        self.path = path.rstrip("/")
        if not (token is None or hasattr(token, "parameter")):
            from ..auth.token import Token

            token = Token(token)
        self.token = token
        self.insecure = insecure
        self.override = override
        self.ca = ca
        self.timeouts = timeouts or Timeouts()
        self.answer_bytes = answer_bytes
        # One connection for requests fits any budget: it is counted only with streams or other clients.
        self.budget = None
        self.limit = budget
        if not isinstance(budget, int) or budget < 1:
            from .budget import to_budget

            self.budget = to_budget(budget)
        if transport:
            from .requests_transport import RequestsTransport

            transport = RequestsTransport(transport, ca)
        self.transport = transport
        self.connection = self.new_connection()
        self.streams: list = []

    def new_connection(self):
        """Return a new connection to the origin, not open yet."""
        connect = self.transport.connect if self.transport else Connection
        return connect(self.origin, self.ca, self.timeouts, self.answer_bytes)

    def exchange(self, request, size, repeatable, attempt=0):
        """Flow: send request[:size]. Returns the connection with the answer, whatever its status.

        `attempt`: how often it was sent already.
        """
        connection = self.connection
        if connection.in_use:
            from .budget import wait_for_turn

            yield from wait_for_turn(connection)
        connection.in_use = True
        connection.redirects = 0
        connection.renewed = False
        connection.response.wanted = _WANTED
        try:
            if self.token and self.token.is_due():
                from ..auth.refresh import with_valid_token

                request = yield from with_valid_token(self, connection, request, size)
                size = len(request)
            while True:
                attempt += 1
                if not connection.idle:
                    connection.close()
                if connection.sock and not repeatable:
                    from .recovery import is_alive

                    is_alive(connection)
                reused = connection.sock
                if not reused:
                    if self.budget:
                        yield from self.budget.take(connection)
                    yield from connection.open()
                connection.begin(request, size)
                code = yield from connection.step_to(DONE)
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
            # If it was interrupted, the rest of the answer would be read as the next one.
            if not connection.idle or connection.origin is not self.origin:
                connection.close()
            connection.origin = self.origin
            connection.in_use = False
            connection.response.wanted = ()
        if time.gmtime()[0] < 2024:
            from ..core.clock import take_from_answer

            take_from_answer(connection)
        return connection

    def parameters(self):
        """Return the query parameters of every request."""
        parameters = [self.query] if self.query else []
        if self.token:
            parameters.append(self.token.parameter)
        return parameters


def wait(waited, ms: int = 1 << 29) -> None:
    """Wait for what a flow yielded, at most `ms` milliseconds."""
    if isinstance(waited, int):
        sleep_ms(min(waited, ms))
    elif callable(waited):
        waited()
    else:
        waited.wait(min(waited.remaining(), ms))


def run(flow) -> object:
    """Run `flow` to its end. Returns its result."""
    try:
        while True:
            wait(next(flow))
    except StopIteration as end:
        return end.value
    finally:
        # If it was interrupted (Ctrl-C), it releases what it holds.
        flow.close()


class Service:
    """The base of `Database`, `Firestore` and `Gateway`, which use a `_client`.

    Those of `flamelet.aio` have another pump, and feeds whose methods are awaited.
    """

    _pump = staticmethod(run)

    _client: Client

    def close(self) -> None:
        """Close the connection and every stream. The service can be used again."""
        for stream in list(self._client.streams):
            stream.close()
        self._client.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _new_feed(self, reading):
        from ..feed.feed import Feed

        return Feed(reading)
