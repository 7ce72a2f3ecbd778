"""Provides on CPython what a board finds in its firmware: the other half of runtime.py. Never loaded on MicroPython.

Ticks wrap at 2**30 ms, as on the boards, so tests see the wrap too.
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
    """Return True if connected, False if that is still under way. Raises OSError if it failed."""
    code = sock.connect_ex(address)
    if code in (0, errno.EISCONN):
        return True
    if code in (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK):
        return False
    raise OSError(code, os.strerror(code))


def handshake(sock):
    """Return what the handshake waits for, READ or WRITE, or None if it is done."""
    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        return READ
    except ssl.SSLWantWriteError:
        return WRITE


def epoch_ms():
    """Return the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def create_private(file):
    """Open `file` for writing, emptied; no other user of this machine may read it."""
    return open(file, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))


def sync(file):
    """Flush `file` to disk, so a power cut does not lose it."""
    file.flush()
    os.fsync(file.fileno())
