"""Walks against a scripted server: what they yield, how they end, and what a broken answer does."""

from flamelet import aio
from flamelet.errors import InvalidArgument, NetworkError, PermissionDenied, ProtocolError

from helpers import raises
from scripted import HOST, REQUEST, URL, Network, answer, database, get, redirect, timeouts

HEAP = "1m"
BODY = '{"a":{"n":1,"x":[1,2]},"b":{"n":12345678901234567890},"c":{"n":null},"d":{"n":{"y":"\\ud83d\\ude00"}}}'
FOUND = [("a/n", 1), ("b/n", 12345678901234567890), ("d/n", {"y": "\U0001f600"})]


def chunked(body, size):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join([b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]) + b"0\r\n\r\n"


def test_a_walk_yields_what_matches_and_closes_its_connection():
    for script in ([answer(BODY)], [chunked(BODY.encode(), 3)], [bytes([byte]) for byte in answer(BODY)]):
        with Network([REQUEST] + script) as network:
            db = database(token="ya29.x")
            assert list(db.walk("users", "*/n")) == FOUND
        assert network.sent == [[get("/users.json?access_token=ya29.x")]]
        assert network.closed == [True]
        assert db._client.streams == [] and db._client.budget.streams == []


async def test_an_awaited_walk_yields_the_same():
    with Network([REQUEST, chunked(BODY.encode(), 7)]):
        db = aio.Database(URL, timeouts=timeouts())
        seen = []
        async for found in db.walk("users", "*/n"):
            seen.append(found)
        assert seen == FOUND


def test_raw_values_are_json_as_it_was_sent():
    with Network([REQUEST, answer('{"a":1.10,"b":1e400,"c":"\\u0041"}')]):
        found = list(database().walk("", "*", raw=True))
    assert found == [("a", b"1.10"), ("b", b"1e400"), ("c", b'"\\u0041"')]


def test_a_number_alone_is_found_at_the_end_of_the_answer():
    with Network([REQUEST, answer("42")], [REQUEST, answer("null")]):
        db = database()
        assert list(db.walk("n", "")) == [("", 42)]
        assert list(db.walk("n", "")) == []


def test_requests_go_on_meanwhile():
    with Network([REQUEST, answer(BODY)], [REQUEST, answer("1"), REQUEST, answer("2")]):
        db = database()
        with db.walk("users", "*/n") as walk:
            assert next(walk) == FOUND[0]
            assert db.get("a") == 1
            assert next(walk) == FOUND[1]
            assert db.get("a") == 2
        assert list(walk) == []


def test_a_redirect_is_followed_and_a_refusal_told():
    refusal = answer('{"error":"Permission denied"}', "401 Unauthorized")
    target = "https://s-usc1c-nss-1.firebaseio.com/users.json?ns=demo"
    with Network([REQUEST, redirect(target)], [REQUEST, answer(BODY)], [REQUEST, refusal]) as network:
        db = database()
        assert list(db.walk("users", "*/n")) == FOUND
        assert raises(PermissionDenied, list, db.walk("users", "*/n")).text == "Permission denied"
        assert db._client.budget.streams == []
    assert [address for address, _ in network.connected] == [HOST, "s-usc1c-nss-1.firebaseio.com", HOST]


def test_a_broken_answer_ends_the_walk_with_an_error():
    cut = answer(BODY)[:-30]
    with Network([REQUEST, cut, b""], [REQUEST, answer('{"a":{"n":1},,}')], [REQUEST, answer('{"a":{"n":1}')]):
        db = database()
        for kind in (NetworkError, ProtocolError, ProtocolError):
            walk = db.walk("users", "*/n")
            assert next(walk) == FOUND[0]
            raises(kind, list, walk)
            assert list(walk) == []


def test_a_value_larger_than_value_bytes_is_refused_by_name():
    with Network([REQUEST, answer(BODY)]):
        assert "value_bytes" in str(raises(ProtocolError, list, database().walk("users", "*", value_bytes=20)))


def test_a_pattern_that_cannot_be_is_refused():
    for pattern in ("a.b", "*/$x", "**/x#"):
        raises(InvalidArgument, database().walk, "users", pattern)
