"""Sockets: the only module that opens them. DNS, TCP, TLS, deadlines.

A `Transport` is one socket that is opened, used without blocking, and closed, over and over. `open()` is a flow (see
_flow.py): it raises one of our errors, or ends with the socket ready for the first write.

Deadlines: connecting (every address that DNS gave is tried within it) and the handshake have one each. What remains
without one is `getaddrinfo`, which MicroPython cannot interrupt; so the last good addresses of a host are remembered,
and DNS is asked only where none of them answers.

Memory: one TLS context for the life of the program; a TLS connection takes 23-40 KiB on a board.
"""

import gc
import select
import socket
import time

from . import _runtime
from ._runtime import MICROPYTHON, READ, WRITE, ticks_add, ticks_diff, ticks_ms
from .errors import InvalidArgument, NetworkError, Timeout, TLSError

_REMEMBERED_HOSTS = 8
_addresses: dict = {}  # {(host, port): what getaddrinfo gave}
_contexts: dict = {}  # {ca: SSLContext}


class Timeouts:
    """How long to wait, in milliseconds: for a connection, the TLS handshake, the first byte and the whole answer."""

    def __init__(self, connect: int = 10000, handshake: int = 15000, first_byte: int = 15000, answer: int = 60000):
        self.connect = connect
        self.handshake = handshake
        self.first_byte = first_byte
        self.answer = answer


class Transport:
    """One socket. A flow that yields it waits until it is ready for `events`, or until `deadline`."""

    def __init__(self, origin, ca, timeouts: Timeouts) -> None:
        self.origin = origin
        self.timeouts = timeouts
        self.sock = None
        self.events = READ
        self.deadline = 0
        self.wake = None  # called before the socket is closed: whoever waits for it is told
        self.opened = 0  # how often, for those who count connections
        self._ca = ca
        self._polled = None
        self._poller = select.poll()
        self._registered = 0

    def open(self):
        """Flow: connect to the origin, and shake hands."""
        remembered = self._key() in _addresses
        if not remembered:
            yield from self._ask_dns()
        try:
            yield from self._connect(_addresses[self._key()])
        except NetworkError:
            if not remembered:
                raise
            yield from self._ask_dns()
            yield from self._connect(_addresses[self._key()])
        if self.origin.tls:
            yield from self._shake_hands()
        self.opened += 1

    def _key(self):
        return self.origin.host, self.origin.port

    def _ask_dns(self):
        self._unresolved = None
        yield self.resolve
        if self._unresolved:
            text = "the host %s was not found by DNS (%s): check the name and the network"
            raise NetworkError(text % (self.origin.host, self._unresolved))

    def resolve(self) -> None:
        """Ask DNS for the addresses of the origin, and remember them or the reason why not. It blocks."""
        try:
            answers = socket.getaddrinfo(self.origin.host, self.origin.port, 0, socket.SOCK_STREAM)
        except OSError as error:
            self._unresolved = error
            return
        if not answers:
            self._unresolved = "no address"
            return
        if len(_addresses) >= _REMEMBERED_HOSTS:
            _addresses.clear()
        _addresses[self._key()] = answers

    def _connect(self, answers):
        """Flow: the first address that answers; each has an equal part of the time that is left."""
        end = ticks_add(ticks_ms(), self.timeouts.connect)
        left = len(answers)
        for answer in answers:
            share = max(1, ticks_diff(end, ticks_ms()) // left)
            left -= 1
            self.deadline = ticks_add(ticks_ms(), share)
            try:
                yield from self._connect_to(answer[0], answer[-1])
                return
            except (NetworkError, OSError) as error:
                self.close()
                if not left:
                    raise self._unreached(error)

    def _unreached(self, error):
        where = "%s:%d" % (self.origin.host, self.origin.port)
        if isinstance(error, Timeout):
            return error
        return NetworkError("cannot connect to %s (%s): is it the right host and port, and is it up?" % (where, error))

    def _connect_to(self, family, address):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        self._use(sock, sock)
        self.events = WRITE
        while not _runtime.connect(sock, address):
            if self.is_late():
                raise Timeout("no connection to %s:%d within the deadline" % (self.origin.host, self.origin.port))
            yield self
        try:
            sock.setsockopt(6, 1, 1)  # TCP_NODELAY, by number, since no port of MicroPython names it
        except (OSError, AttributeError):
            # A port without it sends the same bytes; one that delays small segments is only slower.
            return

    def _use(self, sock, polled):
        """Take `sock`, and poll `polled`: on MicroPython the socket below TLS, since polling TLS itself is slow."""
        self.sock = sock
        self._polled = polled
        self._registered = 0

    def _shake_hands(self):
        self.deadline = ticks_add(ticks_ms(), self.timeouts.handshake)
        gc.collect()  # what TLS takes is large and in one piece
        context = _context(self._ca)
        try:
            wrapped = context.wrap_socket(self.sock, server_hostname=self.origin.host, do_handshake_on_connect=False)
        except MemoryError:
            self.close()
            raise TLSError("not enough memory for TLS: it needs about 40 KiB in one piece")
        except (OSError, ValueError) as error:
            raise self.untrusted(error)
        self._forget()
        self._use(wrapped, self.sock if MICROPYTHON else wrapped)
        while True:
            try:
                events = _runtime.handshake(wrapped)
            except (OSError, ValueError) as error:
                raise self.untrusted(error)
            if not events:
                return
            if self.is_late():
                self.close()
                raise Timeout("no TLS handshake with %s within the deadline" % self.origin.host)
            self.events = events
            yield self

    def untrusted(self, error: Exception) -> TLSError:
        """Close, and say why the handshake failed."""
        self.close()
        host = self.origin.host
        if time.gmtime()[0] < 2024:
            return TLSError("TLS with %s failed (%s): the clock is not set, so no certificate is valid" % (host, error))
        return TLSError(
            "TLS with %s failed (%s): the server is not who it should be, or the network intercepts" % (host, error)
        )

    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return ticks_diff(self.deadline, ticks_ms()) <= 0

    def remaining(self) -> int:
        """Milliseconds to the deadline, at least 0."""
        return max(0, ticks_diff(self.deadline, ticks_ms()))

    def wait(self, ms: int) -> None:
        """Block until the socket is ready for `events`, at most `ms`."""
        if not self.sock:
            return
        if self._registered != self.events:
            self._poller.register(self._polled, self.events)
            self._registered = self.events
        _runtime.wait(self._poller, ms)

    def _forget(self):
        if self._registered:
            self._poller.unregister(self._polled)
            self._registered = 0

    def close(self) -> None:
        """Close the socket, if it is open."""
        if self.wake:
            self.wake()
        self._forget()
        sock = self.sock
        self.sock = self._polled = None
        if sock:
            try:
                sock.close()
            except OSError:
                # The peer may have reset it already; it is gone either way, and that is what was asked.
                return


def _context(ca):
    """The SSLContext that trusts `ca`: DER or PEM bytes, or the name of a file; None for the roots that are shipped."""
    if ca not in _contexts:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # MicroPython begins at CERT_NONE, CPython at CERT_REQUIRED.
        context.verify_mode = ssl.CERT_REQUIRED
        for certificate in _certificates(ca):
            context.load_verify_locations(cadata=certificate)
        _contexts[ca] = context
    return _contexts[ca]


def _certificates(ca):
    """The certificates of `ca`, each as DER bytes."""
    if ca is None:
        from . import _roots

        return _roots.CERTIFICATES
    if isinstance(ca, str):
        try:
            with open(ca, "rb") as file:
                ca = file.read()
        except OSError as error:
            raise InvalidArgument("the root certificates in %s cannot be read (%s)" % (ca, error))
    if not ca.startswith(b"-----BEGIN") and ca.find(b"\n-----BEGIN CERTIFICATE") < 0:
        return (ca,)
    import binascii

    pieces = ca.split(b"-----BEGIN CERTIFICATE-----")[1:]
    try:
        return [binascii.a2b_base64(piece.split(b"-----END")[0].replace(b"\n", b"").replace(b"\r", b"")) for piece in pieces]
    except ValueError:
        raise InvalidArgument("the root certificates are not PEM that can be read")
