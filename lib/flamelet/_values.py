"""The flows of `Database` that write and read values as JSON: get, set, push, update, delete, and many readings at
once.

A request and its answer are held whole. A write asks for no answer (`print=silent`), and is repeatable unless it holds
an increment, has a condition, or lets the server make the key; where a new key is made here, see _once.py. Limit:
values are at most 32 levels deep.
"""

from . import FlameletError, InvalidArgument, _json, _push_id, _url, broken
from ._request import build
from ._runtime import const
from .database import check_key, keys

_SPECIAL = (".priority", ".value", ".sv")
_SERVER_VALUE = b'".sv":'
_PARAMETERS = ("format", "timeout", "print", "callback", "download", "auth_variable_override")
_UNITS = {"ms": 1, "s": 1000, "min": 60000}
_LONGEST_TIMEOUT = const(900000)
_WRITE_SIZES = ("tiny", "small", "medium", "large", "unlimited")
ETAG = ("X-Firebase-ETag: true",)


def get(database, path, options):
    """Flow: the value at `path`; with `etag` among the options (value, ETag)."""
    etag = options.pop("etag", False)
    target = database._target(path, parameters(options))
    connection = yield from ask(database, "GET", target, b"", ETAG if etag else ())
    # With a callback it is JavaScript.
    value = _text(connection) if "callback" in options else value_of(connection)
    return (value, etag_of(connection)) if etag else value


def value_of(connection):
    """The value of an answer; None where it has none (print=silent)."""
    if connection.response.status == 204:
        return None
    return _json.loads(connection.body, memoryview(connection.body), connection.body_size)


def set(database, path, value, options):
    """Flow: write `value` at `path`; the new ETag where the options ask for it."""
    return (yield from _write(database, "PUT", path, body_of(value), options))


def push(database, path, value, server_key, options):
    """Flow: write `value` under a new key; the key, or (key, ETag)."""
    if value is None:
        raise InvalidArgument("push writes a value under a new key; None would write nothing")
    if "if_match" in options:
        raise InvalidArgument("a push has no condition: its key is new")
    keys(path)
    if server_key:
        return (yield from _post(database, path, body_of(value), options))
    from ._once import once

    key = _new_key()
    place = "%s/%s" % (path.strip("/"), key)
    body = body_of(value)

    def write(repeatable):
        return _write(database, "PUT", place, body, options, repeatable)

    etag = yield from write(False) if _adds_up(body) else once(write)
    return (key, etag) if etag else key


def _post(database, path, body, options):
    parts, headers = _options(options)
    target = database._target(path, "&".join(parts))
    connection = yield from ask(database, "POST", target, body, headers)
    answer = value_of(connection)
    if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
        raise broken("POST %s: the answer names no key", path)
    return (answer["name"], etag_of(connection)) if headers else answer["name"]


def update(database, path, values, options):
    """Flow: write each value at its key below `path`."""
    if not isinstance(values, dict) or not values:
        raise InvalidArgument("update takes a dict with at least one key, not %r" % (values,))
    if "if_match" in options or "etag" in options:
        raise InvalidArgument("the service has no conditions and ETags for an update: use set, delete or transaction")
    # Its keys are paths; the keys below them are keys.
    paths = []
    for key in values:
        paths.append(keys(key))
        if paths[-1] == [""]:
            raise InvalidArgument("update takes keys and paths below its path; %r is neither" % key)
    paths.sort()
    for above, below in zip(paths, paths[1:]):
        if below[: len(above)] == above:
            text = "update takes paths that do not overlap: /%s holds /%s"
            raise InvalidArgument(text % ("/".join(above), "/".join(below)))
    members = [b"%s:%s" % (_json.dumps(key, _check), body_of(values[key])) for key in values]
    yield from _write(database, "PATCH", path, b"{%s}" % b",".join(members), options)


def delete(database, path, options):
    """Flow: delete what is at `path`; the new ETag where the options ask for it."""
    return (yield from _write(database, "DELETE", path, b"", options))


def push_many(database, feed, rows):
    """Flow: the readings of `rows` in one PATCH, each under a new key; how many."""
    buffer = bytearray(feed._room)
    members = []
    for row in rows:
        feed._check(row)
        members.append(b'"%s":%s' % (_new_key().encode(), bytes(buffer[: feed.put_row(buffer, 0, row)])))
    if members:
        from ._once import once

        body = b"{%s}" % b",".join(members)
        yield from once(lambda repeatable: _write(database, "PATCH", feed._path, body, {}, repeatable))
    return len(members)


def _write(database, method, path, body, options, repeatable=True):
    """Flow: send a write whose answer says nothing new but the ETag, which is returned if the options ask for it."""
    wants_etag = options.get("etag")
    parts, headers = _options(options)
    # Whether a silent answer has an ETag is not documented; nor is a silent DELETE.
    if not wants_etag and method != "DELETE":
        parts.append("print=silent")
    target = database._target(path, "&".join(parts))
    connection = yield from ask(database, method, target, body, headers, repeatable)
    return etag_of(connection) if wants_etag else None


def _options(options):
    """(parameters, headers) that the options of a write stand for; InvalidArgument where one cannot be."""
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


def parameters(options):
    """The parameters of a GET, as text; InvalidArgument where one cannot be."""
    parts = []
    if options.get("shallow") and "format" in options:
        raise InvalidArgument("Mixing 'shallow' and format is not supported: a shallow answer has no priorities")
    for name in sorted(options):
        value = options[name]
        if name == "shallow" and isinstance(value, bool):
            value = "true" if value else ""
        elif name not in _PARAMETERS or not isinstance(value, str):
            text = 'a GET takes etag, shallow and text for %s, not %s=%r'
            raise InvalidArgument(text % (", ".join(_PARAMETERS), name, value))
        elif name == "timeout":
            _check_timeout(value)
        if value:
            parts.append("%s=%s" % (name, _url.quote(value)))
    return "&".join(parts)


def _check_timeout(text):
    for unit in _UNITS:
        number = text[: -len(unit)]
        is_number = number and all("0" <= digit <= "9" for digit in number)
        if is_number and text.endswith(unit) and 0 < int(number) * _UNITS[unit] <= _LONGEST_TIMEOUT:
            return
    raise InvalidArgument('a timeout is a number and a unit, "3ms", "3s" or "3min", at most 15min, not %r' % text)


def ask(database, method, target, body=b"", headers=(), repeatable=True):
    """Flow: the connection with the answer; ResponseError where it is a refusal."""
    request = build(database, method, target, body, headers)
    # Doing it twice is the same as once, unless it makes a key, depends on what is there, or adds up.
    is_conditional = headers and headers[0].startswith("If-Match")
    repeatable = repeatable and not (method == "POST" or is_conditional or _adds_up(body))
    try:
        return (yield from database._answered(request, len(request), repeatable))
    except FlameletError as error:
        # 503 was not attempted.
        if repeatable or error.status < 500 or error.status == 503:
            raise
        from .errors import OutcomeUnknown

        raise OutcomeUnknown("%s: it may have happened: look before you repeat it" % error)


def _adds_up(body):
    # `".sv":{` cannot stand within a JSON string.
    return body.find(_SERVER_VALUE + b"{") >= 0


def condition(etag):
    """The header for a write where the value has this ETag."""
    return ("If-Match: " + _url.check_text(etag, "an ETag"),)


def _text(connection):
    return bytes(memoryview(connection.body)[: connection.body_size]).decode()


def etag_of(connection) -> str:
    """The ETag of the answer; ProtocolError where it has none."""
    etag = connection.response.headers.get(b"etag")
    if not etag:
        raise broken("the answer has no ETag: does a proxy take it away?")
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
