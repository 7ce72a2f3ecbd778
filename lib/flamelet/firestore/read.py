"""Reads one document of Firestore: the flows of `Firestore.get` and `read`.

In: a path and options. Out: fields, or a `Document`. The document is held whole.
"""

from ..wire import json as _json
from .document import document, name_of
from .field_path import field_paths
from .rest import ask


def get(client, path, options):
    """Flow: return the fields at `path`, or None if there is no document."""
    raw = options.pop("raw", False)
    connection = yield from _found(client, path, options)
    if raw or not connection:
        return connection and _raw(connection)
    from .document_fields import fields_of

    return fields_of(connection.body, connection.body_size)


def read(client, path, options):
    """Flow: return the Document at `path`, or None if there is none."""
    raw = options.pop("raw", False)
    connection = yield from _found(client, path, options)
    if raw or not connection:
        return connection and _raw(connection)
    return document(client, _json.loads(connection.body, memoryview(connection.body), connection.body_size))


def _found(client, path, options):
    """Flow: return the connection with the answer, or None if there is no document."""
    try:
        return (yield from ask(client, "GET", name_of(client, path), None, parameters(options)))
    except _missing() as error:
        # If the project or the database is missing, the error is raised.
        if not error.text.startswith("Document"):
            raise
        return None


def _raw(connection):
    return bytes(memoryview(connection.body)[: connection.body_size])


def _missing():
    from ..errors import NotFound

    return NotFound


def parameters(options):
    """Return the parameters for the options of a read. Raises InvalidArgument if one is not valid."""
    made: dict = {}
    for name in options:
        if name == "mask":
            made["mask.fieldPaths"] = field_paths(options[name])
        elif name == "read_time":
            made["readTime"] = str(options[name])
        else:
            from .. import InvalidArgument

            raise InvalidArgument("a read takes mask, read_time and raw, not %s" % name)
    return made
