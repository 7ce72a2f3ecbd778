"""Conditional requests against a scripted server: what is sent, and what a lost answer may and may not do."""

import flamelet
from flamelet.errors import InvalidArgument, OutcomeUnknown, PreconditionFailed, ProtocolError, TransactionAborted

from helpers import raises
from scripted import HOST, NO_CONTENT, REQUEST, Network, answer, database, get, put

HEAP = "1m"


def tagged(body, etag, status="200 OK"):
    return answer(body, status, "ETag: %s\r\n" % etag)


def mismatch(body, etag):
    return tagged(body, etag, "412 Precondition Failed")


def with_headers(request, *lines):
    """`request` with header lines behind its Host."""
    host = b"Host: %s\r\n" % HOST.encode()
    return request.replace(host, host + b"".join([line.encode() + b"\r\n" for line in lines]))


def conditional_put(body, etag):
    return with_headers(put("/n.json?print=silent", body), "If-Match: " + etag)


GET_TAGGED = with_headers(get("/n.json"), "X-Firebase-ETag: true")


def test_a_get_gives_the_etag_where_it_is_asked_for():
    script = [REQUEST, tagged("10", "ViJFJowpbyRvgGNPzPJdGeN+mCY="), REQUEST, tagged("null", "null_etag")]
    with Network(script) as network:
        db = database()
        assert db.get("n", etag=True) == (10, "ViJFJowpbyRvgGNPzPJdGeN+mCY=")
        assert db.get("n", etag=True) == (None, "null_etag")
    assert network.sent == [[GET_TAGGED, GET_TAGGED]]


def test_an_answer_without_the_etag_that_was_asked_for_is_an_error():
    with Network([REQUEST, answer("10")]):
        assert "ETag" in str(raises(ProtocolError, lambda: database().get("n", etag=True)))


def test_a_value_is_got_only_where_it_changed():
    unchanged = b"HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n"
    with Network([REQUEST, unchanged, REQUEST, tagged('{"x":1}', "b")]) as network:
        db = database()
        assert db.get_if_changed("n", "a") == (False, None, None)
        assert db.get_if_changed("n", "a") == (True, {"x": 1}, "b")
    assert network.sent == [[with_headers(get("/n.json"), "If-None-Match: a")] * 2]


def test_a_value_is_set_only_where_it_is_unchanged():
    with Network([REQUEST, tagged("11", "c"), REQUEST, mismatch('{"n":[1,2]}', "d")]) as network:
        db = database()
        assert db.set_if_unchanged("n", "b", 11) == (True, 11, "c")
        assert db.set_if_unchanged("n", "b", 12) == (False, {"n": [1, 2]}, "d")
    expected = [
        with_headers(put("/n.json", body), "If-Match: b", "X-Firebase-ETag: true") for body in ("11", "12")
    ]
    assert network.sent == [expected]


def test_a_delete_with_if_match_fails_with_the_present_value_and_its_etag():
    with Network([REQUEST, mismatch('"\\ud83d\\ude00 new"', "d"), REQUEST, answer("null")]) as network:
        db = database()
        error = raises(PreconditionFailed, lambda: db.delete("n", if_match="b"))
        assert (error.value, error.etag, error.status, error.retry) == ("\U0001f600 new", "d", 412, False)
        db.delete("n", if_match=error.etag)
    request = ("DELETE /n.json HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST).encode()
    assert network.sent == [[with_headers(request, "If-Match: " + etag) for etag in ("b", "d")]]


def test_the_value_of_a_412_may_be_larger_than_the_text_of_an_error():
    value = ["x" * 100] * 50
    body = "[%s]" % ",".join(['"%s"' % text for text in value])
    with Network([REQUEST, mismatch(body, "d")]):
        assert database().set_if_unchanged("n", "b", 1) == (False, value, "d")


def test_a_transaction_writes_what_the_function_makes_of_the_value():
    with Network([REQUEST, tagged("null", "null_etag"), REQUEST, NO_CONTENT]) as network:
        assert database().transaction("n", lambda n: (n or 0) + 1) == 1
    assert network.sent == [[GET_TAGGED, conditional_put("1", "null_etag")]]


def test_a_transaction_begins_again_with_the_value_of_the_412_and_without_a_get():
    script = [REQUEST, tagged("5", "e5"), REQUEST, mismatch("7", "e7"), REQUEST, mismatch("8", "e8")]
    script += [REQUEST, NO_CONTENT]
    seen = []

    def add(n):
        seen.append(n)
        return n + 1

    with Network(script) as network:
        assert database().transaction("n", add) == 9
    assert seen == [5, 7, 8]
    assert network.sent == [
        [GET_TAGGED, conditional_put("6", "e5"), conditional_put("8", "e7"), conditional_put("9", "e8")]
    ]


def test_a_transaction_ends_after_25_tries():
    script = [REQUEST, tagged("0", "e")] + [REQUEST, mismatch("0", "e")] * 25
    with Network(script) as network:
        error = raises(TransactionAborted, database().transaction, "n", lambda n: n + 1)
    assert error.retry and "25" in str(error)
    assert len(network.sent[0]) == 26


def test_what_the_function_raises_ends_the_transaction_and_nothing_is_written():
    class Enough(Exception):
        pass

    def abort(value):
        raise Enough

    with Network([REQUEST, tagged("5", "e5"), REQUEST, answer("5")]) as network:
        db = database()
        raises(Enough, db.transaction, "n", abort)
        assert db.get("n") == 5
    assert network.sent == [[GET_TAGGED, get("/n.json")]]


def test_after_a_lost_answer_the_function_is_not_applied_again():
    calls = []

    def add(n):
        calls.append(n)
        return n + 1

    with Network([REQUEST, tagged("5", "e5"), REQUEST, b""]) as network:
        error = raises(OutcomeUnknown, database().transaction, "n", add)
    assert "may have happened" in str(error) and not error.retry
    assert calls == [5]
    assert network.sent == [[GET_TAGGED, conditional_put("6", "e5")]]


def test_a_conditional_write_is_repeated_where_it_was_not_attempted():
    script = [REQUEST, tagged("5", "e5"), REQUEST, answer("{}", "503 Service Unavailable"), REQUEST, NO_CONTENT]
    with Network(script) as network:
        assert database().transaction("n", lambda n: n + 1) == 6
    assert network.sent == [[GET_TAGGED] + [conditional_put("6", "e5")] * 2]


def test_a_conditional_write_on_a_connection_that_was_closed_meanwhile_opens_another():
    with Network([REQUEST, answer("1"), b""], [REQUEST, tagged("2", "e")]) as network:
        db = database()
        assert db.get("n") == 1
        assert db.set_if_unchanged("n", "e1", 2) == (True, 2, "e")
    assert [len(requests) for requests in network.sent] == [1, 1]


def test_an_etag_cannot_smuggle_a_header():
    db = database()
    for etag in ("a\r\nX: y", "a b", "", None, 5):
        raises(InvalidArgument, db.set_if_unchanged, "n", etag, 1)
        raises(InvalidArgument, db.get_if_changed, "n", etag)
        raises(InvalidArgument, lambda etag=etag: db.set("n", 1, if_match=etag))
        raises(InvalidArgument, lambda etag=etag: db.delete("n", if_match=etag))
    raises(InvalidArgument, db.transaction, "n", 5)


def test_a_set_with_if_match_is_a_silent_put_with_the_condition():
    with Network([REQUEST, NO_CONTENT, REQUEST, mismatch("7", "e7")]) as network:
        db = database()
        assert db.set("n", 1, if_match="e5") is None
        error = raises(PreconditionFailed, lambda: db.set("n", 1, if_match="null_etag"))
    assert (error.value, error.etag) == (7, "e7")
    assert network.sent == [[conditional_put("1", "e5"), conditional_put("1", "null_etag")]]


def test_each_write_that_can_returns_the_new_etag_where_it_is_asked_for():
    named = tagged('{"name":"-INOQPH-aV_psbk3ZXEX"}', "e3")
    script = [REQUEST, tagged("1", "e1"), REQUEST, tagged("2", "e2"), REQUEST, named, REQUEST, tagged("null", "e4")]
    with Network(script + [REQUEST, tagged("5", "e5")]) as network:
        db = database()
        assert db.set("n", 1, etag=True) == "e1"
        key, etag = db.push("n", 2, etag=True)
        assert etag == "e2"
        assert db.push("n", 3, server_key=True, etag=True) == ("-INOQPH-aV_psbk3ZXEX", "e3")
        assert db.delete("n", etag=True) == "e4"
        assert db.set("n", 5, if_match="e4", etag=True) == "e5"
    asked = "X-Firebase-ETag: true"
    delete = ("DELETE /n.json HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST).encode()
    assert network.sent == [
        [
            with_headers(put("/n.json", "1"), asked),
            with_headers(put("/n/%s.json" % key, "2"), asked),
            with_headers(put("/n.json", "3", method="POST"), asked),
            with_headers(delete, asked),
            with_headers(put("/n.json", "5"), "If-Match: e4", asked),
        ]
    ]


def test_updates_and_pushes_have_no_conditions():
    db = database()
    raises(InvalidArgument, lambda: db.update("n", {"a": 1}, if_match="e"))
    raises(InvalidArgument, lambda: db.update("n", {"a": 1}, etag=True))
    raises(InvalidArgument, lambda: db.push("n", 1, if_match="e"))
    raises(InvalidArgument, lambda: db.push("n", 1, server_key=True, if_match="e"))


def test_a_write_limits_its_size():
    named = answer('{"name":"k"}')
    script = [REQUEST, NO_CONTENT] * 3 + [REQUEST, named, REQUEST, answer("null")]
    with Network(script) as network:
        db = database()
        db.set("a", 1, write_size_limit="tiny")
        db.update("a", {"b": 2}, write_size_limit="small")
        key = db.push("a", 3, write_size_limit="medium")
        assert db.push("a", 4, server_key=True, write_size_limit="large") == "k"
        db.delete("a", write_size_limit="unlimited")
    targets = [request.split(b" ")[1].decode() for request in network.sent[0]]
    assert targets == [
        "/a.json?writeSizeLimit=tiny&print=silent",
        "/a.json?writeSizeLimit=small&print=silent",
        "/a/%s.json?writeSizeLimit=medium&print=silent" % key,
        "/a.json?writeSizeLimit=large",
        "/a.json?writeSizeLimit=unlimited",
    ]


def test_a_write_refuses_what_is_no_option():
    db = database()
    for options in ({"write_size_limit": "huge"}, {"write_size_limit": 5}, {"timeout": "3s"}, {"foo": 1}):
        raises(InvalidArgument, lambda options=options: db.set("n", 1, **options))
        raises(InvalidArgument, lambda options=options: db.push("n", 1, server_key=True, **options))
        raises(InvalidArgument, lambda options=options: db.update("n", {"a": 1}, **options))
        raises(InvalidArgument, lambda options=options: db.delete("n", **options))


def test_an_update_whose_paths_overlap_is_refused():
    db = database()
    for values in ({"a": 1, "a/b": 2}, {"a/b/c": 1, "x": 2, "a/b": 3}, {"a": 1, "/a/": 2}):
        assert "overlap" in str(raises(InvalidArgument, db.update, "n", values))
    with Network([REQUEST, NO_CONTENT]):
        database().update("n", {"a/b": 1, "a/c": 2, "ab": 3, "a-": 4})


def test_a_push_whose_key_the_server_makes_is_a_post():
    with Network([REQUEST, answer('{"name":"-INOQPH-aV_psbk3ZXEX"}'), REQUEST, answer("null")]) as network:
        db = database()
        assert db.push("list", {"a": 1}, server_key=True) == "-INOQPH-aV_psbk3ZXEX"
        assert "has no key" in str(raises(ProtocolError, db.push, "list", 1, True))
    assert network.sent == [
        [put("/list.json", '{"a":1}', method="POST"), put("/list.json", "1", method="POST")]
    ]


def test_a_post_is_not_repeated_after_a_lost_answer():
    with Network([REQUEST, b""]) as network:
        raises(OutcomeUnknown, database().push, "list", 1, True)
    assert [len(requests) for requests in network.sent] == [1]


def test_server_values_are_sent_as_the_document_has_them():
    with Network([REQUEST, NO_CONTENT] * 3) as network:
        db = database()
        db.set("at", flamelet.TIMESTAMP)
        db.update("a", {"n": flamelet.increment(-3), "m": flamelet.increment(0.5)})
        db.set("b", {".value": 1, ".priority": flamelet.TIMESTAMP})
    bodies = [request.partition(b"\r\n\r\n")[2] for request in network.sent[0]]
    assert bodies[0] == b'{".sv":"timestamp"}'
    assert b'"n":{".sv":{"increment":-3}}' in bodies[1] and b'"m":{".sv":{"increment":0.5}}' in bodies[1]
    assert b'".priority":{".sv":"timestamp"}' in bodies[2]


def test_an_unknown_server_value_is_refused():
    db = database()
    for value in (
        {".sv": "time"},
        {".sv": {"increment": "1"}},
        {".sv": {"increment": True}},
        {".sv": {"increment": 1, "b": 2}},
        {".sv": {"decrement": 1}},
        {".sv": None},
        {".sv": "timestamp", "a": 1},
    ):
        raises(InvalidArgument, db.set, "n", value)
        raises(InvalidArgument, db.push, "n", {"a": [value]})
        raises(InvalidArgument, db.update, "n", {"a": {"b": value}})
    for delta in ("1", None, True, float("nan"), float("inf")):
        raises(InvalidArgument, flamelet.increment, delta)


def test_a_get_passes_the_parameters_of_the_document_on():
    with Network([REQUEST, answer("1")] * 2) as network:
        db = database()
        db.get("a", format="export", timeout="3s")
        db.get("a", shallow=True, timeout="500ms")
    assert network.sent == [[get("/a.json?format=export&timeout=3s"), get("/a.json?shallow=true&timeout=500ms")]]


def test_a_get_may_be_pretty_silent_a_script_or_a_download():
    pretty = answer('{\n  "a" : 1\n}\n')
    script = [REQUEST, pretty, REQUEST, NO_CONTENT, REQUEST, answer("show(1);"), REQUEST, answer("1")]
    with Network(script) as network:
        db = database()
        assert db.get("a", print="pretty") == {"a": 1}
        assert db.get("a", print="silent") is None
        assert db.get("a", callback="show") == "show(1);"
        assert db.get("a", download="a b.json") == 1
    targets = [request.split(b" ")[1].decode() for request in network.sent[0]]
    assert targets == [
        "/a.json?print=pretty",
        "/a.json?print=silent",
        "/a.json?callback=show",
        "/a.json?download=a%20b.json",
    ]


def test_a_timeout_is_a_number_and_a_unit():
    db = database()
    for text in ("5", "5h", "-1s", "16min", "0s", "901s", "900001ms", "", "s", "1.5s", "3 s", "\u00b2s", "1e3ms"):
        assert "3min" in str(raises(InvalidArgument, lambda text=text: db.get("a", timeout=text))), text
    for text in ("1ms", "900000ms", "900s", "15min"):
        with Network([REQUEST, answer("1")]):
            assert database().get("a", timeout=text) == 1


def test_a_get_refuses_what_is_no_parameter():
    db = database()
    raises(InvalidArgument, lambda: db.get("a", foo="x"))
    raises(InvalidArgument, lambda: db.get("a", timeout=3))
    assert "shallow" in str(raises(InvalidArgument, lambda: db.get("a", shallow=True, format="export")))
    assert "no attribute 'fetch'" in str(raises(AttributeError, lambda: db.fetch))
