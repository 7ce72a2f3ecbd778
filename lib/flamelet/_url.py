"""URLs: where a service is, and what may stand in a request line.

In: what the user or a redirect gave, as str. Out: an `Origin` and text that is safe in a request, or InvalidArgument:
nothing with a control character, a space or a line break ever reaches the wire.
"""

from collections import namedtuple

from .errors import InvalidArgument

Origin = namedtuple("Origin", ("tls", "host", "port"))

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_HOST = "abcdefghijklmnopqrstuvwxyz0123456789-._:"
_SITES = (".firebaseio.com", ".firebasedatabase.app")


def parse(url: str, insecure: bool = False) -> tuple:
    """(Origin, path, query) of an http(s) URL; http only to loopback, or if `insecure`."""
    check_text(url, "the URL")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in ("https", "http"):
        raise InvalidArgument("%r is not a URL: it begins with https://" % url)
    rest = rest.split("#")[0]
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    host, port = _host_and_port(authority.lower(), url)
    if scheme == "http" and not insecure and not is_loopback(host):
        raise InvalidArgument(
            "http:// to %s would send everything in the clear: use https://, or say insecure=True" % host
        )
    tls = scheme == "https"
    return Origin(tls, host, port or (443 if tls else 80)), "/" + path if path else "", query


def _host_and_port(authority, url):
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port[1:] if port.startswith(":") else port
    else:
        host, _, port = authority.partition(":")
    if not host or any(letter not in _HOST for letter in host):
        raise InvalidArgument("%r has no host name that can be" % url)
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise InvalidArgument("%r has no port that can be: 1 to 65535" % url)
    return host, int(port) if port else 0


def host_header(origin: Origin) -> str:
    """The value of the Host header (RFC 9110, section 7.2)."""
    host = "[%s]" % origin.host if ":" in origin.host else origin.host
    return host if origin.port == (443 if origin.tls else 80) else "%s:%d" % (host, origin.port)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself."""
    return host == "localhost" or host == "::1" or host.startswith("127.") and host.replace(".", "").isdigit()


def same_site(one: str, other: str) -> bool:
    """Whether two hosts may see the same token: the same host, or both of the Realtime Database."""
    return one == other or _is_database(one) and _is_database(other)


def _is_database(host):
    return any(host.endswith(site) for site in _SITES)


def check_text(text: str, what: str) -> str:
    """`text`, if it is printable ASCII without a space; `what` names it in the error, which does not show it."""
    if not isinstance(text, str):
        raise InvalidArgument("%s is a str, not %s" % (what, type(text).__name__))
    for letter in text:
        if not "!" <= letter <= "~":
            raise InvalidArgument("%s holds %r, which cannot be sent: remove it" % (what, letter))
    return text


def quote(text: str) -> str:
    """`text` percent-encoded in UTF-8 (RFC 3986, section 2.1)."""
    encoded = text.encode()
    if all(byte in _UNRESERVED for byte in encoded):
        return text
    return "".join(chr(byte) if byte in _UNRESERVED else "%%%02X" % byte for byte in encoded)
