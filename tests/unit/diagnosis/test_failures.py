"""Errors against a scripted server: what each answer becomes, and that the client is as good as new."""

from flamelet.errors import (
    BadRequest,
    FlameletError,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ProtocolError,
    ResourceExhausted,
    ResponseError,
    TLSError,
    Unauthenticated,
    Unavailable,
)

from helpers import raises
from scripted import CONNECTED, HOST, NO_CONTENT, REQUEST, Network, answer, database, reset

HEAP = "1m"
WRITE_TOO_BIG = "Error: WRITE_TOO_BIG: Data to write exceeds the maximum size that can be modified"

KINDS = (
    (400, BadRequest, False),
    (401, Unauthenticated, False),
    (402, BadRequest, False),
    (403, PermissionDenied, False),
    (404, NotFound, False),
    (405, BadRequest, False),
    (409, BadRequest, False),
    (412, PreconditionFailed, False),
    (413, BadRequest, False),
    (418, BadRequest, False),
    (429, ResourceExhausted, True),
    (500, Unavailable, True),
    (501, Unavailable, True),
    (502, Unavailable, True),
    (504, Unavailable, True),
    (599, Unavailable, True),
)


def answers(data):
    """What get() raises for this answer; the client works afterwards, unless its token is to blame."""
    with Network([REQUEST, data, REQUEST, answer("1")]) as network:
        db = database(token={"database_secret": "secret"})
        error = raises(FlameletError, db.get, "a/b")
        assert "secret" not in str(error), error
        if network.closed == [True]:
            network.scripts[:] = [[REQUEST, answer("1")]]
        if error.status == 401 and error.code not in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            # The token is to blame, and nothing better is to be had: it is not asked again for a while.
            assert str(raises(FlameletError, db.get, "a")) == str(error) and len(network.sent[0]) == 1
            return error
        assert db.get("a") == 1
    return error


def test_each_status_is_its_error_with_the_words_of_the_server():
    for status, kind, retry in KINDS:
        error = answers(answer('{\n  "error" : "the words"\n}\n', "%d Reason" % status))
        assert type(error) is kind and isinstance(error, ResponseError), (status, error)
        assert (error.status, error.text, error.retry) == (status, "the words", retry), status
        assert "GET /a/b.json: %d the words" % status in str(error), error


def test_each_cause_has_a_code_and_says_what_to_do():
    for status, text, kind, code, advice in (
        (400, "Invalid data; couldn't parse JSON object, array, or value.", BadRequest, "INVALID_DATA", "value"),
        (400, "Error: No data supplied.", BadRequest, "NO_DATA", "proxy"),
        (400, WRITE_TOO_BIG, BadRequest, "WRITE_TOO_BIG", "write_size_limit"),
        (400, "Data requested exceeds the maximum size that", BadRequest, "READ_TOO_BIG", "shallow"),
        (400, "Invalid path: Invalid token in path", BadRequest, "INVALID_PATH", "key"),
        (400, "Invalid path: path is too long", BadRequest, "PATH_TOO_LONG", "768"),
        (400, "Invalid data; unrecognized server value", BadRequest, "UNKNOWN_SERVER_VALUE", "increment"),
        (400, 'Index not defined, add ".indexOn": "height", for path', BadRequest, "INDEX_NOT_DEFINED", "rules"),
        (400, "The request does not support the query parameter x.", BadRequest, "INVALID_PARAMETER", "leave"),
        (400, "orderBy must be a valid JSON encoded path", BadRequest, "INVALID_PARAMETER", "query"),
        (400, "Constraint index field must be a JSON primitive", BadRequest, "INVALID_PARAMETER", "fix"),
        (400, "Mixing 'shallow' and querying parameters is not supported", BadRequest, "SHALLOW_MIXED", "only"),
        (400, "timeout must be a positive number with a unit", BadRequest, "INVALID_PARAMETER", "fix"),
        (400, "The request did not finish within its timeout.", BadRequest, "TIMED_OUT", "time"),
        (400, "something new", BadRequest, "BAD_REQUEST", "change"),
        (401, "Permission denied", PermissionDenied, "PERMISSION_DENIED", "rules"),
        (401, "Auth token is expired", Unauthenticated, "TOKEN_EXPIRED", "mint"),
        (401, "Could not parse auth token.", Unauthenticated, "INVALID_TOKEN", "mint"),
        (401, "Missing claim 'kid' in auth header.", Unauthenticated, "INVALID_TOKEN", "ID token"),
        (401, "Unauthorized request.", Unauthenticated, "ACCESS_TOKEN_REFUSED", "scope"),
        (404, "The specified Realtime Database was not found.", NotFound, "NOT_FOUND", "region"),
        (412, "other", PreconditionFailed, "ETAG_MISMATCH", "etag"),
        (429, "slow down", ResourceExhausted, "TOO_MANY_REQUESTS", "wait"),
        (429, "Quota exceeded.", ResourceExhausted, "QUOTA_EXCEEDED", "quota"),
        (500, "Internal server error.", Unavailable, "SERVER_ERROR", "later"),
    ):
        body = '{\n  "error" : "%s"\n}\n' % text.replace('"', '\\"')
        error = answers(answer(body, "%d Reason" % status))
        assert type(error) is kind and error.text == text, (error, text)
        assert error.code == code and advice in str(error).split(text)[-1], error


def test_a_503_that_stays_was_not_attempted():
    with Network([REQUEST, answer('{"error":"down"}', "503 Service Unavailable")] * 3) as network:
        network.scripts[0] *= 3
        error = raises(Unavailable, database().get, "a")
    assert (error.code, error.status, error.retry) == ("UNAVAILABLE", 503, True) and "not attempted" in str(error)


def test_the_page_of_a_proxy_is_quoted():
    page = "<html><head><title>502 Bad Gateway</title></head>" + "<p>filler</p>" * 400 + "</html>"
    error = answers(answer(page, "502 Bad Gateway"))
    assert type(error) is Unavailable
    assert "<html><head><title>502 Bad Gateway" in error.text and len(error.text) < 200, error.text


def test_an_error_body_may_be_anything():
    for body in ("", "null", "[]", '{"error":{"code":1}}', '{"error":', "\x00\x01", '"text"', "{}"):
        error = answers(answer(body, "400 Bad Request"))
        assert type(error) is BadRequest and error.status == 400 and isinstance(error.text, str), body
    assert type(answers(answer(b"\xff\xfe\xfd", "400 Bad Request"))) is BadRequest


def test_a_huge_error_body_is_read_and_cut():
    error = answers(answer("x" * 30000, "400 Bad Request"))
    assert len(error.text) < 200


def test_a_status_that_is_no_success_is_an_error():
    for status in ("300 Multiple Choices", "304 Not Modified", "305 Use Proxy"):
        head = ("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status).encode()
        error = answers(head)
        assert isinstance(error, (ResponseError, ProtocolError)) and status[:3] in str(error), error


def test_html_with_status_200_is_not_taken_for_a_value():
    error = answers(answer("<!DOCTYPE html><html>log in to the Wi-Fi</html>"))
    assert isinstance(error, ProtocolError) and "<!DOCTYPE html>" in str(error), error


def test_json_that_the_firmware_would_accept_is_refused():
    for body in (
        '{"a" 1}',
        "[1,,2]",
        "[1,]",
        '{"a":1,}',
        "01",
        "+1",
        ".5",
        "1.",
        "nan",
        "NaN",
        "Infinity",
        "'a'",
        "tru",
        "",
        " ",
        '{"a":1}{}',
        "1 2",
        '"\t"',
        '"\\x"',
        "[1",
        '{"a"}',
        "{1:2}",
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83d"',
    ):
        error = answers(answer(body))
        assert isinstance(error, ProtocolError), (body, error)
    for body in (b'"\xed\xa0\x80"', b'"\xff"', b'"\xc0\x80"', b"\xef\xbb\xbf1"):
        assert isinstance(answers(answer(body)), ProtocolError), body


def test_a_surrogate_pair_is_one_character():
    with Network([REQUEST, answer('{"\\ud83d\\ude00":"\\\\ud83d \\ud83d\\ude00 \\u00e9"}')]):
        assert database().get("a") == {"\U0001f600": "\\ud83d \U0001f600 \u00e9"}


def test_json_that_is_nested_too_deeply_is_refused():
    assert isinstance(answers(answer("[" * 5000 + "]" * 5000)), ProtocolError)


def test_an_answer_larger_than_allowed_is_refused():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"1" * 1000 + b"\r\n0\r\n\r\n"
    to_close = b"HTTP/1.1 200 OK\r\n\r\n" + b"1" * 1000
    for data in (answer("1" * 1000), chunked, to_close):
        for size, is_refused in ((999, True), (1000, False)):
            with Network([REQUEST, data, b""], [REQUEST, answer("2")]) as network:
                db = database(answer_bytes=size)
                if is_refused:
                    error = raises(ProtocolError, db.get, "a")
                    assert "answer_bytes=999" in str(error) and not error.retry
                    assert len(network.sent) == 1 and network.closed == [True]
                else:
                    assert db.get("a") == int("1" * 1000)
                assert db.get("a") == 2


def test_what_is_not_http_is_named_so():
    for data in (
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"220 mail ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/2 200\r\n\r\n",
        b"<html>\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
    ):
        error = answers(data)
        assert isinstance(error, ProtocolError) and "not HTTP" in str(error) and HOST in str(error), (data, error)


def test_hostile_framing_is_refused_at_once():
    for lines in (
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: 99999999999\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: gzip\r\n",
        "X: a\r\n b\r\n",
        "X : a\r\n",
        ": a\r\n",
        "no colon\r\n",
        "X: a\rb\r\n",
        "X: " + "y" * 9000 + "\r\n",
        "".join(["X%d: y\r\n" % i for i in range(1000)]),
    ):
        data = ("HTTP/1.1 200 OK\r\n" + lines + "\r\n").encode() + b"12"
        assert isinstance(answers(data), ProtocolError), lines
    for chunk in (b"g\r\n", b"-1\r\n", b"1 1\r\n", b"\r\n", b"1\r\n11\r\n", b"fffffffff\r\n", b"1;" + b"x" * 9000):
        data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk
        assert isinstance(answers(data), ProtocolError), chunk


def test_a_handshake_that_fails_sends_nothing_and_is_not_repeated():
    with Network([CONNECTED, OSError("self-signed certificate")], [REQUEST, answer("1")]) as network:
        db = database()
        error = raises(TLSError, db.set, "a", 1)
        assert not error.retry and HOST in str(error)
        assert network.sent == [[]] and network.closed == [True]
        assert db.get("a") == 1


def test_a_handshake_that_broke_may_succeed_the_next_time():
    with Network([CONNECTED, reset()], [REQUEST, NO_CONTENT]) as network:
        db = database()
        assert raises(TLSError, db.set, "a", 1).retry
        db.set("a", 1)
    assert [len(requests) for requests in network.sent] == [0, 1]


def test_every_error_of_an_answer_is_told_by_a_feed_too():
    for status, kind, retry in KINDS:
        data = answer('{"error":"the words"}', "%d Reason" % status)
        # The first push opens the connection; the second finds it open.
        for before in (0, 1):
            with Network([REQUEST, answer("1")] * before + [REQUEST, data, REQUEST, answer("1")]) as network:
                feed = database().feed("t", (("a", 0),))
                if before:
                    feed.push(1)
                error = raises(kind, feed.push, 2)
                assert (error.status, error.text, error.retry) == (status, "the words", retry)
                assert feed.pending == retry, status
                assert len(network.sent[0]) == 1 + before, status
                feed.push(3)
                assert not feed.pending
