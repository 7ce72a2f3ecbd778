"""Builds the target and the headers of a request to a gateway.

In: a path from the user, "users/d1". Out: the target of the request, its headers, its name in errors.
"""

from .. import InvalidArgument
from ..core import url as _url


def named(method, path):
    """Return the name of a request in errors: without its query, which may hold a secret."""
    return "%s %s" % (method, path.split("?")[0])


def target(client, path):
    """Return the request target of `path`, "users/d1", which may have a query."""
    if not isinstance(path, str) or not path.strip("/"):
        raise InvalidArgument('a path is a text like "users" or "users/d1", not %r' % (path,))
    path, _, query = path.partition("?")
    parts = client.parameters()
    if query:
        parts.append(_url.check_text(query, "the query of a path"))
    made = client.path
    for part in path.strip("/").split("/"):
        if part in ("", ".", ".."):
            raise InvalidArgument("%r cannot be a part of a path" % part)
        try:
            made += "/" + _url.quote(part)
        except UnicodeError:
            raise InvalidArgument("a path with half a surrogate pair cannot be sent")
    return made + "?" + "&".join(parts) if parts else made


def headers(client, body):
    """Return the headers of a request; without a Content-Type the server ignores the body."""
    lines = client.headers
    if client.token:
        lines = client.token.headers + lines
    return ("Content-Type: application/json",) + lines if body else lines
