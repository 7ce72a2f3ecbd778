"""A request in one piece (RFC 9112, section 3), with no header that the server does not need."""

from ._url import host_header


def build(client, method: str, target: str, body: bytes = b"", headers: tuple = ()) -> bytes:
    """The bytes of a request of `client` to `target`, a path with its query; `headers`: lines without their ends."""
    if client._override and method not in ("GET", "POST"):
        headers = ("X-HTTP-Method-Override: " + method,) + headers
        method = "POST"
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host_header(client._origin)]
    lines.extend(headers)
    if body or method not in ("GET", "DELETE"):
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def overridden(rest: str) -> tuple:
    """The verb of a PUT that goes as a POST, and `rest`, what follows its target, with the header that says so."""
    return b"POST ", rest.replace("\r\nC", "\r\nX-HTTP-Method-Override: PUT\r\nC")
