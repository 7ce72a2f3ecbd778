"""Firestore's documents and lists against a scripted server: the bytes of each method, and what an answer gives."""

from flamelet import Timestamp
from flamelet.errors import InvalidArgument, NotFound, PermissionDenied, ProtocolError
from flamelet.firestore.firestore import Firestore

from firestoring import (
    ACCESS_TOKEN,
    BEARER,
    HOST,
    JSON,
    ROOT,
    TIME,
    WRITTEN,
    body_of,
    commit,
    document,
    error,
    firestore,
    request,
    target_of,
    update,
)
from helpers import raises
from scripted import REQUEST, Network, answer, timeouts
from tokens import id_token, question, renewal, token

HEAP = "512k"
LA = document("cities/LA", '{"name":{"stringValue":"Los Angeles"},"pop":{"integerValue":"3900000"}}')
FIELDS = {"name": "Los Angeles", "pop": 3900000}
NO_DOCUMENT = 'Document "%s/cities/LA" not found.' % ROOT


def absent(message=NO_DOCUMENT):
    return error("404 Not Found", "NOT_FOUND", message)


# Reading one.


def test_get_sends_one_line_and_a_host_and_gives_the_fields():
    with Network([REQUEST, answer(LA)]) as network:
        assert firestore().get("cities/LA") == FIELDS
    assert network.sent == [[b"GET /v1/%s/cities/LA HTTP/1.1\r\nHost: %s\r\n\r\n" % (ROOT.encode(), HOST.encode())]]
    assert network.connected == [(HOST, 443)] and network.verified == [HOST]


def test_read_gives_the_document_with_its_times():
    with Network([REQUEST, answer(document("cities/LA", update_time="2027-01-01T00:00:00Z"))]):
        found = firestore().read("/cities/LA/")
    assert found == ("cities/LA", {}, TIME, "2027-01-01T00:00:00Z") and found.update_time == "2027-01-01T00:00:00Z"


def test_a_document_without_fields_is_empty():
    with Network([REQUEST, answer('{"name":"%s/a/b","createTime":"%s"}' % (ROOT, TIME))]):
        assert firestore().read("a/b") == ("a/b", {}, TIME, None)


def test_raw_gives_the_bytes_as_they_came():
    with Network([REQUEST, answer(LA + "\n"), REQUEST, absent()]):
        fs = firestore()
        assert fs.get("cities/LA", raw=True) == LA.encode() + b"\n"
        assert fs.get("cities/LA", raw=True) is None


def test_the_mask_and_the_read_time_are_parameters():
    with Network([REQUEST, answer(LA)] * 3) as network:
        fs = firestore()
        fs.get("cities/LA", mask=("name", "a.`b-c`.`d`"), read_time=TIME)
        fs.get("cities/LA", mask=["a"], read_time=Timestamp(TIME))
        fs.get("cities/LA", mask=())
    quoted = TIME.replace(":", "%3A")
    first = "/cities/LA?mask.fieldPaths=name&mask.fieldPaths=a.%60b-c%60.d&readTime=" + quoted
    targets = [target_of(data) for data in network.sent[0]]
    assert sorted(targets[0].split("?")[1].split("&")) == sorted(first.split("?")[1].split("&")), targets
    assert sorted(targets[1].split("?")[1].split("&")) == ["mask.fieldPaths=a", "readTime=" + quoted]
    assert targets[2] == "/cities/LA"


def test_each_segment_of_a_path_is_quoted():
    paths = (
        ("c i/t?y", "c%20i/t%3Fy"),
        ("a&b/50%", "a%26b/50%25"),
        ("gr\u00fcn/\u6e29", "gr%C3%BCn/%E6%B8%A9"),
        ("a#b/[c]", "a%23b/%5Bc%5D"),
        ("devices/aa:bb:cc", "devices/aa%3Abb%3Acc"),
        ("a/b/c/d", "a/b/c/d"),
    )
    with Network([REQUEST, answer(LA)] * len(paths)) as network:
        fs = firestore()
        for path, _ in paths:
            fs.get(path)
    assert [target_of(data) for data in network.sent[0]] == ["/" + quoted for _, quoted in paths]


def test_another_database_and_another_place_are_in_the_target():
    with Network([REQUEST, answer(LA)]) as network:
        fs = Firestore("p1", None, "second", "http://localhost:8080/v1", timeouts=timeouts())
        # Its name is of another database than the one that was asked.
        assert fs.read("cities/LA").path == ROOT + "/cities/LA"
    [[data]] = network.sent
    expected = b"GET /v1/projects/p1/databases/second/documents/cities/LA HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"
    assert data == expected and network.verified == []


def test_where_there_is_no_document_it_is_none():
    for message in (NO_DOCUMENT, "Document (projects/demo-iot/databases/(default)/documents/cities/LA) not found."):
        with Network([REQUEST, absent(message), REQUEST, absent(message)]):
            fs = firestore()
            assert fs.get("cities/LA") is None and fs.read("cities/LA") is None


def test_where_there_is_no_project_or_database_it_is_an_error():
    for message in (
        "The database (default) does not exist for project demo-iot Please visit https://console.cloud.google.com",
        "Project 'demo-iot' not found or deleted.",
    ):
        with Network([REQUEST, absent(message)]):
            found = raises(NotFound, firestore().get, "cities/LA")
        assert found.text == message and found.code == "NOT_FOUND" and found.action == "never"


def test_a_page_in_place_of_a_404_is_an_error_and_no_missing_document():
    with Network([REQUEST, answer("<html>Not Found</html>", "404 Not Found")]):
        assert "intercept" in str(raises(NotFound, firestore().get, "cities/LA"))


def test_what_is_no_document_is_refused():
    for body in ("[]", "{}", '{"name":1}', "5", '{"name":"x","fields":[]}', '{"name":"x","fields":{"a":{}}}', "<html>"):
        with Network([REQUEST, answer(body)]):
            raises(ProtocolError, firestore().get, "cities/LA")


def test_what_is_no_list_is_refused():
    batch = firestore().batch()
    batch.set("c/d", {})
    for ask in (
        lambda fs: list(fs.list("c")),
        lambda fs: list(fs.collections()),
        lambda fs: list(fs.batch_get(["c/d"])),
        lambda fs: fs.batch_write(batch),
    ):
        for body in ("5", "null", '"text"', "<html>"):
            with Network([REQUEST, answer(body)]):
                raises(ProtocolError, ask, firestore())


def test_bad_paths_and_options_are_refused_before_anything_is_sent():
    with Network():
        fs = firestore()
        for path in ("", "cities", "a/b/c", "a//b", "a/.", "../a", "a/__x__", "a/" + "x" * 1501, 5, None, "a/\ud800"):
            raises(InvalidArgument, fs.get, path)
            raises(InvalidArgument, fs.set, path, {})
            raises(InvalidArgument, fs.delete, path)
        for path in ("", "a/b", "a//b/c", "__a__"):
            raises(InvalidArgument, fs.create, path, {})
            raises(InvalidArgument, lambda path=path: list(fs.list(path)))
        for options in ({"mask": "name"}, {"mask": ("a..b",)}, {"mask": ("",)}, {"mask": (1,)}, {"masks": ("a",)}):
            raises(InvalidArgument, lambda options=options: fs.get("a/b", **options))
        raises(InvalidArgument, lambda: fs.batch_get([]))
        raises(InvalidArgument, lambda: fs.batch_get(["a/b"], mask="name"))
        raises(InvalidArgument, lambda: fs.batch_get(["a/b"], size=1))


# Who asks.


def test_the_token_is_in_a_header_and_never_in_the_url():
    mine = id_token(1)
    app_check = "X-Firebase-AppCheck: the-app"
    cases = (
        (None, ()),
        (ACCESS_TOKEN, (BEARER,)),
        (mine, ("Authorization: Bearer " + mine,)),
        ({"access_token": "ya29.secret", "app_check": "the-app"}, (BEARER, app_check)),
    )
    for given, lines in cases:
        with Network([REQUEST, answer(LA), REQUEST, WRITTEN]) as network:
            fs = firestore(given)
            fs.get("cities/LA", mask=("name",))
            fs.set("cities/LA", {})
        expected = [
            request("GET", "/cities/LA?mask.fieldPaths=name", lines=lines),
            commit(update("cities/LA"), lines=lines),
        ]
        assert network.sent == [expected], network.sent


def test_a_token_of_a_feed_a_query_and_a_page_is_in_a_header_too():
    script = [REQUEST, WRITTEN, REQUEST, answer("{}"), REQUEST, answer('{"documents":[]}')]
    with Network(script, [REQUEST, answer("[]")]) as network:
        fs = firestore({"access_token": "ya29.secret", "app_check": "the-app"})
        fs.feed("t", (("a", 0),)).push(1)
        fs.call("GET", ROOT + "/a/b")
        assert list(fs.list("t")) == []
        assert list(fs.query("t")) == []
    for data in network.sent[0] + network.sent[1]:
        assert data.count(b"ya29.secret") == 1 and b"\r\n%s\r\n" % BEARER.encode() in data
        assert b"\r\nX-Firebase-AppCheck: the-app\r\n" in data and b"?" not in data.split(b"\r\n")[0]


def test_a_database_secret_is_refused():
    with Network():
        raises(InvalidArgument, firestore({"database_secret": "s"}).get, "a/b")


def test_an_id_token_that_is_due_is_renewed_before_it_is_sent():
    with Network([REQUEST, renewal(2)], [REQUEST, answer(LA)]) as network:
        assert firestore(token(left=0)).get("cities/LA") == FIELDS
    assert network.sent == [
        [question()],
        [request("GET", "/cities/LA", lines=("Authorization: Bearer " + id_token(2),))],
    ]


# Any method.


def test_call_sends_any_method_with_its_body_and_parameters():
    with Network([REQUEST, answer('{"a":1}'), REQUEST, answer("{}"), REQUEST, answer("[1]")]) as network:
        fs = firestore()
        assert fs.call("PATCH", ROOT + "/a/b c", {"fields": {}}, currentDocument=True, n=5, m=("x y", "z")) == {"a": 1}
        assert fs.call("DELETE", "projects/p/locations") == {}
        assert fs.call("POST", ROOT + ":runQuery", {}) == [1]
    first, second, third = network.sent[0]
    target = target_of(first)
    assert target.startswith("/a/b%20c?") and sorted(target.split("?")[1].split("&")) == [
        "currentDocument=true",
        "m=x%20y",
        "m=z",
        "n=5",
    ]
    assert body_of(first) == {"fields": {}} and JSON.encode() in first
    assert second == b"DELETE /v1/projects/p/locations HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST.encode()
    assert third == request("POST", ":runQuery", "{}")


def test_a_name_that_a_firestore_lacks_is_an_attribute_error():
    assert "no attribute 'putt'" in str(raises(AttributeError, lambda: firestore().putt))


# Lists.


def page(paths, token=""):
    more = ',"nextPageToken":"%s"' % token if token else ""
    return answer('{"documents":[%s]%s}' % (",".join([document(path) for path in paths]), more))


def test_a_list_asks_for_a_page_when_the_one_before_is_used_up():
    with Network([REQUEST, page(["c/1", "c/2"], "t=1"), REQUEST, page(["c/3"])]) as network:
        documents = firestore().list("c")
        assert network.sent == []
        assert next(documents).path == "c/1" and next(documents).path == "c/2"
        assert len(network.sent[0]) == 1 and len(documents._items) == 0
        assert next(documents).path == "c/3"
        raises(StopIteration, next, documents)
        raises(StopIteration, next, documents)
    assert network.sent == [[request("GET", "/c"), request("GET", "/c?pageToken=t%3D1")]]


def test_an_empty_page_is_not_the_end_and_an_answer_without_documents_is():
    script = [REQUEST, answer('{"nextPageToken":"1"}'), REQUEST, page([], "2"), REQUEST, page(["c/1"], "3")]
    with Network(script + [REQUEST, answer("{}")]):
        assert [document.path for document in firestore().list("c")] == ["c/1"]


def test_the_options_of_a_list_are_parameters_of_each_page():
    with Network([REQUEST, page(["c/1"], "t"), REQUEST, page([])]) as network:
        options = {"page_size": 1, "order_by": "a desc", "show_missing": True, "mask": ("x", "y"), "read_time": TIME}
        assert len(list(firestore().list("a/b/c", **options))) == 1
    first, second = [target_of(data).split("?")[1].split("&") for data in network.sent[0]]
    quoted = "readTime=" + TIME.replace(":", "%3A")
    paths = ["mask.fieldPaths=x", "mask.fieldPaths=y"]
    assert sorted(first) == sorted(paths + ["orderBy=a%20desc", "pageSize=1", quoted, "showMissing=true"])
    assert sorted(second) == sorted(first + ["pageToken=t"])


def test_a_page_that_failed_is_asked_for_again_by_the_next_turn():
    denied = error("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient permissions.")
    with Network([REQUEST, page(["c/1"], "t"), REQUEST, denied, REQUEST, page(["c/2"])]) as network:
        documents = firestore().list("c")
        next(documents)
        raises(PermissionDenied, next, documents)
        assert next(documents).path == "c/2"
    assert network.sent[0][1] == network.sent[0][2]


def test_a_missing_document_of_a_list_has_no_times():
    with Network([REQUEST, answer('{"documents":[{"name":"%s/c/1"}]}' % ROOT)]):
        assert list(firestore().list("c", show_missing=True)) == [("c/1", {}, None, None)]


def test_collections_are_told_for_the_database_and_for_a_document():
    script = [
        REQUEST,
        answer('{"collectionIds":["a","b"],"nextPageToken":"t"}'),
        REQUEST,
        answer('{"collectionIds":["c"]}'),
    ]
    with Network(script + [REQUEST, answer("{}")]) as network:
        fs = firestore()
        assert list(fs.collections()) == ["a", "b", "c"]
        assert list(fs.collections("cities/L A")) == []
    assert network.sent == [
        [
            request("POST", ":listCollectionIds", "{}"),
            request("POST", ":listCollectionIds", '{"pageToken":"t"}'),
            request("POST", "/cities/L%20A:listCollectionIds", "{}"),
        ]
    ]


def test_describe_gives_the_document_and_the_collections_below_it():
    with Network([REQUEST, answer(LA), REQUEST, answer('{"collectionIds":["x"],"nextPageToken":"t"}')] + [
        REQUEST, answer('{"collectionIds":["y"]}'), REQUEST, absent(), REQUEST, answer("{}"),
    ]):  # fmt: skip
        fs = firestore()
        found, ids = fs.describe("cities/LA")
        assert (found.fields, ids) == (FIELDS, ["x", "y"])
        assert fs.describe("cities/LA") == (None, [])


# Many at once.


def test_batch_get_gives_each_path_as_its_element_arrives():
    elements = ['{"found":%s,"readTime":"%s"}' % (LA, TIME), '{"readTime":"%s"}' % TIME]
    elements.append('{"missing":"%s/cities/SF","readTime":"%s"}' % (ROOT, TIME))
    with Network([REQUEST, answer("[%s]" % ",\n".join(elements))]) as network:
        found = list(firestore().batch_get(["cities/LA", "cities/SF"], mask=("name",), read_time=TIME))
    assert found == [("cities/LA", ("cities/LA", FIELDS, TIME, TIME)), ("cities/SF", None)]
    [[data]] = network.sent
    assert target_of(data) == ":batchGet" and body_of(data) == {
        "documents": [ROOT + "/cities/LA", ROOT + "/cities/SF"],
        "mask": {"fieldPaths": ["name"]},
        "readTime": TIME,
    }


def test_an_error_among_the_elements_of_batch_get_is_raised():
    wrapped = error("404 Not Found", "NOT_FOUND", "The database x does not exist", wrapped=True)
    with Network([REQUEST, wrapped]):
        raises(NotFound, lambda: list(firestore().batch_get(["a/b"])))


def test_batch_write_gives_one_result_for_each_write():
    content = '{"writeResults":[{"updateTime":"%s"},{},{}],"status":[{},{"code":6,"message":"there"},{"code":0}]}'
    with Network([REQUEST, answer(content % TIME)]) as network:
        fs = firestore(ACCESS_TOKEN)
        batch = fs.batch()
        batch.set("c/1", {})
        batch.create("c/2", {})
        batch.delete("c/3")
        assert fs.batch_write(batch) == [(TIME, None), (None, "6 there"), (None, None)]
        assert fs.batch_write(fs.batch()) == []
    writes = ",".join(
        [update("c/1"), update("c/2", more=',"currentDocument":{"exists":false}'), '{"delete":"%s/c/3"}' % ROOT]
    )
    assert network.sent == [[request("POST", ":batchWrite", '{"writes":[%s]}' % writes, lines=(BEARER,))]]


def test_a_commit_of_many_writes_gives_the_time_of_each():
    content = '{"writeResults":[{"updateTime":"%s"},{}],"commitTime":"%s"}' % (TIME, TIME)
    with Network([REQUEST, answer(content), REQUEST, answer("{}")]) as network:
        fs = firestore()
        batch = fs.batch()
        batch.set("c/1", {"a": 1})
        batch.verify("c/2", update_time=TIME)
        assert fs.commit(batch) == [TIME, None]
        assert fs.commit(fs.batch()) == []
    verify = '{"verify":"%s/c/2","currentDocument":{"updateTime":"%s"}}' % (ROOT, TIME)
    assert network.sent == [[commit(update("c/1", '{"a":{"integerValue":"1"}}'), verify), commit()]]
