"""A feed of Firestore against a scripted server: the bytes of its commits, its ids, and what gets lost."""

from flamelet import Outbox, aio
from flamelet.core.runtime import MICROPYTHON
from flamelet.errors import InvalidArgument, NetworkError, PermissionDenied, ProtocolError, Unavailable

from clock import Clock
from firestoring import ACCESS_TOKEN, BEARER, HOST, JSON, ROOT, WRITTEN, body_of, error, firestore
from helpers import raises
from scripted import REQUEST, Network, answer, broken_pipe, refused, reset, timeouts
from tokens import id_token, question, renewal, token

HEAP = "512k"
FIELDS = (("temp", 1), ("hum", 0))
BOTH = '{"temp":{"doubleValue":%s},"hum":{"integerValue":"%d"}}'
DENIED = error("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient permissions.")
BUSY = error("503 Service Unavailable", "UNAVAILABLE", "later")
TIMED = ',"updateTransforms":[{"fieldPath":"%s","setToServerValue":"REQUEST_TIME"}]'


def request(key, fields, more="", lines=(), collection="t"):
    """What a push should send; the length has room for six digits."""
    text = '{"writes":[{"update":{"name":"%s/%s/%s","fields":%s}%s}]}'
    body = text % (ROOT, collection, key, fields, more)
    head = ["POST /v1/%s:commit HTTP/1.1" % ROOT, "Host: " + HOST, JSON]
    head += list(lines) + ["Content-Length:%-6d" % len(body.encode())]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def integer(number):
    return '{"a":{"integerValue":"%d"}}' % number


def test_a_reading_is_one_commit_of_a_new_document_in_one_write():
    with Network([REQUEST, WRITTEN] * 3) as network:
        feed = firestore(ACCESS_TOKEN).feed("/t/", FIELDS)
        keys = []
        for _ in range(3):
            assert feed.push(21.5, 40) is None and not feed.pending
            keys.append(feed.key)
    assert network.sent == [[request(key, BOTH % ("21.5", 40), lines=(BEARER,)) for key in keys]]
    assert sorted(set(keys)) == keys and all([len(key) == 20 for key in keys])
    assert network.connected == [(HOST, 443)]


def test_each_kind_of_reading_is_a_value_of_its_own():
    rows = (
        ((0, 0), '{"integerValue":"0"}', '{"doubleValue":0}'),
        ((-1, 7), '{"integerValue":"-1"}', '{"doubleValue":7}'),
        ((0x7FFFFFFFFFFFFFFF, -5), '{"integerValue":"9223372036854775807"}', '{"doubleValue":-5}'),
        ((-0x8000000000000000, 0.25), '{"integerValue":"-9223372036854775808"}', '{"doubleValue":0.25}'),
        ((None, None), '{"nullValue":null}', '{"nullValue":null}'),
        ((True, False), '{"booleanValue":true}', '{"booleanValue":false}'),
        ((False, True), '{"booleanValue":false}', '{"booleanValue":true}'),
        ((2.75, -12.625), '{"integerValue":"3"}', '{"doubleValue":-12.62}'),
        ((1e9, 1e9), '{"integerValue":"1000000000"}', '{"doubleValue":1000000000.00}'),
    )
    with Network([REQUEST, WRITTEN] * len(rows)) as network:
        feed = firestore().feed("t", (("a", 0), ("b", 2)))
        for i in range(len(rows)):
            row, first, second = rows[i]
            feed.push(*row)
            assert network.sent[0][i] == request(feed.key, '{"a":%s,"b":%s}' % (first, second)), network.sent[0][i]
            # And it is JSON.
            assert len(body_of(network.sent[0][i])["writes"]) == 1


def test_a_length_that_changes_its_digits_leaves_nothing_behind():
    with Network([REQUEST, WRITTEN] * 5) as network:
        feed = firestore().feed("t", (("a", 0),))
        for i, value in enumerate((1, 123456789012345678, 1, -5, 99)):
            feed.push(value)
            assert network.sent[0][i] == request(feed.key, integer(value))


def test_the_widest_row_has_room():
    names = tuple(("n" * 40 + str(i), 9 * (i % 2)) for i in range(12))
    widest = [-0x8000000000000000] * 12
    with Network([REQUEST, WRITTEN] * 3) as network:
        feed = firestore().feed("t", names, time="at")
        for row in (widest, [False] * 12, [-8999999999999.123] * 12):
            feed.push_row(row)
    for data in network.sent[0]:
        [write] = body_of(data)["writes"]
        assert sorted(write["update"]["fields"]) == sorted([name for name, _ in names])
    fields = body_of(network.sent[0][0])["writes"][0]["update"]["fields"]
    assert fields[names[0][0]] == {"integerValue": "-9223372036854775808"}


def test_the_time_of_the_request_is_set_where_it_is_asked_for():
    for name, path in (("at", "at"), ("a.b", "a.b"), ("`odd name`", "`odd name`")):
        with Network([REQUEST, WRITTEN] * 2) as network:
            feed = firestore().feed("t", (("a", 0),), time=name)
            feed.push(1)
            assert feed.push_many([(2,), (3,)]) == 2
            assert network.sent[0][0] == request(feed.key, integer(1), TIMED % path)
        writes = body_of(network.sent[0][1])["writes"]
        transform = {"fieldPath": path, "setToServerValue": "REQUEST_TIME"}
        assert [write["updateTransforms"] for write in writes] == [[transform]] * 2


def test_push_row_takes_a_list_or_a_tuple():
    with Network([REQUEST, WRITTEN] * 2) as network:
        feed = firestore().feed("t", FIELDS)
        feed.push_row([1, 2])
        feed.push_row((3.5, 4))
    bodies = [body_of(data)["writes"][0]["update"]["fields"]["temp"] for data in network.sent[0]]
    assert bodies == [{"doubleValue": 1}, {"doubleValue": 3.5}]


def test_push_many_is_one_commit_with_an_id_for_each_reading():
    with Network([REQUEST, WRITTEN]) as network:
        feed = firestore(ACCESS_TOKEN).feed("c/d/t", (("a", 1), ("b", 0)))
        assert feed.push_many([(1.5, 2), [None, -3]]) == 2
        assert feed.push_many([]) == 0 == feed.push_many(())
    [[data]] = network.sent
    head = data.split(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "POST /v1/%s:commit HTTP/1.1" % ROOT and BEARER in head and JSON in head
    first, second = body_of(data)["writes"]
    assert first["update"]["fields"] == {"a": {"doubleValue": 1.5}, "b": {"integerValue": "2"}}
    assert second["update"]["fields"] == {"a": {"nullValue": None}, "b": {"integerValue": "-3"}}
    start = ROOT + "/c/d/t/"
    names = [first["update"]["name"], second["update"]["name"]]
    assert names == sorted(names) and all([name.startswith(start) and len(name) == len(start) + 20 for name in names])


def test_many_readings_do_not_touch_the_pending_one():
    with Network([refused()], [REQUEST, WRITTEN, REQUEST, WRITTEN]) as network:
        feed = firestore().feed("t", (("a", 0),))
        raises(NetworkError, feed.push, 7)
        key = feed.key
        feed.push_many([(1,), (22,)])
        assert feed.pending and feed.key == key
        feed.repeat()
        assert not feed.pending
    assert network.sent[1][1] == request(key, integer(7))


def test_a_reading_whose_answer_was_lost_is_sent_again_under_its_id():
    ends = (
        [b""],
        [reset()],
        [broken_pipe()],
        [REQUEST, b""],
        [REQUEST, b"HTTP/1.1 2", b""],
        [REQUEST, WRITTEN[:-9], b""],
    )
    for end in ends:
        with Network([REQUEST, WRITTEN] + end, [REQUEST, WRITTEN, REQUEST, WRITTEN]) as network:
            feed = firestore().feed("t", (("a", 0),))
            feed.push(1)
            feed.push(2)
            assert not feed.pending
            assert network.sent[1] == [request(feed.key, integer(2))]
            assert network.sent[0][1:] in ([], network.sent[1])
            feed.push(3)
            assert network.sent[1][1] == request(feed.key, integer(3))
        assert network.pauses == []


def test_a_pending_reading_is_repeated_under_its_id_and_with_its_values():
    with Network([refused()], [REQUEST, WRITTEN, REQUEST, WRITTEN]) as network:
        feed = firestore().feed("t", (("a", 0),))
        assert raises(NetworkError, feed.push, 7).retry and feed.pending
        key = feed.key
        feed.repeat()
        assert not feed.pending and feed.key == key
        raises(InvalidArgument, feed.repeat)
        feed.push(8)
        assert network.sent[1] == [request(key, integer(7)), request(feed.key, integer(8))]


def test_a_refused_reading_is_not_pending_and_the_feed_goes_on():
    # The hot path asks again to read why.
    script = [REQUEST, DENIED, REQUEST, WRITTEN, REQUEST, DENIED, REQUEST, DENIED, REQUEST, WRITTEN]
    with Network(script) as network:
        feed = firestore().feed("t", (("a", 0),))
        for i in range(2):
            found = raises(PermissionDenied, feed.push, i)
            assert "documents:commit" in str(found) and not feed.pending
            feed.push(10 + i)
    assert network.sent[0][2] == network.sent[0][3]
    bodies = [body_of(data)["writes"][0]["update"]["fields"]["a"]["integerValue"] for data in network.sent[0]]
    assert bodies == ["0", "10", "1", "1", "11"]


def test_a_server_in_trouble_leaves_it_pending():
    with Network([REQUEST, WRITTEN] + [REQUEST, BUSY] * 20) as network:
        feed = firestore(timeouts=timeouts(answer=300)).feed("t", (("a", 0),))
        feed.push(1)
        raises(Unavailable, feed.push, 2)
        assert feed.pending and len(set(network.sent[0][1:])) == 1
    with Network([REQUEST, WRITTEN, REQUEST, BUSY, REQUEST, WRITTEN]):
        feed = firestore().feed("t", (("a", 0),))
        feed.push(1)
        feed.push(2)
        assert not feed.pending


def test_a_401_is_healed_and_the_next_readings_carry_the_new_token():
    expired = error("401 Unauthorized", "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    script = [REQUEST, renewal(2)], [REQUEST, WRITTEN, REQUEST, WRITTEN]
    with Network([REQUEST, WRITTEN, REQUEST, expired, REQUEST, expired], *script) as network:
        mine = token()
        lines = [("Authorization: Bearer " + mine.text,), ("Authorization: Bearer " + id_token(2),)]
        feed = firestore(mine).feed("t", (("a", 0),))
        feed.push(1)
        feed.push(2)
        key = feed.key
        feed.push(3)
    assert network.sent[0][1] == request(key, integer(2), lines=lines[0]) == network.sent[0][2]
    assert network.sent[1] == [question()]
    assert network.sent[2] == [
        request(key, integer(2), lines=lines[1]),
        request(feed.key, integer(3), lines=lines[1]),
    ]


def test_a_token_that_is_due_is_renewed_before_the_reading_is_sent():
    with Network([REQUEST, renewal(2)], [REQUEST, WRITTEN]) as network:
        feed = firestore(token(left=0)).feed("t", (("a", 0),))
        feed.push(1)
    assert network.sent == [
        [question()],
        [request(feed.key, integer(1), lines=("Authorization: Bearer " + id_token(2),))],
    ]


def test_a_feed_and_requests_share_the_connection():
    found = answer('{"name":"%s/c/d"}' % ROOT)
    with Network([REQUEST, found, REQUEST, WRITTEN, REQUEST, found, REQUEST, WRITTEN]) as network:
        fs = firestore()
        feed = fs.feed("t", (("a", 0),))
        for i in range(2):
            assert fs.get("c/d") == {}
            feed.push(i)
    assert network.connected == [(HOST, 443)]


def test_an_answer_in_pieces_and_in_chunks_is_read_past():
    pieces = []
    for i in range(len(WRITTEN)):
        pieces += [None, WRITTEN[i : i + 1]]
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\n  "\r\n1\r\n}\r\n0\r\n\r\n'
    with Network([REQUEST, WRITTEN, REQUEST] + pieces + [REQUEST, chunked, REQUEST, WRITTEN]) as network:
        feed = firestore().feed("t", (("a", 0),))
        for i in range(4):
            feed.push(i)
    assert len(network.sent) == 1 and len(network.sent[0]) == 4


def test_ids_sort_by_the_time_of_the_reading():
    with Clock() as clock, Network([REQUEST, WRITTEN] * 4):
        feed = firestore().feed("t", (("a", 0),))
        keys = []
        for ms in (0, 0, 1, 5000):
            clock.move(ms)
            feed.push(1)
            keys.append(feed.key)
    assert keys == sorted(set(keys))


def test_bad_readings_fields_and_paths_are_refused_before_anything_is_sent():
    with Network():
        fs = firestore()
        feed = fs.feed("t", FIELDS)
        for row in ((float("nan"), 1), (float("inf"), 1), (1, 2**63), ("1", 1), (1, [])):
            raises(InvalidArgument, feed.push, *row)
        raises(InvalidArgument, feed.push, 1)
        raises(InvalidArgument, feed.push, 1, 2, 3)
        raises(InvalidArgument, feed.push_row, [1])
        raises(InvalidArgument, feed.push_many, [(1, 2), (1,)])
        raises(InvalidArgument, feed.push_many, [(1, "x")])
        for fields in ((), None, ("a",), (("a", -1),), (("a", 10),), (("a", 0), ("a", 1)), (('a"', 0),)):
            raises(InvalidArgument, fs.feed, "t", fields)
        for path in ("", "c/d", "c//t", "__t__"):
            raises(InvalidArgument, fs.feed, path, FIELDS)
        for time in ("a..b", "1a", 5):
            raises(InvalidArgument, fs.feed, "t", FIELDS, time)


def test_a_refused_reading_leaves_the_feed_usable():
    with Network([REQUEST, WRITTEN] * 2) as network:
        feed = firestore().feed("t", (("a", 0),))
        feed.push(1)
        raises(InvalidArgument, feed.push, "x")
        feed.push(2)
    assert network.sent[0][1] == request(feed.key, integer(2))


# Awaited.


async def test_an_awaited_feed_sends_the_same_bytes():
    with Network([REQUEST, None, WRITTEN] * 4) as network:
        async with aio.Firestore("demo-iot", ACCESS_TOKEN, timeouts=timeouts()) as fs:
            feed = fs.feed("t", FIELDS)
            for i in range(3):
                await feed.push(0.5, i)
                assert network.sent[0][i] == request(feed.key, BOTH % ("0.5", i), lines=(BEARER,)) and not feed.pending
            assert await feed.push_many([(1, 2), (3, 4)]) == 2
    assert len(body_of(network.sent[0][3])["writes"]) == 2 and network.closed == [True]


async def test_an_awaited_reading_is_repeated_refused_and_pending_as_one_that_blocks():
    script = [REQUEST, WRITTEN, REQUEST, DENIED, REQUEST, DENIED, REQUEST, b""]
    with Network([REQUEST, WRITTEN, REQUEST, b""], script, [REQUEST, WRITTEN]) as network:
        fs = aio.Firestore("demo-iot", timeouts=timeouts())
        feed = fs.feed("t", (("a", 0),))
        await feed.push(1)
        await feed.push(2)
        assert network.sent[0][1] == network.sent[1][0] == request(feed.key, integer(2))
        try:
            await feed.push(3)
        except PermissionDenied:
            assert not feed.pending
        else:
            raise AssertionError("it was not refused")
        # On CPython the flow reads the refusal itself; the other one is then for the next reading.
        try:
            await feed.push(4)
        except PermissionDenied:
            await feed.push(4)
        assert not feed.pending
        assert network.sent[2] == [request(feed.key, integer(4))]


PAGE = answer("<!DOCTYPE html><html>Please sign in.</html>", headers="Content-Type: text/html\r\n")
OTHER_JSON = answer('{"login":"https://example.com"}')


def test_the_page_of_a_captive_portal_is_no_success():
    for script, push in (
        ([REQUEST, PAGE], lambda feed: feed.push(1)),
        ([REQUEST, OTHER_JSON], lambda feed: feed.push(1)),
        ([REQUEST, WRITTEN, REQUEST, PAGE, REQUEST, PAGE], lambda feed: (feed.push(1), feed.push(2))),
        ([REQUEST, PAGE], lambda feed: feed.push_many([[1], [2]])),
        ([REQUEST, OTHER_JSON], lambda feed: feed.push_many([[1], [2]])),
    ):
        with Network(script):
            told = raises(ProtocolError, push, firestore().feed("t", (("a", 0),)))
            assert "does the network intercept?" in str(told)


async def test_awaited_the_page_of_a_captive_portal_is_no_success():
    pages = [REQUEST, PAGE] * (2 if MICROPYTHON else 1)
    with Network([REQUEST, WRITTEN] + pages + [REQUEST, WRITTEN]) as network:
        feed = aio.Firestore("demo-iot", timeouts=timeouts()).feed("t", (("a", 0),))
        await feed.push(1)
        try:
            await feed.push(2)
            raise AssertionError("it was taken for a success")
        except ProtocolError:
            assert feed.key in network.sent[0][1].decode()
        await feed.push(2)


def test_a_reading_that_met_a_captive_portal_waits_on():
    outbox = Outbox()
    with Network([REQUEST, PAGE, REQUEST, WRITTEN]):
        feed = firestore().feed("t", (("a", 0),), outbox=outbox)
        feed.record(1)
        assert "does the network intercept?" in str(raises(ProtocolError, feed.flush))
        assert outbox.waiting == 1
        assert feed.flush() == 1
