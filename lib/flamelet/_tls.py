"""TLS: who the server is. Loaded with the first https connection.

In: a `Transport` that is connected. Out: the same with its socket wrapped, or TLSError with the reason. The chain, the
host name and, where the port has a clock, the dates are verified, always.

Memory: one SSLContext for the life of the program; a connection takes 23-40 KiB on a board, in large pieces.
"""

import ssl
import time

from . import InvalidArgument, Timeout
from ._runtime import MICROPYTHON, ticks_add, ticks_ms
from .errors import TLSError

if MICROPYTHON:

    def handshake(sock):
        """None: the firmware shakes hands within the first write."""

else:
    from ._cpython import handshake

_contexts: dict = {}  # {ca: SSLContext}


def shake_hands(transport):
    """Flow: wrap the socket; on MicroPython the handshake itself happens within the first write."""
    transport.deadline = ticks_add(ticks_ms(), transport.timeouts.handshake)
    host = transport.origin.host
    try:
        context = _context(transport.ca)
        sock = transport.sock
        wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        transport.use(wrapped, sock if MICROPYTHON else wrapped)
        events = handshake(wrapped)
        while events:
            if not transport.remaining():
                raise Timeout("no TLS handshake with %s within the deadline" % host)
            transport.events = events
            yield transport
            events = handshake(wrapped)
    except (OSError, ValueError, MemoryError) as error:
        raise untrusted(transport, error)


def untrusted(transport, error: Exception) -> TLSError:
    """Close, and say why the handshake failed."""
    transport.close()
    if isinstance(error, MemoryError):
        reason = "it needs about 40 KiB of memory in one piece"
    elif time.gmtime()[0] < 2024:
        reason = "the clock is not set, so no certificate is valid"
    else:
        reason = "the server is not who it should be, or the network intercepts"
    # MicroPython's reasons have lines of their own.
    text = " ".join(str(error).split())
    return TLSError("TLS with %s failed (%s): %s" % (transport.origin.host, text, reason))


def _context(ca):
    """The SSLContext that trusts `ca`: DER or PEM bytes, or the name of a file; None for the roots that are shipped."""
    if ca not in _contexts:
        context = _new_context()
        # MicroPython begins at CERT_NONE, CPython at CERT_REQUIRED.
        context.verify_mode = ssl.CERT_REQUIRED
        for certificate in _certificates(ca):
            try:
                context.load_verify_locations(cadata=certificate)
            except (OSError, ValueError) as error:
                raise InvalidArgument("ca is no certificate that can be read (%s): it is PEM or DER" % error)
        _contexts[ca] = context
    return _contexts[ca]


def _new_context():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _certificates(ca):
    """The certificates of `ca`, each as DER bytes."""
    if ca is None:
        from ._roots import CERTIFICATES

        return CERTIFICATES
    if isinstance(ca, str):
        try:
            with open(ca, "rb") as file:
                ca = file.read()
        except OSError as error:
            raise InvalidArgument("the root certificates in %s cannot be read (%s)" % (ca, error))
    pieces = ca.split(b"-----BEGIN CERTIFICATE-----")[1:]
    return [_der(piece) for piece in pieces] or (ca,)


def _der(piece):
    from binascii import a2b_base64

    try:
        return a2b_base64(piece.split(b"-----END")[0].replace(b"\n", b"").replace(b"\r", b""))
    except ValueError:
        raise InvalidArgument("the root certificates are not PEM that can be read")
