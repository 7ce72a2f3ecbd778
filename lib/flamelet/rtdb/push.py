"""The flows of `Database` that write under new keys: push, and many readings at once.

Where a key is made here, see _once.py.
"""

from ..core import push_id as _push_id
from .. import InvalidArgument, broken
from ..core.path import keys
from .exchange import _adds_up, ask, etag_of
from .write import _options, _write, body_of


def push(database, path, value, server_key, options):
    """Flow: write `value` under a new key; the key, or (key, ETag)."""
    if value is None:
        raise InvalidArgument("push writes a value under a new key; None would write nothing")
    if "if_match" in options:
        raise InvalidArgument("a push has no condition: its key is new")
    keys(path)
    if server_key:
        return (yield from _post(database, path, body_of(value), options))
    from ..client.write_once import once

    key = new_key()
    place = "%s/%s" % (path.strip("/"), key)
    body = body_of(value)

    def write(repeatable):
        return _write(database, "PUT", place, body, options, repeatable)

    etag = yield from write(False) if _adds_up(body) else once(write)
    return (key, etag) if etag else key


def _post(database, path, body, options):
    from .exchange import value_of

    parts, headers = _options(options)
    target = database._target(path, "&".join(parts))
    connection = yield from ask(database, "POST", target, body, headers)
    answer = value_of(connection)
    if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
        raise broken("POST %s: the answer names no key", path)
    return (answer["name"], etag_of(connection)) if headers else answer["name"]


def push_many(database, feed, rows):
    """Flow: the readings of `rows` in one PATCH, each under a new key; how many."""
    buffer = bytearray(feed._room)
    members = []
    for row in rows:
        feed._check(row)
        members.append(b'"%s":%s' % (new_key().encode(), bytes(buffer[: feed.put_row(buffer, 0, row)])))
    if members:
        from ..client.write_once import once

        body = b"{%s}" % b",".join(members)
        yield from once(lambda repeatable: _write(database, "PATCH", feed._path, body, {}, repeatable))
    return len(members)


def new_key() -> str:
    """A key of which no other device, and no earlier moment, has the same."""
    key = bytearray(_push_id.SIZE)
    _push_id.forget()
    _push_id.put(key, 0)
    return key.decode()
