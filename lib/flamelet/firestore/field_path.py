"""Splits the path of a field into names, and joins names to a path."""

from .. import InvalidArgument
from ..wire.json import to_utf8

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_DIGITS = b"0123456789"


def split(path: str) -> list:
    """Return the names in a field path: "a.`b.c`.d" gives ["a", "b.c", "d"]. Raises InvalidArgument if not valid."""
    if not isinstance(path, str):
        raise InvalidArgument("the path of a field is a str, not %s" % type(path).__name__)
    # Bytes, since MicroPython interns each letter of a str that is indexed, for ever.
    data = to_utf8(path)
    names = []
    at = 0
    while True:
        end = _quoted_end(data, at + 1) if data.startswith(b"`", at) else _simple_end(data, at)
        if end == at or end < len(data) and data[end] != 46:
            text = "%r is no path of a field: names have letters, digits and _; put others in backticks, like a.`b-c`"
            raise InvalidArgument(text % path)
        names.append(_name(data, at, end))
        if end == len(data):
            return names
        at = end + 1


def join(names: list) -> str:
    """Return the path of a field: ["a", "b.c"] gives "a.`b.c`". Raises InvalidArgument if one is not valid."""
    return ".".join([_quoted(name) for name in names])


def _simple_end(data, at):
    """Return the end of the name without backticks at data[at], or `at` if there is none."""
    end = at
    while end < len(data) and (data[end] in _LETTERS or end > at and data[end] in _DIGITS):
        end += 1
    return end


def _quoted_end(data, at):
    """Return the position after the closing backtick of the name at data[at], or at - 1 if it is not valid."""
    end = at
    while end < len(data):
        if data[end] == 96:
            return end + 1 if end > at else at - 1
        end += 2 if data[end] == 92 else 1
    return at - 1


def _name(data, at, end):
    if data[at] != 96:
        return data[at:end].decode()
    name = bytearray()
    at += 1
    while at < end - 1:
        if data[at] == 92:
            at += 1
        name.append(data[at])
        at += 1
    return bytes(name).decode()


def _quoted(name):
    if not isinstance(name, str) or not name:
        raise InvalidArgument("the name of a field is a str that is not empty, not %r" % (name,))
    data = name.encode()
    if _simple_end(data, 0) == len(data):
        return name
    return "`%s`" % name.replace("\\", "\\\\").replace("`", "\\`")


def field_paths(mask):
    """Return the paths of fields in `mask`, as the service writes them."""
    if not isinstance(mask, (list, tuple)):
        raise InvalidArgument("a mask is a list of the paths of fields, not %r" % (mask,))
    return [join(split(path)) for path in mask]
