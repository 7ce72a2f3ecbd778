"""A request in one piece (RFC 9112, section 3), with no header that the server does not need."""

from . import InvalidArgument
from ._url import host_header

_HEADER = "X-HTTP-Method-Override: "
_PARAMETER = "x-http-method-override="


def build(client, method: str, target: str, body: bytes = b"", headers: tuple = ()) -> bytes:
    """The bytes of a request of `client` to `target`, a path with its query; `headers`: lines without their ends."""
    if client._override and method not in ("GET", "POST"):
        if _is_parameter(client):
            target += ("&" if "?" in target else "?") + _PARAMETER + method
        else:
            headers = (_HEADER + method,) + headers
        method = "POST"
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host_header(client._origin)]
    lines.extend(headers)
    if body or method not in ("GET", "DELETE"):
        lines.append("Content-Length: %d" % len(body))
    lines.append("\r\n")
    # With a token each copy takes more than a kilobyte.
    head = "\r\n".join(lines).encode()
    return head + body if body else head


def overridden(client, rest: str) -> tuple:
    """The verb of a PUT that goes as a POST, and `rest`, what follows its target, with what names the PUT."""
    if _is_parameter(client):
        return b"POST ", "&" + _PARAMETER + "PUT" + rest
    return b"POST ", rest.replace("\r\nC", "\r\n" + _HEADER + "PUT\r\nC")


def method_override(request) -> list:
    """The parameter of `request` that names its method, if it has one."""
    target = bytes(memoryview(request)[: request.find(b"\r")]).decode().split(" ")[1]
    return [part for part in target.split("?")[-1].split("&") if part.startswith(_PARAMETER)]


def _is_parameter(client):
    if client._override not in ("header", "parameter"):
        raise InvalidArgument('override is "header" or "parameter", not %r' % (client._override,))
    return client._override == "parameter"
