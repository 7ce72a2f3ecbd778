"""Explains why TLS failed. Loaded with the first failure.

In: what the firmware's mbedTLS or CPython's OpenSSL raised. Out: our error with their text, and what it means.
mbedTLS reports all problems at once, OpenSSL the first one. The first row that matches counts. Dates come last, since a
wrong clock makes them wrong too; but they come first if the clock is not set.
(Sources: X509_verify_cert_error_string of OpenSSL, MBEDTLS_X509_CRT_ERROR_INFO_LIST of mbedTLS.)
"""

import time

from ..errors import InvalidArgument, TLSError

_DATES = ("expired", "not yet", "in the future", "CERT_VERIFY_FAILED")  # the last has no reason: older firmware
_MEMORY = "it needs about 40 KiB of memory in one piece"
_BROKEN = "the connection broke in the handshake: the network is bad or blocks it, or there is no TLS"
_CLOCK = "the clock is not set"
# A part of the text, and what it means.
_REASONS = (
    (("ALLOC_FAILED",), _MEMORY),
    (
        ("issuer", "certificate chain", "verify the first", "not correctly signed"),
        "the certificate has no trusted root: the network intercepts, the server does not send an intermediate, "
        "or ca is not its root",
    ),
    (("self-signed", "self signed"), "the certificate is self-signed: the network intercepts, or it is missing in ca"),
    (
        ("match",),
        "the certificate is for another host: the network intercepts (a login page?), or the URL is wrong",
    ),
    (("expired",), "the certificate has expired, or the clock is wrong, which says %d-%02d-%02d"),
    (("not yet", "in the future"), "the certificate is not valid yet, or the clock is wrong, which says %d-%02d-%02d"),
    (
        ("WRONG_VERSION", "INVALID_RECORD", "UNEXPECTED_RECORD", "record layer"),
        "the server does not speak TLS: the network intercepts, or it is the wrong port",
    ),
    (("EOF", "reset", "RESET"), _BROKEN),
    (("",), "the server is not who it should be, or the network intercepts"),
)


def untrusted(host: str, error: Exception) -> TLSError:
    """Return the error to raise for the `error` of a handshake with `host`."""
    # mbedTLS puts each reason on a line of its own.
    text = " ".join(str(error).split())
    reason = _reason(error, text)
    failed = TLSError("TLS with %s failed (%s): %s" % (host, text, reason))
    # These may pass; a certificate does not change.
    failed.retry = reason in (_MEMORY, _BROKEN) or reason.startswith(_CLOCK)
    return failed


def unreadable(ca, error: Exception) -> InvalidArgument:
    """Return the error to raise if `ca` holds no certificates."""
    where = "in " + ca if isinstance(ca, str) else "given as " + type(ca).__name__
    text = "the root certificates %s cannot be read (%s): ca is PEM or DER, or the name of a file of it"
    return InvalidArgument(text % (where, error))


def _reason(error, text):
    if isinstance(error, MemoryError) or getattr(error, "errno", 0) == 12:  # ENOMEM, on every port
        return _MEMORY
    today = time.gmtime()[:3]
    if today[0] < 2024 and _holds(text, _DATES):
        return _CLOCK + ", so no certificate is valid: it says %d-%02d-%02d, set it first" % today
    for words, reason in _REASONS:
        if _holds(text, words):
            return reason % today if "%" in reason else reason


def _holds(text, words):
    return any(word in text for word in words)
