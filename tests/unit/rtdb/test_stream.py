"""Streams against a scripted server: events, snapshots, and every break that can or cannot heal."""

from flamelet.core.runtime import ticks_diff, ticks_ms
from flamelet.errors import (
    FlameletError,
    NetworkError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    StreamCancelled,
    Timeout,
    Unauthenticated,
    Unavailable,
)

from helpers import raises
from scripted import HOST, REQUEST, Network, answer, database, refused, reset, timeouts

HEAP = "1m"
HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n"
    b"Cache-Control: no-cache\r\n\r\n"
)
KEEP_ALIVE = b"event: keep-alive\ndata: null\n\n"
LISTEN = ("GET /c.json HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n" % HOST).encode()
FOREVER = 60000


def put(data, path="/", kind="put"):
    return ('event: %s\ndata: {"path":"%s","data":%s}\n\n' % (kind, path, data)).encode()


def kinds(stream, count):
    return [(event.type, event.path, event.data, event.snapshot) for event in [stream.next() for _ in range(count)]]


def test_events_come_as_the_server_sent_them():
    with Network(
        [REQUEST, HEAD, put('{"a":1}'), put("true", "/b"), KEEP_ALIVE, put('{"c/d":null}', "/e", "patch")]
    ) as network:
        with database().listen("c") as stream:
            assert kinds(stream, 3) == [
                ("put", "/", {"a": 1}, True),
                ("put", "/b", True, False),
                ("patch", "/e", {"c/d": None}, False),
            ]
            assert stream.reconnects == 0 and not stream.closed
        assert stream.closed
        assert network.closed == [True]
    assert network.sent == [[LISTEN]]


def test_events_come_whole_whatever_the_pieces():
    script = [REQUEST]
    for byte in HEAD + put("1") + KEEP_ALIVE + put('"x"', "/y"):
        script += [bytes([byte]), None]
    with Network(script), database().listen("c") as stream:
        assert kinds(stream, 2) == [("put", "/", 1, True), ("put", "/y", "x", False)]


def test_many_events_in_one_piece_come_one_by_one():
    with Network([REQUEST, HEAD + b"".join([put(str(i)) for i in range(40)])]), database().listen("c") as stream:
        assert [stream.next().data for _ in range(40)] == list(range(40))


def test_a_chunked_stream_is_a_stream():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    script = [REQUEST, head]
    for event in (put("1"), put("2")):
        script += [b"%x\r\n" % len(event), event[:9], event[9:], b"\r\n"]
    with Network(script + [b"0\r\n\r\n"], [REQUEST, HEAD, put("3")]), database().listen("c") as stream:
        assert kinds(stream, 3) == [("put", "/", 1, True), ("put", "/", 2, False), ("put", "/", 3, True)]


def test_the_content_type_may_be_in_any_case():
    head = b"HTTP/1.1 200 OK\r\ncontent-TYPE:Text/Event-Stream;charset=UTF-8\r\n\r\n"
    with Network([REQUEST, head, put("1")]), database().listen("c") as stream:
        assert stream.next().data == 1


def test_the_token_is_in_the_request_of_a_stream():
    db = database(token={"database_secret": "secret"})
    with Network([REQUEST, HEAD, put("1")]) as network, db.listen("c") as stream:
        stream.next()
        assert network.sent == [[LISTEN.replace(b".json", b".json?auth=secret")]]


def test_a_stream_reconnects_after_every_break_and_marks_the_snapshot():
    for end in (b"", reset(), b"event: put\ndata: {"):
        ends = [end, b""] if isinstance(end, bytes) and end else [end]
        network = Network([REQUEST, HEAD, put("1"), put("2")] + ends, [REQUEST, HEAD, put("3"), put("4")])
        with network, database().listen("c") as stream:
            assert [(event[2], event[3]) for event in kinds(stream, 4)] == [
                (1, True),
                (2, False),
                (3, True),
                (4, False),
            ]
            assert stream.reconnects == 1
        assert network.sent == [[LISTEN], [LISTEN]]
        assert network.closed == [True, True]


def test_a_stream_backs_off_longer_while_the_server_is_away():
    refusals = [[refused()]] * 24
    network = Network([REQUEST, HEAD, put("1"), b""], *(refusals + [[REQUEST, HEAD, put("2")]]))
    with network, database().listen("c") as stream:
        assert stream.next().data == 1
        assert stream.next().data == 2
        assert stream.reconnects == 1
    # Full jitter: each pause is drawn from a span that doubles up to its limit of about a minute.
    for i in range(len(network.pauses)):
        assert network.pauses[i] < 1024 << min(i, 6), network.pauses
    assert max(network.pauses) > 2000, network.pauses


def test_a_503_at_the_reconnect_heals():
    busy = answer('{"error":"busy"}', "503 Service Unavailable")
    network = Network([REQUEST, HEAD, put("1"), b""], [REQUEST, busy], [REQUEST, HEAD, put("2")])
    with network, database().listen("c") as stream:
        assert [stream.next().data, stream.next().data] == [1, 2]


def test_too_many_requests_at_the_reconnect_heals():
    busy = answer('{"error":"too many connections"}', "429 Too Many Requests")
    network = Network([REQUEST, HEAD, put("1"), b""], [REQUEST, busy], [REQUEST, HEAD, put("2")])
    with network, database().listen("c") as stream:
        assert [stream.next().data, stream.next().data] == [1, 2]


def test_a_silent_stream_reconnects():
    network = Network([REQUEST, HEAD, put("1"), FOREVER], [REQUEST, HEAD, put("2")])
    with network, database().listen("c", silence_ms=60) as stream:
        assert stream.next().data == 1
        start = ticks_ms()
        assert stream.next().data == 2
        assert ticks_diff(ticks_ms(), start) > 50 and network.silence < 1000
        assert stream.reconnects == 1


def test_a_stream_that_is_silent_from_the_start_reconnects():
    network = Network([REQUEST, HEAD, FOREVER], [REQUEST, HEAD, put("2")])
    with network, database().listen("c", silence_ms=60) as stream:
        assert stream.next().data == 2


def test_a_keep_alive_ends_the_silence():
    script = [REQUEST, HEAD, put("1")]
    for _ in range(6):
        script += [100, KEEP_ALIVE]
    with Network(script + [100, put("2")]), database().listen("c", silence_ms=400) as stream:
        assert [stream.next().data, stream.next().data] == [1, 2]
        assert stream.reconnects == 0


def test_a_trickle_that_never_ends_an_event_is_silence():
    for piece in (b"x", b":\n", b": comment\n\n"):
        script = [REQUEST, HEAD + (b"data: " if piece == b"x" else b"")]
        for _ in range(200):
            script += [10, piece]
        network = Network(script, [REQUEST, HEAD, put("2")])
        with network, database().listen("c", silence_ms=80) as stream:
            assert stream.next().data == 2
            assert network.silence < 1500


def test_a_large_event_that_comes_slowly_is_no_silence():
    script = [REQUEST, HEAD, b'event: put\ndata: {"path":"/","data":"']
    for _ in range(8):
        script += [100] + [b"x" * 500] * 5
    with Network(script + [b'"}\n\n']), database().listen("c", event_bytes=50000, silence_ms=400) as stream:
        assert stream.next().data == "x" * 20000
        assert stream.reconnects == 0


def test_an_event_that_is_too_large_is_told_and_the_stream_lives_on():
    large = put('"%s"' % ("x" * 3000), "/big/one")
    with Network([REQUEST, HEAD, put("1"), large, put("2")]), database().listen("c", event_bytes=1000) as stream:
        assert stream.next().data == 1
        event = stream.next()
        assert (event.type, event.path, event.snapshot) == ("too-large", "/big/one", False)
        assert event.data == len(large) - len(b"event: put\ndata: \n\n")
        assert stream.next().data == 2
        assert stream.reconnects == 0


def test_a_snapshot_that_is_too_large_is_the_snapshot():
    network = Network([REQUEST, HEAD, put('"%s"' % ("x" * 3000)), put("2", "/a")])
    with network, database().listen("c", event_bytes=1000) as stream:
        assert [(event.type, event.snapshot) for event in (stream.next(), stream.next())] == [
            ("too-large", True),
            ("put", False),
        ]


def test_an_event_at_the_limit_is_whole_and_one_above_is_too_large():
    event = put('"%s"' % ("x" * 500))
    size = len(event) - len(b"event: put\ndata: \n\n")
    for limit, kind in ((size, "put"), (size - 1, "too-large")):
        with Network([REQUEST, HEAD, event]), database().listen("c", event_bytes=limit) as stream:
            assert stream.next().type == kind


def test_cancel_ends_the_stream_with_the_words_of_the_server():
    for words, text in ((b"null", "null"), (b"Permission denied", "Permission denied"), (b'"no more"', "no more")):
        with Network([REQUEST, HEAD, put("1"), b"event: cancel\ndata: " + words + b"\n\n"]) as network:
            stream = database().listen("c")
            assert stream.next().data == 1
            error = raises(StreamCancelled, stream.next)
            assert error.text == text and text in str(error) and not error.retry
            assert stream.closed and network.closed == [True]
            # It has ended for good: asking again opens nothing.
            assert stream.next(20) is None
            assert list(stream) == []


def test_a_cancel_that_is_no_text_is_an_error_of_ours():
    with Network([REQUEST, HEAD, b"event: cancel\ndata: \xff\xfe\n\n"]):
        raises(FlameletError, database().listen("c").next)


def test_auth_revoked_is_no_event_and_the_next_connection_decides():
    revoked = b"event: auth_revoked\ndata: credential is no longer valid\n\n"
    network = Network([REQUEST, HEAD, put("1"), revoked, b""], [REQUEST, HEAD, put("2")])
    with network, database().listen("c") as stream:
        assert [stream.next().data, stream.next().data] == [1, 2]
    expired = answer('{\n  "error" : "Auth token is expired"\n}\n', "401 Unauthorized")
    network = Network([REQUEST, HEAD, put("1"), revoked, b""], [REQUEST, expired], [REQUEST, HEAD, put("3")])
    with network, database().listen("c") as stream:
        assert stream.next().data == 1
        error = raises(Unauthenticated, stream.next)
        assert (error.status, error.text, error.retry) == (401, "Auth token is expired", False)
        # Asked again, it tries again: by then there may be another token.
        assert not stream.closed
        assert stream.next().data == 3


def test_an_event_of_another_type_is_skipped():
    network = Network([REQUEST, HEAD, b"event: novelty\ndata: ?\n\n", b"data: no type\n\n", put("1")])
    with network, database().listen("c") as stream:
        assert kinds(stream, 1) == [("put", "/", 1, True)]


def test_an_event_that_is_not_json_is_an_error_and_the_stream_goes_on():
    for wrong in (
        b'{"path":"/"',
        b"[1]",
        b'{"data":1}',
        b'{"path":1,"data":1}',
        b'{"path":"/"}',
        b'{"path":"/" "data":1}',
    ):
        network = Network([REQUEST, HEAD, b"event: put\ndata: " + wrong + b"\n\n", put("1")])
        with network, database().listen("c") as stream:
            raises(ProtocolError, stream.next)
            assert stream.next().data == 1


def test_an_answer_that_is_no_event_stream_is_refused():
    for wrong in (
        answer("1"),
        answer("<html>", headers="X: text/event-stream\r\n"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ):
        with Network([REQUEST, wrong], [REQUEST, HEAD, put("1")]) as network:
            stream = database().listen("c")
            error = raises(ProtocolError, stream.next)
            assert "no event stream" in str(error), error
            assert network.closed == [True]
            assert stream.next().data == 1
            stream.close()


def test_a_refusal_of_the_first_connection_raises_and_the_stream_can_be_asked_again():
    for first, kind in (
        ([REQUEST, answer('{"error":"Permission denied"}', "401 Unauthorized")], PermissionDenied),
        ([REQUEST, answer('{"error":"nothing"}', "404 Not Found")], NotFound),
        ([REQUEST, answer('{"error":"busy"}', "503 Service Unavailable")], Unavailable),
        ([refused()], NetworkError),
        ([REQUEST, b""], NetworkError),
        ([REQUEST, reset()], NetworkError),
        ([REQUEST, FOREVER], Timeout),
        ([REQUEST, b"SSH-2.0\r\n"], ProtocolError),
    ):
        with Network(first, [REQUEST, HEAD, put("1")]) as network:
            stream = database(timeouts=timeouts(first_byte=60)).listen("c")
            raises(kind, stream.next)
            assert network.closed == [True]
            assert stream.next().data == 1
            assert stream.reconnects == 0
            stream.close()


def test_next_with_a_time_gives_none_when_it_is_over():
    network = Network([REQUEST, 200, HEAD, 200, put("1")])
    with network, database().listen("c") as stream:
        start = ticks_ms()
        assert stream.next(50) is None
        assert ticks_diff(ticks_ms(), start) >= 45 and network.silence < 180
        assert stream.next(2000).data == 1


def test_next_without_waiting_comes_to_the_event():
    with Network([REQUEST, HEAD, None, put("1"), b""], [REQUEST, HEAD, put("2")]), database().listen("c") as stream:
        seen = []
        start = ticks_ms()
        while len(seen) < 2 and ticks_diff(ticks_ms(), start) < 10000:
            event = stream.next(0)
            if event:
                seen.append(event.data)
        assert seen == [1, 2]


def test_polling_does_not_shorten_the_back_off():
    from flamelet.core import backoff

    kept = backoff.getrandbits
    backoff.getrandbits = lambda bits: 200
    try:
        network = Network([REQUEST, HEAD, put("1"), b""], [REQUEST, HEAD, put("2")])
        with network, database().listen("c") as stream:
            assert stream.next().data == 1
            start = ticks_ms()
            while stream.next(0) is None:
                assert ticks_diff(ticks_ms(), start) < 10000
            assert ticks_diff(ticks_ms(), start) >= 195
            assert len(network.sent) == 2
    finally:
        backoff.getrandbits = kept


def test_a_for_loop_ends_when_the_stream_is_closed():
    with Network([REQUEST, HEAD, put("1"), put("2"), put("3")]):
        stream = database().listen("c")
        seen = []
        for event in stream:
            seen.append(event.data)
            if event.data == 2:
                stream.close()
        assert seen == [1, 2]
        stream.close()


def test_closing_in_the_middle_of_connecting_leaves_nothing_open():
    with Network([FOREVER]) as network:
        stream = database().listen("c")
        assert stream.next(20) is None
        stream.close()
        assert network.closed == [True]
        assert stream.next(20) is None


def test_a_client_that_closes_ends_its_streams():
    with Network([REQUEST, HEAD, put("1")]) as network:
        db = database()
        stream = db.listen("c")
        stream.next()
        db.close()
        assert stream.closed and network.closed == [True]
