"""Builds the target of a request to the Realtime Database, and sends the request: the part that a push needs."""

from ..core import url as _url
from ..core.path import keys


def target(client, path, parameter=None):
    """Return the request target of `path`, with `parameter` and those of every request."""
    # heap: in one piece, since with a token each copy takes more than a kilobyte.
    pieces = [client.path]
    for key in keys(path):
        pieces += ("/", _url.quote(key))
    pieces.append(".json")
    mark = "?"
    for text in ([parameter] if parameter else []) + client.parameters():
        pieces += (mark, text)
        mark = "&"
    return "".join(pieces)


def answered(client, request, size, repeatable, attempt=0):
    """Flow: return the connection with the answer to request[:size]. Raises ResponseError for an error status."""
    connection = yield from client.exchange(request, size, repeatable, attempt)
    status = connection.response.status
    # The answer to a GET is checked where it is read.
    if status >= 300 or status != 204 and not request.startswith(b"GET"):
        from ..diagnosis.failures import check

        check(connection, request)
    return connection
