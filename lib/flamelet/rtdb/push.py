"""Writes under new keys: the flows of `Database.push` and `Feed.push_many`.

For keys that are made here, see client/write_once.py.
"""

from .. import InvalidArgument, _broken
from ..core import push_id as _push_id
from ..core.path import keys
from .ask import adds_up, ask, etag_of, value_of
from .exchange import target
from .write import body_of, write, write_options


def push(client, path, value, server_key, options):
    """Flow: write `value` under a new key. Returns the key, or (key, ETag)."""
    if value is None:
        raise InvalidArgument("push writes a value under a new key; None would write nothing")
    if "if_match" in options:
        raise InvalidArgument("a push has no condition: its key is new")
    keys(path)
    if server_key:
        return (yield from _post(client, path, body_of(value), options))
    from ..client.write_once import write_once

    key = new_key()
    place = "%s/%s" % (path.strip("/"), key)
    body = body_of(value)

    def put(repeatable):
        return write(client, "PUT", place, body, options, repeatable)

    etag = yield from put(False) if adds_up(body) else write_once(put)
    return (key, etag) if etag else key


def _post(client, path, body, options):
    parts, headers = write_options(options)
    connection = yield from ask(client, "POST", target(client, path, "&".join(parts)), body, headers)
    answer = value_of(connection)
    if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
        raise _broken("POST %s: the answer has no key", path)
    return (answer["name"], etag_of(connection)) if headers else answer["name"]


def push_many(client, reading, rows):
    """Flow: write the readings of `rows` in one PATCH, each under a new key. Returns how many there were."""
    buffer = bytearray(reading.room)
    members = []
    for row in rows:
        reading.check(row)
        members.append(b'"%s":%s' % (new_key().encode(), bytes(buffer[: reading.put_row(buffer, 0, row)])))
    if members:
        from ..client.write_once import write_once

        body = b"{%s}" % b",".join(members)
        yield from write_once(lambda repeatable: write(client, "PATCH", reading.path, body, {}, repeatable))
    return len(members)


def new_key() -> str:
    """Return a new unique key. Raises ClockNotSet if the time is not known."""
    key = bytearray(_push_id.SIZE)
    _push_id.forget()
    _push_id.put(key, 0)
    return key.decode()
