"""The flows of `Firestore` that read and write single documents: get, read, create, set, update, delete.

In: a path and fields. Out: fields, a `Document`, the time of a write. A write is repeated by itself unless it adds up
or has a condition; a `create` whose id was made here is known by it, so that a repeat cannot make two.
"""

from . import _json
from ._document_path import collection as check_collection
from ._rest import ask
from ._runtime import const, getrandbits
from ._writes import Writes
from .document import document, name_of

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID_SIZE = const(20)


def get(fs, path, options):
    """Flow: the fields at `path`, None where there is no document."""
    raw = options.pop("raw", False)
    connection = yield from _found(fs, path, options)
    if raw or not connection:
        return connection and _raw(connection)
    from ._document_fields import fields_of

    return fields_of(connection.body, connection.body_size)


def read(fs, path, options):
    """Flow: the Document at `path`, None where there is none."""
    raw = options.pop("raw", False)
    connection = yield from _found(fs, path, options)
    if raw or not connection:
        return connection and _raw(connection)
    return document(fs, _json.loads(connection.body, memoryview(connection.body), connection.body_size))


def _found(fs, path, options):
    """Flow: the connection with the answer, None where there is no document."""
    try:
        return (yield from ask(fs, "GET", name_of(fs, path), None, parameters(options)))
    except _missing() as error:
        # A project or a database that is not there is another matter.
        if not error.text.startswith("Document"):
            raise
        return None


def _raw(connection):
    return bytes(memoryview(connection.body)[: connection.body_size])


def _missing():
    from .errors import NotFound

    return NotFound


def create(fs, path, fields, id):
    """Flow: write a new document; its id."""
    check_collection(path)
    writes = Writes(fs)
    made = id or new_id()
    writes.create("%s/%s" % (path.strip("/"), made), fields)
    from .errors import AlreadyExists, FlameletError, OutcomeUnknown

    try:
        yield from commit(fs, writes)
    except OutcomeUnknown as lost:
        if id:
            raise
        try:
            yield from commit(fs, writes)
        except AlreadyExists:
            # Nobody else makes this id: the lost answer was a yes.
            return made
        except FlameletError:
            # Whatever became of the repeat, the first one may have happened.
            raise lost
    return made


def write(fs, kind, path, fields, condition):
    """Flow: one write; the time of it."""
    writes = Writes(fs)
    if kind == "delete":
        writes.delete(path, **condition)
    else:
        getattr(writes, kind)(path, fields, **condition)
    results = yield from commit(fs, writes)
    return results[0]


def commit(fs, writes, transaction=b"", is_transaction=False):
    """Flow: send all of `writes`, or none; the time of each, None where it changed nothing."""
    body = b'{"writes":[%s]%s}' % (b",".join(writes.encoded), transaction)
    path = fs._root + ":commit"
    connection = yield from ask(fs, "POST", path, body, None, writes.repeatable, is_transaction)
    answer = _json.loads(connection.body, memoryview(connection.body), connection.body_size)
    results = answer.get("writeResults", []) if isinstance(answer, dict) else []
    return [result.get("updateTime") for result in results] or [None] * len(writes.encoded)


def parameters(options):
    """What the options of a read are as parameters; InvalidArgument where one cannot be."""
    made: dict = {}
    for name in options:
        if name == "mask":
            made["mask.fieldPaths"] = field_paths(options[name])
        elif name == "read_time":
            made["readTime"] = str(options[name])
        else:
            from . import InvalidArgument

            raise InvalidArgument("a read takes mask, read_time and raw, not %s" % name)
    return made


def field_paths(mask):
    """The paths of fields in `mask`, as the service writes them."""
    from . import InvalidArgument, _document_path

    if not isinstance(mask, (list, tuple)):
        raise InvalidArgument("a mask is a list of the paths of fields, not %r" % (mask,))
    return [_document_path.join(_document_path.split(path)) for path in mask]


def new_id():
    """Twenty random letters and digits, as Google's SDKs make them."""
    made = ""
    while len(made) < _ID_SIZE:
        index = getrandbits(6)
        if index < len(_ID_LETTERS):
            made += _ID_LETTERS[index]
    return made
