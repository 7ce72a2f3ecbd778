"""Redirects against a scripted server: where a request goes, with what, and where it must not go."""

import flamelet
from flamelet.errors import NetworkError, OutcomeUnknown, ProtocolError

from helpers import raises
from scripted import HOST, NO_CONTENT, REQUEST, Network, answer, database, get, put, redirect, refused

NODE = "s-usc1c-nss-201.firebaseio.com"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"
SNAPSHOT = b'event: put\ndata: {"path":"/","data":1}\n\n'


def moved(path, query="ns=demo", host=NODE, status="307 Temporary Redirect"):
    return redirect("https://%s%s?%s" % (host, path, query), status)


def test_307_and_308_keep_method_body_and_token():
    for status in ("307 Temporary Redirect", "308 Permanent Redirect"):
        with Network([REQUEST, moved("/a.json", status=status)], [REQUEST, NO_CONTENT]) as network:
            database(token={"database_secret": "secret"}).set("a", {"b": 1})
        assert network.sent == [
            [put("/a.json?print=silent&auth=secret", '{"b":1}')],
            [put("/a.json?ns=demo&auth=secret", '{"b":1}', NODE)],
        ]
        assert network.connected == [(HOST, 443), (NODE, 443)]
        assert network.verified == [HOST, NODE]


def test_a_patch_and_a_delete_are_redirected_as_they_are():
    with Network(
        [REQUEST, moved("/a.json")], [REQUEST, NO_CONTENT], [REQUEST, moved("/a.json")], [REQUEST, NO_CONTENT]
    ) as network:
        db = database()
        db.update("a", {"n": {".sv": {"increment": 1}}})
        db.delete("a")
    assert network.sent[1] == [put("/a.json?ns=demo", '{"n":{".sv":{"increment":1}}}', NODE, "PATCH")]
    assert network.sent[3] == [("DELETE /a.json?ns=demo HTTP/1.1\r\nHost: %s\r\n\r\n" % NODE).encode()]


def test_a_token_that_the_target_has_already_is_not_added_twice():
    with Network([REQUEST, moved("/a.json", "ns=demo&auth=secret")], [REQUEST, answer("1")]) as network:
        assert database(token={"database_secret": "secret"}).get("a") == 1
    assert network.sent[1] == [get("/a.json?ns=demo&auth=secret", NODE)]


def test_the_token_is_added_where_the_target_has_no_query():
    with Network([REQUEST, redirect("https://%s/a.json" % NODE)], [REQUEST, answer("1")]) as network:
        database(token={"database_secret": "secret"}).get("a")
    assert network.sent[1] == [get("/a.json?auth=secret", NODE)]


def test_the_next_request_begins_at_the_original_host():
    with Network([REQUEST, moved("/a.json")], [REQUEST, answer("1")], [REQUEST, answer("2")]) as network:
        db = database()
        assert db.get("a") == 1
        assert network.closed == [True, True]
        assert db.get("a") == 2
    assert network.connected == [(HOST, 443), (NODE, 443), (HOST, 443)]
    assert network.sent[2] == [get("/a.json")]


def test_a_get_follows_every_kind_of_redirect():
    for status in (
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ):
        with Network([REQUEST, moved("/b.json", status=status)], [REQUEST, answer("1")]) as network:
            assert database().get("a") == 1
        assert network.sent[1] == [get("/b.json?ns=demo", NODE)]


def test_301_to_303_refuse_a_write():
    for status in ("301 Moved Permanently", "302 Found", "303 See Other"):
        for call in (
            lambda db: db.set("a", 1),
            lambda db: db.push("a", 1),
            lambda db: db.update("a", {"b": 1}),
            lambda db: db.delete("a"),
            lambda db: db.feed("a", (("b", 0),)).push(1),
        ):
            with Network([REQUEST, moved("/b.json", status=status)], [REQUEST, answer("1")]) as network:
                db = database()
                error = raises(ProtocolError, call, db)
                assert status[:3] in str(error), error
                assert network.connected == [(HOST, 443)]
                db.close()
                assert db.get("a") == 1


def test_a_relative_redirect_stays_at_its_host():
    for status in ("302 Found", "307 Temporary Redirect"):
        with Network([REQUEST, redirect("/b.json?x=1", status)], [REQUEST, answer("1")]) as network:
            assert database().get("a") == 1
        assert network.connected == [(HOST, 443), (HOST, 443)]
        assert network.sent[1] == [get("/b.json?x=1")]


def test_five_redirects_are_followed_and_a_sixth_is_refused():
    hops = [[REQUEST, moved("/%d.json" % i)] for i in range(5)]
    with Network(*(hops + [[REQUEST, answer("1")]])) as network:
        assert database().get("a") == 1
    assert len(network.sent) == 6
    with Network(*([[REQUEST, moved("/a.json")]] * 6)) as network:
        error = raises(ProtocolError, database().set, "a", 1)
        assert "5" in str(error) and "redirect" in str(error), error
    assert len(network.sent) == 6


def test_from_https_to_http_is_refused():
    for target in ("http://%s/a.json" % NODE, "http://127.0.0.1/a.json"):
        for options in ({}, {"insecure": True}):
            with Network([REQUEST, redirect(target)]) as network:
                raises(ProtocolError, database(token={"database_secret": "secret"}, **options).get, "a")
            assert len(network.sent) == 1


def test_a_foreign_site_is_refused_and_sees_no_token():
    for host in (
        "example.com",
        "firebaseio.com.example.com",
        "evilfirebaseio.com",
        "demo.firebaseio.com.evil.org",
        "firebaseio.com@example.com",
        "demo.firebaseio.com:443@example.com",
        "",
    ):
        with Network([REQUEST, moved("/a.json", host=host)]) as network:
            raises(ProtocolError, database(token={"database_secret": "secret"}).get, "a")
        assert len(network.sent) == 1


def test_the_two_domains_of_the_service_are_one_site():
    other = "demo.europe-west1.firebasedatabase.app"
    with Network([REQUEST, moved("/a.json", host=other)], [REQUEST, answer("1")]) as network:
        assert database(token={"database_secret": "secret"}).get("a") == 1
    assert network.sent[1] == [get("/a.json?ns=demo&auth=secret", other)]
    with Network([REQUEST, moved("/a.json")], [REQUEST, answer("1")]) as network:
        assert flamelet.Database("https://" + other, {"database_secret": "secret"}).get("a") == 1
    assert network.connected == [(other, 443), (NODE, 443)]


def test_another_port_of_the_same_host_is_the_same_site():
    with Network([REQUEST, redirect("http://127.0.0.1:9001/a.json")], [REQUEST, answer("1")]) as network:
        assert flamelet.Database("http://127.0.0.1:9000").get("a") == 1
    assert network.connected == [("127.0.0.1", 9000), ("127.0.0.1", 9001)]
    assert network.sent[1] == [get("/a.json", "127.0.0.1:9001")]


def test_a_location_that_cannot_be_is_refused():
    for location in (
        "",
        "nowhere",
        "ftp://x/",
        "https://",
        "https://a b/",
        "https://%s:99999/" % NODE,
        "https://\u00e9.firebaseio.com/",
    ):
        script = b"HTTP/1.1 307 T\r\nLocation: " + location.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        with Network([REQUEST, script]) as network:
            raises(ProtocolError, database().get, "a")
        assert len(network.sent) == 1
    with Network([REQUEST, b"HTTP/1.1 307 T\r\nContent-Length: 0\r\n\r\n"]):
        raises(ProtocolError, database().get, "a")


def test_the_body_of_a_redirect_is_skipped():
    page = (
        b"HTTP/1.1 307 T\r\nLocation: https://"
        + NODE.encode()
        + b"/a.json\r\nContent-Length: 2000\r\n\r\n"
        + b"x" * 2000
    )
    with Network([REQUEST, page], [REQUEST, answer("1")]):
        assert database().get("a") == 1


def test_a_redirect_target_that_fails_leaves_the_client_at_its_own_host():
    with Network([REQUEST, moved("/n.json")], [REQUEST, b""], [REQUEST, answer("1")]) as network:
        db = database()
        raises(OutcomeUnknown, db.set, "n", {".sv": {"increment": 1}})
        assert db.get("a") == 1
    assert network.connected[2] == (HOST, 443)
    with Network([REQUEST, moved("/n.json")], [refused()], [refused()], [REQUEST, answer("1")]) as network:
        db = database()
        raises(NetworkError, db.get, "n")
        network.scripts[:-1] = []
        assert db.get("a") == 1
    assert network.connected[-1] == (HOST, 443)


def test_an_answer_that_the_target_lost_is_asked_for_again():
    with Network([REQUEST, moved("/a.json")], [REQUEST, b""], [REQUEST, answer("1")]) as network:
        assert database(token={"database_secret": "secret"}).get("a") == 1
    assert network.sent[1] == network.sent[2] == [get("/a.json?ns=demo&auth=secret", NODE)]


def test_a_feed_follows_a_redirect_with_its_reading():
    # On the hot path the place is not read: the reading is sent once more, under its key, to be told again.
    script = [REQUEST, NO_CONTENT, REQUEST, moved("/t.json"), REQUEST, moved("/t.json")]
    with Network(script, [REQUEST, NO_CONTENT], [REQUEST, NO_CONTENT]) as network:
        feed = database(token={"database_secret": "secret"}).feed("t", (("a", 0),))
        feed.push(1)
        feed.push(2)
        assert not feed.pending
        feed.push(3)
    assert network.sent[0][1] == network.sent[0][2]
    assert network.sent[1] == [_padded("/t.json?ns=demo&auth=secret", '{"a":2}', NODE)]
    assert network.sent[2] == [_padded("/t/%s.json?print=silent&auth=secret" % feed.key, '{"a":3}', HOST)]


def _padded(target, body, host):
    return put(target, body, host).replace(b"Content-Length: %d\r" % len(body), b"Content-Length:%-6d\r" % len(body))


def test_a_stream_stays_at_its_redirect_host_until_the_reconnect():
    network = Network(
        [REQUEST, moved("/a.json", "ns=demo&sse=true")],
        [REQUEST, STREAM, SNAPSHOT, SNAPSHOT, b""],
        [REQUEST, moved("/a.json", "ns=demo&sse=true")],
        [REQUEST, STREAM, SNAPSHOT],
    )
    with network, database(token={"database_secret": "secret"}).listen("a") as stream:
        assert [stream.next().snapshot for _ in range(3)] == [True, False, True]
        assert stream.reconnects == 1
    begin = ("GET /a.json?auth=secret HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n" % HOST).encode()
    then = "GET /a.json?ns=demo&sse=true&auth=secret HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n" % NODE
    assert network.sent == [[begin], [then.encode()], [begin], [then.encode()]]
    assert network.connected == [(HOST, 443), (NODE, 443), (HOST, 443), (NODE, 443)]


def test_a_stream_that_is_redirected_for_ever_or_elsewhere_is_refused():
    with Network(*([[REQUEST, moved("/a.json")]] * 6)):
        raises(ProtocolError, database().listen("a").next)
    with Network([REQUEST, moved("/a.json", host="example.com")], [REQUEST, STREAM, SNAPSHOT]) as network:
        stream = database(token={"database_secret": "secret"}).listen("a")
        raises(ProtocolError, stream.next)
        assert stream.next(3000).data == 1
    assert network.connected == [(HOST, 443), (HOST, 443)]
