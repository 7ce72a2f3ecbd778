"""Reads a value of the Realtime Database: the flow of `Database.get`. The value is held whole."""

from .. import InvalidArgument
from ..core import url as _url
from ..core.runtime import const
from .ask import ETAG, ask, etag_of, value_of
from .exchange import target

_PARAMETERS = ("format", "timeout", "print", "callback", "download", "auth_variable_override")
_UNITS = {"ms": 1, "s": 1000, "min": 60000}
_LONGEST_TIMEOUT = const(900000)


def get(client, path, options):
    """Flow: return the value at `path`, or (value, ETag) if the options ask for it."""
    etag = options.pop("etag", False)
    place = target(client, path, parameters(options))
    connection = yield from ask(client, "GET", place, b"", ETAG if etag else ())
    # With a callback it is JavaScript.
    value = _text(connection) if "callback" in options else value_of(connection)
    return (value, etag_of(connection)) if etag else value


def parameters(options):
    """Return the parameters of a GET as text for the URL. Raises InvalidArgument if one is not valid."""
    parts = []
    if options.get("shallow") and "format" in options:
        raise InvalidArgument("Mixing 'shallow' and format is not supported: a shallow answer has no priorities")
    for name in sorted(options):
        value = options[name]
        if name == "shallow" and isinstance(value, bool):
            value = "true" if value else ""
        elif name not in _PARAMETERS or not isinstance(value, str):
            text = 'a GET takes etag, shallow and text for %s, not %s=%r'
            raise InvalidArgument(text % (", ".join(_PARAMETERS), name, value))
        elif name == "timeout":
            _check_timeout(value)
        if value:
            parts.append("%s=%s" % (name, _url.quote(value)))
    return "&".join(parts)


def _check_timeout(text):
    for unit in _UNITS:
        number = text[: -len(unit)]
        is_number = number and all("0" <= digit <= "9" for digit in number)
        if is_number and text.endswith(unit) and 0 < int(number) * _UNITS[unit] <= _LONGEST_TIMEOUT:
            return
    raise InvalidArgument('a timeout is a number and a unit, "3ms", "3s" or "3min", at most 15min, not %r' % text)


def _text(connection):
    return bytes(memoryview(connection.body)[: connection.body_size]).decode()
