"""Queries: the order that the service gives, what is sent, and what is refused before anything is sent."""

from flamelet.errors import InvalidArgument
from flamelet.rtdb import ordering

from helpers import raises
from scripted import REQUEST, Network, answer, database, get

HEAP = "1m"
ORDERED = [
    ("n", None),
    ("f", False),
    ("t", True),
    ("m", -1.5),
    ("z", 0),
    ("i", 7),
    ("e", ""),
    ("s", "a"),
    ("u", "\U0001f525"),
    ("v", "\uffee"),
    ("a", {"x": 1}),
    ("b", [1]),
]


def test_values_are_ordered_by_type_and_then_by_value():
    content = {key: value for key, value in reversed(ORDERED)}
    assert ordering.rows(content, "$value") == ORDERED
    # The child that is missing is null.
    children = {key: {"c": {"d": value}} for key, value in reversed(ORDERED)}
    children["missing"] = 5
    assert [key for key, _ in ordering.rows(children, "c/d")] == ["missing"] + [key for key, _ in ORDERED]


def test_ties_are_ordered_by_key():
    assert [key for key, _ in ordering.rows({"b": 1, "10": 1, "a": 1, "9": 1}, "$value")] == ["9", "10", "a", "b"]


def test_keys_that_are_whole_numbers_of_32_bits_come_first():
    keys = ["-2147483648", "-5", "0", "1", "01", "001", "9", "10", "2147483647"]
    keys += ["-", "-2147483649", "1.5", "2147483648", "99999999999", "A", "a", "\U0001f525", "\uffee"]
    assert [key for key, _ in ordering.rows({key: True for key in reversed(keys)}, "$key")] == keys


def test_an_answer_that_is_an_array_has_its_indices_as_keys():
    assert ordering.rows([None, "b", None, "a"], "$key") == [("1", "b"), ("3", "a")]
    assert ordering.rows([None, "b", None, "a"], "$value") == [("3", "a"), ("1", "b")]
    rows = ordering.rows({"x": [5, {"y": 1}], "w": [5, {"y": 0}]}, "1/y")
    assert rows == [("w", [5, {"y": 0}]), ("x", [5, {"y": 1}])]


def test_what_has_no_children_has_no_rows():
    assert ordering.rows(None, "$key") == ordering.rows(5, "$value") == []


def test_priorities_put_in_order_and_are_not_shown():
    content = {
        "s": {".value": 1, ".priority": "x"},
        "n": {".value": 2, ".priority": 5},
        "none": 3,
        "o": {"a": {".value": 1, ".priority": 9}, "b": [{".value": 2, ".priority": 1}], ".priority": -1},
        ".priority": 3,
    }
    assert ordering.rows(content, "$priority") == [("none", 3), ("o", {"a": 1, "b": [2]}), ("n", 2), ("s", 1)]


def test_a_query_is_sent_as_the_document_has_it():
    with Network([REQUEST, answer('{"b":{"h":4},"a":{"h":3}}')] * 3 + [REQUEST, answer("null")] * 2) as network:
        db = database(token="ya29.x")
        rows = db.query("dinos").order_by_child("h").start_at(3).limit_to_first(2).get()
        assert rows == [("a", {"h": 3}), ("b", {"h": 4})]
        db.query("dinos").order_by_key().start_after("a").end_before("c").get()
        db.query("dinos").order_by_value().end_at("\u00e9\"", "k").limit_to_last(1).get()
        assert db.query("dinos").order_by_priority().equal_to(None).get() == []
        db.query("dinos").order_by_child("a b/c").start_at(True, "k").get()
    token = "&access_token=ya29.x"
    assert network.sent == [
        [
            get("/dinos.json?limitToFirst=2&orderBy=%22h%22&startAt=3" + token),
            get("/dinos.json?endBefore=%22c%22&orderBy=%22%24key%22&startAfter=%22a%22" + token),
            get("/dinos.json?endAt=%22%C3%A9%5C%22%22%2C%22k%22&limitToLast=1&orderBy=%22%24value%22" + token),
            get("/dinos.json?equalTo=null&orderBy=%22%24priority%22&format=export" + token),
            get("/dinos.json?orderBy=%22a%20b%2Fc%22&startAt=true%2C%22k%22" + token),
        ]
    ]


def test_a_query_can_be_listened_to():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    script = [REQUEST, head, b'event: put\ndata: {"path":"/","data":{"a":1}}\n\n']
    with Network(script) as network, database().query("n").order_by_value().limit_to_last(1).listen() as stream:
        assert stream.next().data == {"a": 1}
    assert network.sent[0][0].startswith(b"GET /n.json?limitToLast=1&orderBy=%22%24value%22 HTTP/1.1\r\n")


def test_what_the_service_would_refuse_is_refused():
    db = database()
    for build, reason in (
        (lambda q: q.order_by_key().order_by_value(), "orderBy cannot be combined with orderBy"),
        (lambda q: q.order_by_key().limit_to_first(0), "positive integer"),
        (lambda q: q.order_by_key().limit_to_last(-1), "positive integer"),
        (lambda q: q.order_by_key().limit_to_last(1.0), "positive integer"),
        (lambda q: q.order_by_key().limit_to_last(True), "positive integer"),
        (lambda q: q.limit_to_first(1).limit_to_last(1), "limitToLast cannot be combined with limitToFirst"),
        (lambda q: q.equal_to(1).start_at(1), "startAt cannot be combined with equalTo"),
        (lambda q: q.end_before(1).equal_to(1), "equalTo cannot be combined with endBefore"),
        (lambda q: q.start_at(1).start_after(1), "startAfter cannot be combined with startAt"),
        (lambda q: q.start_at({"a": 1}), "Constraint index field must be a JSON primitive"),
        (lambda q: q.start_at([]), "Constraint index field must be a JSON primitive"),
        (lambda q: q.start_at(float("nan")), "JSON cannot hold"),
        (lambda q: q.start_at(1, "a/b"), "one key"),
        (lambda q: q.order_by_child(""), "order_by_child takes the path"),
        (lambda q: q.order_by_child("a/$b"), "$b"),
        (lambda q: q.limit_to_first(1).get(), "orderBy must be defined when other query parameters are defined"),
        (lambda q: q.order_by_key().start_at(5).get(), "Provided key index type is invalid, must be string"),
        (lambda q: q.order_by_key().start_at("a", "b").get(), "Provided key index type is invalid, must be string"),
    ):
        assert reason in str(raises(InvalidArgument, lambda build=build: build(db.query("n")))), reason
    raises(InvalidArgument, db.query, "a.b")
