"""Promises about memory: what is done for each reading and each event takes nothing from the heap of MicroPython."""

from flamelet.core import buffer as _buffer
from flamelet.core import push_id
from flamelet.core.copy import copy
from flamelet.wire import http1, sse
from flamelet.wire import json as _json

from clock import Clock
from memory import assert_allocates_nothing, bytes_taken

CPYTHON = False
WORDS32 = True

ANSWER_204 = bytearray(
    b"HTTP/1.1 204 No Content\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 13:48:27 GMT\r\nConnection: keep-alive\r\n"
    b"Access-Control-Allow-Origin: *\r\nCache-Control: no-cache\r\n"
    b"Strict-Transport-Security: max-age=31556926; includeSubDomains; preload\r\n\r\n"
)
ANSWER_200 = bytearray(
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 13:48:27 GMT\r\n"
    b"Content-Type: application/json; charset=utf-8\r\nContent-Length: 31\r\nConnection: keep-alive\r\n\r\n"
    b'{"name":"-OeHc2mzuZ5b0tK4Kx1p"}'
)
KEEP_ALIVE = bytearray(b"event: keep-alive\ndata: null\n\n")
PUT = bytearray(b'event: put\r\ndata: {"path":"/led","data":true}\n\n')
NAMES = (b"put", b"patch", b"keep-alive", b"cancel", b"auth_revoked")


# A function of more than eleven words takes its own frame from the heap: those that are measured are kept small.


def reader(answer, size):
    """A function that reads `answer` in pieces of `size`, with one parser for all its calls."""
    response = http1.Response()

    def read():
        response.start(False)
        response.position = end = 0
        code = http1.NEED
        while code != http1.END:
            if code == http1.NEED:
                end = min(end + size, len(answer))
            code = response.feed(answer, response.position, end)
        assert response.position == len(answer)

    return read


def test_an_answer_without_body_takes_nothing():
    assert_allocates_nothing(reader(ANSWER_204, 1000))


def test_an_answer_with_a_body_takes_nothing():
    assert_allocates_nothing(reader(ANSWER_200, 1000))


def test_an_answer_in_chunks_takes_nothing():
    head, body = bytes(ANSWER_200).split(b"\r\n\r\n")
    head = head[: head.index(b"Content-Length")] + b"Transfer-Encoding: chunked"
    answer = b"%s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (head, len(body), body)
    assert_allocates_nothing(reader(bytearray(answer), 1000))


def test_an_answer_that_is_cut_takes_nothing_once_the_longest_line_was_seen():
    for answer in (ANSWER_204, ANSWER_200):
        for size in (1, 7, 100):
            assert_allocates_nothing(reader(answer, size))


def stream_reader(stream, size):
    """A function that reads the one event of `stream` in pieces of `size`, with one parser for all its calls."""
    parser = sse.EventParser(NAMES)

    def read():
        parser.start()
        end = 0
        while end < len(stream):
            end = min(end + size, len(stream))
            code = parser.feed(stream, parser.position, end)
        assert code == sse.EVENT

    return read


def test_a_keep_alive_event_takes_nothing():
    for size in (1, 5, 1000):
        assert_allocates_nothing(stream_reader(KEEP_ALIVE, size))


def test_an_event_with_data_takes_nothing():
    for size in (1, 5, 1000):
        assert_allocates_nothing(stream_reader(PUT, size))


def test_an_event_over_the_limit_takes_nothing():
    stream = bytearray(b"data: " + b"x" * 400 + b"\n\n")
    parser = sse.EventParser(NAMES, 100)

    def read():
        assert parser.feed(stream, 0, len(stream)) == sse.TOO_LARGE and parser.size == 400

    assert_allocates_nothing(read)


def test_looking_whether_a_text_is_json_takes_nothing():
    text = bytearray(b'{"path": "/led", "data": [true, false, null, -12.5e3, "caf\xc3\xa9 \\u00e9 \\ud83d\\ude00"]}')
    broken = bytearray(b'{"path" "/led"}')

    def check():
        assert _json.check(text, 0, len(text)) == -2
        assert _json.check(broken, 0, len(broken)) == 8

    assert_allocates_nothing(check)


def test_writing_integers_takes_nothing():
    buffer = bytearray(64)
    for number in (0, 9, 10, -1, -61, 99999, -1073741823, 1073741823):

        def write(number=number):
            _buffer.put_number(buffer, 0, number, 2)
            _buffer.put_int(buffer, 0, number, 2)

        assert_allocates_nothing(write)


def test_writing_what_is_no_number_takes_nothing():
    buffer = bytearray(64)

    def write():
        _buffer.put_number(buffer, 0, None, 0)
        _buffer.put_number(buffer, 0, True, 0)
        _buffer.put_text(buffer, 3, b"temp")
        copy(buffer, 0, buffer, 0, 64)

    assert_allocates_nothing(write)


def test_writing_a_float_takes_32_bytes_at_most():
    buffer = bytearray(64)
    assert bytes_taken(lambda: _buffer.put_number(buffer, 0, 21.25, 1)) <= 32


def test_a_key_takes_nothing_also_when_the_millisecond_rolls_over():
    buffer = bytearray(20)

    def put():
        push_id.put(buffer, 0)
        push_id.put(buffer, 0)

    assert_allocates_nothing(put)
    with Clock(epoch=(1795268907123 | 0xFFFFFF) - 20) as clock:
        push_id.put(buffer, 0)

        # Integers of 2**30 and more take memory on 32-bit words: the clock of the test moves by its ticks alone.
        def put_next():
            clock.ticks += 1
            push_id.put(buffer, 0)
            push_id.put(buffer, 0)

        assert_allocates_nothing(put_next)


def test_the_count_sees_what_is_taken_and_what_is_taken_and_given_back():
    assert bytes_taken(lambda: bytearray(100)) >= 100
    assert bytes_taken(lambda: None) == 0
    try:
        assert_allocates_nothing(lambda: bytearray(1))
    except MemoryError:
        return
    raise AssertionError("heap_lock did not see an allocation")


def test_a_leaf_of_a_mirror_takes_at_most_200_bytes():
    from collections import namedtuple

    from flamelet.rtdb.mirror import Mirror

    # As that of stream.py, which the 32-bit MicroPython cannot load: it has no sockets.
    Event = namedtuple("Event", ("type", "path", "data", "snapshot"))
    mirror = Mirror(None, None)
    mirror.apply(Event("put", "/", {"a": {"b": {"c": 1, "d": 2}}, "e": True}, True))
    events = [Event("put", "/a/b/c", 5, False), Event("put", "/a/b/c", 6, False)]

    def change():
        events.append(events.pop(0))
        mirror._changes.clear()
        mirror.apply(events[0])

    assert bytes_taken(change) <= 200
    assert len(mirror._changes) == 1 and mirror.value["a"]["b"]["d"] == 2
