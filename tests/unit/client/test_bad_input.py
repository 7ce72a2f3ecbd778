"""Bad input: one clear error that names the thing, nothing sent, and the client usable afterwards."""

import flamelet
from flamelet.errors import FlameletError, InvalidArgument

from helpers import raises
from scripted import NO_CONTENT, REQUEST, Network, answer, database, get

# The tables of cases and their words.
HEAP = "2m"


class Thing:
    pass


def refused(words, function, *args):
    """Check that `function` raises an InvalidArgument that holds all `words`; return the error.

    The words are what was wrong, and what to do.
    """
    error = raises(InvalidArgument, function, *args)
    for word in words:
        assert word in str(error), (word, str(error))
    assert error.status == 0 and not error.retry, error
    return error


def each_is_refused(call, cases):
    """Check that `call(database, value)` is refused for each case, sends nothing, and leaves a client that works.

    `cases`: (value, the words that its error holds).
    """
    with Network([REQUEST, answer("1")]) as network:
        db = database()
        for value, words in cases:
            refused(words, call, db, value)
        assert network.sent == []
        assert db.get("a") == 1
        assert network.sent == [[get("/a.json")]]


def of_key(key):
    """The words of an error about a key: the key itself, of a long one its beginning, and what a key may be."""
    return (repr(key) if len(key) < 20 else repr(key[:20])[:-1], "1 to 768 bytes", ". # $ [ ] /")


# Each path, and the key in it that cannot be.
BAD_PATHS = (
    ("a\r\nX: y", "a\r\nX: y"),
    ("a\nb", "a\nb"),
    ("a\x00", "a\x00"),
    ("a\x1f", "a\x1f"),
    ("a\x7f", "a\x7f"),
    ("a.b", "a.b"),
    ("a/.b", ".b"),
    (".json", ".json"),
    ("a.json", "a.json"),
    ("a/./b", "."),
    ("a/../b", ".."),
    (".info.x", ".info.x"),
    (".priorityx", ".priorityx"),
    ("a#b", "a#b"),
    ("a$b", "a$b"),
    ("a[b", "a[b"),
    ("a]b", "a]b"),
    ("a//b", ""),
    ("k" * 769, "k" * 769),
    ("\u00e9" * 385, "\u00e9" * 385),
    ("\U0001f600" * 193, "\U0001f600" * 193),
    ("\ud800", "\ud800"),
    ("a/\udfffb", "\udfffb"),
)
NO_PATHS = [(value, ("path", "str", repr(value))) for value in (None, 1, b"a")]


def test_a_path_that_cannot_be_is_refused_by_every_verb():
    for call in (
        lambda db, path: db.get(path),
        lambda db, path: db.set(path, 1),
        lambda db, path: db.push(path, 1),
        lambda db, path: db.update(path, {"a": 1}),
        lambda db, path: db.update("a", {path: 1}),
        lambda db, path: db.delete(path),
        lambda db, path: db.listen(path),
        lambda db, path: db.feed(path, (("a", 0),)),
        lambda db, path: db.walk(path, "*"),
        lambda db, path: db.walk("a", path),
        lambda db, path: db.mirror(path),
        lambda db, path: db.query(path),
        lambda db, path: db.query("a").order_by_child(path),
        lambda db, path: db.get_if_changed(path, "e"),
        lambda db, path: db.set_if_unchanged(path, "e", 1),
        lambda db, path: db.transaction(path, lambda value: value),
    ):
        each_is_refused(call, [(path, of_key(key)) for path, key in BAD_PATHS])
        each_is_refused(call, NO_PATHS)


def test_the_key_that_cannot_be_is_named():
    with Network():
        refused(of_key("b.c"), database().get, "a/b.c")
        refused(of_key("k" * 769), database().get, "k" * 769)
        refused(of_key("k" * 769), database().set, "a", {"k" * 769: 1})


def test_keys_and_paths_that_may_be_are_sent():
    with Network([REQUEST, answer("1")] * 7) as network:
        db = database()
        for path in (
            "a/.priority",
            ".settings/rules",
            ".info/connected",
            "k" * 768,
            "\u00e9" * 384,
            " a ",
            "\u20ac'\"<>",
        ):
            assert db.get(path) == 1
    assert network.sent[0][:3] == [get("/a/.priority.json"), get("/.settings/rules.json"), get("/.info/connected.json")]
    assert network.sent[0][5:] == [get("/%20a%20.json"), get("/%E2%82%AC%27%22%3C%3E.json")]


def of_type(value):
    """The words of an error about a value of a type that JSON does not have."""
    return ("JSON cannot hold", type(value).__name__, repr(value))


def of_key_type(key):
    return ("a key is a str", type(key).__name__, repr(key))


HALF = ("half a surrogate pair", "string")
BAD_VALUES = [
    (float("nan"), ("nan", "send None")),
    (float("inf"), ("inf", "send None")),
    (float("-inf"), ("-inf", "send None")),
    ("\ud800", HALF),
    ({"a": "x\udc00y"}, HALF),
]
BAD_VALUES += [(value, of_type(value)) for value in (b"bytes", bytearray(b"x"), Thing(), Thing, {1, 2}, 1j)]
BAD_VALUES += [({key: 2}, of_key_type(key)) for key in (1, None, b"a")]
BAD_VALUES += [({key: 1}, of_key(key)) for key in ("a.b", "a/b", "a\n", "$a", "", "k" * 769, "\ud800")]


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_value_that_json_cannot_hold_is_refused_wherever_it_stands():
    for call in (
        lambda db, value: db.set("a", value),
        lambda db, value: db.push("a", value),
        lambda db, value: db.update("a", {"b": value}),
    ):
        for wrap in (lambda value: value, lambda value: [1, value], lambda value: {"x": {"y": (value,)}}):
            each_is_refused(call, [(wrap(value), words) for value, words in BAD_VALUES])
    levels = ("nested", "32 levels")
    each_is_refused(lambda db, value: db.set("a", value), [(deep(33), levels), (deep(500), levels)])


NAN = float("nan")
# What the service refuses is refused here, with the reason; and beside it the nearest that is sent.
REFUSED = (
    (lambda db: db.query("n").order_by_key().get(shallow=True), "Mixing 'shallow' and querying parameters"),
    (lambda db: db.query("n").order_by_key().order_by_value(), "orderBy cannot be combined with orderBy"),
    (lambda db: db.query("n").order_by_key().limit_to_first(0), "limitToFirst must be a positive integer, not 0"),
    (lambda db: db.query("n").order_by_key().limit_to_last(0), "limitToLast must be a positive integer, not 0"),
    (lambda db: db.query("n").order_by_key().start_at("a").equal_to("b"), "equalTo cannot be combined with startAt"),
    (lambda db: db.query("n").order_by_key().start_at(NAN), "JSON cannot hold nan"),
    (lambda db: db.get("n", orderBy="$key"), "not orderBy='$key'"),
    (lambda db: db.get("n", timeout="5"), "a number and a unit"),
    (lambda db: db.get("n", timeout="5h"), "a number and a unit"),
    (lambda db: db.get("n", timeout="-1s"), "a number and a unit"),
    (lambda db: db.get("n", timeout="16min"), "at most 15min"),
    (lambda db: db.get("n", timeout="0s"), "not '0s'"),
    (lambda db: db.query("n").order_by_key().get(timeout="5h"), "a number and a unit"),
    (lambda db: db.set("n", {"a": [{"b": {"c.d": 1}}]}), "c.d"),
    (lambda db: db.push("n", {"a": [{"b": {"c/d": 1}}]}), "c/d"),
    (lambda db: db.update("n", {"a": {"b": {"c": {"": 1}}}}), "the key '' is not valid"),
    (lambda db: db.set("n", {"a": [{"b": NAN}]}), "JSON cannot hold nan"),
    (lambda db: db.update("n", {"a/b": [float("-inf")]}), "JSON cannot hold -inf"),
    (lambda db: db.get("a/" + "k" * 769), "768 bytes"),
    (lambda db: db.set("n", {"a": {"\u00e9" * 385: 1}}), "768 bytes"),
    (lambda db: db.update("n", {"a/" + "k" * 769: 1}), "768 bytes"),
    (lambda db: db.set("n", deep(33)), "more than 32 levels"),
    (lambda db: db.push("n", {"a": deep(32)}), "more than 32 levels"),
    (lambda db: db.update("n", {"a": deep(33)}), "more than 32 levels"),
    (lambda db: db.update("n", {"a": 1, "a/b": 2}), "paths that do not overlap: /a holds /a/b"),
    (lambda db: db.set("n", {"a": [{".sv": "now"}]}), "no server value"),
    (lambda db: db.update("n", {"a": {".value": 1, ".priority": {".sv": {"multiply": 2}}}}), "no server value"),
    (lambda db: db.get("n", if_match="e"), "not if_match='e'"),
    (lambda db: db.update("n", {"a": 1}, if_match="e"), "no conditions and ETags for an update"),
    (lambda db: db.update("n", {"a": 1}, etag=True), "no conditions and ETags for an update"),
    (lambda db: db.push("n", 1, if_match="e"), "a push has no condition"),
    (lambda db: db.push("n", 1, server_key=True, if_match="e"), "a push has no condition"),
)
ACCEPTED = (
    lambda db: db.get("n", shallow=True),
    lambda db: db.query("n").order_by_key().limit_to_first(1).start_at("a").get(timeout="15min"),
    lambda db: db.get("n", timeout="3ms", format="export"),
    lambda db: db.set("n", {"k" * 768: {"\u00e9" * 384: 1}}),
    lambda db: db.update("n", {"a/" + "k" * 768: 1, "a/b": deep(32), "ab": 1}),
    lambda db: db.set("n", deep(32)),
    lambda db: db.set("n", {"a": [{".value": 1, ".priority": {".sv": {"increment": 2}}}]}),
    lambda db: db.set("n", 1, if_match="e"),
    lambda db: db.delete("n", if_match="e"),
)


def test_what_the_service_would_refuse_is_refused_with_the_reason_and_not_sent():
    with Network([REQUEST, answer("1")]) as network:
        db = database()
        for call, reason in REFUSED:
            refused((reason,), call, db)
        assert network.sent == []
        assert db.get("well") == 1


def test_what_a_transaction_makes_is_refused_before_it_is_written():
    with Network([REQUEST, answer("1", headers="ETag: e\r\n"), REQUEST, answer("2")]) as network:
        db = database()
        refused(("JSON cannot hold nan",), db.transaction, "n", lambda value: {"a": [NAN]})
        assert db.get("well") == 2
    assert [request.split(b" ")[:2] for request in network.sent[0]] == [[b"GET", b"/n.json"], [b"GET", b"/well.json"]]


def test_what_comes_nearest_to_a_refusal_is_sent():
    with Network([REQUEST, answer("null")] * len(ACCEPTED)) as network:
        db = database()
        for call in ACCEPTED:
            call(db)
    assert len(network.sent[0]) == len(ACCEPTED)


def test_values_that_json_can_hold_are_sent():
    with Network([REQUEST, NO_CONTENT] * 9) as network:
        db = database()
        for value in (
            None,
            True,
            -0.5,
            '\x00\x1f\u2028"\\/',
            (1, [2]),
            {".value": 1},
            {".priority": 1},
            {".sv": "timestamp"},
            1 << 62,
        ):
            db.set("a", value)
    bodies = [request.split(b"\r\n\r\n")[1] for request in network.sent[0]]
    assert bodies[0] == b"null" and bodies[1] == b"true" and bodies[2] == b"-0.5" and bodies[4] == b"[1,[2]]"
    assert bodies[5:] == [b'{".value":1}', b'{".priority":1}', b'{".sv":"timestamp"}', b"4611686018427387904"]


def test_no_bare_control_character_is_ever_in_a_value():
    with Network([REQUEST, NO_CONTENT]) as network:
        database().set("a", "".join([chr(i) for i in range(32)]) + "\r\n\r\nGET / HTTP/1.1")
    body = network.sent[0][0].split(b"\r\n\r\n", 1)[1]
    assert not any(byte < 32 for byte in body), body


def test_an_integer_of_any_size_is_sent_or_refused_by_one_of_our_errors():
    with Network([REQUEST, NO_CONTENT]) as network:
        try:
            database().set("a", 10**30)
        except InvalidArgument:
            network.scripts[:] = []
        else:
            assert network.sent[0][0].endswith(b"\r\n\r\n1" + b"0" * 30)


def test_update_takes_a_dict_with_keys():
    cases = [(values, ("update", "dict", repr(values))) for values in ({}, None, [], "x", [("a", 1)])]
    cases += [({key: 1}, ("update", "below its path", repr(key))) for key in ("", "/")]
    cases += [({key: 1}, ("path", "str", repr(key))) for key in (1, None)]
    each_is_refused(lambda db, values: db.update("a", values), cases)


def test_push_of_none_is_refused():
    each_is_refused(lambda db, value: db.push("a", value), [(None, ("push", "None", "under a new key"))])


NO_TEXTS = ("", None, 1, b"https://a.firebaseio.com")
NO_URLS = (
    "demo.firebaseio.com",
    "//demo.firebaseio.com",
    "ftp://demo.firebaseio.com",
    "https://",
    "https:///a",
    "https://demo.firebaseio.com:0",
    "https://demo.firebaseio.com:65536",
    "https://demo.firebaseio.com:port",
    "https://demo.firebaseio.com:-1",
)
IN_THE_CLEAR = (
    "http://demo.firebaseio.com",
    "http://192.168.0.1",
    "http://localhost.example.com",
    "http://127.evil.com",
)
BAD_URLS = [
    # The name and the password before the host are not shown.
    ("https://user:password@demo.firebaseio.com", ("'demo.firebaseio.com'", "https://host:port/path")),
    ("https://user@demo.firebaseio.com", ("'demo.firebaseio.com'", "https://host:port/path")),
    ("https://a b.firebaseio.com", ("the URL", repr(" "), "remove it")),
    ("https://demo.firebaseio.com\r\nX: y", ("the URL", repr("\r"), "remove it")),
    ("https://demo.firebaseio.com/\n", ("the URL", repr("\n"), "remove it")),
    ("https://demo.firebaseio.com/?ns=\x00", ("the URL", repr("\x00"), "remove it")),
    ("https://d\u00e9mo.firebaseio.com", ("the URL", repr("\u00e9"), "remove it")),
]
BAD_URLS += [(url, ("the URL", "str", "not empty", type(url).__name__)) for url in NO_TEXTS]
BAD_URLS += [(url, (repr(url), "https://host:port/path")) for url in NO_URLS]
BAD_URLS += [(url, (repr(url), "in the clear", "use https://", "insecure=True")) for url in IN_THE_CLEAR]


def test_a_url_that_cannot_be_is_refused():
    with Network():
        for url, words in BAD_URLS:
            error = refused(words, flamelet.Database, url)
            assert "password" not in str(error), error


def test_a_url_in_the_clear_needs_a_word():
    with Network([REQUEST, answer("1")], [REQUEST, answer("2")], [REQUEST, answer("3")]) as network:
        assert flamelet.Database("http://192.168.0.1", insecure=True).get("a") == 1
        assert flamelet.Database("HTTP://LOCALHOST:80").get("a") == 2
        assert flamelet.Database("http://[::1]:9000").get("a") == 3
        assert network.verified == []
    assert [request for [request] in network.sent] == [
        get("/a.json", "192.168.0.1"),
        get("/a.json", "localhost"),
        get("/a.json", "[::1]:9000"),
    ]


BAD_TOKENS = [
    ("a b", ("the token", repr(" "), "remove it")),
    ("a\r\nX: y", ("the token", repr("\r"), "remove it")),
    ("a\n", ("the token", repr("\n"), "remove it")),
    ("a\x00", ("the token", repr("\x00"), "remove it")),
    ("\u00e9", ("the token", repr("\u00e9"), "remove it")),
    ("\ud800", ("the token", repr("\ud800"), "remove it")),
    ("a.b", ("neither an ID token", "OAuth2", "database_secret", "Token.load")),
    ("neither", ("neither an ID token", "OAuth2", "database_secret", "Token.load")),
    ("a.b.c", ("the id_token", "JWT")),
]
BAD_TOKENS += [(token, ("the token", "str", "not empty", type(token).__name__)) for token in ("", 1, b"token", ["a"])]


def test_a_token_that_cannot_be_is_refused_and_not_shown():
    for token, words in BAD_TOKENS:
        refused(words, flamelet.Token, token)
        if token:
            refused(words, flamelet.Database, "https://demo.firebaseio.com", token)
    error = refused(("the token", repr("\n"), "remove it"), flamelet.Token, "very-secret\n")
    assert "very-secret" not in str(error)
    assert "very-secret" not in repr(flamelet.Token("ya29.very-secret"))


def test_a_token_file_that_cannot_be_read_is_named():
    for name in ("/nowhere/token.json", "lib"):
        refused((name, "cannot be read", "flamelet mint"), flamelet.Token.load, name)


def test_a_certificate_file_that_cannot_be_read_is_named():
    from flamelet.net import tls as _tls

    with Network([]):
        _tls._contexts.clear()
        error = raises(FlameletError, flamelet.Database("https://demo.firebaseio.com", ca="/nowhere/ca.pem").get, "a")
        assert "/nowhere/ca.pem" in str(error), error


FIELDS = ("a feed has fields", "a name of its own", '("temp", 1)')
NO_FIELDS = (
    ("temp",),
    ("temp", 1, 2),
    ("temp", "1"),
    ("temp", -1),
    ("temp", 10),
    ("temp", 1.5),
    ("temp", None),
    (1, 1),
    (None, 1),
    (b"temp", 1),
    ('a"b', 1),
    ("a\\b", 1),
)


def of_field(field):
    return (repr(field), "(name, decimals)", "a key without quotes", "0 to 9")


BAD_FIELDS = [(fields, FIELDS) for fields in ((), None, 1, "temp", (("a", 0), ("a", 1)))]
BAD_FIELDS += [(("temp", 1), of_field("temp"))]
BAD_FIELDS += [((field,), of_field(field)) for field in NO_FIELDS]
BAD_FIELDS += [(((name, 1),), of_key(name)) for name in ("", "a.b", "a/b", "a\n", "k" * 769, "\ud800")]


def test_fields_that_cannot_be_are_refused():
    each_is_refused(lambda db, fields: db.feed("t", fields), BAD_FIELDS)


def test_a_reading_that_cannot_be_is_refused_and_the_feed_goes_on():
    wrong = (float("nan"), float("inf"), -float("inf"), 1e300, "1", b"1", [1], {}, Thing(), 1j, 1 << 64, -(1 << 64))
    with Network([REQUEST, NO_CONTENT] * 3) as network:
        feed = database().feed("t", (("a", 1), ("b", 0)))
        for is_open in (False, True):
            for value in wrong:
                for row in ((value, 1), (1, value)):
                    words = (repr(value), "a number of at most 64 bits, a bool or None")
                    refused(words, feed.push, *row)
                    refused(words, feed.push_row, row)
                    refused(words, feed.push_many, [(1, 1), row])
                    assert not feed.pending
            feed.push(1, is_open)
        feed.push(2, 3)
        assert len(network.sent) == 1 and len(network.sent[0]) == 3


def test_the_wrong_number_of_values_is_refused_and_the_feed_goes_on():
    words = ("2 values", "one for each field")
    with Network([REQUEST, NO_CONTENT] * 2) as network:
        feed = database().feed("t", (("a", 1), ("b", 0)))
        for _ in range(2):
            for row in ((1,), (1, 2, 3), (1, 2, 3, 4, 5, 6)):
                refused(words, feed.push, *row)
                refused(words, feed.push_row, row)
                refused(words, feed.push_many, [row])
            refused(words, feed.push_row, ())
            assert not feed.pending
            feed.push(1, 2)
        assert len(network.sent[0]) == 2


def test_more_fields_than_push_takes_go_through_push_row():
    fields = tuple([("f%d" % i, 0) for i in range(8)])
    with Network([REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", fields)
        refused(("8 values", "one for each field"), feed.push, 1, 2, 3, 4, 5, 6)
        feed.push_row([1, 2, 3, 4, 5, 6, 7, 8])
    assert network.sent[0][0].endswith(b'{"f0":1,"f1":2,"f2":3,"f3":4,"f4":5,"f5":6,"f6":7,"f7":8}')


def test_nothing_is_repeated_where_nothing_is_pending():
    with Network([REQUEST, NO_CONTENT]):
        words = ("nothing is pending", "arrived, or was refused")
        feed = database().feed("t", (("a", 0),))
        refused(words, feed.repeat)
        feed.push(1)
        refused(words, feed.repeat)
