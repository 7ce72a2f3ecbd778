"""Opens sockets: DNS, TCP, deadlines. No other module does; TLS is in tls.py.

A `Transport` is one socket that is opened, used without blocking, and closed, again and again. `open()` is a flow (see
client/client.py): it raises one of our errors, or ends with the socket ready for the first write.

Deadlines: connecting has one, in which every address from DNS is tried, and the handshake has one. `getaddrinfo` has
none, since MicroPython cannot interrupt it; so the last good addresses of a host are remembered, and DNS is asked only
if none of them answers.
"""

import gc
import select
import socket
import sys

from .. import Timeout
from ..core.runtime import MICROPYTHON, READ, WRITE, connect, ticks_add, ticks_diff, ticks_ms, wait

_addresses: dict = {}  # {(host, port): what getaddrinfo gave}, of eight hosts at most
# The option that sends small segments at once. Its number is lwIP's own on rp2, where older firmware has neither name
# nor option, and warns on the console.
_NODELAY = getattr(socket, "TCP_NODELAY", sys.platform != "rp2")


class Timeouts:
    """Times to wait, in milliseconds: for a connection, the TLS handshake, the first byte and the whole answer."""

    def __init__(self, connect: int = 10000, handshake: int = 15000, first_byte: int = 15000, answer: int = 60000):
        self.connect = connect
        self.handshake = handshake
        self.first_byte = first_byte
        self.answer = answer


class Transport:
    """One socket. A flow that yields it waits until it is ready for `events`, or until `deadline`."""

    def __init__(self, origin, ca, timeouts: Timeouts) -> None:
        self.origin = origin
        self.ca = ca
        self.timeouts = timeouts
        self.events = READ
        self.deadline = ticks_ms()
        self.wake = None  # called before the socket is closed, to wake up what waits for it
        self.error: object = None  # of the last attempt
        self._poller = select.poll()
        self._registered = 0
        self.use(None, None)

    def open(self):
        """Flow: connect to the origin, with its TLS handshake."""
        self._end = ticks_add(ticks_ms(), self.timeouts.connect)
        # Remembered addresses leave a part of the time for those that DNS gives then.
        if not (yield from self._connect(_addresses.get(self.origin[1:], ()), 1)):
            yield self.resolve
            if not (yield from self._connect(self._answers, 0)):
                from ..diagnosis.failures import unreached

                raise unreached(self)
        if MICROPYTHON:
            # TLS needs large pieces of memory, so free what opening took. A desktop has enough, and collecting takes
            # longer there.
            gc.collect()
        if self.origin.tls:
            from .tls import shake_hands

            yield from shake_hands(self)

    def resolve(self) -> None:
        """Ask DNS for the addresses of the origin, and remember them, or the error. It blocks."""
        host, port = key = self.origin[1:]
        if len(_addresses) > 7:
            _addresses.clear()
        # Kept here too: this may run in a thread, and another client may clear `_addresses` meanwhile.
        self._answers: object = ()
        try:
            self._answers = _addresses[key] = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except OSError as error:
            self.error = "DNS: %s" % error

    def _connect(self, answers, later):
        """Flow: connect to one of the addresses. Each gets an equal part of the time that is left, and so does `later`.

        Returns whether it did.
        """
        left = len(answers) + later
        for answer in answers:
            self.deadline = ticks_add(ticks_ms(), max(1, ticks_diff(self._end, ticks_ms()) // left))
            left -= 1
            try:
                sock = socket.socket(answer[0], socket.SOCK_STREAM)
                sock.setblocking(False)
                self.use(sock, sock)
                self.events = WRITE
                while not connect(sock, answer[-1]):
                    if not self.remaining():
                        raise Timeout("no answer within the deadline")
                    yield self
            except (OSError, Timeout) as error:
                self.error = error
                self.close()
                continue
            try:
                if _NODELAY:
                    sock.setsockopt(6, _NODELAY, 1)
            except (OSError, AttributeError):
                self.error = None  # without it the port sends the same bytes, a little later
            self._forget()  # while the socket has a number: on CPython TLS takes it away
            return True
        return False

    def use(self, sock, polled) -> None:
        """Use `sock`, and poll `polled`: on MicroPython the socket below TLS, since polling TLS itself is slow."""
        self.sock = sock
        self._polled = polled
        self.shakes = False  # whether the next write shakes hands: net/tls.py says so

    def remaining(self) -> int:
        """Return the milliseconds to the deadline, or 0 if it has passed."""
        return max(0, ticks_diff(self.deadline, ticks_ms()))

    def wait(self, ms: int) -> None:
        """Block until the socket is ready for `events`, at most `ms`."""
        if self.sock:
            if self._registered != self.events:
                self._poller.register(self._polled, self.events)
                self._registered = self.events
            wait(self._poller, ms)

    def _forget(self):
        if self._registered:
            self._poller.unregister(self._polled)
            self._registered = 0

    def close(self) -> None:
        """Close the socket, if it is open."""
        if self.wake:
            self.wake()
        sock = self.sock
        self._forget()
        self.use(None, None)
        if sock:
            try:
                sock.close()
            except OSError:
                return  # the peer may have reset it already: it is closed
