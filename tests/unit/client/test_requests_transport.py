"""A transport that plays a script: what the module is asked, what becomes of its answers, and that each is closed."""

import asyncio
import errno

import flamelet
from flamelet import aio
from flamelet.core import push_id
from flamelet.errors import (
    FlameletError,
    InvalidArgument,
    NetworkError,
    OutcomeUnknown,
    PreconditionFailed,
    ProtocolError,
    ResourceExhausted,
    Timeout,
    Unauthenticated,
    Unavailable,
)

from helpers import raises
from requesting import Desktop, MicroPython, Module, Pauses, Response, Timed
from scripted import URL, timeouts
from tokens import id_token, renewal, token

HEAP = "1m"
INCREMENT = {".sv": {"increment": 1}}
SECRET = "ya29.very-secret"
ETAG = {"ETag": "abc"}


def database(module, token=None, **options):
    return flamelet.Database(URL, token, transport=module, timeouts=timeouts(), **options)


def ok(text="null", **headers):
    return Response(200, text.encode(), headers)


def silent():
    return Response(204, b"", {})


def shown(error):
    """All that a traceback of `error` would show on CPython."""
    text = ""
    while error:
        text += "%r %s\n" % (error, error)
        error = getattr(error, "__cause__", None) or getattr(error, "__context__", None)
    return text


# What the module is asked.


def test_each_verb_is_one_request_with_its_url_its_headers_and_its_body():
    module = Module(ok('{"b":1}'), silent(), silent(), ok("null"))
    with database(module) as db:
        assert db.get("a b") == {"b": 1}
        db.set("a", {"c": [1.5, "\u00e9"]})
        db.update("a", {"b/c": None})
        assert db.delete("a") is None
    assert module.calls == [
        ("GET", URL + "/a%20b.json", None, {}),
        ("PUT", URL + "/a.json?print=silent", '{"c":[1.5,"\u00e9"]}'.encode(), {}),
        ("PATCH", URL + "/a.json?print=silent", b'{"b/c":null}', {}),
        ("DELETE", URL + "/a.json", None, {}),
    ]
    module.check(4)


def test_a_port_is_named_in_the_host_since_modules_leave_it_out():
    module = Module(ok())
    flamelet.Database("http://127.0.0.1:9000", transport=module).get("a")
    assert module.calls == [("GET", "http://127.0.0.1:9000/a.json", None, {"Host": "127.0.0.1:9000"})]


def test_a_body_that_is_empty_says_so_since_modules_write_no_length_for_it():
    module = Module(Response(200, b'{"documents":[]}', {}))
    fs = flamelet.Firestore("demo", {"access_token": SECRET}, transport=module)
    fs.call("POST", "projects/demo/x")
    _, _, body, headers = module.calls[0]
    assert (body, headers["Content-Length"]) == (None, "0")
    assert headers["Authorization"] == "Bearer " + SECRET


def test_plain_http_is_refused_as_without_a_transport():
    assert "insecure" in str(raises(InvalidArgument, lambda: flamelet.Database("http://example.com", transport=1)))
    module = Module(ok())
    flamelet.Database("http://example.com", insecure=True, transport=module).get("")
    assert module.calls[0][1] == "http://example.com/.json"


class Tried:
    """A module that counts the tries, also those with an option that it does not take."""

    def __init__(self, module):
        self.module = module
        self.tries = 0

    def request(self, *arguments, **options):
        self.tries += 1
        return self.module.request(*arguments, **options)


def test_the_best_options_that_a_module_takes_are_found_once():
    for number, kind, options in (
        (1, Desktop, {"timeout": 1.0, "allow_redirects": False}),
        (2, MicroPython, {"timeout": 1.0}),
        (3, Timed, {"timeout": 1.0}),
        (4, Module, {}),
    ):
        module = kind(*[ok(str(n)) for n in range(4)])
        tried = Tried(module)
        db = database(tried, budget=2)
        assert [db.get("a"), db.get("a"), db.get("a")] == [0, 1, 2]
        assert list(db.walk("a", "*")) == []
        assert module.options == [options] * 4
        assert tried.tries == number + 3
        module.check(4)


def test_a_type_error_once_an_option_has_served_is_a_failure():
    module = Desktop(ok("1"), TypeError("unexpected keyword argument"))
    db = database(module)
    db.get("a")
    assert "TypeError" in str(raises(OutcomeUnknown, db.set, "n", INCREMENT))
    module.check(1)


def test_a_type_error_that_blames_no_argument_is_a_failure_at_once():
    module = Desktop(TypeError("can't convert"))
    raises(OutcomeUnknown, database(module).set, "n", INCREMENT)
    module.check(0)


def test_what_is_no_such_module_is_refused_at_once():
    for wrong in ("requests", object(), 5):
        assert "request(method" in str(raises(InvalidArgument, database, wrong))


def test_a_ca_is_refused_since_the_module_would_not_know_it():
    assert "ca" in str(raises(InvalidArgument, lambda: database(Module(), ca=b"x")))


def test_what_needs_a_stream_is_refused_at_once():
    for service in (flamelet.Database, aio.Database):
        db = service(URL, transport=Module())
        for call in (
            lambda db: db.listen("a"),
            lambda db: db.mirror("a"),
            lambda db: db.query("a").order_by_key().listen(),
        ):
            assert "stream" in str(raises(InvalidArgument, call, db))


# What becomes of answers.


def places(error):
    """A response for each place where it may fail."""
    return (error, Response(error, b"1", {}), Response(200, error, {}), Response(200, b"1", {}, ValueError("close")))


def test_wherever_a_module_fails_its_response_is_closed_and_a_read_is_repeated():
    for make in (lambda: OSError(104), lambda: ValueError("chunked"), lambda: KeyError("x"), lambda: OSError("x", "y")):
        for place in range(4):
            module = Module(places(make())[place], ok("5"))
            with Pauses() as paused:
                assert database(module).get("a") == 5
            assert len(paused.pauses) == 1
            module.check()


def test_wherever_a_module_fails_a_write_that_adds_up_is_an_unknown_outcome():
    for make in (lambda: OSError(104), lambda: ValueError("chunked"), MemoryError, EOFError, lambda: OSError(-2)):
        for place in range(4):
            module = Module(places(make())[place])
            error = raises(OutcomeUnknown, database(module).set, "n", INCREMENT)
            assert "PUT /n.json" in str(error)
            assert "may have happened" in str(error)
            module.check()


def test_what_has_no_headers_closes_too():
    class Broken(Response):
        @property
        def headers(self):
            raise OSError(5)

    module = Module(Broken(200, b"1"))
    raises(OutcomeUnknown, database(module).set, "n", INCREMENT)
    module.check(1)


def test_a_socket_that_is_gone_already_is_closed():
    module = Module(Response(200, b"7", {}, OSError(9)))
    assert database(module).get("a") == 7


def test_a_read_is_tried_three_times_and_the_error_names_the_class_and_the_number():
    module = Module(*[OSError(errno.ECONNRESET, "it")] * 3)
    with Pauses():
        error = raises(NetworkError, database(module).get, "a")
    assert type(error) is NetworkError
    assert "GET /a.json" in str(error)
    assert "Error %d" % errno.ECONNRESET in str(error)
    module.check(0)


def test_a_connection_that_was_refused_has_sent_nothing():
    module = Module(OSError(errno.ECONNREFUSED, "it"), silent())
    with Pauses():
        database(module).set("n", INCREMENT)
    assert len(module.calls) == 2


def test_a_timeout_of_the_module_is_ours_and_not_repeated():
    class ReadTimeout(Exception):
        pass

    for error in (OSError(errno.ETIMEDOUT, "it"), ReadTimeout()):
        module = Module(error)
        raises(Timeout, database(module).get, "a")
        assert len(module.calls) == 1


def test_what_a_module_raises_never_shows_a_token():
    for secret in ({"access_token": SECRET}, token()):
        text = "%s/a.json?auth=%s" % (URL, SECRET if isinstance(secret, dict) else id_token(1))
        for error in (ValueError(text), OSError(text), OSError(5, text), TypeError("argument " + text)):
            module = Module(*[error] * 3)
            with Pauses():
                for call in (lambda db: db.get("a"), lambda db: db.set("n", INCREMENT)):
                    module.answers = [error] * 3
                    told = shown(raises(FlameletError, call, database(module, secret)))
                    assert SECRET not in told
                    assert id_token(1) not in told
                    assert type(error).__name__ in told


def test_an_answer_that_was_cut_is_lost():
    module = Module(*[Response(200, b"[1", {"Content-Length": "9"})] * 3)
    with Pauses():
        assert "in the middle" in str(raises(NetworkError, database(module).get, "a"))
    raises(OutcomeUnknown, database(Module(Response(200, b"[1", {"content-length": "9"}))).set, "n", INCREMENT)
    # It has been unpacked, or has no body at all.
    assert database(Module(ok("1", **{"Content-Length": "9", "Content-Encoding": "gzip"}))).get("a") == 1
    assert database(Module(Response(204, b"", {"Content-Length": "9"}))).get("a") is None


def test_an_answer_that_is_too_large_is_not_even_read_where_its_length_is_told():
    response = Response(200, b"x" * 200, {"Content-Length": "200"})
    error = raises(ProtocolError, database(Module(response), answer_bytes=100).get, "a")
    assert "answer_bytes=100" in str(error)
    assert not response.is_read
    response = Response(200, b"x" * 200, {})
    raises(ProtocolError, database(Module(response), answer_bytes=100).get, "a")
    assert database(Module(ok('"' + "x" * 98 + '"')), answer_bytes=100).get("a") == "x" * 98


def test_the_body_of_an_error_may_be_longer_than_answer_bytes():
    text = '{"error":"Permission denied%s"}' % (" " * 200)
    module = Module(Response(401, text.encode(), {"Content-Length": str(len(text))}))
    error = raises(FlameletError, database(module, answer_bytes=100).get, "a")
    assert (type(error).__name__, error.status) == ("PermissionDenied", 401)


def test_content_may_be_text_or_nothing():
    assert database(Module(Response(200, '{"a":"\u00e9"}', {}))).get("a") == {"a": "\u00e9"}
    assert database(Module(Response(204, None, {}))).get("a") is None


def test_pairs_of_surrogates_are_mended():
    assert database(Module(ok('"\\ud83d\\ude00"'))).get("a") == "\U0001f600"


def test_a_status_that_cannot_be_is_a_failure():
    for status in (0, -1, 5000, None, "200"):
        module = Module(Response(status, b"1", {}))
        raises(OutcomeUnknown, database(module).set, "n", INCREMENT)
        module.check(1)


def test_what_is_no_json_is_told():
    page = "<html>login</html>"
    for call in (lambda db: db.get("a"), lambda db: db.set("a", 1)):
        assert "intercept" in str(raises(ProtocolError, call, database(Module(ok(page)))))


# 503, 401, redirects, ETags, the time.


def test_503_is_asked_again_when_its_header_says_so_and_told_after_three():
    module = Module(Response(503, b"", {"Retry-After": "2"}), silent())
    with Pauses() as paused:
        database(module).set("n", INCREMENT)
    assert len(paused.pauses) == 1
    assert 2000 <= paused.pauses[0] < 4000
    module = Module(*[Response(503, b'{"error":"later"}') for _ in range(3)])
    with Pauses():
        raises(Unavailable, database(module).set, "n", INCREMENT)
    module.check(3)
    raises(ResourceExhausted, database(Module(Response(429, b'{"error":"slow"}', {}))).get, "a")


def body_of(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


def test_a_token_that_is_refused_is_renewed_through_the_module():
    refused = Response(401, b'{"error":"Auth token is expired"}', {})
    module = Module(refused, Response(200, body_of(renewal(2)), {}), ok("5"))
    assert database(module, token()).get("a") == 5
    assert [call[0] for call in module.calls] == ["GET", "POST", "GET"]
    assert module.calls[1][1] == "https://securetoken.googleapis.com/v1/token?key=the-key"
    assert module.calls[1][2] == b"grant_type=refresh_token&refresh_token=refresh-1"
    assert module.calls[2][1].endswith(id_token(2))
    module.check(3)


def test_a_token_that_is_due_is_renewed_first_and_a_renewal_that_fails_says_why():
    module = Module(Response(200, body_of(renewal(2)), {}), silent())
    database(module, token(left=0)).feed("r", (("n", 0),)).push(1)
    assert id_token(2) in module.calls[1][1]
    text = b'{"error":{"code":400,"message":"TOKEN_EXPIRED","status":"INVALID_ARGUMENT"}}'
    module = Module(Response(400, text, {}))
    assert raises(Unauthenticated, database(module, token(left=0)).get, "a").code == "TOKEN_EXPIRED"
    module.check(1)


def redirect(location, status=307):
    return Response(status, b"", {"Location": location})


def test_a_redirect_within_the_site_is_followed_by_us():
    other = "https://s-usc1c.firebaseio.com"
    module = Desktop(redirect(other + "/a.json?ns=demo"), silent(), silent())
    db = database(module, {"access_token": SECRET})
    db.set("a", INCREMENT)
    assert module.calls[1][:2] == ("PUT", other + "/a.json?ns=demo&access_token=%s" % SECRET)
    assert module.calls[1][2] == b'{".sv":{"increment":1}}'
    db.set("b", 1)
    assert module.calls[2][1].startswith(URL)
    module.check(3)


def test_a_redirect_anywhere_else_is_refused_and_does_not_get_the_token():
    for kind in (Desktop, MicroPython):
        for place in ("https://evil.example/a.json", "http://demo.firebaseio.com/a.json", "nonsense"):
            module = kind(redirect(place))
            told = shown(raises(ProtocolError, database(module, {"access_token": SECRET}).get, "a"))
            assert "redirect" in told
            assert SECRET not in told
            module.check(1)


def test_a_read_through_micropythons_requests_is_redirected_by_us():
    for status in (301, 302, 303, 307, 308):
        module = MicroPython(redirect(URL + "/b.json", status), ok("5"), redirect("/b.json"), ok('{"x":6}'))
        db = database(module)
        assert db.get("a") == 5
        assert list(db.walk("a", "x")) == [("x", 6)]
        assert [call[1] for call in module.calls[1::2]] == [URL + "/b.json"] * 2
        module.check(4)


def test_a_write_through_micropythons_requests_is_never_turned_into_a_read():
    for status in (301, 302, 303, 307, 308):
        module = MicroPython(redirect(URL + "/b.json", status))
        assert "redirect" in str(raises(ProtocolError, database(module).set, "a", 1))
        module.check(1)


def test_five_redirects_are_followed_and_no_more():
    module = Desktop(*[redirect("/b.json") for _ in range(6)])
    raises(ProtocolError, database(module).get, "a")
    module.check(6)


def test_conditions_work_where_responses_have_headers_whatever_their_case():
    for headers in (ETAG, {"etag": "abc"}, {"ETAG": "abc"}):
        module = Module(ok("1", **headers), ok("2"), ok("null", **headers))
        db = database(module)
        assert db.transaction("n", lambda n: n + 1) == 2
        assert module.calls[1][3]["If-Match"] == "abc"
        assert db.set_if_unchanged("n", "abc", 5) == (True, 5, "abc")
        module.check(3)
    module = MicroPython(Response(412, b"7", {"ETag": "def"}))
    error = raises(PreconditionFailed, lambda: database(module).set("n", 1, if_match="abc"))
    assert (error.value, error.etag) == (7, "def")


def test_headers_that_know_only_get_will_do():
    class Headers:
        def get(self, name, default=None):
            return {"etag": "abc"}.get(name.lower(), default)

    assert database(Module(Response(200, b"1", Headers()))).get("n", etag=True) == (1, "abc")


def test_conditions_say_why_they_cannot_be_where_responses_have_no_headers():
    calls = (
        lambda db: db.get("n", etag=True),
        lambda db: db.get_if_changed("n", "abc"),
        lambda db: db.transaction("n", lambda n: n + 1),
    )
    for call in calls:
        module = Module(Response(200, b"1"))
        error = raises(ProtocolError, call, database(module))
        assert "no headers" in str(error)
        assert "GET /n.json" in str(error)
        module.check(1)
    for status in (200, 412):
        module = Module(Response(status, b"1"))
        error = raises(OutcomeUnknown, database(module).set_if_unchanged, "n", "abc", 1)
        assert "no headers" in str(error)
        module.check(1)
    # What needs no ETag of the answer works.
    module = Module(Response(200, b"1"), Response(304, b""))
    db = database(module)
    db.set("n", 1, if_match="abc")
    assert db.get_if_changed("n", "abc") == (False, None, None)
    module.check(2)


def test_the_time_of_an_answer_is_not_believed_since_the_module_may_verify_nobody():
    # A renewal asks for the time: see test_flow_refresh.py.
    headers = {"Date": "Sat, 21 Nov 2043 13:48:27 GMT"}
    module = Module(Response(200, body_of(renewal(2)), headers), ok("1", **headers))
    before = push_id.offset[0]
    database(module, token(left=0)).get("a")
    assert push_id.offset[0] == before
    module.check(2)


# Feeds, walks, services.


def test_a_feed_goes_through_the_module_reading_by_reading_and_in_batches():
    module = Module(silent(), silent(), silent())
    feed = database(module, {"access_token": SECRET}).feed("r", (("t", 1), ("n", 0)))
    keys = []
    for n in range(2):
        feed.push(21.5, n)
        keys.append(feed.key)
    assert feed.push_many([[1, 2], [3, 4]]) == 2
    assert [call[2] for call in module.calls[:2]] == [b'{"t":21.5,"n":0}', b'{"t":21.5,"n":1}']
    assert [key in call[1] for key, call in zip(keys, module.calls)] == [True, True]
    assert module.calls[0][3] == {}
    assert not feed.pending
    module.check(3)


def test_a_reading_that_got_lost_is_pending_and_repeated_under_its_key():
    module = Module(*[OSError(5)] * 3)
    feed = database(module).feed("r", (("n", 0),))
    with Pauses():
        raises(NetworkError, feed.push, 1)
    assert feed.pending
    module.answers = [silent()]
    feed.repeat()
    assert not feed.pending
    assert len({(call[1], call[2]) for call in module.calls}) == 1
    module.check()


def test_a_walk_and_a_query_read_what_was_collected():
    module = Module(ok('{"a":{"n":1},"b":{"n":null},"c":{"n":[2]}}'), ok('{"a":{"h":2},"b":{"h":1}}'))
    db = database(module)
    assert list(db.walk("x", "*/n")) == [("a/n", 1), ("c/n", [2])]
    assert db.query("x").order_by_child("h").get() == [("b", {"h": 1}), ("a", {"h": 2})]
    module.check(2)


def test_a_walk_whose_answer_is_refused_or_lost_says_so():
    for answer, error in (
        (Response(401, b'{"error":"Permission denied"}', {}), FlameletError),
        (OSError(104), NetworkError),
        (ok('{"a":'), ProtocolError),
    ):
        module = Module(answer)
        raises(error, list, database(module).walk("x", "*"))
        module.check()


def test_a_query_of_firestore_and_a_list_of_a_gateway_read_what_was_collected():
    name = "projects/demo/databases/(default)/documents/c/d"
    text = '[{"document":{"name":"%s","fields":{"n":{"integerValue":"5"}}}},{"readTime":"x"}]' % name
    module = Module(ok(text), Response(503, b'[{"error":{"code":503,"status":"UNAVAILABLE"}}]', {}), ok("[]"))
    fs = flamelet.Firestore("demo", transport=module)
    with Pauses():
        assert [found.fields for found in fs.query("c")] == [{"n": 5}]
        assert list(fs.query("c")) == []
    module.check(3)
    module = Module(ok('{"status":"success","data":[{"id":"a"},{"id":"b"}],"message":"two"}'))
    documents = flamelet.Gateway("https://api.example.com/api", transport=module).list("users")
    assert [found["id"] for found in documents] == ["a", "b"]
    assert documents.message == "two"
    module.check(1)


def test_a_reading_of_a_gateway_that_a_post_may_have_written_is_an_unknown_outcome():
    module = Module(OSError(104))
    feed = flamelet.Gateway("https://api.example.com/api", transport=module).feed("r", (("n", 0),), post=True)
    raises(OutcomeUnknown, feed.push, 1)
    module.check()


def test_the_client_is_of_use_after_each_failure():
    module = Module(ValueError(), ok("1"), Response(404, b"no", {}), ok("2"))
    db = database(module)
    raises(OutcomeUnknown, db.set, "n", INCREMENT)
    assert db.get("a") == 1
    raises(FlameletError, db.get, "a")
    assert db.get("a") == 2
    module.check()


# Ctrl-C, and asyncio.


def test_ctrl_c_goes_through_and_the_response_is_closed():
    module = Module(Response(200, KeyboardInterrupt(), {}), ok("2"))
    db = database(module)
    raises(KeyboardInterrupt, db.get, "a")
    assert db.get("a") == 2
    module.check(2)


async def test_awaited_it_does_the_same():
    module = Module(silent(), ok("1"), silent(), ok('{"a":1}'), ok('{"a":{"n":1}}'))
    db = aio.Database(URL, transport=module, timeouts=timeouts())
    await db.set("a", 1)
    assert await db.get("a") == 1
    await db.feed("r", (("n", 0),)).push(5)
    async for found in db.walk("a", "*"):
        assert found == ("a", 1)
    assert await db.query("a").order_by_key().get() == [("a", {"n": 1})]
    module.check(5)


async def test_awaited_two_requests_wait_for_each_other():
    module = Module(*[ok(str(n)) for n in range(5)])
    db = aio.Database(URL, transport=module, timeouts=timeouts())
    assert sorted(await asyncio.gather(*[db.get("a") for _ in range(5)])) == [0, 1, 2, 3, 4]
    module.check(5)
