"""The flows of `Firestore` that read and write single documents: get, read, create, set, update, delete.

In: a path and fields. Out: fields, a `Document`, the time of a write. A write is repeated by itself unless it adds up
or has a condition; a `create` whose id was made here is known by it, so that a repeat cannot make two.
"""

from ..wire import json as _json
from .document import document, name_of
from .field_path import field_paths
from .rest import ask


def get(client, path, options):
    """Flow: the fields at `path`, None where there is no document."""
    raw = options.pop("raw", False)
    connection = yield from _found(client, path, options)
    if raw or not connection:
        return connection and _raw(connection)
    from .document_fields import fields_of

    return fields_of(connection.body, connection.body_size)


def read(client, path, options):
    """Flow: the Document at `path`, None where there is none."""
    raw = options.pop("raw", False)
    connection = yield from _found(client, path, options)
    if raw or not connection:
        return connection and _raw(connection)
    return document(client, _json.loads(connection.body, memoryview(connection.body), connection.body_size))


def _found(client, path, options):
    """Flow: the connection with the answer, None where there is no document."""
    try:
        return (yield from ask(client, "GET", name_of(client, path), None, parameters(options)))
    except _missing() as error:
        # A project or a database that is not there is another matter.
        if not error.text.startswith("Document"):
            raise
        return None


def _raw(connection):
    return bytes(memoryview(connection.body)[: connection.body_size])


def _missing():
    from ..errors import NotFound

    return NotFound


def parameters(options):
    """What the options of a read are as parameters; InvalidArgument where one cannot be."""
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
