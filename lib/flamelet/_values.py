"""The flows of `Database` that write and read values as JSON: get, set, push, update, delete, and many readings at
once.

A request and its answer are held whole. A write asks for no answer (`print=silent`), and is repeatable unless it holds
an increment, has a condition, or lets the server make the key. Limit: values are at most 32 levels deep.
"""

from . import InvalidArgument, _json, _push_id, _url
from ._request import build
from .database import check_key, keys
from .errors import ProtocolError

_SPECIAL = (".priority", ".value", ".sv")
_SERVER_VALUE = b'".sv":'
_PARAMETERS = ("format", "timeout", "auth_variable_override")
ETAG = ("X-Firebase-ETag: true",)


def get(database, path, options):
    """Flow: the value at `path`; with `etag` among the options (value, ETag)."""
    etag = options.pop("etag", False)
    target = database._target(path, _query(options))
    connection = yield from ask(database, "GET", target, b"", ETAG if etag else ())
    value = _json.loads(connection.body, memoryview(connection.body), connection.body_size)
    return (value, etag_of(connection)) if etag else value


def set(database, path, value, if_match=""):
    """Flow: write `value` at `path`, where `if_match` is its ETag."""
    yield from _write(database, "PUT", path, body_of(value), condition(if_match))


def push(database, path, value, server_key):
    """Flow: write `value` under a new key, and return the key."""
    if value is None:
        raise InvalidArgument("push writes a value under a new key; None would write nothing")
    keys(path)
    if server_key:
        connection = yield from ask(database, "POST", database._target(path), body_of(value))
        answer = _json.loads(connection.body, memoryview(connection.body), connection.body_size)
        if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
            raise ProtocolError("POST %s: the answer names no key" % path)
        return answer["name"]
    key = _new_key()
    yield from set(database, "%s/%s" % (path.strip("/"), key), value)
    return key


def update(database, path, values):
    """Flow: write each value at its key below `path`."""
    if not isinstance(values, dict) or not values:
        raise InvalidArgument("update takes a dict with at least one key, not %r" % (values,))
    for key in values:
        if keys(key) == [""]:
            raise InvalidArgument("update takes keys and paths below its path; %r is neither" % key)
    # Its keys are paths, checked above; the keys below them are keys.
    members = [b"%s:%s" % (_json.dumps(key, _check), body_of(values[key])) for key in values]
    yield from _write(database, "PATCH", path, b"{%s}" % b",".join(members))


def delete(database, path, if_match):
    """Flow: delete what is at `path`, where `if_match` is its ETag."""
    yield from ask(database, "DELETE", database._target(path), b"", condition(if_match))


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


def _write(database, method, path, body, headers=()):
    yield from ask(database, method, database._target(path, "print=silent"), body, headers)


def _query(options):
    """The parameters of a GET, as text; InvalidArgument where one cannot be."""
    parameters = []
    for name in sorted(options):
        value = options[name]
        if name == "shallow":
            value = "true" if value else ""
        elif name not in _PARAMETERS or not isinstance(value, str):
            raise InvalidArgument('get takes shallow, etag, format="export", timeout="3s", not %s=%r' % (name, value))
        if value:
            parameters.append("%s=%s" % (name, _url.quote(value)))
    return "&".join(parameters)


def ask(database, method, target, body=b"", headers=()):
    """Flow: the connection with the answer; ResponseError where it is a refusal."""
    request = build(database, method, target, body, headers)
    # Doing it twice is the same as once, unless it makes a key, depends on what is there, or adds up: `".sv":{` cannot
    # stand within a JSON string.
    is_conditional = headers and headers[0].startswith("If-Match")
    repeatable = not (method == "POST" or is_conditional or body.find(_SERVER_VALUE + b"{") >= 0)
    return (yield from database._answered(request, len(request), repeatable))


def condition(etag):
    """The header for a write where the value has this ETag."""
    return ("If-Match: " + _url.check_text(etag, "an ETag"),) if etag else ()


def etag_of(connection) -> str:
    """The ETag of the answer; ProtocolError where it has none."""
    etag = connection.response.headers.get(b"etag")
    if not etag:
        raise ProtocolError("the answer has no ETag: does a proxy take it away?")
    return etag.decode()


def _new_key():
    key = bytearray(_push_id.SIZE)
    _push_id.forget()
    _push_id.put(key, 0)
    return key.decode()


def body_of(value) -> bytes:
    """`value` as the body of a write; InvalidArgument where it cannot be."""
    body = _json.dumps(value, _check)
    if body.find(_SERVER_VALUE) >= 0:
        from . import server_values

        server_values.check(value)
    return body


def _check(key):
    if key not in _SPECIAL:
        check_key(key)
