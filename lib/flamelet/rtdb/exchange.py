"""Says where a path of the Realtime Database is, and sends a request there: what a push needs of it, and no more."""

from ..core import url as _url
from ..core.path import keys


def target(client, path, parameter=None):
    """The request target of `path`, with `parameter` and what every query carries."""
    # In one piece: with a token each copy takes more than a kilobyte.
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
    """Flow: the connection with the answer to request[:size]. Raises ResponseError if its status says error."""
    connection = yield from client.exchange(request, size, repeatable, attempt)
    status = connection.response.status
    # The answer to a GET is checked by what reads it.
    if status >= 300 or status != 204 and not request.startswith(b"GET"):
        from ..diagnosis.failures import check

        check(connection, request)
    return connection
