"""What the texts of mbedTLS and OpenSSL mean, and that a clock that was never set is what is blamed then."""

from flamelet import InvalidArgument
from flamelet.diagnosis import tls as _tls_reasons
from flamelet.errors import TLSError

WORDS32 = True
HOST = "demo.firebaseio.com"
VERIFY = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "

SIGNED = "The certificate is not correctly signed by the trusted CA"
NAMED = "The certificate Common Name (CN) does not match with the expected CN"
EXPIRED = "The certificate validity has expired"
FUTURE = "The certificate validity starts in the future"

# What is raised, and what has to be said of it.
MEANINGS = (
    (MemoryError("memory allocation failed, allocating 16717 bytes"), "40 KiB"),
    (OSError(12, "ENOMEM"), "40 KiB"),
    (OSError(-17040, "MBEDTLS_ERR_RSA_PUBLIC_FAILED+MBEDTLS_ERR_MPI_ALLOC_FAILED"), "40 KiB"),
    (ValueError(SIGNED + "\n"), "no trusted root"),
    (ValueError(NAMED + "\n" + SIGNED + "\n"), "no trusted root"),
    (ValueError(EXPIRED + "\n" + SIGNED + "\n"), "no trusted root"),
    (ValueError(NAMED + "\n"), "another host"),
    (ValueError(EXPIRED + "\n" + NAMED + "\n"), "another host"),
    (ValueError(EXPIRED + "\n"), "has expired, or the clock is wrong, which says 2026-11-21"),
    (ValueError(FUTURE + "\n"), "not valid yet, or the clock is wrong, which says 2026-11-21"),
    (OSError(-29184, "MBEDTLS_ERR_SSL_INVALID_RECORD"), "does not speak TLS"),
    (OSError(-29312, "MBEDTLS_ERR_SSL_CONN_EOF"), "the connection broke"),
    (OSError(104, "ECONNRESET"), "the connection broke"),
    (OSError(-9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED"), "not who it should be"),
    (OSError(1, VERIFY + "unable to get local issuer certificate (_ssl.c:1006)"), "no trusted root"),
    (OSError(1, VERIFY + "unable to verify the first certificate (_ssl.c:1006)"), "no trusted root"),
    (OSError(1, VERIFY + "self-signed certificate in certificate chain (_ssl.c:1006)"), "no trusted root"),
    (OSError(1, VERIFY + "self-signed certificate (_ssl.c:1006)"), "the certificate is self-signed"),
    (OSError(1, VERIFY + "self signed certificate (_ssl.c:997)"), "the certificate is self-signed"),
    (OSError(1, VERIFY + "Hostname mismatch, certificate is not valid for 'x'. (_ssl.c:1006)"), "another host"),
    (OSError(1, VERIFY + "IP address mismatch, certificate is not valid for '1.2.3.4'."), "another host"),
    (OSError(1, VERIFY + "certificate has expired (_ssl.c:1006)"), "has expired"),
    (OSError(1, VERIFY + "certificate is not yet valid (_ssl.c:1006)"), "not valid yet"),
    (OSError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "does not speak TLS"),
    (OSError(1, "[SSL] record layer failure (_ssl.c:1006)"), "does not speak TLS"),
    (OSError(8, "EOF occurred in violation of protocol (_ssl.c:1006)"), "the connection broke"),
    (OSError(104, "Connection reset by peer"), "the connection broke"),
    (ValueError("something that nobody has seen yet"), "not who it should be, or the network intercepts"),
)


class Clock:
    """A calendar that stands still, in place of the module time of _tls_reasons."""

    def __init__(self, *date):
        self.date = date

    def gmtime(self):
        return self.date + (12, 0, 0, 5, 325)

    def __enter__(self):
        self.kept = _tls_reasons.time
        _tls_reasons.time = self

    def __exit__(self, *_):
        _tls_reasons.time = self.kept


def explained(error):
    """What is said of it, after the text of the library."""
    made = _tls_reasons.untrusted(HOST, error)
    text = str(made)
    # What may pass by itself, and what stays as it is.
    passes = "40 KiB" in text or "connection broke" in text or "clock is not set" in text
    assert type(made) is TLSError and made.retry == passes
    assert text.startswith("TLS with %s failed (" % HOST) and "\n" not in text and "%" not in text, text
    return text[text.rfind("): ") :]


def test_each_text_of_a_library_is_explained():
    with Clock(2026, 11, 21):
        for error, words in MEANINGS:
            assert words in explained(error), (error, explained(error))


def test_a_clock_that_was_never_set_is_blamed_for_dates_and_for_them_alone():
    for date in ((2000, 1, 1), (1970, 1, 1), (2021, 1, 1)):
        with Clock(*date):
            said = "the clock is not set, so no certificate is valid: it says %d-01-01" % date[0]
            for text in (FUTURE, EXPIRED, NAMED + "\n" + FUTURE, FUTURE + "\n" + SIGNED, VERIFY + "not yet valid"):
                assert said in explained(ValueError(text)), text
            assert said in explained(OSError(-9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED"))
            assert "another host" in explained(ValueError(NAMED))
            assert "no trusted root" in explained(ValueError(SIGNED))
            assert "40 KiB" in explained(OSError(12, "ENOMEM"))
            assert "does not speak TLS" in explained(OSError(-29184, "MBEDTLS_ERR_SSL_INVALID_RECORD"))


def test_roots_that_cannot_be_read_are_named_and_not_shown():
    for ca, where in (
        ("ca.pem", "in ca.pem"),
        (b"-----BEGIN PRIVATE KEY-----", "given as bytes"),
        (bytearray(b"x"), "given as bytearray"),
        (7, "given as int"),
    ):
        error = _tls_reasons.unreadable(ca, ValueError("invalid cert"))
        assert type(error) is InvalidArgument
        assert where in str(error) and "invalid cert" in str(error) and "PRIVATE KEY" not in str(error)
