"""The gateway against a scripted server: each field and example of "Response format", recorded answers, odd ones.

Names of tests quote the document: the section, then the field or the example.
"""

import json

import flamelet
from flamelet import aio
from flamelet.errors import (
    BadRequest,
    ExtraKeys,
    GatewayError,
    InvalidArgument,
    MissingKeys,
    NetworkError,
    NotFound,
    OutcomeUnknown,
    ProtocolError,
    ResponseError,
    Timeout,
    Unauthenticated,
    Unavailable,
)

from helpers import raises
from scripted import REQUEST, Network, answer, refused, reset, timeouts
from tokens import id_token, question, renewal, token

HEAP = "512k"
HOST = "api.example.com"
JSON = "Content-Type: application/json"
JANE = {"name": "Jane Doe", "age": 28, "email": "jane@example.com"}
DOCUMENT = '{ "id": "doc1", "name": "Jane Doe", "age": 28, "email": "jane@example.com" }'
DONE = answer('{ "status": "success", "message": "Document with id doc1 was updated" }')
MADE = answer('{ "status": "success", "data": { "id": "newlyCreatedDocId" } }')
PAGE = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n'
    "<pre>%s</pre>\n</body>\n</html>\n"
)
WRITES = (
    ("PUT", lambda gw: gw.replace("users/doc1", JANE)),
    ("PATCH", lambda gw: gw.update("users/doc1", JANE)),
    ("DELETE", lambda gw: gw.delete("users/doc1")),
)
METHODS = (
    ("GET users/doc1", lambda gw: gw.get("users/doc1")),
    ("GET users", lambda gw: list(gw.list("users"))),
    ("POST users", lambda gw: gw.create("users", JANE)),
) + tuple([("%s users/doc1" % method, call) for method, call in WRITES])


def gateway(bearer=None, **options):
    """A Gateway whose deadlines a test can wait for."""
    options.setdefault("timeouts", timeouts())
    return flamelet.Gateway("https://%s/api" % HOST, bearer, **options)


def request(method, path, body=None, lines=()):
    """The bytes that should be sent."""
    head = ["%s /api/%s HTTP/1.1" % (method, path), "Host: " + HOST]
    if body is not None:
        head.append(JSON)
    head += lines
    if body is not None:
        head.append("Content-Length: %d" % len(body.encode()))
    return ("\r\n".join(head) + "\r\n\r\n" + (body or "")).encode()


def listed(text, path="users"):
    """The documents of a list that is answered so, and its message."""
    with Network([REQUEST, answer(text)]):
        documents = gateway().list(path)
        return list(documents), documents.message


def page(status, text):
    return answer(PAGE % text, status)


# Success responses: GET, list


def test_get_list_example():
    expected = [{"id": "doc1", "name": "Jane Doe", "age": 28, "email": "jane@example.com"}]
    with Network([REQUEST, answer('{\n  "status": "success",\n  "data": [\n    %s\n  ]\n}' % DOCUMENT)]) as network:
        assert list(gateway().list("users")) == expected
    assert network.sent == [[request("GET", "users")]]


def test_get_list_with_a_query_example():
    text = '{\n  "status": "success",\n  "data": [ %s ],\n  "message": "Found 1 documents"\n}' % DOCUMENT
    with Network([REQUEST, answer(text)]) as network:
        documents = gateway().list("named/Jane Doe")
        assert documents.message is None
        assert [document["id"] for document in documents] == ["doc1"]
        assert documents.message == "Found 1 documents"
    assert network.sent == [[request("GET", "named/Jane%20Doe")]]


def test_get_list_field_status_is_required():
    assert "has no status" in str(raises(ProtocolError, listed, '{"data":[]}'))
    assert "has no status" in str(raises(ProtocolError, listed, '{"status":5,"data":[]}'))


def test_get_list_field_data_is_required_and_an_array():
    assert listed('{"status":"success","data":[]}') == ([], None)
    for data in ("", ',"data":{"id":"doc1"}', ',"data":{}', ',"data":null', ',"data":"x"', ',"data":5', ',"data":[5]'):
        error = raises(ProtocolError, listed, '{"status":"success"%s}' % data)
        assert "GET users: the answer holds no list of documents" in str(error), data


def test_get_list_field_message_is_present_only_on_param_and_query():
    assert listed('{"status":"success","data":[{"id":"a"}]}') == ([{"id": "a"}], None)
    assert listed('{"message":"Found 2 documents","data":[{"id":"a"},{}],"status":"success"}') == (
        [{"id": "a"}, {}],
        "Found 2 documents",
    )


def test_fields_that_the_document_does_not_have_are_passed_by():
    text = '{"took":[1,{"data":[{"id":"no"}]}],"status":"success","data":[{"id":"a"}],"more":{"message":5}}'
    assert listed(text) == ([{"id": "a"}], None)


# Success responses: GET, single document


def test_get_single_document_example():
    with Network([REQUEST, answer('{\n  "status": "success",\n  "data": %s\n}' % DOCUMENT)]) as network:
        document = gateway().get("users/doc1")
        assert document == {"id": "doc1", "name": "Jane Doe", "age": 28, "email": "jane@example.com"}
    assert network.sent == [[request("GET", "users/doc1")]]


def test_get_single_document_field_data_is_required_and_an_object():
    for data in ("", ',"data":[]', ',"data":null', ',"data":"x"', ',"data":[{"id":"doc1"}]'):
        with Network([REQUEST, answer('{"status":"success"%s}' % data)]):
            error = raises(ProtocolError, gateway().get, "users/doc1")
        assert str(error) == "GET users/doc1: the answer holds no document: is it a list, which list() reads?"


# Success responses: POST, create


def test_post_create_example():
    with Network([REQUEST, MADE]) as network:
        assert gateway().create("users", JANE) == "newlyCreatedDocId"
    [[data]] = network.sent
    body = data.split(b"\r\n\r\n", 1)[1].decode()
    assert json.loads(body) == JANE and data == request("POST", "users", body)


def test_post_create_field_data_is_required_and_has_the_id():
    for data in ("", ',"data":[]', ',"data":{}', ',"data":{"id":5}', ',"data":"doc1"'):
        with Network([REQUEST, answer('{"status":"success"%s}' % data)]):
            error = raises(ProtocolError, gateway().create, "users", {})
        assert str(error) == "POST users: the answer has no id"


# Success responses: PUT / PATCH / DELETE


def test_put_patch_delete_example_and_its_field_message():
    for method, write in WRITES:
        with Network([REQUEST, DONE]) as network:
            assert write(gateway()) == "Document with id doc1 was updated"
        [[data]] = network.sent
        body = None if method == "DELETE" else data.split(b"\r\n\r\n", 1)[1].decode()
        assert data == request(method, "users/doc1", body)
        assert body is None or json.loads(body) == JANE


# Error responses


def failed(text, status="200 OK"):
    """The error that each method raises for this answer, the same one; and its name of the request."""
    errors = []
    for name, call in METHODS:
        with Network([REQUEST, answer(text, status)]):
            error = raises(flamelet.FlameletError, call, gateway())
        assert str(error).startswith(name + ": "), error
        errors.append(error)
    assert len({type(error) for error in errors}) == 1 and len({error.text for error in errors}) == 1
    return errors[0]


def test_validation_error_missing_fields_example():
    error = failed('{ "status": "ERROR", "message": "Missed keys: email" }')
    assert type(error) is MissingKeys and isinstance(error, GatewayError)
    assert (error.keys, error.text, error.status, error.retry) == (["email"], "Missed keys: email", 200, False)
    assert failed('{"status":"ERROR","message":"Missed keys: name, age, email"}').keys == ["name", "age", "email"]


def test_validation_error_extra_fields_example():
    text = "Don't use these keys: role: they are not in the schema"
    error = failed('{ "status": "ERROR", "message": "%s" }' % text)
    assert type(error) is ExtraKeys and isinstance(error, GatewayError)
    assert (error.keys, error.text, error.status, error.retry) == (["role"], text, 200, False)
    text = "Don't use these keys: role, a b: they are not in the schema"
    assert failed('{"status":"ERROR","message":"%s"}' % text).keys == ["role", "a b"]


def test_not_found_get_by_param_example():
    text = "No document with id xyz found in collection users"
    error = failed('{ "status": "error", "message": "%s" }' % text)
    assert type(error) is NotFound
    assert (error.text, error.status, error.retry) == (text, 200, False)


def test_firestore_error_example():
    error = failed('{ "status": "error", "message": "Firestore error message here" }')
    assert type(error) is GatewayError
    assert (error.text, error.status, error.retry) == ("Firestore error message here", 200, False)


def test_an_error_of_firestore_keeps_its_lines():
    text = '5 NOT_FOUND: no entity to update: app: "dev~demo-test"\npath <\n  Element {\n    type: "users"\n  }\n>\n'
    error = failed('{"status":"error","message":%s}' % json.dumps(text))
    assert type(error) is GatewayError and error.text == text


def test_what_firestore_may_do_later_says_so_but_for_what_would_be_done_twice():
    for text in ("14 UNAVAILABLE: The service is unavailable.", "8 RESOURCE_EXHAUSTED: Quota", "10 ABORTED: x"):
        for name, call in METHODS:
            with Network([REQUEST, answer('{"status":"error","message":"%s"}' % text)]):
                assert raises(GatewayError, call, gateway()).retry == (name != "POST users")


def test_status_values_success_error_and_ERROR_in_any_case():
    for status in ("success", "Success", "SUCCESS"):
        with Network([REQUEST, answer('{"status":"%s","message":"m"}' % status)]):
            assert gateway().delete("users/a") == "m"
        assert listed('{"status":"%s","data":[]}' % status) == ([], None)
    for status in ("error", "ERROR", "Error", "eRROR", "fail", ""):
        assert failed('{"status":"%s","message":"Missed keys: a"}' % status).keys == ["a"]


def test_an_error_without_a_message_is_an_error_all_the_same():
    for text in ('{"status":"error"}', '{"status":"error","message":5}', '{"status":"error","message":["a"]}'):
        assert type(failed(text)) is GatewayError


def test_an_error_in_an_answer_with_data_is_an_error():
    for text in ('{"status":"error","data":[{"id":"a"}],"message":"m"}', '{"data":[],"status":"ERROR","message":"m"}'):
        with Network([REQUEST, answer(text)]):
            assert raises(GatewayError, list, gateway().list("users")).text == "m"


# What is no answer of the SDK


def test_an_unknown_route_is_an_html_page_of_express():
    error = failed(PAGE % "Cannot GET /api/none", "404 Not Found")
    assert type(error) is NotFound
    assert (error.status, error.text) == (404, "Cannot GET /api/none")


def test_malformed_json_is_an_html_page_of_express():
    page = PAGE % "SyntaxError: Unexpected token in JSON at position 1<br> &nbsp; &nbsp;at parse (index.js:1:2)"
    error = failed(page, "400 Bad Request")
    assert type(error) is BadRequest
    assert (error.status, error.text) == (400, "SyntaxError: Unexpected token in JSON at position 1")


def test_other_pages_and_other_json_are_told_by_their_beginning():
    for body, said in (
        ("<html>Please sign in.</html>", "Please sign in."),
        ("", "b''"),
        (b"<pre>caf\xe9</pre>", "b'<pre>caf"),
        ("<pre>cut", "<pre>cut"),
        ('{"status":"error","message":"Who are you?"}', "Who are you?"),
        ('{"error":"Who are you?"}', "Who are you?"),
        ("[1,2]", "[1, 2]"),
    ):
        error = failed(body, "403 Forbidden")
        assert error.status == 403 and said in str(error), error


def test_a_page_where_json_belongs_is_told():
    for body in ("<html>Please sign in.</html>", "{", "nothing", '{"status":"success",}'):
        for name, call in METHODS:
            with Network([REQUEST, answer(body)]):
                assert "not JSON" in str(raises(ProtocolError, call, gateway())), (body, name)


def test_an_empty_body_is_told():
    for status in ("200 OK", "201 Created"):
        for name, call in METHODS:
            with Network([REQUEST, answer("", status)]):
                error = str(raises(ProtocolError, call, gateway()))
            assert error.startswith(name) and ("is empty" in error or "not JSON" in error), error
    for _, call in METHODS:
        with Network([REQUEST, b"HTTP/1.1 204 No Content\r\n\r\n"]):
            raises(ProtocolError, call, gateway())


def test_json_without_status_is_told():
    without = ("{}", '{"data":{"id":"a"},"message":"m"}', '{"status":null}', '{"status":["success"]}')
    for body in without + ("5", '"text"', "null"):
        for name, call in METHODS:
            with Network([REQUEST, answer(body)]):
                error = str(raises(ProtocolError, call, gateway()))
            assert error.startswith(name + ": ") and ("no status" in error or "no list" in error), (body, error)


def test_a_list_where_an_object_belongs_is_told():
    for body in ("[]", '[{"id":"a"}]', '[{"status":"success","data":[]}]', "[[]]", '["success"]'):
        for name, call in METHODS:
            with Network([REQUEST, answer(body)]):
                error = str(raises(ProtocolError, call, gateway()))
            assert error.startswith(name + ": the answer ")
            assert error.endswith("is this a Firebase Express SDK endpoint?")


def test_a_server_that_never_answers_meets_the_deadline():
    for name, call in METHODS:
        with Network([REQUEST]) as network:
            kind = OutcomeUnknown if name == "POST users" else Timeout
            raises(kind, call, gateway(timeouts=timeouts(first_byte=20, answer=40)))
        assert len(network.sent) == 1


def test_a_document_that_is_larger_than_allowed_is_told():
    text = '{"status":"success","data":[{"id":"%s"}]}' % ("x" * 300)
    with Network([REQUEST, answer(text)]):
        error = raises(ProtocolError, list, gateway(answer_bytes=200).list("users"))
    assert "larger than answer_bytes" in str(error)


# Recorded answers, whole and byte by byte


def recorded(name, call, by_bytes):
    with open("tests/recordings/gateway/%s.response" % name, "rb") as file:
        data = file.read()
    pieces = [data[i : i + 1] for i in range(len(data))] if by_bytes else [data]
    with Network([REQUEST] + pieces):
        try:
            return call(gateway())
        except flamelet.FlameletError as error:
            return type(error), error.text, getattr(error, "keys", None)


def documents(gw):
    return list(gw.list("users"))


WRITTEN = "Document with id abTMkEZAHXfZE6BjgxfB was updated"
NO_ENTITY = (
    '5 NOT_FOUND: no entity to update: app: "dev~demo-test"\npath <\n  Element {\n    type: "users"\n'
    '    name: "nope"\n  }\n>\n'
)
NO_KEY = "Your request body must have at least one key from documentAttributes: name, age, email"
NO_DOCUMENT = "No document with id xyz found in collection users"
EXTRA = "Don't use these keys: role: they are not in the schema"
MISSING = "Missed keys: "
_JANE = {"id": "abTMkEZAHXfZE6BjgxfB", "name": "Jane Doe", "age": 28, "email": "jane@example.com"}
_ZOE = {"id": "BCQM4y4qH5HkMUceYhdA", "name": "Zo\u00eb \U0001f600", "age": 41, "email": "zoe@example.com"}
_REPLACE, _UPDATE, _DELETE = [call for _, call in WRITES]


def _create(gw):
    return gw.create("users", JANE)


RECORDED = (
    ("001_list_empty", documents, []),
    ("003_create_second", _create, "BCQM4y4qH5HkMUceYhdA"),
    ("005_get", lambda gw: gw.get("users/abTMkEZAHXfZE6BjgxfB"), _JANE),
    ("007_query_preset", documents, [_ZOE, _JANE]),
    ("008_get_missing", lambda gw: gw.get("users/xyz"), (NotFound, NO_DOCUMENT, None)),
    ("009_replace", _REPLACE, WRITTEN),
    ("010_replace_upserts", _REPLACE, "Document with id newput was updated"),
    ("011_update", _UPDATE, WRITTEN),
    ("012_update_missing", _UPDATE, (GatewayError, NO_ENTITY, ())),
    ("013_update_no_schema_key", _UPDATE, (GatewayError, NO_KEY, ())),
    ("014_update_extra_key", _UPDATE, (ExtraKeys, EXTRA, ["role"])),
    ("016_replace_missing_keys", _REPLACE, (MissingKeys, MISSING + "age, email", ["age", "email"])),
    ("017_create_missing_keys", _create, (MissingKeys, MISSING + "email", ["email"])),
    ("018_create_extra_key", _create, (ExtraKeys, EXTRA, ["role"])),
    ("019_create_falsy_counts_missing", _create, (MissingKeys, MISSING + "age", ["age"])),
    ("020_delete", _DELETE, "Document with id abTMkEZAHXfZE6BjgxfB was deleted"),
    ("021_delete_missing", _DELETE, "Document with id nope was deleted"),
    ("022_unknown_route_html", documents, (NotFound, "Cannot GET /api/none", None)),
    ("024_wrong_content_type", _create, (MissingKeys, MISSING + "name, age, email", ["name", "age", "email"])),
)  # fmt: skip


def test_recorded_answers_whole():
    for name, call, expected in RECORDED:
        assert recorded(name, call, False) == expected, name


def test_recorded_answers_byte_by_byte():
    for name, call, expected in RECORDED:
        assert recorded(name, call, True) == expected, name


def test_every_recording_is_there():
    import os

    names = [name[:-9] for name in os.listdir("tests/recordings/gateway") if name.endswith(".response")]
    assert sorted(names) == [name for name, _, _ in RECORDED]


# Requests


def test_extra_headers_and_a_token_go_along():
    headers = {"X-Api-Key": "k1", "X-Empty": ""}
    lines = ["Authorization: Bearer ya29.secret", "X-Api-Key: k1", "X-Empty: "]
    found = answer('{"status":"success","data":{}}')
    with Network([REQUEST, found, REQUEST, MADE], [REQUEST, answer("{}")]) as network:
        gw = gateway({"access_token": "ya29.secret"}, headers=headers)
        gw.get("users/a")
        gw.create("users", {})
        raises(ProtocolError, list, gw.list("users"))
    assert [sorted(data.split(b"\r\n")) for data in network.sent[0]] == [
        sorted(expected.split(b"\r\n"))
        for expected in (request("GET", "users/a", None, lines), request("POST", "users", "{}", lines))
    ]
    assert network.sent[1] == [request("GET", "users", None, lines)]


def test_headers_that_could_break_the_request_are_refused():
    for name, value in (
        ("X", "a\r\nEvil: 1"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\0"), ("X", "caf\xe9"), ("X", 5), ("X", b"a"),
        ("X", None), ("X\r\nEvil", "a"), ("X Y", "a"), ("X:", "a"), ("", "a"), ("Content-Length", "0"),
        ("transfer-encoding", "chunked"), ("Host", "other"), ("Content-Type", "text/plain"), ("Connection", "close"),
    ):  # fmt: skip
        error = raises(InvalidArgument, lambda name=name, value=value: gateway(headers={name: value}))
        assert "Evil: 1" not in str(error)
    error = raises(InvalidArgument, lambda: gateway({"access_token": "ya29.x"}, headers={"authorization": "Basic x"}))
    assert "not both" in str(error)
    gateway(headers={"Authorization": "Basic dXNlcjpwYXNz"})


def test_paths_are_quoted_and_may_have_a_query():
    for path, sent in (
        ("/users/doc1/", "users/doc1"),
        ("users/a b", "users/a%20b"),
        ("users/gr\xfcn", "users/gr%C3%BCn"),
        ("users/50%", "users/50%25"),
        ("users/a#b", "users/a%23b"),
        ("users?full=1&x=2", "users?full=1&x=2"),
    ):
        with Network([REQUEST, answer('{"status":"success","data":{"id":"a"}}')]) as network:
            gateway().get(path)
        assert network.sent == [[request("GET", sent)]]


def test_paths_and_documents_that_cannot_be_are_refused_before_they_are_sent():
    gw = gateway()
    for path in ("", "/", None, 5, "users//a", "users/..", "./users", "users?a b", "users?a=\r\nb", b"users"):
        for name in ("get", "list", "delete"):
            raises(InvalidArgument, getattr(gw, name), path)
        raises(InvalidArgument, gw.create, path, {})
        raises(InvalidArgument, gw.feed, path, (("n", 0),))
    for document in (None, [], "text", 5, {"a": float("nan")}, {"a": b""}, {5: 1}):
        for write in (gw.create, gw.replace, gw.update):
            raises(InvalidArgument, write, "users", document)


def test_what_the_query_of_a_path_holds_is_not_in_errors():
    with Network([REQUEST, answer('{"status":"error","message":"m"}')]):
        assert "secret" not in str(raises(GatewayError, gateway().get, "users?key=secret"))


def test_the_query_of_the_url_goes_along_with_every_request():
    with Network([REQUEST, DONE]) as network:
        flamelet.Gateway("https://%s/api/?v=2" % HOST).delete("users/a?w=3")
    assert network.sent == [[request("DELETE", "users/a?v=2&w=3")]]


# What is repeated


def test_put_patch_and_delete_are_repeated_where_the_answer_is_lost():
    for lost in ([b""], [reset()], [b"HTTP/1.1 200 OK\r\nContent-Le", b""]):
        for method, write in WRITES:
            with Network([REQUEST] + lost, [REQUEST, DONE]) as network:
                assert write(gateway()) == "Document with id doc1 was updated"
            assert network.sent[0] == network.sent[1], method


def test_get_is_repeated_where_the_answer_is_lost():
    with Network([REQUEST, b""], [REQUEST, answer('{"status":"success","data":{"id":"a"}}')]):
        assert gateway().get("users/a") == {"id": "a"}


def test_post_is_not_repeated_on_doubt():
    for lost in ([b""], [reset()], [b"HTTP/1.1 200 OK\r\nContent-Le", b""]):
        with Network([REQUEST] + lost):
            error = raises(OutcomeUnknown, gateway().create, "users", JANE)
        assert not error.retry and "it may have happened" in str(error)


def test_post_is_not_repeated_where_the_server_failed_on_it():
    for status in ("500 Internal Server Error", "502 Bad Gateway", "504 Gateway Timeout"):
        with Network([REQUEST, page(status, "Bad")]) as network:
            error = raises(OutcomeUnknown, gateway().create, "users", JANE)
        assert len(network.sent[0]) == 1 and "Bad" in str(error)
        with Network([REQUEST, page(status, "Bad")]):
            raises(Unavailable, gateway().replace, "users/a", JANE)
        with Network([REQUEST, page(status, "Bad")]):
            raises(Unavailable, lambda: gateway().create("users", JANE, repeat=True))


def test_post_is_repeated_where_it_may_be():
    with Network([REQUEST, b""], [REQUEST, MADE]) as network:
        assert gateway().create("users", JANE, repeat=True) == "newlyCreatedDocId"
    assert network.sent[0] == network.sent[1]


def test_post_goes_over_a_new_connection_where_the_idle_one_was_closed():
    with Network([REQUEST, MADE, b""], [REQUEST, MADE]) as network:
        gw = gateway()
        gw.create("users", JANE)
        gw.create("users", JANE)
    assert network.sent[0] == network.sent[1]


def test_post_is_repeated_after_503_which_was_not_attempted():
    with Network([REQUEST, page("503 Service Unavailable", "later"), REQUEST, MADE]) as network:
        assert gateway().create("users", JANE) == "newlyCreatedDocId"
    assert len(network.sent[0]) == 2


def test_a_401_of_whatever_words_renews_a_token_that_can_be():
    made = {"status": "success", "data": {"id": "a"}}
    for words in ("Unauthorized", '{"status":"error","message":"no"}', ""):
        script = [REQUEST, answer(words, "401 Unauthorized")]
        with Network(script, [REQUEST, renewal(2)], [REQUEST, answer(json.dumps(made))]) as network:
            gw = gateway(token())
            assert gw.create("users", JANE) == "a"
        assert [len(sent) for sent in network.sent] == [1, 1, 1]
        assert network.sent[1] == [question()]
        before, after = [network.sent[i][0].split(b"\r\n") for i in (0, 2)]
        changed = [line for line in after if line not in before]
        assert changed == [b"Authorization: Bearer " + gw._client.token.text.encode()] and len(before) == len(after)


def test_a_401_without_a_token_is_told():
    error = failed('{"status":"error","message":"Unauthorized"}', "401 Unauthorized")
    assert type(error) is Unauthenticated and error.text == "Unauthorized"


# Feeds

FIELDS = (("temp", 1), ("hum", 0))


def reading(method, place, body, lines=()):
    head = ["%s /api/%s HTTP/1.1" % (method, place), "Host: " + HOST, JSON]
    head += lines
    head.append("Content-Length:%-6d" % len(body))
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def test_a_reading_is_one_put_under_an_id_that_is_made_here():
    ok = answer('{"status":"success","message":"Document with id x was updated"}')
    with Network([REQUEST, ok] * 3) as network:
        feed = gateway({"access_token": "ya29.secret"}, headers={"X": "1"}).feed("log/", FIELDS)
        keys = []
        for n in range(3):
            assert feed.push(n + 0.5, -n) is None
            keys.append(feed.key)
            assert not feed.pending
    lines = ["Authorization: Bearer ya29.secret", "X: 1"]
    assert network.sent == [
        [reading("PUT", "log/" + key, '{"temp":%d.5,"hum":%d}' % (n, -n), lines) for n, key in enumerate(keys)]
    ]
    assert sorted(set(keys)) == keys and all([len(key) == 20 for key in keys])


def test_a_reading_is_one_post_whose_id_the_server_makes():
    with Network([REQUEST, MADE] * 2) as network:
        feed = gateway().feed("log?v=1", FIELDS, post=True)
        assert feed.key == ""
        for n in range(2):
            feed.push(n, 1)
            assert feed.key == "newlyCreatedDocId" and not feed.pending
    assert network.sent == [[reading("POST", "log?v=1", '{"temp":%d,"hum":1}' % n) for n in range(2)]]


def test_a_feed_with_a_query_or_dashes_in_its_path_has_its_key_in_its_place():
    ok = answer('{"status":"success","message":"m"}')
    dashes = "-" * 20
    for url, path, place in (
        ("", "log?v=1", "log/%s?v=1"),
        ("?w=2", "log?v=1", "log/%s?w=2&v=1"),
        ("", "a" + dashes + "b", "a" + dashes + "b/%s"),
    ):
        with Network([REQUEST, ok] * 2) as network:
            feed = flamelet.Gateway("https://%s/api%s" % (HOST, url), timeouts=timeouts()).feed(path, FIELDS)
            for i in range(2):
                feed.push(i, 1)
                assert network.sent[0][i] == reading("PUT", place % feed.key, '{"temp":%d,"hum":1}' % i)


def test_a_feed_obeys_the_override_of_methods():
    with Network([REQUEST, answer('{"status":"success","message":"m"}')]) as network:
        feed = gateway(override="header").feed("log", FIELDS)
        feed.push(1, 1)
    [[data]] = network.sent
    assert data.startswith(("POST /api/log/%s HTTP/1.1\r\n" % feed.key).encode())
    assert b"\r\nX-HTTP-Method-Override: PUT\r\n" in data


def pushed(text, post, status="200 OK", warm=True):
    """The error of a push that is answered so, on a connection that has served a push; what was sent since."""
    good = MADE if post else DONE
    with Network([REQUEST, good if warm else answer("{}")] + [REQUEST, answer(text, status)] * 2) as network:
        feed = gateway().feed("log", FIELDS, post)
        if warm:
            feed.push(1, 1)
        error = raises(flamelet.FlameletError, feed.push, 2, 2)
        return error, feed.pending, network.sent[0][1:]


def test_errors_of_the_sdk_are_raised_by_a_push_whichever_way_it_goes():
    for post in (False, True):
        for status in ("error", "ERROR", "Error"):
            error, pending, sent = pushed('{"status":"%s","message":"Missed keys: hum"}' % status, post)
            assert type(error) is MissingKeys and error.keys == ["hum"] and not pending and len(sent) == 1
        error, pending, _ = pushed('{"status":"error","message":"14 UNAVAILABLE: later"}', post)
        assert (type(error), error.retry, pending) == (GatewayError, not post, not post)


def test_what_is_no_answer_of_the_sdk_is_raised_by_a_push():
    for post in (False, True):
        for text in ("", "{}", "[]", "<html>", '{"status":5}', '"status":"success"', '{"error":{"status":"success"}}'):
            error, pending, _ = pushed(text, post)
            assert isinstance(error, ProtocolError) and not pending, text
        error, pending, _ = pushed(PAGE % "Cannot do that", post, "404 Not Found")
        assert type(error) is NotFound and error.text == "Cannot do that" and not pending


def test_a_success_that_is_written_otherwise_is_a_success():
    for text in ('{ "status": "SUCCESS", "data": {"id": "a"}}', '{"data":{"id":"a"},"status":"success"}'):
        for post in (False, True):
            with Network([REQUEST, MADE] + [REQUEST, answer(text)] * 2) as network:
                feed = gateway().feed("log", FIELDS, post)
                feed.push(1, 1)
                feed.push(2, 2)
            assert not feed.pending and len(network.sent[0]) == 2


def test_a_long_error_is_read_whole_for_a_put_and_its_beginning_for_a_post():
    keys = ", ".join(["key%d" % n for n in range(100)])
    text = '{"status":"ERROR","message":"Missed keys: %s"}' % keys
    error, _, sent = pushed(text, False)
    assert type(error) is MissingKeys and len(error.keys) == 100 and len(sent) == 2 and sent[0] == sent[1]
    error, pending, sent = pushed(text, True)
    assert type(error) is GatewayError and "Missed keys: key0, key1" in str(error) and len(sent) == 1 and not pending


def test_a_put_is_repeated_under_its_id_and_a_post_is_not():
    for lost in ([REQUEST, b""], [REQUEST, reset()], [REQUEST, b"HTTP/1.1 2", b""]):
        with Network([REQUEST, DONE] + lost, [REQUEST, DONE]) as network:
            feed = gateway().feed("log", FIELDS)
            feed.push(1, 1)
            feed.push(2, 2)
            assert network.sent[1] == [reading("PUT", "log/" + feed.key, '{"temp":2,"hum":2}')] == network.sent[0][1:]
        with Network([REQUEST, MADE] + lost) as network:
            feed = gateway().feed("log", FIELDS, post=True)
            feed.push(1, 1)
            assert "it may have happened" in str(raises(OutcomeUnknown, feed.push, 2, 2))
            assert not feed.pending
            raises(InvalidArgument, feed.repeat)


def test_a_put_is_sent_again_after_500_and_a_post_is_not():
    bad = page("502 Bad Gateway", "Bad")
    with Network([REQUEST, DONE, REQUEST, bad, REQUEST, DONE]) as network:
        feed = gateway().feed("log", FIELDS)
        feed.push(1, 1)
        feed.push(2, 2)
    assert network.sent[0][1] == network.sent[0][2]
    for warm in (True, False):
        with Network(([REQUEST, MADE] if warm else []) + [REQUEST, bad]):
            feed = gateway().feed("log", FIELDS, post=True)
            if warm:
                feed.push(1, 1)
            raises(OutcomeUnknown, feed.push, 2, 2)
            assert not feed.pending


def test_a_post_waits_for_503_and_is_not_lost_in_a_connection_that_was_closed():
    busy = page("503 Service Unavailable", "later")
    with Network([REQUEST, MADE, REQUEST, busy, REQUEST, MADE]) as network:
        feed = gateway().feed("log", FIELDS, post=True)
        feed.push(1, 1)
        feed.push(2, 2)
    assert network.sent[0][1] == network.sent[0][2]
    with Network([REQUEST, MADE, b""], [REQUEST, MADE]) as network:
        feed = gateway().feed("log", FIELDS, post=True)
        feed.push(1, 1)
        feed.push(2, 2)
    assert [len(sent) for sent in network.sent] == [1, 1]


def test_a_pending_reading_is_repeated_and_goes_before_many():
    for post in (False, True):
        good = MADE if post else DONE
        with Network([refused()], [REQUEST, good] * 4) as network:
            feed = gateway().feed("log", FIELDS, post)
            raises(NetworkError, feed.push, 1, 1)
            assert feed.pending
            assert feed.push_many([(2, 2), [3, 3]]) == 2
            assert not feed.pending
            assert feed.push_many(()) == 0
            feed.push(4, 4)
        bodies = [json.loads(data.split(b"\r\n\r\n", 1)[1])["hum"] for data in network.sent[1]]
        assert bodies == [1, 2, 3, 4]


def test_a_push_renews_a_token_after_a_401():
    for post in (False, True):
        good = MADE if post else DONE
        unauthorized = answer("Unauthorized", "401 Unauthorized")
        # The hot path asks once more, by the flow that reads why.
        script = [REQUEST, good, REQUEST, unauthorized, REQUEST, unauthorized]
        with Network(script, [REQUEST, renewal(2)], [REQUEST, good, REQUEST, good]) as network:
            feed = gateway(token()).feed("log", FIELDS, post)
            feed.push(1, 1)
            feed.push(2, 2)
            feed.push(3, 3)
        assert [id_token(2).encode() in data for data in network.sent[2]] == [True, True]


async def test_awaited_it_is_the_same():
    text = '{"status":"success","data":[%s,%s]}' % (DOCUMENT, DOCUMENT)
    script = [REQUEST, MADE, REQUEST, DONE, REQUEST, DONE, REQUEST, DONE, REQUEST, DONE, REQUEST, DONE, REQUEST, DONE]
    with Network(script, [REQUEST, None, answer(text)]) as network:
        async with aio.Gateway("https://%s/api" % HOST, timeouts=timeouts()) as gw:
            assert await gw.create("users", JANE) == "newlyCreatedDocId"
            for write in (gw.replace, gw.update):
                assert await write("users/a", JANE) == "Document with id doc1 was updated"
            assert await gw.delete("users/a") == "Document with id doc1 was updated"
            feed = gw.feed("log", FIELDS)
            await feed.push(1, 1)
            assert await feed.push_many([(2, 2), (3, 3)]) == 2
            found = []
            async for document in gw.list("users"):
                found.append(document["id"])
            assert found == ["doc1", "doc1"]
    assert len(network.sent[0]) == 7


async def test_awaited_errors_are_the_same():
    error = answer('{"status":"ERROR","message":"Missed keys: hum"}')
    for post in (False, True):
        good = MADE if post else DONE
        with Network([REQUEST, good, REQUEST, error, REQUEST, error, REQUEST, good]):
            async with aio.Gateway("https://%s/api" % HOST, timeouts=timeouts()) as gw:
                feed = gw.feed("log", FIELDS, post)
                await feed.push(1, 1)
                for call in (lambda feed=feed: feed.push(2, 0), lambda gw=gw: gw.create("log", {})):
                    try:
                        await call()
                    except MissingKeys as found:
                        assert found.keys == ["hum"]
                    else:
                        raise AssertionError("nothing was raised")
                await feed.push(3, 3)


def test_every_error_of_the_gateway_is_a_response_error():
    for kind in (MissingKeys, ExtraKeys, GatewayError, NotFound):
        assert issubclass(kind, ResponseError)
