"""A network that plays a script: what a server would do, item by item, and what the client really sent.

In: one script for each connection, in the order in which they are opened. An item of a script is
- REQUEST: one request of the client is taken whole, in writes of at most PIECE bytes on MicroPython; `Take(n)`: only n
  bytes of it;
- bytes: they arrive; b"": the server has closed; two pieces never arrive in one read;
- None: one try that would block; an int: that many milliseconds of silence;
- an OSError: what the next read or write raises. As the first item of a script it refuses the connection;
- CONNECTED: the connection stands; without it, what the script begins with delays the connection;
- a function: given the next request, it returns the script to go on with, to which it may still add.
At its end a script is silent. Out: `sent`, the requests of each connection; `written`, the bytes of each write;
`connected`, its addresses; `pauses`, the milliseconds that blocking flows wanted to sleep: they are not slept, but the
clock of the client moves on by them; `silence`, how often the client tried in vain during a silence. A try takes a
millisecond or more, so `silence` has an upper bound that a busy machine does not exceed, unlike the time by the clock.

The sockets are always ready for polling, so a pump polls once and tries again. TLS is played by a context that lets
everything through: real handshakes are tested against real servers.
"""

import io
import select
import sys
import time
from collections import namedtuple

import flamelet
from flamelet.auth import refresh
from flamelet.auth import token as auth
from flamelet.client import budget, client
from flamelet.core import runtime
from flamelet.core.runtime import ticks_add, ticks_diff, ticks_ms
from flamelet.net import connection, transport
from flamelet.net import tls as _tls
from flamelet.rtdb import stream

# runtime too, for what is loaded within the test.
TIMED = (budget, client, connection, refresh, runtime, _tls, transport, auth, stream)
MICROPYTHON = sys.implementation.name == "micropython"
REQUEST = object()
CONNECTED = object()
Take = namedtuple("Take", ("count",))

HOST = "demo.firebaseio.com"
URL = "https://" + HOST
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
IN_PROGRESS = 115
PIECE = 2048


def reset():
    return OSError(104, "reset by peer")


def broken_pipe():
    return OSError(32, "broken pipe")


def refused():
    return OSError(111, "connection refused")


def answer(body, status="200 OK", headers=""):
    """An answer with a length. `headers`: lines that end in CRLF."""
    body = body.encode() if isinstance(body, str) else body
    head = "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n" % (
        status,
        headers,
        len(body),
    )
    return head.encode() + body


def redirect(location, status="307 Temporary Redirect"):
    return ("HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)).encode()


def get(target, host=HOST):
    """The bytes of a GET, as they should be sent."""
    return ("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, host)).encode()


def put(target, body, host=HOST, method="PUT"):
    head = "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (method, target, host, len(body))
    return head.encode() + (body.encode() if isinstance(body, str) else body)


class Network:
    """The scripts, in a `with` block: inside it, flamelet sees this network and no other."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.sent = []
        self.written = []
        self.on_write = None  # called at each try to write
        self.connected = []
        self.closed = []
        self.verified = []
        self.pauses = []
        self.silence = 0
        self.lookups = []
        self.endless = None  # the script of every connection beyond `scripts`
        self.addresses = {}  # {host: addresses, or an OSError}, where it is not the host itself
        self.wrong = None
        self._skipped = 0

    def __enter__(self):
        self._kept = transport.socket, client.sleep_ms, dict(_tls._contexts), dict(transport._addresses)
        transport.socket = self
        transport._addresses.clear()
        _tls._contexts[None] = self
        client.sleep_ms = self._sleep
        for module in TIMED:
            if hasattr(module, "ticks_ms"):
                module.ticks_ms = self._ticks_ms
        return self

    def __exit__(self, kind, error, trace):
        transport.socket, client.sleep_ms = self._kept[:2]
        for module in TIMED:
            if hasattr(module, "ticks_ms"):
                module.ticks_ms = ticks_ms
        for cache, content in ((_tls._contexts, self._kept[2]), (transport._addresses, self._kept[3])):
            cache.clear()
            cache.update(content)
        if self.wrong:
            raise AssertionError(self.wrong)
        if kind is None:
            assert not self.scripts, "connections that were never opened: %r" % self.scripts

    def skip(self, ms):
        """Move the clock of the client on."""
        self._skipped += ms

    def _sleep(self, ms):
        # The short waits for a turn are no part of what a test looks at.
        if ms > 5:
            self.pauses.append(ms)
            self.skip(ms)
        else:
            time.sleep(ms / 1000)

    def _ticks_ms(self):
        return ticks_add(ticks_ms(), self._skipped)

    # What transport asks of the module socket.

    SOCK_STREAM = 1

    def getaddrinfo(self, host, port, family=0, kind=0):
        self.lookups.append(host)
        addresses = self.addresses.get(host, [host])
        if isinstance(addresses, OSError):
            raise addresses
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    def socket(self, family, kind):
        if not self.scripts and self.endless is None:
            self.wrong = "a connection that no script expects, after %r" % self.sent
            raise refused()
        self.sent.append([])
        self.closed.append(False)
        script = self.scripts.pop(0) if self.scripts else self.endless
        return _Socket(self, len(self.sent) - 1, script)

    # What transport asks of an SSLContext.

    def wrap_socket(self, sock, server_hostname, do_handshake_on_connect):
        assert not do_handshake_on_connect
        self.verified.append(server_hostname)
        return sock


class _Socket(io.IOBase if MICROPYTHON else object):
    def __init__(self, network, number, script):
        self._network = network
        self._number = number
        self._script = list(script)
        self._resumes = None
        self._connecting = False
        self._goes_on = False
        self._pair = None

    def setblocking(self, blocking):
        assert not blocking

    def setsockopt(self, level, option, value):
        assert (level, option, value) == (6, 1, 1)

    def connect(self, address):
        code = self.connect_ex(address)
        if code:
            raise OSError(code)

    def connect_ex(self, address):
        if not self._connecting:
            self._connecting = True
            self._network.connected.append(address)
            if self._script and isinstance(self._script[0], OSError):
                return self._script.pop(0).errno
        if self._script and self._script[0] is CONNECTED:
            self._script.pop(0)
            return 0
        return IN_PROGRESS if self._is_waiting() else 0

    def do_handshake(self):
        import ssl

        if self._is_waiting():
            raise ssl.SSLWantReadError
        self._raise()

    def _is_waiting(self):
        """Whether the script is at a would-block or a silence; the former is then over."""
        item = self._script[0] if self._script else REQUEST
        if item is None:
            self._script.pop(0)
            return True
        if not isinstance(item, int):
            return False
        if self._resumes is None:
            self._resumes = ticks_add(ticks_ms(), item)
        if ticks_diff(self._resumes, ticks_ms()) > 0:
            self._network.silence += 1
            time.sleep(0.001)
            return True
        self._resumes = None
        self._script.pop(0)
        return self._is_waiting()

    def _raise(self):
        if self._script and isinstance(self._script[0], OSError):
            raise self._script.pop(0)

    def write(self, buffer, start, count):
        if self._network.on_write:
            self._network.on_write()
        if self._is_waiting():
            return None
        self._raise()
        item = self._script[0] if self._script else b""
        if isinstance(item, Take):
            count = min(count, item.count)
        data = bytes(buffer[start : start + count])
        self._network.written.append(count)
        sent = self._network.sent[self._number]
        if self._goes_on:
            sent[-1] += data
        else:
            sent.append(data)
        # A request of several pieces stands in `sent` as one.
        self._goes_on = MICROPYTHON and count == PIECE
        if self._goes_on and item is REQUEST:
            return count
        if callable(item):
            self._script = item(data)
        elif item is REQUEST or isinstance(item, Take):
            self._script.pop(0)
        elif item != b"":
            # Where the server has closed, the operating system takes the bytes all the same.
            self._network.wrong = "written before %r was read" % (item,)
        return count

    def send(self, view):
        count = self.write(view, 0, len(view))
        if count is None:
            raise BlockingIOError
        return count

    def readinto(self, buffer):
        if self._is_waiting():
            return None
        self._raise()
        if not self._script or not isinstance(self._script[0], bytes):
            return None
        piece = self._script[0]
        count = min(len(piece), len(buffer))
        buffer[:count] = piece[:count]
        if len(piece) > count:
            self._script[0] = piece[count:]
        elif count:
            self._script.pop(0)
        return count

    def recv_into(self, buffer):
        count = self.readinto(buffer)
        if count is None:
            raise BlockingIOError
        return count

    def ioctl(self, request, argument):
        return argument & (select.POLLIN | select.POLLOUT) if request == 3 else -1

    def fileno(self):
        if not self._pair:
            import socket

            self._pair = socket.socketpair()
            self._pair[1].send(b"!")
        return self._pair[0].fileno()

    def close(self):
        self._network.closed[self._number] = True
        for end in self._pair or ():
            end.close()


def database(token=None, **options):
    """A Database at URL whose deadlines a test can wait for."""
    options.setdefault("timeouts", timeouts())
    return flamelet.Database(URL, token, **options)


def timeouts(**milliseconds):
    """Timeouts of a second, but for those given."""
    values = {"connect": 1000, "handshake": 1000, "first_byte": 1000, "answer": 1000}
    values.update(milliseconds)
    return flamelet.Timeouts(**values)
