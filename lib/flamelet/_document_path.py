"""Paths of documents and collections, and paths of fields, as Cloud Firestore has them.

In: text as a program gives it. Out: the list of its segments, or InvalidArgument with the reason. `quote` makes of
segments what stands in a URL, `join` makes of names the path of a field.

Limits are the service's ("Collections, documents, and fields" of its quotas): an id has at most 1,500 bytes of UTF-8,
is not `.`, `..` or `__x__`, and holds no `/`; control characters are allowed. A path has at most 6 KiB.
"""

from . import InvalidArgument, _json, _url
from ._runtime import const

_ID_BYTES = const(1500)
_PATH_BYTES = const(6144)

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_DIGITS = b"0123456789"


def document(path: str) -> list:
    """The segments of the path of a document, "cities/LA"; InvalidArgument where it is none."""
    segments = _segments(path)
    if len(segments) % 2:
        raise _refused(path, "names a collection: a document has an even number of segments, as cities/LA")
    return segments


def collection(path: str) -> list:
    """The segments of the path of a collection, "cities" or "cities/LA/districts"; InvalidArgument where it is none."""
    segments = _segments(path)
    if not len(segments) % 2:
        raise _refused(path, "names a document: a collection has an odd number of segments, as cities")
    return segments


def quote(segments: list) -> str:
    """What stands in a URL for `segments`: each percent-encoded, with slashes between."""
    return "/".join([_url.quote(segment) for segment in segments])


def is_reserved(name: str) -> bool:
    """Whether `name` is `__x__`, which the service keeps for itself."""
    return len(name) > 3 and name.startswith("__") and name.endswith("__")


def is_too_long(text: str) -> bool:
    """Whether `text` is too long for an id or the name of a field."""
    return len(text) > _ID_BYTES // 4 and len(text.encode()) > _ID_BYTES


def split(path: str) -> list:
    """The names in the path of a field: "a.`b.c`.d" gives ["a", "b.c", "d"]; InvalidArgument where it is none."""
    if not isinstance(path, str):
        raise InvalidArgument("the path of a field is a str, not %s" % type(path).__name__)
    _json.dumps(path, None)  # refuses half a surrogate pair
    # Bytes, since MicroPython keeps each letter of a str that is looked at for ever.
    data = path.encode()
    names = []
    at = 0
    while True:
        end = _quoted_end(data, at + 1) if data.startswith(b"`", at) else _simple_end(data, at)
        if end == at or end < len(data) and data[end] != 46:
            text = "%r is no path of a field: names are letters, digits and _, others stand in backticks, as a.`b-c`"
            raise InvalidArgument(text % path)
        names.append(_name(data, at, end))
        if end == len(data):
            return names
        at = end + 1


def join(names: list) -> str:
    """The path of a field: ["a", "b.c"] gives "a.`b.c`"; InvalidArgument where one of them is no name."""
    return ".".join([_quoted(name) for name in names])


def _segments(path):
    if not isinstance(path, str):
        raise InvalidArgument("a path is a str as cities/LA, not %s" % type(path).__name__)
    _json.dumps(path, None)  # refuses half a surrogate pair
    segments = path.strip("/").split("/")
    for segment in segments:
        if segment in ("", ".", "..") or is_reserved(segment):
            raise _refused(path, "holds the id %r: an id is not empty, ., .. or __x__" % segment)
        if is_too_long(segment):
            raise _refused(path, "holds an id of more than %d bytes" % _ID_BYTES)
    if len(path) > _PATH_BYTES // 4 and len(path.encode()) > _PATH_BYTES:
        raise _refused(path, "is longer than %d bytes" % _PATH_BYTES)
    return segments


def _refused(path, reason):
    return InvalidArgument("the path %r %s" % (path[:60], reason))


def _simple_end(data, at):
    """The end of the name without backticks at data[at]; `at` where there is none."""
    end = at
    while end < len(data) and (data[end] in _LETTERS or end > at and data[end] in _DIGITS):
        end += 1
    return end


def _quoted_end(data, at):
    """The position behind the backtick that ends the name at data[at]; at - 1 where none does or the name is empty."""
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
