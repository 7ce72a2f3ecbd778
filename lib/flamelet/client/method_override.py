"""Puts the method into a header or a parameter, for proxies that allow only GET and POST."""

from .. import InvalidArgument

_HEADER = "X-HTTP-Method-Override: "
_PARAMETER = "x-http-method-override="


def overridden_request(client, method: str, target: str, headers: tuple) -> tuple:
    """Return (method, target, headers) of the POST in place of `method`."""
    if _is_parameter(client):
        return "POST", target + ("&" if "?" in target else "?") + _PARAMETER + method, headers
    return "POST", target, (_HEADER + method,) + headers


def overridden(client, rest: str) -> tuple:
    """Return (b"POST ", rest) for a PUT: `rest` is what follows its target, here with the override."""
    if _is_parameter(client):
        return b"POST ", "&" + _PARAMETER + "PUT" + rest
    return b"POST ", rest.replace("\r\nC", "\r\n" + _HEADER + "PUT\r\nC")


def method_override(request) -> list:
    """Return [the parameter of `request` with its method], or [] if it has none."""
    target = bytes(memoryview(request)[: request.find(b"\r")]).decode().split(" ")[1]
    return [part for part in target.split("?")[-1].split("&") if part.startswith(_PARAMETER)]


def _is_parameter(client):
    if client.override not in ("header", "parameter"):
        raise InvalidArgument('override is "header" or "parameter", not %r' % (client.override,))
    return client.override == "parameter"
