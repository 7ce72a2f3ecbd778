"""Writes values of the Realtime Database as JSON: the flows of `Database.set`, `update` and `delete`.

A request and its answer are held whole. A write asks for an empty answer (`print=silent`), and is repeatable unless it
has an increment or a condition, or the server makes the key. Limit: values are at most 32 levels deep.
"""

from .. import InvalidArgument
from ..core.path import check_key, keys
from ..wire import json as _json
from .ask import ETAG, SERVER_VALUE, ask, condition, etag_of
from .exchange import target

_SPECIAL = (".priority", ".value", ".sv")
_TIMESTAMP = b'{".sv":"timestamp"}'
_WRITE_SIZES = ("tiny", "small", "medium", "large", "unlimited")


def set(client, path, value, options):
    """Flow: write `value` at `path`. Returns the new ETag if the options ask for it."""
    return (yield from write(client, "PUT", path, body_of(value), options))


def update(client, path, values, options):
    """Flow: write each value at its key below `path`."""
    if not isinstance(values, dict) or not values:
        raise InvalidArgument("update takes a dict with at least one key, not %r" % (values,))
    if "if_match" in options or "etag" in options:
        raise InvalidArgument("the service has no conditions and ETags for an update: use set, delete or transaction")
    # Its keys may be paths; keys inside the values may not.
    paths = []
    for key in values:
        paths.append(keys(key))
        if paths[-1] == [""]:
            raise InvalidArgument("update takes keys and paths below its path; %r is neither" % key)
    from ..core.path_lists import overlap

    found = overlap(paths)
    if found:
        text = "update takes paths that do not overlap: /%s holds /%s"
        raise InvalidArgument(text % ("/".join(found[0]), "/".join(found[1])))
    members = [b"%s:%s" % (_json.dumps(key, _check), body_of(values[key])) for key in values]
    yield from write(client, "PATCH", path, b"{%s}" % b",".join(members), options)


def delete(client, path, options):
    """Flow: delete the value at `path`. Returns the new ETag if the options ask for it."""
    return (yield from write(client, "DELETE", path, b"", options))


def write(client, method, path, body, options, repeatable=True):
    """Flow: send a write. Returns the new ETag if the options ask for it."""
    wants_etag = options.get("etag")
    parts, headers = write_options(options)
    # It is not documented that a silent answer has an ETag, nor that a DELETE may be silent.
    if not wants_etag and method != "DELETE":
        parts.append("print=silent")
    place = target(client, path, "&".join(parts))
    connection = yield from ask(client, method, place, body, headers, repeatable)
    return etag_of(connection) if wants_etag else None


def write_options(options):
    """Return (parameters, headers) for the options of a write. Raises InvalidArgument if one is not valid."""
    parts = []
    headers: tuple = ()
    for name in options:
        value = options[name]
        if name == "if_match":
            headers = condition(value) + headers
        elif name == "etag":
            headers += ETAG if value else ()
        elif name == "write_size_limit" and value in _WRITE_SIZES:
            parts.append("writeSizeLimit=" + value)
        else:
            text = "a write takes if_match, etag and write_size_limit, one of %s, not %s=%r"
            raise InvalidArgument(text % (", ".join(_WRITE_SIZES), name, value))
    return parts, headers


def body_of(value) -> bytes:
    """Return `value` as the body of a write. Raises InvalidArgument if it is not valid."""
    body = _json.dumps(value, _check)
    # SERVER_VALUE cannot occur in a JSON string. A plain TIMESTAMP needs no check.
    if body.count(SERVER_VALUE) > body.count(_TIMESTAMP):
        from ..core import server_values

        server_values.check(value)
    return body


def _check(key):
    if key not in _SPECIAL:
        check_key(key)
