"""A request in one piece (RFC 9112, section 3), with no header that the server does not need."""

from ._url import host_header


def build(client, method: str, target: str, body: bytes = b"", headers: tuple = ()) -> bytearray:
    """The bytes of a request of `client` to `target`, a path with its query; `headers`: lines without their ends."""
    if client._override and method not in ("GET", "POST"):
        from ._override import overridden_request

        method, target, headers = overridden_request(client, method, target, headers)
    lines = [" HTTP/1.1", "Host: " + host_header(client._origin)]
    lines.extend(headers)
    if body or method not in ("GET", "DELETE"):
        lines.append("Content-Length: %d" % len(body))
    lines.append("\r\n")
    # Each piece into its place at once: with a token a copy of the whole takes more than a kilobyte.
    pieces = (method.encode(), b" ", target.encode(), "\r\n".join(lines).encode(), body)
    request = bytearray(sum([len(piece) for piece in pieces]))
    at = 0
    for piece in pieces:
        request[at : at + len(piece)] = piece
        at += len(piece)
    return request
