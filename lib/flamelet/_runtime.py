"""Which Python this is: the only module that knows.

Everything else in lib/ is the same code on MicroPython and on CPython; the differences (constants, ticks, JSON, the
non-blocking socket calls, polling) stand here once, in two halves.

The non-blocking calls share one convention: `read(sock, buffer)` and `write(sock, buffer, start, count)` return the
number of bytes moved, 0 from `read` at the end of the stream, and None when nothing can be moved yet. They raise
what the socket raises. On MicroPython none of them allocates.
"""

import select
import sys
import time

MICROPYTHON = sys.implementation.name == "micropython"
READ = select.POLLIN
WRITE = select.POLLOUT

if MICROPYTHON:
    import json
    from random import getrandbits

    from micropython import const  # noqa: F401  handed on to the other modules

    ticks_ms = time.ticks_ms
    ticks_add = time.ticks_add
    ticks_diff = time.ticks_diff
    sleep_ms = time.sleep_ms

    def read(sock, buffer):
        return sock.readinto(buffer)

    def write(sock, buffer, start, count):
        return sock.write(buffer, start, count)

    def wait(poller, ms):
        # ipoll reuses its tuple: polling leaves nothing on the heap.
        for _ in poller.ipoll(ms):
            return True
        return False

    def connect(sock, address):
        """True when the connection stands, False while it is under way; OSError when it failed."""
        try:
            sock.connect(address)
        except OSError as error:
            # EINPROGRESS, EALREADY, EISCONN in the numbers of Linux and of lwIP.
            if error.errno in (115, 119, 114, 120):
                return False
            if error.errno in (106, 127):
                return True
            raise
        return True

    def handshake(sock):
        """None: the firmware shakes hands within the first write."""

    def dumps(value):
        return json.dumps(value, separators=(",", ":"))

    loads = json.loads

    def getenv(name):
        import os

        return os.getenv(name) if hasattr(os, "getenv") else None

    def epoch_ms():
        """Milliseconds since 1970; the ports' own epochs differ (FAT ports count from 2000)."""
        return time.time_ns() // 1000000 + _EPOCH_MS

    _EPOCH_MS = 946684800000 if time.gmtime(0)[0] == 2000 else 0

else:
    import errno
    import os
    import ssl
    from random import SystemRandom

    getrandbits = SystemRandom().getrandbits
    getenv = os.environ.get

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

    _PERIOD = 1 << 30  # as on the boards, so that what wraps there wraps in tests too

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
