"""Writes the headers that a user gives as the lines of a request.

In: {name: value}. Out: lines without their ends, or InvalidArgument: nothing with a line break, or with a meaning for
the framing of the request, reaches the wire (RFC 9110, section 5). Loaded where there are any.
"""

from .. import InvalidArgument
from ..core import url as _url

_OURS = ("connection", "content-length", "content-type", "expect", "host", "transfer-encoding")


def lines(headers: dict, token=None) -> tuple:
    """The lines of `headers`; `token`: what goes as a Bearer token beside them, if anything does."""
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
            raise InvalidArgument("the header %s is no line of printable ASCII" % name)
    return value
