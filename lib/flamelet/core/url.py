"""Parses URLs, and checks and quotes what goes into a request line.

In: what the user or a redirect gave, as str. Out: an `Origin` and text that is safe in a request, or InvalidArgument:
a control character, a space or a line break never reaches the wire.
"""

from collections import namedtuple

from .. import _invalid

Origin = namedtuple("Origin", ("tls", "host", "port"))
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_HOST = b"abcdefghijklmnopqrstuvwxyz0123456789-._:"


def parse(url: str, insecure: bool = False) -> tuple:
    """Return (Origin, path, query) of a URL. Raises InvalidArgument for http, unless to loopback or `insecure`."""
    scheme, _, rest = check_text(url, "the URL").partition("://")
    scheme = scheme.lower()
    rest, _, query = rest.split("#")[0].partition("?")
    authority, slash, path = rest.partition("/")
    if authority.startswith("["):
        host, closed, port = (authority[1:] + ":").partition("]:")
        port = port[:-1] if closed else "0"
    else:
        host, _, port = authority.partition(":")
    host = host.lower()
    tls = scheme == "https"
    number = int(port) if port.isdigit() else 0
    if not port:
        number = 443 if tls else 80
    for byte in (host or "/").encode("utf-8", "surrogatepass"):
        if byte not in _HOST:
            number = 0
    if not 0 < number < 65536 or not (tls or scheme == "http"):
        raise _invalid("url", _shown(url))
    if not (tls or insecure or is_loopback(host)):
        raise _invalid("clear", _shown(url))
    return Origin(tls, host, number), slash + path, query


def _shown(url):
    """Return `url` for an error: without a password, and without its query, which may hold a token."""
    return url.split("?")[0].split("@")[-1]


def host_header(origin: Origin) -> str:
    """Return the value of the Host header (RFC 9110, section 7.2)."""
    host = "[%s]" % origin.host if ":" in origin.host else origin.host
    return host if origin.port == (443 if origin.tls else 80) else "%s:%d" % (host, origin.port)


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine itself."""
    return host in ("localhost", "::1") or host.startswith("127.") and host.replace(".", "").isdigit()


def check_text(text: str, what: str) -> str:
    """Return `text`. Raises InvalidArgument unless it is printable ASCII without spaces.

    `what` names it in the error, which does not show it: it may be a token.
    """
    if not isinstance(text, str) or not text:
        raise _invalid("text", what, type(text).__name__)
    # Bytes, since MicroPython interns each letter of a str that is indexed, for ever.
    for byte in text.encode("utf-8", "surrogatepass"):
        if not 33 <= byte <= 126:
            for letter in text:
                if not "!" <= letter <= "~":
                    raise _invalid("letter", what, letter)
    return text


def quote(text: str) -> str:
    """Return `text` percent-encoded in UTF-8 (RFC 3986, section 2.1)."""
    encoded = text.encode()
    for byte in encoded:
        if byte not in _UNRESERVED:
            return "".join([chr(byte) if byte in _UNRESERVED else "%%%02X" % byte for byte in encoded])
    return text  # a token needs no encoding, and is long
