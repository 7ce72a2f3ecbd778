"""The method override against a scripted server: through a proxy that lets only GET and POST pass."""

from flamelet.errors import OutcomeUnknown, PreconditionFailed

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
        db = database(override=True)
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


def test_a_condition_goes_along_and_is_not_repeated_blindly():
    mismatch = answer("5", "412 Precondition Failed", "ETag: b\r\n")
    with Network([REQUEST, mismatch, REQUEST, b""]) as network:
        db = database(override=True)
        assert raises(PreconditionFailed, lambda: db.delete("n", if_match="a")).value == 5
        raises(OutcomeUnknown, lambda: db.delete("n", if_match="b"))
    assert network.sent[0][0] == overridden("DELETE", "/n.json", "", "If-Match: a")


def test_a_feed_pushes_readings_of_every_length():
    with Network([REQUEST, NO_CONTENT] * 2) as network:
        feed = database(override=True).feed("t", (("x", 0), ("y", 1)))
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


def test_a_redirect_keeps_the_override():
    with Network([REQUEST, redirect("/b.json?ns=x")], [REQUEST, NO_CONTENT]) as network:
        database(override=True).set("a", 1)
    [second] = network.sent[1]
    assert second.startswith(b"POST /b.json?ns=x HTTP/1.1\r\n")
    assert b"\r\nX-HTTP-Method-Override: PUT\r\n" in second and second.endswith(b"\r\n\r\n1")
