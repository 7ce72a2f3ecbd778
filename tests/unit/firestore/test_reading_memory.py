"""What a feed of Firestore takes from the heap of MicroPython: with integers nothing, on an open connection.

The whole of `push` is measured over a line that takes all and always answers, so that it runs with 32-bit words too,
where there are no sockets; tests/system/test_memory.py does it over real ones.
"""

import sys

try:
    import socket  # noqa: F401
except ImportError:
    # The 32-bit MicroPython has none. Nothing here opens one.
    sys.modules["socket"] = sys

import flamelet

from memory import assert_allocates_nothing, bytes_taken

CPYTHON = False
WORDS32 = True
HEAP = "512k"

BODY = b'{\n  "writeResults": [{\n    "updateTime": "2026-11-21T11:54:41.375575Z"\n  }]\n}\n'
ANSWER = bytearray(
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nVary: Origin\r\n"
    b"Date: Sat, 21 Nov 2026 13:48:27 GMT\r\nServer: ESF\r\nX-Frame-Options: SAMEORIGIN\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
)
REFUSAL = bytearray(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 43\r\n\r\n{"error":{"code":403,"message":"no","a":1}}')
# The collector of the 32-bit MicroPython does not see what only the frames of running functions hold.
kept: list = []
TOKEN = {"access_token": "ya29." + "x" * 300, "app_check": "y" * 200}


class Line:
    """A socket that takes every request whole, and then has the answer."""

    def __init__(self, answer):
        self.answer = answer
        self.count = 0
        self._at = len(answer)

    def write(self, buffer, start, count):
        self.count += 1
        self._at = 0
        return count

    def readinto(self, buffer):
        if self._at == len(self.answer):
            return None
        # By hand: slices take memory, which a real socket does not.
        size = 0
        while size < len(buffer) and self._at < len(self.answer):
            buffer[size] = self.answer[self._at]
            self._at += 1
            size += 1
        return size

    def close(self):
        self._at = len(self.answer)


def opened(fields, answer=ANSWER, **options):
    """(a feed whose connection is open, the line)."""
    fs = flamelet.Firestore("demo-iot", TOKEN)
    feed = fs.feed("readings", fields, **options)
    line = Line(answer)
    kept.append((feed, line))
    fs._client.connection.sock = line
    fs._client.connection.wait = lambda ms: None
    return feed, line


def check_integers(**options):
    feed, line = opened((("a", 0), ("b", 0)), **options)
    numbers = [0]

    def push():
        numbers[0] = 12345 - numbers[0]
        feed.push(numbers[0], -numbers[0])

    kept.append(push)
    push()
    assert_allocates_nothing(push)
    assert line.count > 50 and not feed.pending


def test_a_push_of_integers_takes_nothing():
    check_integers()


def test_a_push_with_the_time_of_the_request_takes_nothing():
    check_integers(time="at")


def test_a_push_of_none_and_bools_takes_nothing():
    feed, line = opened((("a", 0), ("b", 2), ("c", 0)))
    assert_allocates_nothing(lambda: feed.push(None, True, False))
    assert line.count > 50


def test_a_push_of_an_integer_into_a_field_with_decimals_takes_nothing():
    feed, line = opened((("a", 3),))
    assert_allocates_nothing(lambda: feed.push(-7))
    assert line.count > 50


def test_a_row_of_integers_takes_nothing():
    feed, line = opened(tuple([("n%d" % i, 0) for i in range(12)]))
    row = list(range(12))
    assert_allocates_nothing(lambda: feed.push_row(row))
    assert line.count > 50


def test_a_push_of_a_float_takes_32_bytes_at_most():
    feed, _ = opened((("a", 2),))
    assert bytes_taken(lambda: feed.push(21.25)) <= 32


def test_the_line_is_no_dead_end_a_refusal_is_told():
    feed, line = opened((("a", 0),), REFUSAL)
    try:
        feed.push(1)
    except flamelet.FlameletError as error:
        assert error.status == 403 and line.count == 2
    else:
        raise AssertionError("the refusal was not read")
