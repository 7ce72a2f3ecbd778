"""The method override against a scripted server: through a proxy that lets only GET and POST pass."""

from flamelet.errors import InvalidArgument, OutcomeUnknown, PreconditionFailed

from helpers import raises
from scripted import HOST, NO_CONTENT, REQUEST, Network, answer, database, get, put, redirect

HEAP = "1m"


def overridden(method, target, body, *lines):
    """The request as a POST that names its method."""
    host = b"Host: %s\r\n" % HOST.encode()
    lines = ("X-HTTP-Method-Override: " + method,) + lines
    return put(target, body, method="POST").replace(host, host + b"".join([line.encode() + b"\r\n" for line in lines]))


def test_every_method_but_get_and_post_is_named_in_a_header():
    script = [REQUEST, answer("1")] + [REQUEST, NO_CONTENT] * 2 + [REQUEST, answer("null")]
    script += [REQUEST, answer('{"name":"k"}')]
    with Network(script) as network:
        db = database(override="header")
        assert db.get("a") == 1
        db.set("a", 1)
        db.update("a", {"b": 2})
        db.delete("a")
        assert db.push("a", 3, server_key=True) == "k"
    assert network.sent == [
        [
            get("/a.json"),
            overridden("PUT", "/a.json?print=silent", "1"),
            overridden("PATCH", "/a.json?print=silent", '{"b":2}'),
            overridden("DELETE", "/a.json", ""),
            put("/a.json", "3", method="POST"),
        ]
    ]


def test_every_method_but_get_and_post_is_named_in_a_parameter():
    script = [REQUEST, answer("1")] + [REQUEST, NO_CONTENT] * 2 + [REQUEST, answer("null")]
    with Network(script + [REQUEST, answer('{"name":"k"}')]) as network:
        db = database(override="parameter")
        assert db.get("a") == 1
        db.set("a", 1)
        db.update("a", {"b": 2})
        db.delete("a")
        assert db.push("a", 3, server_key=True) == "k"
    assert network.sent == [
        [
            get("/a.json"),
            put("/a.json?print=silent&x-http-method-override=PUT", "1", method="POST"),
            put("/a.json?print=silent&x-http-method-override=PATCH", '{"b":2}', method="POST"),
            put("/a.json?x-http-method-override=DELETE", "", method="POST"),
            put("/a.json", "3", method="POST"),
        ]
    ]


def test_what_names_the_method_is_a_header_or_a_parameter():
    db = database(override="cookie")
    assert '"header" or "parameter"' in str(raises(InvalidArgument, db.set, "a", 1))
    raises(InvalidArgument, db.feed, "t", (("x", 0),))


def test_a_condition_goes_along_and_is_not_repeated_blindly():
    mismatch = answer("5", "412 Precondition Failed", "ETag: b\r\n")
    with Network([REQUEST, mismatch, REQUEST, b""]) as network:
        db = database(override="header")
        assert raises(PreconditionFailed, lambda: db.delete("n", if_match="a")).value == 5
        raises(OutcomeUnknown, lambda: db.delete("n", if_match="b"))
    assert network.sent[0][0] == overridden("DELETE", "/n.json", "", "If-Match: a")


def test_a_feed_pushes_readings_of_every_length():
    with Network([REQUEST, NO_CONTENT] * 2) as network:
        feed = database(override="header").feed("t", (("x", 0), ("y", 1)))
        sent = []
        for row in ((1, 2.5), (-1000, 30.5)):
            feed.push(*row)
            sent.append((feed.key, row))
    assert len(network.sent[0]) == 2
    for i in range(2):
        request = network.sent[0][i]
        key, (x, y) = sent[i]
        body = '{"x":%d,"y":%.1f}' % (x, y)
        head, _, rest = request.partition(b"\r\n\r\n")
        assert rest.decode() == body
        assert head.startswith(("POST /t/%s.json?print=silent HTTP/1.1\r\nHost: %s\r\n" % (key, HOST)).encode())
        assert b"\r\nX-HTTP-Method-Override: PUT\r\nContent-Length:" in head
        assert int(head.rsplit(b":", 1)[1]) == len(body)


def test_a_feed_names_its_method_in_a_parameter():
    with Network([REQUEST, NO_CONTENT]) as network:
        feed = database(override="parameter", token={"database_secret": "t"}).feed("t", (("x", 0),))
        feed.push(1)
    target = "/t/%s.json?print=silent&auth=t&x-http-method-override=PUT" % feed.key
    assert network.sent[0][0].startswith(("POST %s HTTP/1.1\r\nHost: %s\r\n" % (target, HOST)).encode())


def test_a_redirect_keeps_the_parameter_that_names_the_method():
    for location in ("/b.json?ns=x", "/b.json?ns=x&x-http-method-override=PUT"):
        with Network([REQUEST, redirect(location)], [REQUEST, NO_CONTENT]) as network:
            database(override="parameter").set("a", 1)
        [second] = network.sent[1]
        assert second.startswith(b"POST /b.json?ns=x&x-http-method-override=PUT HTTP/1.1\r\n"), second


def test_a_redirect_keeps_the_override():
    with Network([REQUEST, redirect("/b.json?ns=x")], [REQUEST, NO_CONTENT]) as network:
        database(override="header").set("a", 1)
    [second] = network.sent[1]
    assert second.startswith(b"POST /b.json?ns=x HTTP/1.1\r\n")
    assert b"\r\nX-HTTP-Method-Override: PUT\r\n" in second and second.endswith(b"\r\n\r\n1")
