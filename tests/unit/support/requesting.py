"""Modules like `requests` that play a script, answer by answer, and count what is closed.

In: the answers, in their order: a `Response`, or what the module raises. Out: `calls`, the requests as (method, URL,
body, headers); `options` of each, beside data and headers; `open`, how many responses were not closed.

`Module` takes no option, as urequests did; `Timed` takes `timeout`; `MicroPython` is as MicroPython's requests, which
hands each line of the head to `parse_headers`; `Desktop` is as CPython's.
"""

from flamelet.client import client


class Response:
    """One response: what its attributes are, or, where that is an error, raise; without `headers` it has none.

    `close`: what close() raises.
    """

    def __init__(self, status=200, content=b"", headers=None, close=None):
        self._status = status
        self._content = content
        self._close = close
        if headers is not None:
            self.headers = headers
        self.module = None
        self.is_read = False

    @property
    def status_code(self):
        return _told(self._status)

    @property
    def content(self):
        self.is_read = True
        return _told(self._content)

    def close(self):
        self.module.open -= 1
        if self._close:
            raise self._close


def _told(value):
    if isinstance(value, BaseException):
        raise value
    return value


class Module:
    """A module that takes no option."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.options = []
        self.open = 0
        self.opened = 0

    def request(self, method, url, data=None, headers=None):
        return self._play(method, url, data, headers, {})

    def _play(self, method, url, data, headers, options):
        self.calls.append((method, url, data, headers))
        self.options.append(options)
        assert self.answers, "a request that no answer expects, after %r" % self.calls
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        self.open += 1
        self.opened += 1
        answer.module = self
        return answer

    def check(self, opened=None):
        """All answers were asked for, and each response was closed once."""
        assert not self.answers, "answers that nobody asked for: %r" % self.answers
        assert self.open == 0, "responses that were not closed: %d" % self.open
        assert opened is None or self.opened == opened


class Timed(Module):
    """A module that takes a timeout."""

    def request(self, method, url, data=None, headers=None, timeout=None):
        return self._play(method, url, data, headers, {"timeout": timeout})


class MicroPython(Module):
    """As MicroPython's requests: names of headers as they came, and a socket that is closed for an OSError."""

    def request(self, method, url, data=None, json=None, headers=None, timeout=None, parse_headers=True):
        response = self._play(method, url, data, headers, {"timeout": timeout})
        found = {}
        try:
            for name in response.headers:
                parse_headers(b"%s: %s\r\n" % (name.encode(), response.headers[name].encode()), found)
        except OSError:
            self.open -= 1
            raise
        response.headers = found
        return response


class Desktop(Module):
    """As CPython's requests."""

    def request(self, method, url, data=None, headers=None, timeout=None, allow_redirects=True):
        return self._play(method, url, data, headers, {"timeout": timeout, "allow_redirects": allow_redirects})


class Pauses:
    """In its `with` block a client that blocks does not sleep; the milliseconds that it would are in `pauses`."""

    def __init__(self):
        self.pauses = []

    def __enter__(self):
        self._kept = client.sleep_ms
        client.sleep_ms = self.pauses.append
        return self

    def __exit__(self, *_):
        client.sleep_ms = self._kept
