"""Some of the recorded answers, on each Python; tests/system/test_recordings.py reads them all."""

import json

from flamelet.wire import http1
from flamelet.wire import json as _json

from feeding import read_every_way

HEAP = "512k"


def read(name, bodiless=False):
    with open("tests/recordings/%s.response" % name, "rb") as file:
        answer = read_every_way(file.read(), bodiless)
    assert answer.code == http1.END
    return answer


def read_json(name):
    """The answer and its value, which json of this very Python reads the same."""
    answer = read(name)
    buffer = bytearray(answer.body)
    value = _json.loads(buffer, memoryview(buffer), len(buffer))
    assert value == json.loads(answer.body)
    return answer, value


def test_a_document_of_firestore():
    answer, document = read_json("firestore/a003_create_autoid")
    assert (answer.status, answer.length, answer.chunked) == (200, 245, False)
    assert document["fields"] == {"v": {"integerValue": "1"}}


def test_an_error_of_firestore():
    answer, content = read_json("firestore/a015_get_notfound")
    assert answer.status == 404 and content["error"]["status"] == "NOT_FOUND"


def test_the_answer_to_a_head_request():
    answer = read("firestore/a051_head", bodiless=True)
    assert (answer.status, answer.body, answer.length) == (404, b"", 10)


def test_chunked_answers_of_the_token_service():
    answer, content = read_json("auth/027_refresh_json")
    assert (answer.status, answer.chunked, answer.length) == (200, True, -1)
    assert content["token_type"] == "Bearer"
    answer, content = read_json("auth/029_refresh_invalid")
    assert answer.status == 400 and content["error"]["message"] == "INVALID_REFRESH_TOKEN"


def test_answers_of_express():
    answer, content = read_json("gateway/001_list_empty")
    assert (answer.status, answer.keep_alive, content) == (200, True, {"status": "success", "data": []})
    assert answer.headers[b"etag"] == b'W/"1e-JkPcI+pGj7BBTxOuZTVVIm91zaY"'


def test_a_page_of_html():
    answer = read("gateway/022_unknown_route_html")
    assert answer.status == 404 and answer.headers[b"content-type"] == b"text/html; charset=utf-8"
    assert answer.body.startswith(b"<!DOCTYPE html>")
