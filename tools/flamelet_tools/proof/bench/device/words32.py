"""Measures whole pushes with the 32-bit words of a board; recorded bytes replace the socket, which this build lacks.

The answer is that of the live service, byte for byte. Prints a line of JSON: the bytes left by all PUSHES (with ints,
with floats) and whether they succeed while the heap is locked. The collector is off, because it misses roots in this
build.
"""

import gc

gc.disable()

import json  # noqa: E402  the collector is off first
import sys  # noqa: E402

import micropython  # noqa: E402

PUSHES = 1000
ANSWER = (
    b"HTTP/1.1 204 No Content\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 13:48:27 GMT\r\nConnection: keep-alive\r\n"
    b"Access-Control-Allow-Origin: *\r\nCache-Control: no-cache\r\n"
    b"Strict-Transport-Security: max-age=31556926; includeSubDomains; preload\r\n\r\n"
)


class Socket:
    """Takes what is written, and then returns the answer."""

    def __init__(self, *_):
        self.answered = True

    def setblocking(self, _):
        pass

    def setsockopt(self, *_):
        pass

    def connect(self, _):
        pass

    def write(self, buffer, start, count):
        self.answered = False
        return count

    def readinto(self, buffer):
        if self.answered:
            return None
        self.answered = True
        buffer[: len(ANSWER)] = ANSWER
        return len(ANSWER)

    def close(self):
        pass


class Poll:
    def register(self, *_):
        pass

    def unregister(self, _):
        pass

    def ipoll(self, _):
        return ()


class Module:
    """Replaces `socket` and `select`."""

    SOCK_STREAM = POLLIN = 1
    POLLOUT = 4
    socket = Socket
    poll = Poll

    @staticmethod
    def getaddrinfo(*_):
        return [(2, 1, 6, "", None)]


sys.modules["socket"] = sys.modules["select"] = Module

import client_feed  # noqa: E402  the replaced network comes first
import config  # noqa: E402


def pushes(reading, count):
    for i in range(count):
        reading(client_feed.push, i)


def left(reading):
    before = gc.mem_alloc()
    pushes(reading, PUSHES)
    return gc.mem_alloc() - before


def holds(reading):
    micropython.heap_lock()
    try:
        pushes(reading, PUSHES)
        return True
    except MemoryError:
        return False
    finally:
        micropython.heap_unlock()


pushes(config.ints, 4)
print(json.dumps({"ints": left(config.ints), "floats": left(config.floats), "holds": holds(config.ints)}))
