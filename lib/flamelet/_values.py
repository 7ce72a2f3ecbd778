"""The flows of `Database` that write and read values as JSON: get, set, push, update, delete, and many readings at
once.

A request and its answer are held whole. A write asks for no answer (`print=silent`), and is repeatable unless it holds
an increment. Limit: values are at most 32 levels deep.
"""

from . import InvalidArgument, _json, _push_id
from ._request import build
from .database import check_key, keys

_SPECIAL = (".priority", ".value", ".sv")


def get(database, path, shallow):
    """Flow: the value at `path`."""
    connection = yield from _ask(database, "GET", database._target(path, "shallow=true" if shallow else None))
    return _json.loads(connection.body, memoryview(connection.body), connection.body_size)


def put(database, path, value):
    """Flow: write `value` at `path`."""
    yield from _write(database, "PUT", path, _json.dumps(value, _check))


def push(database, path, value):
    """Flow: write `value` under a new key, and return the key."""
    if value is None:
        raise InvalidArgument("push writes a value under a new key; None would write nothing")
    keys(path)
    key = _new_key()
    yield from put(database, "%s/%s" % (path.strip("/"), key), value)
    return key


def update(database, path, values):
    """Flow: write each value at its key below `path`."""
    if not isinstance(values, dict) or not values:
        raise InvalidArgument("update takes a dict with at least one key, not %r" % (values,))
    for key in values:
        if keys(key) == [""]:
            raise InvalidArgument("update takes keys and paths below its path; %r is neither" % key)
    # Its keys are paths, checked above; the keys below them are keys.
    members = [b"%s:%s" % (_json.dumps(key, _check), _json.dumps(values[key], _check)) for key in values]
    yield from _write(database, "PATCH", path, b"{%s}" % b",".join(members))


def delete(database, path):
    """Flow: delete what is at `path`."""
    yield from _ask(database, "DELETE", database._target(path))


def push_many(feed, rows):
    """Flow: the readings of `rows` in one PATCH, each under a new key; how many."""
    buffer = bytearray(feed._room)
    members = []
    for row in rows:
        feed._check(row)
        members.append(b'"%s":%s' % (_new_key().encode(), bytes(buffer[: feed.put_row(buffer, 0, row)])))
    if members:
        yield from _write(feed._database, "PATCH", feed._path, b"{%s}" % b",".join(members))
    return len(members)


def _write(database, method, path, body):
    yield from _ask(database, method, database._target(path, "print=silent"), body)


def _ask(database, method, target, body=b""):
    request = build(database, method, target, body)
    # Doing it twice is the same as once, unless it adds up: `".sv":{` cannot stand within a JSON string.
    return (yield from database._answered(request, len(request), body.find(b'".sv":{') < 0))


def _new_key():
    key = bytearray(_push_id.SIZE)
    _push_id.forget()
    _push_id.put(key, 0)
    return key.decode()


def _check(key):
    if key not in _SPECIAL:
        check_key(key)
