"""Says where a request to a gateway goes, and what goes along.

In: a path as the user writes it, "users/d1". Out: the target of the request, its headers, its name in errors.
"""

from .. import InvalidArgument
from ..core import url as _url


def named(method, path):
    """What errors call a request: without its query, which may hold a secret."""
    return "%s %s" % (method, path.split("?")[0])


def target(client, path):
    """The request target of `path`, "users/d1", which may have a query."""
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
    """What goes along: without its type the server ignores a body."""
    lines = client.headers
    if client.token:
        lines = client.token.headers + lines
    return ("Content-Type: application/json",) + lines if body else lines
