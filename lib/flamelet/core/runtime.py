"""Finds out which Python this is; no other module does.

Everything else in lib/ is the same code on MicroPython and on CPython; the differences (constants, ticks, the
non-blocking socket calls, polling) are here for MicroPython, and in runtime_cpython.py for CPython.

The non-blocking calls share one convention: `read(sock, buffer)` and `write(sock, buffer, start, count)` return the
number of bytes moved, 0 from `read` at the end of the stream, and None if nothing can be moved yet. They raise
what the socket raises. On MicroPython none of them allocates.
"""

import sys
from select import POLLIN as READ  # noqa: F401
from select import POLLOUT as WRITE  # noqa: F401

MICROPYTHON = sys.implementation.name == "micropython"

# Called before each step of a TLS handshake: it computes for seconds in one call, and a watchdog must be fed.
BEFORE_HANDSHAKE: list = []


if MICROPYTHON:
    import time
    from random import getrandbits  # noqa: F401
    from time import sleep_ms, ticks_add, ticks_diff, ticks_ms  # noqa: F401

    from micropython import const  # noqa: F401

    def read(sock, buffer):
        return sock.readinto(buffer)

    def write(sock, buffer, start, count):
        # lwIP (rp2) blocks for seconds in a write that its buffers do not hold.
        return sock.write(buffer, start, min(count, 2048))

    def wait(poller, ms):
        # ipoll reuses its tuple: polling leaves nothing on the heap.
        for _ in poller.ipoll(ms):
            return True
        return False

    def connect(sock, address):
        """Return True if connected, False if that is still under way. Raises OSError if it failed."""
        try:
            sock.connect(address)
        except OSError as error:
            # EINPROGRESS, EALREADY, EISCONN in the numbers of Linux and of lwIP.
            if error.errno in (115, 119, 114, 120):
                return False
            if error.errno in (106, 127):
                return True
            if error.errno == 9:
                # lwIP (rp2) frees the connection that a server refuses: the next call sees EBADF.
                raise OSError(111)
            raise
        return True

    def epoch_ms():
        """Return the milliseconds since 1970; the epochs of the ports differ (some count from 2000)."""
        return time.time_ns() // 1000000 + _EPOCH_MS

    _EPOCH_MS = 946684800000 if time.gmtime(0)[0] == 2000 else 0

else:
    from .runtime_cpython import *  # noqa: F403
