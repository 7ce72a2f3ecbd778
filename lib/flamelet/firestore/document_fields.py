"""The fields of one document of Firestore, read one after another out of its JSON.

In: the answer to a GET, in a buffer. Out: a dict, or ProtocolError. The text is parsed a field at a time: as one tree
it would take three times the memory of the dict.
"""

from .. import _broken
from ..wire.json import check, checked, value
from . import fields as _fields

_UNKNOWN = "the answer is no document: is this Firestore?"


def fields_of(buffer: bytearray, end: int) -> dict:
    """The fields of the document whose JSON is buffer[:end], which is mended in place."""
    end = checked(buffer, end)
    view = memoryview(buffer)
    fields: dict = {}
    name = None
    for start, colon, stop in _members(buffer, 0, end):
        key = value(view[start:colon])
        if key == "name":
            name = value(view[colon + 1 : stop])
        elif key == "fields":
            for start, between, end in _members(buffer, colon + 1, stop):
                key = value(view[start:between])
                fields[key] = _fields.decode(value(view[between + 1 : end]))
    if not isinstance(name, str):
        raise _broken(_UNKNOWN)
    return fields


def _members(buffer, at, end):
    """Where the name of each member of the object at buffer[at] starts, its colon, and where its value ends."""
    while at < end and buffer[at] in b" \n\r\t":
        at += 1
    if buffer[at] != 123:
        raise _broken(_UNKNOWN)
    while buffer[at] != 125:
        at += 1
        # Behind the first value that is read there, a text ceases to be JSON.
        colon = check(buffer, at, end)
        if buffer[colon] != 58:
            return
        stop = check(buffer, colon + 1, end)
        yield at, colon, stop
        at = stop
