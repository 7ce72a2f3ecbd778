"""Queries of Firestore against a scripted server: what they send, what they make of answers, what they refuse."""

import json
import os

import flamelet
from flamelet import aio
from flamelet.client import streamed_answer
from flamelet.errors import (
    BadRequest,
    InvalidArgument,
    NetworkError,
    PreconditionFailed,
    ProtocolError,
    ResourceExhausted,
    Timeout,
    Unavailable,
)
from flamelet.firestore import elements

import scripted
from feeding import every_cut
from firestoring import HOST, ROOT, firestore
from helpers import raises
from scripted import REQUEST, Network, answer, reset, timeouts
from tokens import id_token, question, renewal, token

HEAP = "1m"
# What keeps time beside the modules that the scripted network knows.
scripted.TIMED = scripted.TIMED + (streamed_answer, elements)
RECORDINGS = "tests/recordings/firestore"
NAN = float("nan")
SEARCHES = [{"collectionId": "dev"}]


def structured(query):
    return json.loads(query.structured())


def query(collection="dev"):
    return firestore().query(collection)


def sent(network, connection=0, request=0):
    """(target, content) of what a client sent."""
    head, body = network.sent[connection][request].split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[1] == "Host: " + HOST and "Content-Length: %d" % len(body) in lines, lines
    return lines[0].split(" ")[1], json.loads(body)


def recorded(name):
    with open("%s/%s.response" % (RECORDINGS, name), "rb") as file:
        return file.read()


def content_of(name):
    return json.loads(recorded(name).split(b"\r\n\r\n")[1])


def field(path):
    return {"fieldPath": path}


def field_filter(path, op, value):
    return {"fieldFilter": {"field": field(path), "op": op, "value": value}}


# What is sent.


def test_a_query_names_its_collection():
    assert structured(query()) == {"from": SEARCHES}
    group = firestore().query_group("readings")
    assert structured(group) == {"from": [{"collectionId": "readings", "allDescendants": True}]}


def test_the_parent_of_a_subcollection_is_in_the_path():
    with Network([REQUEST, answer("[]")]) as network:
        assert list(query("dev/a b/readings")) == []
    target, content = sent(network)
    assert target == "/v1/%s/dev/a%%20b:runQuery" % ROOT
    assert content == {"structuredQuery": {"from": [{"collectionId": "readings"}]}}


def test_each_operator_has_its_name():
    one = {"integerValue": "1"}
    many = {"arrayValue": {"values": [one, {"integerValue": "3"}]}}
    for op, name, value, encoded in (
        ("<", "LESS_THAN", 1, one),
        ("<=", "LESS_THAN_OR_EQUAL", 1, one),
        ("==", "EQUAL", 1, one),
        ("!=", "NOT_EQUAL", 1, one),
        (">=", "GREATER_THAN_OR_EQUAL", 1, one),
        (">", "GREATER_THAN", 1, one),
        ("array-contains", "ARRAY_CONTAINS", 1, one),
        ("array-contains", "ARRAY_CONTAINS", None, {"nullValue": None}),
        ("in", "IN", [1, 3], many),
        ("not-in", "NOT_IN", (1, 3), many),
        ("array-contains-any", "ARRAY_CONTAINS_ANY", [1, 3], many),
    ):
        assert structured(query().where("v", op, value))["where"] == field_filter("v", name, encoded)


def test_null_and_nan_are_compared_by_unary_filters():
    for op, value, name in (
        ("==", None, "IS_NULL"),
        ("!=", None, "IS_NOT_NULL"),
        ("==", NAN, "IS_NAN"),
        ("!=", NAN, "IS_NOT_NAN"),
    ):
        made = structured(query().where("v", op, value))
        assert made["where"] == {"unaryFilter": {"field": field("v"), "op": name}}


def test_filters_of_several_calls_and_of_and_and_or_are_joined():
    v = field_filter("v", "GREATER_THAN", {"integerValue": "1"})
    g = field_filter("g", "EQUAL", {"stringValue": "g2"})
    both = {"compositeFilter": {"op": "AND", "filters": [v, g]}}
    assert structured(query().where("v", ">", 1).where("g", "==", "g2"))["where"] == both
    assert structured(query().where(flamelet.and_(("v", ">", 1), ("g", "==", "g2"))))["where"] == both
    either = flamelet.or_(("v", ">", 1), flamelet.and_(("v", ">", 1), ("g", "==", "g2")))
    nested = {"compositeFilter": {"op": "OR", "filters": [v, both]}}
    assert structured(query().where(either))["where"] == nested
    made = structured(query().where("g", "==", "g2").where(either))
    assert made["where"]["compositeFilter"] == {"op": "AND", "filters": [g, nested]}
    assert structured(query().where(flamelet.or_(("v", ">", 1))))["where"] == v


def test_paths_of_fields_are_written_as_the_service_writes_them():
    made = structured(query().where("`p`.q", ">", 1).order_by("`a b`.c").select("__name__", "`x-y`"))
    assert made["where"]["fieldFilter"]["field"] == field("p.q")
    assert made["orderBy"][0]["field"] == field("`a b`.c")
    assert made["select"] == {"fields": [field("__name__"), field("`x-y`")]}


def test_orders_cursors_and_limits_are_sent():
    ordered = query().order_by("v").order_by("g", descending=True)
    made = structured(ordered.start_at(2).end_at(3, "x").offset(1).limit(4))
    assert made == {
        "from": SEARCHES,
        "orderBy": [
            {"field": field("v"), "direction": "ASCENDING"},
            {"field": field("g"), "direction": "DESCENDING"},
        ],
        "startAt": {"values": [{"integerValue": "2"}], "before": True},
        "endAt": {"values": [{"integerValue": "3"}, {"stringValue": "x"}], "before": False},
        "offset": 1,
        "limit": 4,
    }
    made = structured(ordered.start_after(2).end_before(3))
    assert (made["startAt"]["before"], made["endAt"]["before"]) == (False, True)


def test_documents_are_compared_by_id_path_or_reference():
    one = {"referenceValue": ROOT + "/dev/a"}
    fs = firestore()
    for name in ("a", "dev/a", fs.reference("dev/a")):
        assert structured(query().where("__name__", "==", name))["where"] == field_filter("__name__", "EQUAL", one)
        assert structured(query().order_by("__name__").start_at(name))["startAt"]["values"] == [one]
    many = {"arrayValue": {"values": [one, one]}}
    made = structured(query().where("__name__", "in", ["a", fs.reference("dev/a")]))
    assert made["where"] == field_filter("__name__", "IN", many)


def test_the_last_of_an_order_are_the_first_of_the_reverse():
    made = structured(query().order_by("v").order_by("g", True).start_at(1).end_before(9).limit_to_last(2))
    assert [order["direction"] for order in made["orderBy"]] == ["DESCENDING", "ASCENDING"]
    assert made["startAt"] == {"values": [{"integerValue": "9"}], "before": False}
    assert made["endAt"] == {"values": [{"integerValue": "1"}], "before": False}
    assert made["limit"] == 2
    made = structured(query().order_by("v").start_after(1).end_at(9).limit_to_last(2))
    assert (made["startAt"]["before"], made["endAt"]["before"]) == (True, True)
    assert "startAt" not in structured(query().order_by("v").limit_to_last(2))


def test_the_nearest_vectors_are_asked_for():
    numbers = {"arrayValue": {"values": [{"doubleValue": 1.0}, {"doubleValue": 0.5}]}}
    vector = {"mapValue": {"fields": {"__type__": {"stringValue": "__vector__"}, "value": numbers}}}
    made = structured(query().where("v", "==", 1).find_nearest("p.`x y`", [1.0, 0.5], 3))
    assert made["findNearest"] == {
        "vectorField": field("p.`x y`"),
        "queryVector": vector,
        "distanceMeasure": "EUCLIDEAN",
        "limit": 3,
    }
    options = {"distance_result_field": "d", "distance_threshold": 0}
    made = structured(query().find_nearest("p", flamelet.Vector([1.0, 0.5]), 3, "COSINE", **options))["findNearest"]
    assert (made["queryVector"], made["distanceMeasure"]) == (vector, "COSINE")
    assert (made["distanceResultField"], made["distanceThreshold"]) == ("d", 0)


def test_a_query_stays_as_it_is():
    first = query().where("v", ">", 1).order_by("v").limit(5)
    text = first.structured()
    first.where("g", "==", 1).order_by("g").limit(1).offset(3).start_at(1).select("v").limit_to_last(2)
    assert first.structured() == text
    assert structured(first.limit_to_last(3).limit(2)) == dict(structured(first), limit=2)


def test_a_read_time_and_a_transaction_go_along():
    body = json.loads(query().body(read_time="2026-11-21T11:50:04Z", transaction="EZ0A"))
    assert body["readTime"] == "2026-11-21T11:50:04Z" and body["transaction"] == "EZ0A"


# What is refused before anything is sent.


def test_what_the_service_would_refuse_is_refused_with_its_reason():
    q = query()
    ordered = q.order_by("v")
    for words, function, arguments in (
        ("operator", q.where, ("v", "=", 1)),
        ("operator", q.where, ("v",)),
        ("operator", q.where, ("v", "array_contains", 1)),
        ("None and NaN", q.where, ("v", "<", None)),
        ("None and NaN", q.where, ("v", ">=", NAN)),
        ("1 to 30", q.where, ("v", "in", list(range(31)))),
        ("1 to 30", q.where, ("v", "in", [])),
        ("1 to 30", q.where, ("v", "array-contains-any", 5)),
        ("1 to 10", q.where, ("v", "not-in", list(range(11)))),
        ("1 to 30", q.where, ("v", "in", "abc")),
        ("server", q.where, ("v", "<", flamelet.TIMESTAMP)),
        ("field v", q.where, ("v", "==", object())),
        ("path of a field", q.where, ("a b", "==", 1)),
        ("path of a field", q.where, ("", "==", 1)),
        ("path of a field", q.order_by, ("a..b",)),
        ("and_", q.where, (flamelet.or_("v", "==", 1),)),
        ("at least one", flamelet.and_, ()),
        ("at least one", flamelet.or_, ()),
        ("limit takes", q.limit, (0,)),
        ("limit takes", q.limit, (-1,)),
        ("limit takes", q.limit, (True,)),
        ("limit takes", q.limit, (1.5,)),
        ("limit takes", q.limit, (1 << 31,)),
        ("limit_to_last takes", q.limit_to_last, (0,)),
        ("offset takes", q.offset, (-1,)),
        ("at least one", q.select, ()),
        ("at least one", q.start_at, ()),
        ("at most", q.start_at(1).structured, ()),
        ("at most", ordered.end_before(1, 2).structured, ()),
        ("needs an order", q.limit_to_last(1).structured, ()),
        ("get()", ordered.limit_to_last(1).stream, ()),
        ("names a document", query, ("dev/a",)),
        ("__dev__", query, ("__dev__",)),
        ("path of a document", firestore().query_group("dev").where, ("__name__", "==", "a")),
        ("a filter is", q.where, (5,)),
        ("measured by", q.find_nearest, ("p", [1.0], 3, "MANHATTAN")),
        ("1000", q.find_nearest, ("p", [1.0], 1001)),
        ("find_nearest takes", q.find_nearest, ("p", [1.0], 0)),
        ("not empty", q.find_nearest, ("p", [], 3)),
        ("floats", q.find_nearest, ("p", ["x"], 3)),
        ("a/b/c", q.where, ("__name__", "==", "a/b/c")),
        ("count takes", q.count, (-1,)),
        ("field", q.sum, ("",)),
        ("one to five", q.aggregate, ()),
        ("partition is for", q.partition, (2,)),
        ("partition is for", firestore().query_group("dev").limit(2).partition, (2,)),
        ("partition takes", firestore().query_group("dev").partition, (1,)),
    ):
        error = raises(InvalidArgument, function, *arguments)
        assert words in str(error), (words, str(error))
    many = {"a%d" % n: ("count",) for n in range(6)}
    assert "one to five" in str(raises(InvalidArgument, lambda: q.aggregate(**many)))
    for made in (("max", "v"), ("sum",), ("avg", "v", "w"), "count", ()):
        raises(InvalidArgument, lambda made=made: q.aggregate(n=made))


# What is made of answers.


def test_recorded_answers_are_read_whole_and_byte_by_byte():
    names = [name[:-9] for name in sorted(os.listdir(RECORDINGS)) if "_rq_" in name and name.endswith(".response")]
    good = [name for name in names if recorded(name).startswith(b"HTTP/1.1 200 ")]
    assert len(good) == 25 and len(names) == 29
    for name in good:
        documents = [element["document"] for element in content_of(name) if "document" in element]
        names = [(document["name"][len(ROOT) + 1 :], document["updateTime"]) for document in documents]
        data = recorded(name)
        for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
            with Network([REQUEST] + pieces):
                found = list(query())
            assert [(document.path, document.update_time) for document in found] == names, name
            assert [sorted(document.fields) for document in found] == [
                sorted(document.get("fields", {})) for document in documents
            ]


def test_an_answer_cut_anywhere_gives_the_same():
    name = "c041_rq_newtx"
    data = recorded(name)
    for pieces in every_cut(data):
        with Network([REQUEST] + pieces):
            [document] = list(query())
        assert document.path == "dev/a" and document.fields == {}


def test_values_and_times_of_a_document():
    with Network([REQUEST, recorded("c014_rq_where_gt")]):
        [c, f, a] = list(query().where("v", ">", 1).select("v"))
    assert (c.path, c.fields) == ("dev/c", {"v": 2})
    assert (c.create_time, c.update_time) == ("2026-11-21T11:50:04.192204Z", "2026-11-21T11:50:04.192204Z")
    assert (f.fields, a.fields) == ({"v": 2.5}, {"v": 3})


def test_elements_without_a_document_are_no_documents():
    news = '[{"transaction":"x"},{"readTime":"t"},{"skippedResults":3,"readTime":"t"},{"done":true}]'
    for text in (news, "[]", "[{}]"):
        with Network([REQUEST, answer(text)], [REQUEST, answer(text)]):
            fs = firestore()
            assert list(fs.query("dev")) == []
            assert fs.query("dev").get() == []


def test_get_takes_the_connection_that_is_open_and_iterating_one_of_its_own():
    both = recorded("c014_rq_where_gt")
    with Network([REQUEST, both, REQUEST, both], [REQUEST, both]) as network:
        fs = firestore()
        documents = fs.query("dev").get()
        assert [document.path for document in documents] == ["dev/c", "dev/f", "dev/a"]
        assert documents[0] == list(fs.query("dev"))[0]
        assert [document.path for document in fs.query("dev").order_by("v").limit_to_last(3).get()] == [
            "dev/a",
            "dev/f",
            "dev/c",
        ]
    assert network.closed == [False, True]
    assert fs._client.streams == [] and fs._client.budget.streams == []


def test_requests_go_on_meanwhile_and_a_block_may_be_left_early():
    three = recorded("c014_rq_where_gt")
    with Network([REQUEST, three], [REQUEST, recorded("c029_rq_empty")]) as network:
        fs = firestore()
        with fs.query("dev").stream() as documents:
            assert next(documents).path == "dev/c"
            assert fs.query("none").get() == []
        assert list(documents) == []
    assert network.closed == [True, False]


async def test_an_awaited_query_gives_the_same():
    three = recorded("c014_rq_where_gt")
    with Network([REQUEST, three], [REQUEST, three, REQUEST, recorded("c050_agg_upto")]):
        fs = aio.Firestore("demo-iot", timeouts=timeouts())
        seen = []
        async for document in fs.query("dev"):
            seen.append(document)
        assert [document.fields["v"] for document in seen] == [2, 2.5, 3]
        assert await fs.query("dev").get() == seen
        assert await fs.query("dev").aggregate(n=("count", 2)) == {"n": 2}


# What goes wrong.


def test_a_refusal_is_told_in_the_words_of_the_service():
    for name, words in (
        ("c034_rq_badop", "Payload isn't valid for request."),
        ("c037_rq_bad_limit", "limit is negative"),
        ("c038_rq_bad_cursor", "Cursor has too many values."),
        ("c040_rq_limit_obj", "Payload isn't valid for request."),
    ):
        with Network([REQUEST, recorded(name)], [REQUEST, recorded(name)]):
            fs = firestore()
            assert raises(BadRequest, list, fs.query("dev")).text == words
            assert raises(BadRequest, fs.query("dev").get).text == words
            assert fs._client.streams == []


def test_a_refusal_within_an_array_is_the_same_refusal():
    link = "The query requires an index. You can create it here: https://console.firebase.google.com/v1/r/project/x"
    content = '[{"error":{"code":400,"message":"%s","status":"FAILED_PRECONDITION"}}]' % link
    refusal = answer(content, "400 Bad Request")
    with Network([REQUEST, refusal], [REQUEST, refusal]):
        fs = firestore()
        for function in (list, lambda query: query.get()):
            error = raises(PreconditionFailed, function, fs.query("dev"))
            assert (error.code, error.text) == ("INDEX_MISSING", link)
            assert link in str(error)


def test_an_error_among_the_documents_is_raised_behind_them():
    [element, *_] = content_of("c014_rq_where_gt")
    wrong = {"error": {"code": 503, "message": "gone", "status": "UNAVAILABLE"}}
    content = json.dumps([element, wrong])
    with Network([REQUEST, answer(content)], [REQUEST, answer(content)]):
        fs = firestore()
        documents = fs.query("dev").stream()
        assert next(documents).path == "dev/c"
        error = raises(Unavailable, next, documents)
        assert (error.status, error.text, error.retry) == (503, "gone", True)
        assert list(documents) == []
        raises(Unavailable, fs.query("dev").get)


def test_what_is_no_array_of_results_is_refused():
    for text in ("{}", "42", "null", '"x"', '{"document":{}}', "[1]", "[[]]", '[{"document":7}]', '[{"document":{}}]'):
        with Network([REQUEST, answer(text)], [REQUEST, answer(text)]):
            fs = firestore()
            raises(ProtocolError, list, fs.query("dev"))
            raises(ProtocolError, fs.query("dev").get)
            assert fs._client.streams == []
    for text in ("[{},]", "[{}", "<html>", "[] []"):
        with Network([REQUEST, answer(text)]):
            raises(ProtocolError, list, query())


def test_an_answer_that_breaks_off_gives_what_came_and_an_error():
    cut = recorded("c014_rq_where_gt")[:-300]
    for end in (b"", reset()):
        with Network([REQUEST, cut, end]):
            documents = query().stream()
            assert next(documents).path == "dev/c"
            raises(NetworkError, list, documents)
            assert list(documents) == []


def test_a_server_that_never_answers_or_stops_is_given_up():
    with Network([REQUEST], [REQUEST, recorded("c014_rq_where_gt")[:400]]):
        fs = firestore(timeouts=timeouts(first_byte=30, answer=30))
        raises(Timeout, list, fs.query("dev"))
        documents = fs.query("dev").stream()
        assert next(documents).path == "dev/c"
        raises(Timeout, next, documents)


def test_a_server_that_has_trouble_is_asked_again():
    busy = answer('[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]', "503 Service Unavailable")
    with Network([REQUEST, busy], [REQUEST, busy], [REQUEST, recorded("c014_rq_where_gt")]) as network:
        assert len(list(firestore(timeouts=timeouts(answer=60000)).query("dev"))) == 3
    assert network.sent[0] == network.sent[1] == network.sent[2]
    assert network.closed == [True, True, True] and len(network.pauses) <= 2
    exhausted = answer('{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED"}}', "429 Many")
    with Network([REQUEST, exhausted]):
        # The wait that it asks for is longer than the client has.
        raises(ResourceExhausted, list, query())


def test_a_query_renews_its_token_before_it_and_after_a_401():
    content = '{"error":{"code":401,"message":"Request had invalid authentication credentials.",'
    expired = answer('[%s"status":"UNAUTHENTICATED"}}]' % content, "401 Unauthorized")
    three = recorded("c014_rq_where_gt")
    with Network([REQUEST, renewal(2)], [REQUEST, expired], [REQUEST, renewal(3)], [REQUEST, three]) as network:
        fs = firestore(token=token(left=0))
        assert len(list(fs.query("dev"))) == 3
    assert network.sent[0] == network.sent[2] == [question()]
    body = fs.query("dev").body()
    for connection, number in ((1, 2), (3, 3)):
        [request] = network.sent[connection]
        assert ("\r\nAuthorization: Bearer %s\r\n" % id_token(number)).encode() in request
        assert request.endswith(b"\r\n\r\n" + body)
    assert network.closed == [True] * 4


def test_a_query_whose_token_was_renewed_meanwhile_asks_again_on_its_connection():
    content = '{"error":{"code":401,"message":"Request had invalid authentication credentials.",'
    expired = answer('[%s"status":"UNAUTHENTICATED"}}]' % content, "401 Unauthorized")
    current = token()

    def renewed(request):
        current.carry("auth=", id_token(2))
        return [expired, REQUEST, recorded("c014_rq_where_gt")]

    with Network([renewed]) as network:
        assert len(list(firestore(token=current).query("dev"))) == 3
    assert id_token(2).encode() in network.sent[0][1] and network.closed == [True]


def test_a_document_larger_than_answer_bytes_is_refused_by_name():
    with Network([REQUEST, recorded("c014_rq_where_gt")]):
        error = raises(ProtocolError, list, firestore(answer_bytes=100).query("dev"))
    assert "answer_bytes" in str(error)


# Aggregations and partitions.


def test_aggregations_are_sent_and_read():
    with Network([REQUEST, recorded("c051_agg_empty"), REQUEST, recorded("c050_agg_upto")]) as network:
        fs = firestore()
        values = fs.query("nope").aggregate(n=("count",), s=("sum", "v"), av=("avg", "p.q"))
        assert values == {"n": 0, "s": 0, "av": None}
        assert fs.query("dev").where("v", ">", 1).aggregate(n=("count", 2)) == {"n": 2}
    target, content = sent(network)
    assert target == "/v1/%s:runAggregationQuery" % ROOT
    content = content["structuredAggregationQuery"]
    assert content["structuredQuery"] == {"from": [{"collectionId": "nope"}]}
    assert sorted(content["aggregations"], key=lambda one: one["alias"]) == [
        {"alias": "av", "avg": {"field": field("p.q")}},
        {"alias": "n", "count": {}},
        {"alias": "s", "sum": {"field": field("v")}},
    ]
    _, content = sent(network, 0, 1)
    assert content["structuredAggregationQuery"]["aggregations"] == [{"alias": "n", "count": {"upTo": "2"}}]


def test_one_number_is_to_be_had_alone():
    def result(value):
        return answer('[{"transaction":"x"},{"result":{"aggregateFields":{"value":%s}},"readTime":"t"}]' % value)

    script = [REQUEST, result('{"integerValue":"6"}'), REQUEST, result('{"integerValue":"15"}')]
    with Network(script + [REQUEST, result('{"doubleValue":2.5}'), REQUEST, result('{"nullValue":null}')]) as network:
        q = query()
        assert (q.count(), q.sum("p.q"), q.avg("p.q"), q.avg("x")) == (6, 15, 2.5, None)
    _, content = sent(network, 0, 2)
    assert content["structuredAggregationQuery"]["aggregations"] == [{"alias": "value", "avg": {"field": field("p.q")}}]


def test_a_refused_aggregation_says_why():
    for name, words in (("c052_agg_bad", "can not be empty"), ("c053_agg_dup", "duplicate alias: n")):
        with Network([REQUEST, recorded(name)]):
            assert words in raises(BadRequest, query().count).text


def test_an_answer_without_a_result_is_refused():
    for text in (
        "[]",
        "{}",
        '[{"readTime":"t"}]',
        '[{"result":{}}]',
        '[{"result":7}]',
        '[{"result":{"aggregateFields":{}}}]',
    ):
        with Network([REQUEST, answer(text)]):
            raises(ProtocolError, query().count)


def partitions(token, *names):
    points = [{"values": [{"referenceValue": ROOT + name}]} for name in names]
    return answer(json.dumps({"partitions": points, "nextPageToken": token}))


def test_partitions_share_a_group_without_gaps():
    pages = [REQUEST, partitions("more", "/a/1/big/m", "/a/1/big/q"), REQUEST, partitions("", "/a/1/big/b")]
    with Network(pages) as network:
        queries = firestore().query_group("big").partition(4)
    target, content = sent(network)
    assert target == "/v1/%s:partitionQuery" % ROOT
    named = {
        "from": [{"collectionId": "big", "allDescendants": True}],
        "orderBy": [{"field": field("__name__"), "direction": "ASCENDING"}],
    }
    assert content == {"structuredQuery": named, "partitionCount": "3"}
    assert sent(network, 0, 1)[1]["pageToken"] == "more"
    made = [structured(one) for one in queries]
    ends = [one.get("endAt") for one in made]
    assert [one.get("startAt") for one in made][1:] == [dict(end, before=True) for end in ends[:-1]]
    assert [end["values"][0]["referenceValue"][-1] for end in ends[:-1]] == ["b", "m", "q"]
    assert all(end["before"] for end in ends[:-1])
    assert "startAt" not in made[0] and ends[-1] is None


def test_a_group_that_is_too_small_is_one_part():
    with Network([REQUEST, answer("{}")]):
        [only] = firestore().query_group("big").partition(2)
    assert "startAt" not in structured(only) and "endAt" not in structured(only)


def test_partitions_that_cannot_be_are_refused():
    wrong = (
        '{"partitions":[{}]}',
        '{"partitions":[{"values":[]}]}',
        '{"partitions":[{"values":[{"nullValue":null}]}]}',
    )
    for text in wrong + ('{"partitions":7}', "[]"):
        with Network([REQUEST, answer(text)]):
            raises(ProtocolError, firestore().query_group("big").partition, 2)
