"""Wraps a socket in TLS, which verifies the server. Loaded with the first https connection.

In: a `Transport` that is connected. Out: the same with its socket wrapped, or TLSError with the reason. The chain, the
host name and, if the port has a clock, the dates are always verified.

Memory: one SSLContext for the life of the program; a connection takes 23-40 KiB on a board, in large pieces.
"""

import gc
import ssl

from .. import Timeout
from ..core.runtime import BEFORE_HANDSHAKE, MICROPYTHON, ticks_add, ticks_ms

if MICROPYTHON:

    def handshake(sock):
        """Return None: the firmware does the handshake in the first write."""

else:
    from ..core.runtime_cpython import handshake


_threshold = getattr(gc, "threshold", int)  # CPython has none, and does not shake hands here
_contexts: dict = {}  # {ca: SSLContext}


def shake_hands(transport):
    """Flow: wrap the socket, and do the handshake; on MicroPython the first write does it."""
    transport.deadline = ticks_add(ticks_ms(), transport.timeouts.handshake)
    host = transport.origin.host
    try:
        context = _context(transport.ca)
        sock = transport.sock
        wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        transport.use(wrapped, sock if MICROPYTHON else wrapped)
        transport.shakes = MICROPYTHON
        events = handshake(wrapped)
        while events:
            if not transport.remaining():
                raise Timeout("no TLS handshake with %s within the deadline" % host)
            transport.events = events
            yield transport
            events = handshake(wrapped)
    except (OSError, ValueError, MemoryError) as error:
        # First, since the explanation needs memory.
        transport.close()
        from ..diagnosis.tls import untrusted

        raise untrusted(host, error)


def prepare(connection):
    """Prepare a step of the handshake: feed the watchdog, collect, and turn the threshold of the collector off.

    The threshold is on again after the step. A handshake allocates 33 KB in one call on a board. Collections within it
    take time while nothing feeds the watchdog: measured on an RP2040, 7.5 s with a threshold of 4 KB and 3.9 s without.
    """
    for before in BEFORE_HANDSHAKE:
        before()
    threshold = _threshold()
    if gc.isenabled():
        gc.collect()
    _threshold(-1)

    def restore():
        connection.after_step = None
        _threshold(threshold)

    connection.after_step = restore


def _context(ca):
    """Return the SSLContext that trusts `ca`: DER or PEM bytes, a file name, or None for the shipped roots."""
    try:
        if ca not in _contexts:
            context = _new_context()
            # The default is CERT_NONE on MicroPython, CERT_REQUIRED on CPython.
            context.verify_mode = ssl.CERT_REQUIRED
            for certificate in _certificates(ca):
                context.load_verify_locations(cadata=certificate)
            _contexts[ca] = context
    except (OSError, ValueError, TypeError, AttributeError) as error:
        from ..diagnosis.tls import unreadable

        raise unreadable(ca, error)
    return _contexts[ca]


def _new_context():
    # A function of its own, since the boards' stubs do not know verify_mode.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _certificates(ca):
    """Return the certificates of `ca`, each as DER bytes."""
    if ca is None:
        from .roots import CERTIFICATES

        return CERTIFICATES
    if isinstance(ca, str):
        with open(ca, "rb") as file:
            ca = file.read()
    pieces = ca.split(b"-----BEGIN CERTIFICATE-----")[1:]
    return [_der(piece) for piece in pieces] or _split(ca)


def _der(piece):
    from binascii import a2b_base64

    return a2b_base64(piece.split(b"-----END")[0].replace(b"\n", b"").replace(b"\r", b""))


def _split(der):
    """Return the certificates in `der`, one after another; MicroPython would use the first and ignore the rest."""
    certificates: list = []
    while der or not certificates:
        end = 4 + int.from_bytes(der[2:4], "big")
        certificates.append(der[:end])
        der = der[end:]
    return certificates
