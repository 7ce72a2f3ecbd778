"""Reads the fields of one document of Firestore, one after another, from its JSON.

In: the answer to a GET, in a buffer. Out: a dict, or ProtocolError. The text is parsed field by field: as one tree it
would take three times the memory of the dict.
"""

from .. import _broken
from ..wire.json import check, checked, value
from . import fields as _fields

_UNKNOWN = "the answer is no document: is this Firestore?"


def fields_of(buffer: bytearray, end: int) -> dict:
    """Return the fields of the document whose JSON is buffer[:end]. Changes `buffer`."""
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
    """Yield (start of the name, colon, end of the value) of each member of the object at buffer[at]."""
    while at < end and buffer[at] in b" \n\r\t":
        at += 1
    if buffer[at] != 123:
        raise _broken(_UNKNOWN)
    while buffer[at] != 125:
        at += 1
        # check() stops at the colon, since a text may hold one value only.
        colon = check(buffer, at, end)
        if buffer[colon] != 58:
            return
        stop = check(buffer, colon + 1, end)
        yield at, colon, stop
        at = stop
