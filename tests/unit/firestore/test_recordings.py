"""Every refusal that was recorded of Firestore's emulator, as our error: by its canonical code, with its words."""

import json
import os

from flamelet.errors import (
    Aborted,
    AlreadyExists,
    BadRequest,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ResponseError,
    Unavailable,
)

from firestoring import ROOT, Dice, firestore
from helpers import raises
from scripted import REQUEST, Network, timeouts

HEAP = "1m"
RECORDINGS = "tests/recordings/firestore"
# "Error Codes" of "Using the Firestore REST API".
KINDS = {
    "INVALID_ARGUMENT": BadRequest,
    "FAILED_PRECONDITION": PreconditionFailed,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": AlreadyExists,
    "ABORTED": Aborted,
    "PERMISSION_DENIED": PermissionDenied,
    "UNIMPLEMENTED": BadRequest,
    "UNKNOWN": Unavailable,
}
PAGE = "Not Found\n"
# The answer to a HEAD has a length and no body.
BODILESS = ("a051_head.response",)


def refusals():
    """(name, answer, status, what its JSON says or the text of a page) of each."""
    for name in sorted(os.listdir(RECORDINGS)):
        if not name.endswith(".response") or name in BODILESS:
            continue
        with open("%s/%s" % (RECORDINGS, name), "rb") as file:
            data = file.read()
        status = int(data[9:12])
        if status >= 400:
            body = data.split(b"\r\n\r\n", 1)[1].decode()
            yield name, data, status, json.loads(body)["error"] if body.startswith("{") else body


def asked(ask, data):
    """The error that this answer makes of a request, without another try."""
    with Dice(), Network([REQUEST, data]) as network:
        error = raises(ResponseError, ask, firestore(timeouts=timeouts(answer=500)))
    assert network.pauses == []
    return error


def check(ask):
    count = 0
    for name, data, status, content in refusals():
        error = asked(ask, data)
        assert error.status == status, name
        if isinstance(content, str):
            assert content == PAGE and type(error) is NotFound and "not JSON" in str(error), name
        else:
            assert type(error) is KINDS[content["status"]], (name, error)
            assert error.text == content.get("message", error.text), name
            assert error.text and error.text in str(error), name
        count += 1
    assert count == 83, count


def test_each_refusal_of_a_call_is_the_right_error():
    check(lambda fs: fs.call("POST", ROOT + ":commit", {"writes": []}))


def test_each_refusal_of_a_query_is_the_right_error():
    check(lambda fs: list(fs.query("c")))


def test_each_refusal_wrapped_in_an_array_is_the_same_error():
    wrapped = 0
    for name, data, _, content in refusals():
        if isinstance(content, dict):
            body = b"[%s]" % data.split(b"\r\n\r\n", 1)[1]
            head = data.split(b"\r\n")[0] + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
            error = asked(lambda fs: list(fs.batch_get(["a/b"])), head + body)
            assert type(error) is KINDS[content["status"]], (name, error)
            wrapped += 1
    assert wrapped == 71, wrapped


def test_a_missing_document_is_none_and_no_other_404_is():
    seen = []
    for _, data, status, content in refusals():
        if status == 404 and isinstance(content, dict):
            with Network([REQUEST, data]):
                try:
                    assert firestore().get("c/d") is None
                    seen.append("missing")
                except NotFound:
                    seen.append("error")
                missing = content["message"].startswith("Document (")
                assert seen[-1] == ("missing" if missing else "error"), content
    assert seen.count("missing") == 4 and seen.count("error") == 3, seen
