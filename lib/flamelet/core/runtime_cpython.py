"""CPython's half of runtime.py: what a board finds in its firmware. Never loaded on MicroPython.

Ticks wrap at 2**30 ms, as on the boards, so that what wraps there wraps in tests too.
"""

import errno
import os
import ssl
import time
from random import SystemRandom
from select import POLLIN as READ
from select import POLLOUT as WRITE

getrandbits = SystemRandom().getrandbits


try:
    import ujson

    def loads(view):
        return ujson.loads(bytes(view))

    def dumps(value):
        return ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False)

except ImportError:
    import json

    def loads(view):
        return json.loads(bytes(view))

    def dumps(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_PERIOD = 1 << 30


def const(value):
    return value


def ticks_ms():
    return time.monotonic_ns() // 1_000_000 & (_PERIOD - 1)


def ticks_add(ticks, delta):
    return ticks + delta & (_PERIOD - 1)


def ticks_diff(end, start):
    return (end - start + _PERIOD // 2 & (_PERIOD - 1)) - _PERIOD // 2


def sleep_ms(ms):
    time.sleep(ms / 1000)


def read(sock, buffer):
    try:
        return sock.recv_into(buffer)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except ssl.SSLZeroReturnError:
        return 0


def write(sock, buffer, start, count):
    try:
        return sock.send(memoryview(buffer)[start : start + count])
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None


def wait(poller, ms):
    return bool(poller.poll(ms))


def connect(sock, address):
    """True when the connection stands, False while it is under way; OSError when it failed."""
    code = sock.connect_ex(address)
    if code in (0, errno.EISCONN):
        return True
    if code in (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK):
        return False
    raise OSError(code, os.strerror(code))


def handshake(sock):
    """What the handshake waits for, READ or WRITE; None when it is done."""
    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        return READ
    except ssl.SSLWantWriteError:
        return WRITE


def epoch_ms():
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def create_private(file):
    """`file`, to be written anew; nobody else on this machine may read it."""
    return open(file, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))


def sync(file):
    """Write `file` so that a power cut does not lose it."""
    file.flush()
    os.fsync(file.fileno())
