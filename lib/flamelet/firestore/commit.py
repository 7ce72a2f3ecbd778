"""Writes documents of Firestore: every write is a commit, which applies all of its writes or none."""

from ..core.runtime import const, getrandbits
from ..wire import json as _json
from .path import collection as check_collection
from .rest import ask
from .writes import Writes

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID_SIZE = const(20)


def create(client, path, fields, id):
    """Flow: write a new document. Returns its id."""
    check_collection(path)
    writes = Writes(client)
    made = id or new_id()
    writes.create("%s/%s" % (path.strip("/"), made), fields)
    from ..errors import AlreadyExists, FlameletError, OutcomeUnknown

    try:
        yield from commit(client, writes)
    except OutcomeUnknown as lost:
        if id:
            raise
        try:
            yield from commit(client, writes)
        except AlreadyExists:
            # Nobody else makes this id: the first commit succeeded.
            return made
        except FlameletError:
            # Whatever the repeat did, the first one may have happened.
            raise lost
    return made


def write(client, kind, path, fields, condition):
    """Flow: send one write. Returns its time."""
    writes = Writes(client)
    if kind == "delete":
        writes.delete(path, **condition)
    else:
        getattr(writes, kind)(path, fields, **condition)
    results = yield from commit(client, writes)
    return results[0]


def commit(client, writes, transaction=b"", is_transaction=False):
    """Flow: apply all of `writes`, or none. Returns the time of each, None for one that changed nothing."""
    body = b'{"writes":[%s]%s}' % (b",".join(writes.encoded), transaction)
    path = client.root + ":commit"
    connection = yield from ask(client, "POST", path, body, None, writes.repeatable, is_transaction)
    answer = _json.loads(connection.body, memoryview(connection.body), connection.body_size)
    results = answer.get("writeResults", []) if isinstance(answer, dict) else []
    return [result.get("updateTime") for result in results] or [None] * len(writes.encoded)


def new_id():
    """Return twenty random letters and digits, as Google's SDKs make them."""
    made = ""
    while len(made) < _ID_SIZE:
        index = getrandbits(6)
        if index < len(_ID_LETTERS):
            made += _ID_LETTERS[index]
    return made
