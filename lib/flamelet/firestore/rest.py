"""Calls a method of Firestore's REST API, and repeats the request if that helps.

In: a method, a path, a body. Out: the answer, or one of our errors. `action` in the table of diagnosis/answers.py says
whether a request is repeated: with exponential back-off and full jitter, until the client's `answer` time has passed.
If it may have happened, it is only repeated if it is idempotent.
"""

from ..client.request import build
from ..core import url as _url
from ..core.backoff import pause as backoff
from ..core.runtime import ticks_add, ticks_diff, ticks_ms
from ..wire import json as _json


def call(client, method, path, body=None, parameters=None, repeatable=True, is_transaction=False):
    """Flow: return the answer as a value; `body`: a value, or JSON as bytes."""
    connection = yield from ask(client, method, path, body, parameters, repeatable, is_transaction)
    return _json.loads(connection.body, memoryview(connection.body), connection.body_size)


def call_object(client, method, path, body=None, parameters=None, repeatable=True):
    """Flow: return the answer, a JSON object, as a dict. Raises ProtocolError if it is not one."""
    answer = yield from call(client, method, path, body, parameters, repeatable)
    if not isinstance(answer, dict):
        from .. import _broken

        raise _broken("%s: the answer is no object: is this Firestore?", path)
    return answer


def ask(client, method, path, body=None, parameters=None, repeatable=True, is_transaction=False):
    """Flow: send a request. Returns the connection with a good answer. Raises the error of a refusal."""
    request = build(client, method, target(client, path, parameters, method), encoded(body), headers(client, body))
    return (yield from send(client, request, len(request), repeatable, is_transaction))


def send(client, request, size, repeatable=True, is_transaction=False):
    """Flow: send request[:size]. Returns the connection with a good answer. Raises the error of a refusal."""
    end = ticks_add(ticks_ms(), client.timeouts.answer)
    attempt = 0
    while True:
        attempt += 1
        connection = yield from client.exchange(request, size, repeatable)
        # heap: make room for the answer and the next request.
        connection.request = None
        if connection.response.status < 300:
            return connection
        from ..diagnosis.failures import refused

        yield pause(refused(connection, request), attempt, end, repeatable, is_transaction)


def check_written(connection) -> None:
    """Raise ProtocolError if the answer to a commit does not say that anything was written."""
    if connection.body.find(b'"writeResults"', 0, connection.body_size) < 0:
        from .. import _broken

        text = "%s: an unexpected answer to a commit, %r: does the network intercept?"
        raise _broken(text, connection.origin.host, bytes(memoryview(connection.body)[: min(60, connection.body_size)]))


def pause(error, attempt, end, repeatable=True, is_transaction=False):
    """Return the milliseconds to wait before the next attempt. Raises `error` if there is none before `end`."""
    action = error.action
    # 503: it was not attempted.
    if not repeatable and action != "never" and error.status >= 500 and error.status != 503:
        from ..errors import in_doubt

        raise in_doubt(error)
    if action == "never" or action == "transaction" and is_transaction or action == "once" and attempt > 1:
        raise error
    ms = backoff(attempt, error)
    if ticks_diff(end, ticks_add(ticks_ms(), ms)) <= 0:
        raise error
    return ms


def target(client, path, parameters=None, method="POST"):
    """Return the request target of `path`; `parameters`: {name: a text, a bool, a number, or a tuple of texts}."""
    # "documents:commit": the part after the colon is the method. A colon in an id, like "aa:bb:cc" of a device, is
    # quoted, since the service would look for a method after it.
    path, colon, verb = path.rpartition(":") if method == "POST" else (path, "", "")
    if "/" in verb or not colon:
        path, colon, verb = path + colon + verb, "", ""
    parts = client.parameters()
    for name in parameters or ():
        value = parameters[name]
        for text in value if isinstance(value, (tuple, list)) else (value,):
            text = ("true" if text else "false") if isinstance(text, bool) else str(text)
            parts.append("%s=%s" % (name, _url.quote(text)))
    path = "%s/%s%s%s" % (client.path, "/".join([_quoted(part) for part in path.split("/")]), colon, verb)
    return path + "?" + "&".join(parts) if parts else path


def _quoted(part):
    # "(default)" as in the documentation.
    return _url.quote(part).replace("%28", "(").replace("%29", ")")


def encoded(body):
    """Return `body` as JSON."""
    if body is None or isinstance(body, (bytes, bytearray)):
        return body or b""
    return _json.dumps(body, _json.any_key)


def headers(client, body):
    """Return the headers of a request."""
    given = client.token.headers if client.token else ()
    return ("Content-Type: application/json",) + given if body is not None else given
