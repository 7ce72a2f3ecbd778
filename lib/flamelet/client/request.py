"""Builds a request in one piece (RFC 9112, section 3), with only the headers that the server needs."""

from ..core.url import host_header


def build(client, method: str, target: str, body: bytes = b"", headers: tuple = (), room: int = 0):
    """Return the bytes of a request to `target`, a path with its query, as a bytearray.

    `headers`: lines without line ends; `room`: bytes at the end for a body that is written later.
    """
    if client.override and method not in ("GET", "POST"):
        from .method_override import overridden_request

        method, target, headers = overridden_request(client, method, target, headers)
    lines = [" HTTP/1.1", "Host: " + host_header(client.origin)]
    lines.extend(headers)
    if body or method not in ("GET", "DELETE"):
        lines.append("Content-Length: %d" % (len(body) + room))
    lines.append("\r\n")
    # heap: each piece is put in its place, since with a token a copy of the whole takes more than a kilobyte.
    pieces = (method.encode(), b" ", target.encode(), "\r\n".join(lines).encode(), body)
    request = bytearray(sum([len(piece) for piece in pieces]) + room)
    at = 0
    for piece in pieces:
        request[at : at + len(piece)] = piece
        at += len(piece)
    return request
