"""Splits and checks paths of documents and collections of Cloud Firestore.

In: text from a program. Out: the list of its segments, or InvalidArgument with the reason.

Limits are the service's ("Collections, documents, and fields" of its quotas): an id has at most 1,500 bytes of UTF-8,
is not `.`, `..` or `__x__`, and holds no `/`; control characters are allowed. A path has at most 6 KiB.
"""

from .. import InvalidArgument
from ..core.runtime import const
from ..wire.json import to_utf8

_ID_BYTES = const(1500)
_PATH_BYTES = const(6144)


def document(path: str) -> list:
    """Return the segments of the path of a document, "cities/LA". Raises InvalidArgument if it is not valid."""
    segments = _segments(path)
    if len(segments) % 2:
        raise _invalid_path(path, "names a collection: a document has an even number of segments, as cities/LA")
    return segments


def collection(path: str) -> list:
    """Return the segments of the path of a collection, "cities/LA/districts". Raises InvalidArgument if not valid."""
    segments = _segments(path)
    if not len(segments) % 2:
        raise _invalid_path(path, "names a document: a collection has an odd number of segments, as cities")
    return segments


def is_reserved(name: str) -> bool:
    """Return whether `name` is `__x__`, which the service reserves."""
    return len(name) > 3 and name.startswith("__") and name.endswith("__")


def is_too_long(text: str) -> bool:
    """Return whether `text` is too long for an id or the name of a field."""
    return len(text) > _ID_BYTES // 4 and len(text.encode()) > _ID_BYTES


def _segments(path):
    if not isinstance(path, str):
        raise InvalidArgument("a path is a str like cities/LA, not %s" % type(path).__name__)
    size = len(to_utf8(path))
    segments = path.strip("/").split("/")
    for segment in segments:
        if segment in ("", ".", "..") or is_reserved(segment):
            raise _invalid_path(path, "holds the id %r: an id is not empty, ., .. or __x__" % segment)
        if is_too_long(segment):
            raise _invalid_path(path, "holds an id of more than %d bytes" % _ID_BYTES)
    if size > _PATH_BYTES:
        raise _invalid_path(path, "is longer than %d bytes" % _PATH_BYTES)
    return segments


def _invalid_path(path, reason):
    return InvalidArgument("the path %r %s" % (path[:60], reason))
