"""For proxies that let only GET and POST pass: the real method stands in a header, or in a parameter."""

from .. import InvalidArgument

_HEADER = "X-HTTP-Method-Override: "
_PARAMETER = "x-http-method-override="


def overridden_request(client, method: str, target: str, headers: tuple) -> tuple:
    """(method, target, headers) of a POST that names `method`."""
    if _is_parameter(client):
        return "POST", target + ("&" if "?" in target else "?") + _PARAMETER + method, headers
    return "POST", target, (_HEADER + method,) + headers


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
    if client.override not in ("header", "parameter"):
        raise InvalidArgument('override is "header" or "parameter", not %r' % (client.override,))
    return client.override == "parameter"
