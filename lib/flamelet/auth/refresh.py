"""Renews an ID token with its refresh token, over the connection of the request that needs it; handles a 401.

In: a client whose token is due, or was refused with a 401. Out: its request with a valid token, or the error that says
what the user must do. There is one renewal at a time, however many operations wait. If it fails while the old token is
still valid, that one is used on; a permanent refusal (revoked, disabled) is raised to every operation for a while
without asking again. (Source: "Exchange a refresh token for an ID token" of the Firebase Auth REST API.)

Memory: the answer is read as it arrives, since it holds the new token twice. Loaded with the first token that can be
renewed: an hour later the heap may have no room for it.
"""

from .. import FlameletError, _broken
from ..core import url as _url
from ..core.backoff import pause
from ..core.clock import corrected, take_from_answer
from ..core.runtime import MICROPYTHON, const, epoch_ms, ticks_add, ticks_diff, ticks_ms
from ..core.wait import wait_until
from ..net.connection import DONE
from ..wire.http1 import BODY, HEAD

_URI = "https://securetoken.googleapis.com/v1/token"
_HEAD = (
    "POST %s?%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
)
_BLAMED = ("TOKEN_EXPIRED", "INVALID_TOKEN", "ACCESS_TOKEN_REFUSED")
_ATTEMPTS = const(3)
_REFUSED_FOR = const(60000)  # milliseconds for which a refusal is raised without asking again
_LATER = const(30000)  # milliseconds until a renewal that failed is tried again, while the token is valid
_FIELDS = ("id_token", "refresh_token", "expires_in")
_LONGEST_KEY = const(16)
_TOKEN_BYTES = const(8192)  # the largest token: servers accept no longer line of a request


def with_valid_token(client, connection, request, size):
    """Flow: return `request`[:size] with a valid token, before it is sent over `connection`."""
    token = client.token
    if token.error:
        if ticks_diff(token.due, ticks_ms()) > 0:
            raise _again(token.error)
        token.error = None
        if not token.refresh_token:
            # The server may accept it by now.
            token.ends = False
            return request
    yield from _renew(client, connection, request, False)
    return _with_token(token, request, size)


def retry_after_401(client, connection, request, size):
    """Flow: return the request to send after this 401, or None if a new token does not help or cannot be had."""
    from ..diagnosis.failures import refused

    token = client.token
    error = refused(connection, request)
    if error.code not in _BLAMED and (
        not getattr(client, "blames_token", False) or not token.refresh_token or connection.renewed
    ):
        return None
    if not token.refresh_token or connection.renewed:
        _refuse(token, error)
        return None
    connection.renewed = True
    yield from _renew(client, connection, request, True)
    return _with_token(token, request, size)


def may_renew(client, connection, request):
    """Return whether a new token may help after this 401; if so, it is due at once."""
    from ..diagnosis.failures import refused

    token = client.token
    if not token.refresh_token or refused(connection, request).code not in _BLAMED:
        return False
    token.revoke(token.parameter)
    return True


def _renew(client, connection, request, blamed):
    """Flow: renew the token that `request` carries, unless that is done; `blamed`: it is no longer valid."""
    token = client.token
    text = "the token is being renewed, and that takes too long"
    yield from wait_until(lambda: not token.renewing, 2 * connection.timeouts.answer, text)
    if token.error:
        raise _again(token.error)
    if request.find(token.text.encode()) < 0:
        return
    token.renewing = True
    try:
        yield from _exchange(client, connection, token)
    except FlameletError as error:
        if error.status and not error.retry:
            _refuse(token, error)
        if token.error or blamed or ticks_diff(token.end, ticks_ms()) <= 0:
            raise
        token.due = ticks_add(ticks_ms(), min(_LATER, ticks_diff(token.end, ticks_ms())))
    finally:
        token.renewing = False


def _refuse(token, error):
    token.error = error
    token.ends = True
    token.due = ticks_add(ticks_ms(), _REFUSED_FOR)


def _again(error):
    """Return a copy of `error`: one that is raised again and again grows by its traceback."""
    return type(error)(str(error), error.status, error.text, error.code)


def _exchange(client, connection, token):
    """Flow: ask for a new token. The connection is closed before and after, and has its own origin again."""
    origin = connection.origin
    try:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return (yield from _ask(client, connection, token))
            except FlameletError as error:
                if not error.retry or attempt == _ATTEMPTS:
                    raise
            yield pause(attempt)
    finally:
        connection.close()
        connection.origin = origin


def _request(client, connection, token):
    """Return the request for a new token, and set the origin of the connection for it."""
    connection.close()
    connection.origin, path, query = _url.parse(_uri(token), client.insecure)
    key = "key=" + _url.quote(token.api_key)
    body = "grant_type=refresh_token&refresh_token=" + _url.quote(token.refresh_token)
    head = _HEAD % (path, query + "&" + key if query else key, _url.host_header(connection.origin), len(body))
    return (head + body).encode()


def _uri(token):
    if not MICROPYTHON and not token.token_uri:
        from ..core.emulators import auth_emulator

        return auth_emulator() or _URI
    return token.token_uri or _URI


def _ask(client, connection, token):
    request = _request(client, connection, token)
    if client.budget:
        yield from client.budget.take(connection)
    yield from connection.open()
    connection.begin(request, len(request), True)
    code = yield from _step(connection, request, HEAD)
    if connection.response.status >= 300:
        from ..diagnosis.failures import refused

        connection.streamed = False
        yield from _step(connection, request, DONE)
        raise refused(connection, request)
    answer = _Answer()
    while code != DONE:
        if code == BODY:
            answer.feed(connection.buffer, connection.response.piece_start, connection.response.piece_end)
        code = yield from _step(connection, request, BODY)
    _take(connection, token, answer.found)


def _step(connection, request, wanted):
    """Flow: move the exchange on to HEAD or BODY, or to its end."""
    code = yield from connection.step_to(wanted)
    if code < DONE:
        from ..diagnosis.failures import failed

        raise failed(connection, request)
    return code


class _Answer:
    """Reads a flat JSON object of strings as it arrives; those that matter are then in `found`.

    Tokens have no escapes, so a string ends at the next quote.
    """

    def __init__(self):
        self.found = {}
        self._text = bytearray()
        self._key = self._last = None
        self._is_inside = False

    def feed(self, buffer, at, end):
        while at < end:
            quote = buffer.find(b'"', at, end)
            stop = end if quote < 0 else quote
            if self._is_inside:
                self._text.extend(memoryview(buffer)[at:stop])
                if len(self._text) > _TOKEN_BYTES or buffer.find(b"\\", at, stop) >= 0:
                    raise _broken("POST /v1/token: the answer holds an invalid token")
            elif buffer.find(b":", at, stop) >= 0:
                self._key = self._last
            if quote >= 0:
                self._end()
            at = stop + 1

    def _end(self):
        self._is_inside = not self._is_inside
        if self._is_inside:
            self._text = bytearray()
            return
        is_wanted = self._key in _FIELDS
        text = self._decoded() if is_wanted or len(self._text) <= _LONGEST_KEY else None
        if is_wanted:
            self.found[self._key] = text
        else:
            self._last = text
        self._key = None

    def _decoded(self):
        try:
            return self._text.decode()
        except UnicodeError:
            raise _broken("POST /v1/token: the answer is not UTF-8")


def _take(connection, token, found):
    try:
        seconds = int(found["expires_in"])
        refresh_token = _url.check_text(found["refresh_token"], "the refresh_token")
        token.carry("auth=", found["id_token"])
    except (KeyError, ValueError, FlameletError):
        raise _broken("POST /v1/token: the answer holds no token")
    token.refresh_token = refresh_token
    token.error = None
    token.serve(seconds * 1000)
    take_from_answer(connection)
    if token.file:
        _save(token, seconds)


def _save(token, seconds):
    from .token_file import save

    try:
        save(token, corrected(epoch_ms()) // 1000 + seconds)
        token.unsaved = None
    except OSError as error:
        # The token is used all the same, and there may be room for the next one.
        token.unsaved = error


def _with_token(token, request, size):
    """Return `request`[:size] with the present token in its query or its header."""
    head = request.find(b"\r\n\r\n")
    for mark, stops in ((b"?auth=", b"& "), (b"&auth=", b"& "), (b"Authorization: Bearer ", b"\r")):
        start = request.find(mark, 0, head) + len(mark)
        if start >= len(mark):
            return _replaced(request, start, stops, size, token.text.encode())
    return bytes(memoryview(request)[:size])


def _replaced(request, start, stops, size, text):
    """Return `request`[:size] with what is at `start`, up to one of `stops`, replaced by `text`."""
    end = start
    while request[end] not in stops:
        end += 1
    # heap: each part is copied once, since a copy takes a kilobyte.
    data = bytearray(start + len(text) + size - end)
    view = memoryview(request)
    data[:start] = view[:start]
    data[start : start + len(text)] = text
    data[start + len(text) :] = view[end:size]
    return data
