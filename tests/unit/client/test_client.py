"""Requests against a scripted server: what is sent, on which connection, and what is repeated."""

import flamelet
from flamelet.errors import NetworkError, OutcomeUnknown, ProtocolError, ResourceExhausted, Unavailable

from helpers import raises
from scripted import (
    CONNECTED,
    HOST,
    NO_CONTENT,
    REQUEST,
    Network,
    Take,
    answer,
    broken_pipe,
    database,
    get,
    put,
    refused,
    reset,
)

# The sources are compiled within it.
HEAP = "512k"

INCREMENT = {".sv": {"increment": 1}}
UNAVAILABLE = "503 Service Unavailable"


def write_increment(db):
    db.set("n", INCREMENT)


INCREMENT_BYTES = put("/n.json?print=silent", '{".sv":{"increment":1}}')


def test_each_verb_sends_one_request_in_one_write_and_no_needless_header():
    script = [REQUEST, answer('{"b":[1,null]}'), REQUEST, NO_CONTENT, REQUEST, NO_CONTENT, REQUEST, NO_CONTENT]
    with Network(script + [REQUEST, answer("null"), REQUEST, answer('{"x":true}')]) as network:
        db = database()
        assert db.get("a") == {"b": [1, None]}
        db.set("a/b", {"c": [1.5, "\u00e9"]})
        db.update("/a/", {"b/c": None})
        key = db.push("log", {"boot": 3})
        assert db.delete("a") is None
        assert db.get("a", shallow=True) == {"x": True}
    assert network.sent == [
        [
            get("/a.json"),
            put("/a/b.json?print=silent", '{"c":[1.5,"\u00e9"]}'.encode()),
            put("/a.json?print=silent", '{"b/c":null}', method="PATCH"),
            put("/log/%s.json?print=silent" % key, '{"boot":3}'),
            ("DELETE /a.json HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST).encode(),
            get("/a.json?shallow=true"),
        ]
    ]
    assert len(key) == 20
    assert network.connected == [(HOST, 443)]
    assert network.verified == [HOST]


def test_the_root_is_a_path():
    with Network([REQUEST, answer("1"), REQUEST, answer("2")]) as network:
        db = database()
        assert db.get("/") == 1
        assert db.get("") == 2
    assert network.sent == [[get("/.json"), get("/.json")]]


def test_a_path_is_percent_encoded():
    with Network([REQUEST, answer("1")]) as network:
        assert database().get("a b/\u00e9?&=%/.priority") == 1
    assert network.sent == [[get("/a%20b/%C3%A9%3F%26%3D%25/.priority.json")]]


def test_a_token_goes_along_as_the_parameter_of_its_kind():
    for token, parameter in (({"database_secret": "a+b/c"}, "auth=a%2Bb%2Fc"), ("ya29.x", "access_token=ya29.x")):
        with Network([REQUEST, answer("1"), REQUEST, NO_CONTENT]) as network:
            db = database(token=token)
            db.get("a")
            db.set("a", 1)
        assert network.sent == [[get("/a.json?" + parameter), put("/a.json?print=silent&" + parameter, "1")]]


def test_the_url_may_have_a_port_a_path_and_a_query():
    with Network([REQUEST, answer("1")]) as network:
        assert flamelet.Database("http://127.0.0.1:9000/v/?ns=demo").get("a") == 1
    assert network.sent == [[get("/v/a.json?ns=demo", "127.0.0.1:9000")]]
    assert network.connected == [("127.0.0.1", 9000)]
    assert network.verified == []


def test_a_connection_is_kept_and_dns_asked_once():
    with Network([REQUEST, answer("1")] * 5) as network:
        db = database()
        assert [db.get("a") for _ in range(5)] == [1] * 5
        assert network.closed == [False]
        db.close()
        assert network.closed == [True]
    assert network.lookups == [HOST]


def test_an_answer_in_single_bytes_with_would_block_between_them_is_read():
    pieces = []
    for byte in answer('{"a":[1,2,3]}'):
        pieces += [None, bytes([byte])]
    with Network([REQUEST] + pieces + [REQUEST, answer("2")]) as network:
        db = database()
        assert db.get("a") == {"a": [1, 2, 3]}
        assert db.get("b") == 2
    assert network.connected == [(HOST, 443)]


def test_an_answer_larger_than_the_buffer_is_read():
    value = "x" * 5000
    chunks = b"".join([b"3E8\r\n" + (b'"' if i == 0 else b"x") + b"x" * 999 + b"\r\n" for i in range(5)])
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b'2\r\nx"\r\n0\r\nX: y\r\n\r\n'
    to_close = b'HTTP/1.1 200 OK\r\n\r\n"' + b"x" * 5000 + b'"'
    with Network([REQUEST, answer('"%s"' % value), REQUEST, chunked, REQUEST, to_close, b""]):
        db = database()
        for _ in range(3):
            assert db.get("a") == value


def test_connection_close_is_honoured():
    with Network([REQUEST, answer("1", headers="Connection: close\r\n")], [REQUEST, answer("2")]) as network:
        db = database()
        assert db.get("a") == 1
        assert network.closed == [True]
        assert db.get("a") == 2
    assert network.sent == [[get("/a.json")], [get("/a.json")]]


def test_bytes_behind_an_answer_close_the_connection():
    with Network([REQUEST, answer("1") + answer("666")], [REQUEST, answer("2")]) as network:
        db = database()
        assert db.get("a") == 1
        assert network.closed == [True]
        assert db.get("a") == 2


def test_a_request_that_the_socket_takes_in_parts_goes_on_where_it_was():
    with Network([Take(10), None, None, Take(7), REQUEST, answer("1")]) as network:
        assert database().get("a") == 1
    expected = get("/a.json")
    assert network.sent == [[expected[:10], expected[10:17], expected[17:]]]


def test_an_idle_connection_that_the_server_closed_is_replaced_at_once():
    for end in (b"", reset()):
        with Network([REQUEST, answer("1"), end], [REQUEST, NO_CONTENT]) as network:
            db = database()
            db.get("a")
            db.set("a", 1)
        assert b"".join(network.sent[1]) == put("/a.json?print=silent", "1")
        assert network.pauses == []


def test_a_connection_that_breaks_at_the_write_is_replaced_at_once():
    with Network([REQUEST, answer("1"), broken_pipe()], [REQUEST, answer("2")]) as network:
        db = database()
        db.get("a")
        # The error waits for whoever touches the socket next: here the write.
        assert db.get("a") == 2
    assert network.sent == [[get("/a.json")], [get("/a.json")]]
    assert network.pauses == []


def test_an_increment_sees_that_the_idle_connection_was_closed_before_it_is_sent():
    for end in (b"", reset(), b"HTTP/1.1 408 Request Timeout\r\n\r\n"):
        with Network([REQUEST, answer("1"), end], [REQUEST, NO_CONTENT]) as network:
            db = database()
            db.get("a")
            write_increment(db)
        assert network.sent == [[get("/a.json")], [INCREMENT_BYTES]]


def test_an_increment_whose_answer_is_lost_may_have_happened():
    ends = (
        b"",
        reset(),
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12",
        b"garbage, not HTTP\r\n",
    )
    for end in ends:
        for before in ([], [REQUEST, answer("1")]):
            cut = [end, b""] if isinstance(end, bytes) else [end]
            with Network(before + [REQUEST] + cut, [REQUEST, answer("2")]) as network:
                db = database()
                if before:
                    db.get("a")
                error = raises(OutcomeUnknown, write_increment, db)
                assert "may have happened" in str(error) and "PUT /n.json" in str(error), error
                assert not error.retry
                assert network.closed == [True]
                assert db.get("a") == 2
            assert network.sent[0][-1] == INCREMENT_BYTES


def test_a_patch_with_an_increment_is_not_repeated():
    with Network([REQUEST, b""]):
        raises(OutcomeUnknown, database().update, "a", {"n": INCREMENT, "m": 1})


def test_an_increment_of_which_nothing_was_sent_is_repeated():
    with Network([CONNECTED, broken_pipe()], [REQUEST, NO_CONTENT]) as network:
        write_increment(flamelet.Database("http://127.0.0.1"))
    assert network.sent[1] == [put("/n.json?print=silent", '{".sv":{"increment":1}}', "127.0.0.1")]


def test_a_timestamp_is_no_increment():
    with Network([REQUEST, b""], [REQUEST, NO_CONTENT]) as network:
        database().set("at", {".sv": "timestamp"})
    assert network.sent[0] == network.sent[1] == [put("/at.json?print=silent", '{".sv":"timestamp"}')]


def test_a_text_that_looks_like_an_increment_is_none():
    with Network([REQUEST, b""], [REQUEST, NO_CONTENT]):
        database().set("a", '{".sv":{"increment":1}}')


def test_a_lost_answer_is_asked_for_again_where_repeating_changes_nothing():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r"
    for cut in (b"", b"HTT", head[:-2], head + b"1", chunked):
        for end in (b"", reset()):
            script = [REQUEST, cut, end] if cut else [REQUEST, end]
            with Network(script, [REQUEST, answer("12")]) as network:
                assert database().get("a") == 12
            assert network.sent == [[get("/a.json")], [get("/a.json")]]
            assert all(0 < pause < 512 for pause in network.pauses), network.pauses


def test_there_are_never_more_than_three_attempts():
    with Network(*[[REQUEST, b""]] * 3) as network:
        error = raises(NetworkError, database().set, "a", 1)
        assert error.retry and "PUT /a.json" in str(error) and HOST in str(error)
    assert len(network.sent) == 3
    with Network([REQUEST, answer("1"), REQUEST, b""], [REQUEST, b""], [REQUEST, b""]) as network:
        db = database()
        db.get("a")
        raises(NetworkError, db.get, "a")
    with Network([REQUEST, answer("x", UNAVAILABLE)] * 3) as network:
        error = raises(Unavailable, database().get, "a")
        assert error.status == 503 and error.retry
    assert len(network.sent[0]) == 3


def test_503_is_repeated_for_every_kind_of_request():
    for call in (
        lambda db: db.get("a"),
        lambda db: db.set("a", 1),
        lambda db: db.push("a", 1),
        lambda db: db.update("a", {"b": 1}),
        lambda db: db.delete("a"),
        write_increment,
        lambda db: db.feed("t", (("a", 0),)).push(1),
        lambda db: db.feed("t", (("a", 0),)).push_many([(1,), (2,)]),
    ):
        refusal = answer('{\n  "error" : "busy"\n}\n', UNAVAILABLE)
        with Network([REQUEST, refusal, REQUEST, refusal, REQUEST, answer("1")]) as network:
            call(database())
        assert len(network.sent[0]) == 3
        assert network.sent[0][0] == network.sent[0][1] == network.sent[0][2]


def test_retry_after_is_honoured_up_to_ten_seconds():
    for given, expected in (("2", 2000), ("10", 10000), ("86400", 10000), ("9" * 20, 10000)):
        refusal = answer("", UNAVAILABLE, "Retry-After: %s\r\n" % given)
        with Network([REQUEST, refusal, REQUEST, answer("1")]) as network:
            assert database().get("a") == 1
        assert network.pauses == [expected]


def test_a_retry_after_that_is_a_date_is_honoured_by_the_clock_of_the_server():
    date = "Date: Wed, 21 Oct 2026 07:27:57 GMT\r\n"
    for given, expected in (("28:00", 3000), ("38:00", 10000)):
        refusal = answer("", UNAVAILABLE, date + "Retry-After: Wed, 21 Oct 2026 07:%s GMT\r\n" % given)
        with Network([REQUEST, refusal, REQUEST, answer("1")]) as network:
            assert database().get("a") == 1
        assert network.pauses == [expected]


def test_an_error_says_how_long_the_server_asks_to_wait():
    for given, expected in (("7", 7), ("", 0), ("soon", 0)):
        with Network([REQUEST, answer("{}", "429 Too Many Requests", "Retry-After: %s\r\n" % given)]):
            error = raises(ResourceExhausted, database().set, "a", 1)
        assert error.retry_after == expected
        backoff = flamelet.Backoff()
        assert expected * 1000 <= backoff.wait(error) <= max(expected * 1000, 511)


def test_back_off_doubles_up_to_half_a_minute_and_success_begins_anew():
    from flamelet.core import backoff as _backoff

    kept = _backoff.getrandbits
    _backoff.getrandbits = lambda bits: (1 << bits) - 1
    try:
        backoff = flamelet.Backoff()
        assert [backoff.wait() for _ in range(8)] == [511, 1022, 2044, 4088, 8176, 16352, 30000, 30000]
        backoff.reset()
        assert backoff.wait() == 511
    finally:
        _backoff.getrandbits = kept


def test_a_retry_after_that_is_no_number_of_seconds_leaves_the_back_off():
    for given in ("Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", ""):
        refusal = answer("", UNAVAILABLE, "Retry-After: %s\r\n" % given)
        with Network([REQUEST, refusal, REQUEST, refusal, REQUEST, answer("1")]) as network:
            assert database().get("a") == 1
        assert all(pause < 1024 for pause in network.pauses), (given, network.pauses)


def test_500_and_429_are_not_repeated():
    for status, kind in (("500 Internal Server Error", Unavailable), ("429 Too Many Requests", ResourceExhausted)):
        with Network([REQUEST, answer("{}", status)] * 1) as network:
            error = raises(kind, database().set, "a", 1)
            assert error.retry
        assert len(network.sent[0]) == 1


def test_an_answer_that_breaks_the_rules_is_not_asked_for_again():
    for wrong in (b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"):
        for before in ([], [REQUEST, answer("1")]):
            with Network(before + [REQUEST, wrong], [REQUEST, answer("2")]) as network:
                db = database()
                if before:
                    db.get("a")
                raises(ProtocolError, db.get, "a")
                assert network.closed == [True]
                assert db.get("a") == 2


def test_a_client_that_was_closed_opens_again():
    with Network([REQUEST, answer("1")], [REQUEST, answer("2")]):
        with database() as db:
            assert db.get("a") == 1
        assert db.get("a") == 2


def test_an_error_status_leaves_the_connection_open():
    with Network([REQUEST, answer('{"error":"no"}', "400 Bad Request"), REQUEST, answer("1")]) as network:
        db = database()
        raises(flamelet.FlameletError, db.get, "a")
        assert db.get("a") == 1
    assert network.connected == [(HOST, 443)]


SERVER_ERROR = answer('{"error":"Internal server error."}', "500 Internal Server Error")


def test_what_the_server_failed_at_may_have_happened_where_doing_it_twice_differs():
    for write in (
        lambda db: db.set("a", flamelet.increment(1)),
        lambda db: db.push("a", flamelet.increment(1)),
        lambda db: db.push("a", 1, server_key=True),
        lambda db: db.set("a", 1, if_match="x"),
    ):
        with Network([REQUEST, SERVER_ERROR]):
            assert "may have happened" in str(raises(OutcomeUnknown, write, database()))
    with Network([REQUEST, SERVER_ERROR]):
        raises(Unavailable, database().set, "a", 1)


def test_a_new_key_is_written_again_under_the_same_key_and_then_is_unknown():
    for write in (lambda db: db.push("a", 1), lambda db: db.feed("a", (("n", 0),)).push_many([[1], [2]])):
        with Network([REQUEST, SERVER_ERROR, REQUEST, SERVER_ERROR]) as network:
            raises(OutcomeUnknown, write, database())
        assert network.sent[0][0] == network.sent[0][1]
        with Network([REQUEST, SERVER_ERROR, REQUEST, NO_CONTENT]) as network:
            write(database())
        assert network.sent[0][0] == network.sent[0][1]
        # Nothing was sent: the call may be repeated.
        with Network([refused()]):
            assert raises(NetworkError, write, database()).retry
