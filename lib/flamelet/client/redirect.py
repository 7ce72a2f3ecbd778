"""Checks whether a redirect may be followed, and makes the request for it.

307 and 308 keep method, body and token; 301 to 303 are followed only for a GET. Only to the same site, never from https
to http, at most five. (RFC 9110, section 15.4.)
"""

from .. import ProtocolError
from ..core import url as _url
from ..core.runtime import const
from ..diagnosis.failures import request_name
from ..errors import InvalidArgument
from .method_override import method_override

_REDIRECTS = const(5)
REDIRECTS = (301, 302, 303, 307, 308)
_SITES = (".firebaseio.com", ".firebasedatabase.app")


def redirect(client, connection, request, size: int) -> bytes:
    """Return `request` for the target of the redirect, and set the origin of `connection` to it.

    Raises ProtocolError if the redirect must not be followed.
    """
    what = request_name(request)
    status = connection.response.status
    location = connection.response.headers.get(b"location")
    method = what.split(" ")[0]
    if not location or connection.redirects > _REDIRECTS:
        raise ProtocolError("%s: a redirect (%d) without a Location, or more than %d" % (what, status, _REDIRECTS))
    if status < 304 and method != "GET":
        text = "%s: a redirect (%d) would change the method: is the URL right, or does the network intercept?"
        raise ProtocolError(text % (what, status))
    origin, path, query = _target(connection.origin, location, what, client.insecure)
    connection.close()
    connection.origin = origin
    # The target may have the token already; it is added once, and so is the override of the method.
    for parameter in client.parameters() + method_override(request):
        key = parameter.split("=")[0] + "="
        if not any(part.startswith(key) for part in query.split("&")):
            query = query + "&" + parameter if query else parameter
    target = "%s?%s" % (path or "/", query) if query else path or "/"
    host_at = request.find(b"\r\n") + 2
    rest = bytes(memoryview(request)[request.find(b"\r\n", host_at) : size])
    return ("%s %s HTTP/1.1\r\nHost: %s" % (method, target, _url.host_header(origin))).encode() + rest


def _target(origin, location, what, insecure):
    try:
        text = location.decode()
        if text.startswith("/"):
            text = "%s://%s%s" % ("https" if origin.tls else "http", _url.host_header(origin), text)
        target, path, query = _url.parse(text, insecure)
    except (InvalidArgument, UnicodeError) as error:
        raise ProtocolError("%s: a redirect that cannot be followed (%s)" % (what, error))
    if origin.tls and not target.tls:
        raise ProtocolError("%s: a redirect from https to http, refused" % what)
    if not _same_site(origin.host, target.host):
        text = "%s: a redirect to another site, %s, refused: does the network intercept?"
        raise ProtocolError(text % (what, target.host))
    return target, path, query


def _same_site(one, other):
    """Return whether two hosts may get the same token: they are the same, or both of the Realtime Database."""
    return one == other or _is_database(one) and _is_database(other)


def _is_database(host):
    return any(host.endswith(site) for site in _SITES)
