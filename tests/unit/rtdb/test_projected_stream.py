"""Streams with a pattern against a scripted server: blocking and awaited, over breaks, cancels and broken events."""

from flamelet import aio
from flamelet.errors import InvalidArgument, ProtocolError, StreamCancelled

from helpers import raises
from scripted import REQUEST, URL, Network, database, timeouts

HEAP = "1m"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
KEEP_ALIVE = b"event: keep-alive\ndata: null\n\n"
TREE = '{"d1":{"level":1,"log":["x"]},"d2":{"level":2},"d3":{"log":[]}}'
SNAPSHOT = [("put", "/", None, True), ("put", "/d1/level", 1, True), ("put", "/d2/level", 2, True)]


def put(data, path="/", kind="put"):
    return ('event: %s\ndata: {"path":"%s","data":%s}\n\n' % (kind, path, data)).encode()


def take(stream, count):
    return [tuple(stream.next(2000)) for _ in range(count)]


def test_only_what_matches_comes_whatever_the_pieces():
    events = put(TREE) + KEEP_ALIVE + put("7", "/d1/other") + put('{"d1":null,"d2/level":5}', "/", "patch")
    whole = [HEAD + events]
    bytewise = [HEAD]
    for byte in events:
        bytewise += [bytes([byte]), None]
    for script in (whole, bytewise):
        with Network([REQUEST] + script), database().listen("devices", pattern="*/level") as stream:
            assert take(stream, 5) == SNAPSHOT + [("put", "/d1", None, False), ("put", "/d2/level", 5, False)]
            assert stream.next(0) is None
            assert stream.reconnects == 0


async def test_awaited_it_gives_the_same():
    with Network([REQUEST, HEAD + put(TREE), put("3", "/d1/level"), b""], [REQUEST, HEAD, put('{"d1":{"level":4}}')]):
        seen = []
        async with aio.Database(URL, timeouts=timeouts()).listen("devices", pattern="*/level") as stream:
            async for event in stream:
                seen.append(tuple(event))
                if event.data == 4:
                    break
            assert stream.reconnects == 1
    assert seen == SNAPSHOT + [
        ("put", "/d1/level", 3, False),
        ("put", "/", None, True),
        ("put", "/d1/level", 4, True),
    ]


def test_a_break_within_an_event_begins_a_new_one():
    for end in (b"", OSError(104, "reset by peer")):
        network = Network([REQUEST, HEAD + put(TREE)[:60], end], [REQUEST, HEAD, put(TREE)])
        with network, database().listen("devices", pattern="*/level") as stream:
            assert take(stream, 2 + len(SNAPSHOT)) == SNAPSHOT[:2] + SNAPSHOT
            assert stream.reconnects == 1


def test_a_broken_event_is_an_error_and_the_stream_goes_on():
    for wrong in (b'{"path":"/"', b"[1]", b'{"data":1,"path":"/"}', b'{"path":"/d1/x","data":{"y":01}}'):
        network = Network([REQUEST, HEAD + b"event: put\ndata: " + wrong + b"\n\n" + put("2", "/d1/level")])
        with network, database().listen("devices", pattern="*/level") as stream:
            raises(ProtocolError, stream.next)
            assert stream.next().data == 2


def test_cancel_ends_it_and_auth_revoked_reconnects():
    revoked = b"event: auth_revoked\ndata: credential is no longer valid\n\n"
    cancel = b"event: cancel\ndata: Permission denied\n\n"
    network = Network([REQUEST, HEAD, put("1", "/d1/level"), revoked], [REQUEST, HEAD, put("2", "/d1/level"), cancel])
    with network:
        stream = database().listen("devices", pattern="*/level")
        assert take(stream, 2) == [("put", "/d1/level", 1, True), ("put", "/d1/level", 2, True)]
        assert raises(StreamCancelled, stream.next).text == "Permission denied"
        assert stream.closed and stream.next(20) is None


def test_a_stream_that_is_closed_in_the_middle_of_a_piece_gives_no_more():
    with Network([REQUEST, HEAD + put(TREE)]) as network:
        stream = database().listen("devices", pattern="*/level")
        take(stream, 2)
        stream.close()
        assert stream.next(20) is None and list(stream) == []
        assert network.closed == [True]


def test_a_large_event_of_which_nothing_matches_is_no_silence():
    script = [REQUEST, HEAD, b'event: put\ndata: {"path":"/","data":{"log":"']
    for _ in range(20):
        script += [60] + [b"x" * 500] * 10
    network = Network(script + [b'","level":1}}\n\n'])
    with network, database().listen("d1", silence_ms=1000, pattern="level") as stream:
        assert take(stream, 2) == [("put", "/", None, True), ("put", "/level", 1, True)]
        assert stream.reconnects == 0


def test_a_value_over_event_bytes_is_told_as_too_large():
    tree = '{"d1":{"level":"%s"},"d2":{"level":2}}' % ("x" * 200)
    network = Network([REQUEST, HEAD + put(tree)])
    with network, database().listen("devices", event_bytes=100, pattern="*/level") as stream:
        assert take(stream, 3)[1:] == [("too-large", "/d1/level", 202, True), ("put", "/d2/level", 2, True)]


def test_a_query_can_be_listened_to_with_a_pattern():
    with Network([REQUEST, HEAD + put(TREE)]) as network:
        with database().query("devices").order_by_key().limit_to_last(3).listen(pattern="*/level") as stream:
            assert take(stream, 3) == SNAPSHOT
        assert b"?limitToLast=3&orderBy=%22%24key%22 " in network.sent[0][0]


def test_a_pattern_that_cannot_be_is_refused_and_nothing_is_kept():
    db = database()
    for pattern in ("a.b", "*/$x", "a//b", 5):
        raises(InvalidArgument, lambda pattern=pattern: db.listen("devices", pattern=pattern))
    assert db._client.streams == []
