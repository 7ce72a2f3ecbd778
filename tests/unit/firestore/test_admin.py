"""The administration of Firestore against a scripted server: what is sent, when, and what a broken answer does."""

import json

import flamelet
from flamelet import aio
from flamelet.errors import InvalidArgument, ProtocolError, ResponseError, Timeout
from flamelet.firestore import admin as firestore_admin

from helpers import raises
from scripted import REQUEST, Network, answer, timeouts

HEAP = "512k"
HOST = "https://firestore.example.com/v1"
NAME = "projects/demo/databases/(default)"
OPERATION = NAME + "/operations/o1"
RUNNING = answer('{"name":"%s"}' % OPERATION)
DONE = answer('{"name":"%s","done":true,"response":{"a":1}}' % OPERATION)


def administration(kind=None):
    return (kind or flamelet.Firestore)("demo", url=HOST, timeouts=timeouts()).admin


def sent(network):
    """The first line of each request, and its body as a value."""
    found = []
    for data in network.sent[0]:
        head, _, body = bytes(data).partition(b"\r\n\r\n")
        line = head.split(b"\r\n")[0].decode()
        found.append((line, json.loads(body) if body else None))
    return found


def test_an_index_is_sent_as_the_reference_has_it():
    with Network([REQUEST, RUNNING]) as network:
        fields = (("a.b", "DESCENDING"), ("`c-d`", "CONTAINS"), ("`e`", "ASCENDING"), ("v", 3))
        assert administration().create_index("cities", fields, "COLLECTION_GROUP") == {"name": OPERATION}
    expected = [
        {"fieldPath": "a.b", "order": "DESCENDING"},
        {"fieldPath": "`c-d`", "arrayConfig": "CONTAINS"},
        {"fieldPath": "e", "order": "ASCENDING"},
        {"fieldPath": "v", "vectorConfig": {"dimension": 3, "flat": {}}},
    ]
    line = "POST /v1/%s/collectionGroups/cities/indexes HTTP/1.1" % NAME
    assert sent(network) == [(line, {"queryScope": "COLLECTION_GROUP", "fields": expected})]


def test_each_change_of_a_field_names_what_it_changes():
    with Network([REQUEST, RUNNING] * 5) as network:
        admin = administration()
        admin.set_ttl("cities", "ends")
        admin.set_ttl("cities", "ends", False)
        admin.set_index_config("cities", "`b c`", ())
        admin.set_index_config("cities", "log", None)
        admin.set_index_config("__default__", "*", [("ASCENDING", "COLLECTION")])
    index = {"queryScope": "COLLECTION", "fields": [{"fieldPath": "*", "order": "ASCENDING"}]}
    changes = (
        ("cities/fields/ends", "ttlConfig", {"ttlConfig": {}}),
        ("cities/fields/ends", "ttlConfig", {}),
        ("cities/fields/%60b%20c%60", "indexConfig", {"indexConfig": {"indexes": []}}),
        ("cities/fields/log", "indexConfig", {}),
        ("__default__/fields/%2A", "indexConfig", {"indexConfig": {"indexes": [index]}}),
    )
    for (line, body), (path, mask, change) in zip(sent(network), changes):
        assert line == "PATCH /v1/%s/collectionGroups/%s?updateMask=%s HTTP/1.1" % (NAME, path, mask)
        assert body == change


def test_an_operation_that_is_done_is_not_asked_for():
    with Network():
        assert administration().wait({"name": OPERATION, "done": True, "response": {"a": 1}}) == {"a": 1}
        assert administration().wait({"name": OPERATION, "done": True}) == {}


def test_a_wait_looks_ever_less_often_and_once_more_at_its_deadline():
    with Network([REQUEST, RUNNING] * 9) as network:
        ticks = firestore_admin.ticks_ms
        firestore_admin.ticks_ms = network._ticks_ms
        try:
            error = raises(Timeout, administration().wait, OPERATION, 32000)
        finally:
            firestore_admin.ticks_ms = ticks
    assert network.pauses[:7] == [250, 500, 1000, 2000, 4000, 8000, 10000]
    assert 5000 < network.pauses[7] <= 6250 and sum(network.pauses) <= 32000
    assert "goes on" in str(error) and error.retry


async def test_an_awaited_wait_ends_when_the_operation_does():
    with Network([REQUEST, RUNNING, REQUEST, DONE]):
        assert await administration(aio.Firestore).wait({"name": OPERATION}, 5000) == {"a": 1}


def test_an_operation_that_failed_is_raised_with_its_canonical_code():
    for number, code in ((1, "CANCELLED"), (13, "INTERNAL"), (16, "UNAUTHENTICATED"), (17, "UNKNOWN"), (-1, "UNKNOWN")):
        operation = {"name": OPERATION, "done": True, "error": {"code": number, "message": "Words."}}
        error = raises(ResponseError, administration().wait, operation)
        assert (error.code, error.text, error.status) == (code, "Words.", 0)
        assert OPERATION in str(error)


def test_an_answer_that_is_none_of_an_administration_is_a_protocol_error():
    for text in ("[]", "null", '{"indexes":5}', '{"indexes":"x"}', "7"):
        with Network([REQUEST, answer(text)]):
            raises(ProtocolError, list, administration().indexes())
    for text in ("[]", '"done"', '{"done":true,"error":7}'):
        with Network([REQUEST, answer(text)]):
            raises(ProtocolError, administration().wait, OPERATION)
    operation = {"done": True, "name": OPERATION, "error": {"code": "x"}}
    assert raises(ResponseError, administration().wait, operation).code == "UNKNOWN"


def test_names_are_of_this_database_alone():
    admin = administration()
    with Network():
        for name in ("", None, 5, "operations/o1", "projects/demo/databases/other/operations/o1", NAME):
            for method in (admin.operation, admin.get_index, admin.delete_index, admin.cancel_operation, admin.wait):
                raises(InvalidArgument, method, name)
