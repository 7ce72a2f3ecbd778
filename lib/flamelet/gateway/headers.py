"""Converts headers from the user to lines of a request.

In: {name: value}. Out: lines without line ends, or InvalidArgument: a header with a line break, or one that changes the
framing of the request, never reaches the wire (RFC 9110, section 5). Loaded if there are any.
"""

from .. import InvalidArgument
from ..core import url as _url

_OURS = ("connection", "content-length", "content-type", "expect", "host", "transfer-encoding")


def lines(headers: dict, token=None) -> tuple:
    """Return the lines of `headers`. Raises InvalidArgument if one is not valid, or clashes with `token`."""
    found = []
    for name in headers:
        _url.check_text(name, "the name of a header")
        if ":" in name or name.lower() in _OURS:
            raise InvalidArgument("the header %s cannot be given: flamelet writes its own" % name)
        if token and name.lower() == "authorization":
            raise InvalidArgument("give a token or the header Authorization, not both")
        found.append("%s: %s" % (name, _checked(name, headers[name])))
    return tuple(found)


def _checked(name, value):
    # The value may be a secret: it is not shown.
    if not isinstance(value, str):
        raise InvalidArgument("the header %s is a str, not %s" % (name, type(value).__name__))
    for byte in value.encode("utf-8", "surrogatepass"):
        if not 32 <= byte <= 126:
            raise InvalidArgument("the header %s is not one line of printable ASCII" % name)
    return value
