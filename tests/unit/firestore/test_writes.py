"""Firestore's writes as JSON: set, update, create, delete with every transform and condition, and what is refused."""

import json

import flamelet
from flamelet import Timestamp
from flamelet.errors import AlreadyExists, InvalidArgument, NotFound, PreconditionFailed

from firestoring import LATER, ROOT, TIME, WRITTEN, body_of, commit, error, firestore, update
from helpers import raises
from scripted import REQUEST, Network, answer

HEAP = "512k"


def written(write):
    """The JSON of the writes that `write(batch)` makes, and whether they may be done twice."""
    batch = firestore().batch()
    write(batch)
    return [json.loads(text) for text in batch.encoded], batch.repeatable


def one(write):
    [content], _ = written(write)
    return content


def integer(number):
    return {"integerValue": "%d" % number}


def refused(write):
    return str(raises(InvalidArgument, written, write))


# What each method sends.


def test_set_writes_the_whole_document_and_gives_its_time():
    with Network([REQUEST, WRITTEN]) as network:
        assert firestore().set("/cities/L A/", {"a": None}) == TIME
    assert network.sent == [[commit(update("cities/L A", '{"a":{"nullValue":null}}'))]]


def test_update_writes_the_fields_that_it_names_if_the_document_exists():
    with Network([REQUEST, WRITTEN]) as network:
        assert firestore().update("c/d", {"a": True}) == TIME
    more = ',"updateMask":{"fieldPaths":["a"]},"currentDocument":{"exists":true}'
    assert network.sent == [[commit(update("c/d", '{"a":{"booleanValue":true}}', more))]]


def test_delete_names_the_document():
    with Network([REQUEST, answer('{"writeResults":[{}],"commitTime":"%s"}' % TIME)]) as network:
        assert firestore().delete("c/d") is None
    assert network.sent == [[commit('{"delete":"%s/c/d"}' % ROOT)]]


def test_create_makes_an_id_of_twenty_letters_and_digits_or_takes_the_one_given():
    with Network([REQUEST, WRITTEN] * 3) as network:
        fs = firestore()
        ids = [fs.create("c", {}), fs.create("/c/", {}), fs.create("c/d/e", {}, "mine")]
    more = ',"currentDocument":{"exists":false}'
    assert network.sent == [[commit(update(path, "{}", more)) for path in ("c/" + ids[0], "c/" + ids[1], "c/d/e/mine")]]
    assert ids[2] == "mine" and ids[0] != ids[1]
    for id in ids[:2]:
        assert len(id) == 20 and all([letter.isalpha() or letter.isdigit() for letter in id])


def test_names_and_texts_are_escaped():
    content = one(lambda batch: batch.set('c/q"b\\t\t', {'n"\\\n': 'v"\\\n\u00e9'}))
    assert content["update"] == {
        "name": ROOT + '/c/q"b\\t\t',
        "fields": {'n"\\\n': {"stringValue": 'v"\\\n\u00e9'}},
    }


# Names of fields.


def test_the_names_of_an_update_are_paths_and_those_of_a_set_are_names():
    content = one(lambda batch: batch.update("c/d", {"a.b": 1, "a.`c.d`.e": 2, "`x`": 3, "y_1": 4}))
    assert content["update"]["fields"] == {
        "a": {"mapValue": {"fields": {"b": integer(1), "c.d": {"mapValue": {"fields": {"e": integer(2)}}}}}},
        "x": integer(3),
        "y_1": integer(4),
    }
    assert sorted(content["updateMask"]["fieldPaths"]) == ["a.`c.d`.e", "a.b", "x", "y_1"]
    content = one(lambda batch: batch.set("c/d", {"a.b": 1, "`x`": 2}))
    assert content["update"]["fields"] == {"a.b": integer(1), "`x`": integer(2)} and "updateMask" not in content


def test_a_quoted_name_with_backticks_and_backslashes_comes_back_quoted():
    path = "`a\\`b\\\\c`"
    content = one(lambda batch: batch.update("c/d", {path: 1}))
    assert content["update"]["fields"] == {"a`b\\c": integer(1)}
    assert content["updateMask"]["fieldPaths"] == [path]


def test_a_map_in_an_update_replaces_the_whole_map():
    content = one(lambda batch: batch.update("c/d", {"a": {"b.c": 1}, "e": {}}))
    assert sorted(content["updateMask"]["fieldPaths"]) == ["a", "e"]
    assert content["update"]["fields"]["a"] == {"mapValue": {"fields": {"b.c": integer(1)}}}
    assert content["update"]["fields"]["e"] == {"mapValue": {"fields": {}}}


def test_delete_as_a_value_is_in_the_mask_alone():
    content = one(lambda batch: batch.update("c/d", {"a.b": flamelet.DELETE, "c": 1}))
    assert sorted(content["updateMask"]["fieldPaths"]) == ["a.b", "c"]
    assert content["update"]["fields"] == {"c": integer(1)} and "updateTransforms" not in content
    content = one(lambda batch: batch.update("c/d", {"a": flamelet.DELETE}))
    assert content["update"]["fields"] == {} and content["updateMask"] == {"fieldPaths": ["a"]}


# Transforms.

TRANSFORMS = (
    (flamelet.TIMESTAMP, {"setToServerValue": "REQUEST_TIME"}, True),
    (flamelet.increment(5), {"increment": integer(5)}, False),
    (flamelet.increment(-0.5), {"increment": {"doubleValue": -0.5}}, False),
    (flamelet.maximum(7), {"maximum": integer(7)}, True),
    (flamelet.minimum(-7), {"minimum": integer(-7)}, True),
    (flamelet.array_union([1, "x"]), {"appendMissingElements": {"values": [integer(1), {"stringValue": "x"}]}}, True),
    (flamelet.array_remove([None]), {"removeAllFromArray": {"values": [{"nullValue": None}]}}, True),
    (flamelet.array_union([]), {"appendMissingElements": {"values": []}}, True),
)


def test_each_transform_is_sent_beside_the_fields_and_is_in_no_mask():
    for value, expected, repeatable in TRANSFORMS:
        transform = {"fieldPath": "t"}
        transform.update(expected)
        for method in ("set", "update", "create"):
            [content], may_repeat = written(lambda batch: getattr(batch, method)("c/d", {"a": 1, "t": value}))  # noqa: B023
            assert content["updateTransforms"] == [transform], content
            assert content["update"]["fields"] == {"a": integer(1)}
            assert may_repeat == (repeatable and method != "create")
            assert content.get("updateMask") == ({"fieldPaths": ["a"]} if method == "update" else None)


def test_a_transform_may_stand_within_maps_and_under_a_path():
    nested = {"m": {"n`x": {"t": flamelet.TIMESTAMP}, "a": 1, "e": {}}, "b": {"only": flamelet.increment(1)}}
    content = one(lambda batch: batch.set("c/d", nested))
    paths = sorted([transform["fieldPath"] for transform in content["updateTransforms"]])
    assert paths == ["b.only", "m.`n\\`x`.t"]
    fields = content["update"]["fields"]
    assert list(fields) == ["m"] and fields["m"]["mapValue"]["fields"] == {
        "a": integer(1),
        "e": {"mapValue": {"fields": {}}},
    }
    content = one(lambda batch: batch.update("c/d", {"a.b": flamelet.TIMESTAMP, "a.c": 1}))
    assert content["updateMask"]["fieldPaths"] == ["a.c"]
    assert content["updateTransforms"] == [{"fieldPath": "a.b", "setToServerValue": "REQUEST_TIME"}]
    assert content["update"]["fields"] == {"a": {"mapValue": {"fields": {"c": integer(1)}}}}


def test_a_map_that_holds_a_transform_alone_is_emptied_by_an_update_and_then_transformed():
    content = one(lambda batch: batch.update("c/d", {"a": {"t": flamelet.TIMESTAMP}}))
    assert content["updateMask"]["fieldPaths"] == ["a"] and content["update"]["fields"] == {}
    assert content["updateTransforms"][0]["fieldPath"] == "a.t"


def test_an_update_of_transforms_alone_has_an_empty_mask():
    # Without any mask the service would write the document anew.
    content = one(lambda batch: batch.update("c/d", {"n": flamelet.increment(1)}))
    assert content["updateMask"] == {"fieldPaths": []}


def test_what_is_written_stays_as_it_was():
    fields = {"m": {"t": flamelet.TIMESTAMP, "a": [1]}, "d": flamelet.DELETE}
    before = repr(fields)
    written(lambda batch: batch.update("c/d", fields))
    assert repr(fields) == before


# Conditions.


def test_each_condition_stands_beside_the_write():
    conditions = (
        ({"exists": True}, {"exists": True}),
        ({"exists": False}, {"exists": False}),
        ({"update_time": TIME}, {"updateTime": TIME}),
        ({"update_time": Timestamp(LATER)}, {"updateTime": str(Timestamp(LATER))}),
    )
    for given, expected in conditions:
        writes, _ = written(
            lambda batch: (
                batch.set("c/d", {}, **given),  # noqa: B023
                batch.update("c/d", {"a": 1}, **given),  # noqa: B023
                batch.delete("c/d", **given),  # noqa: B023
                batch.verify("c/d", **given),  # noqa: B023
            )
        )
        assert [write["currentDocument"] for write in writes] == [expected] * 4


def test_what_may_be_done_twice_is_known():
    times = {"update_time": TIME}
    cases = (
        (lambda batch: batch.set("c/d", {}), True),
        (lambda batch: batch.update("c/d", {"a": 1}), True),
        (lambda batch: batch.delete("c/d"), True),
        (lambda batch: batch.set("c/d", {}, exists=True), True),
        (lambda batch: batch.set("c/d", {}, exists=False), False),
        (lambda batch: batch.set("c/d", {}, **times), False),
        (lambda batch: batch.update("c/d", {"a": 1}, **times), False),
        (lambda batch: batch.delete("c/d", **times), False),
        # The second time there would be none.
        (lambda batch: batch.delete("c/d", exists=True), False),
        (lambda batch: batch.create("c/d", {}), False),
    )
    for write, expected in cases:
        assert written(write)[1] == expected, written(write)
    assert not written(lambda batch: (batch.delete("c/d", exists=True), batch.delete("c/d")))[1]


def test_a_condition_that_does_not_hold_says_so():
    stale = "the stored version (1) does not match the required base version (2)"
    exists = "entity already exists: app"
    with Network(
        [
            REQUEST,
            error("400 Bad Request", "FAILED_PRECONDITION", stale),
            REQUEST,
            error("409 Conflict", "ALREADY_EXISTS", exists),
            REQUEST,
            error("404 Not Found", "NOT_FOUND", "no entity to update"),
        ]
    ):
        fs = firestore()
        assert raises(PreconditionFailed, lambda: fs.set("c/d", {}, update_time=TIME)).text == stale
        assert raises(AlreadyExists, lambda: fs.set("c/d", {}, exists=False)).text == exists
        assert raises(NotFound, fs.update, "c/d", {"a": 1}).action == "never"


# What is refused.


def test_fields_of_an_update_that_overlap_are_refused_by_name():
    for names in (("a", "a.b"), ("a.b.c", "x", "a.b"), ("`a`", "a"), ("a.`b`", "a.b.c")):
        for value in (1, flamelet.DELETE, flamelet.TIMESTAMP):
            text = refused(lambda batch: batch.update("c/d", dict([(name, value) for name in names])))  # noqa: B023
            assert "overlap: a" in text, text
    assert len(one(lambda batch: batch.update("c/d", {"a": 1, "ab": 2, "b.a": 3}))["updateMask"]["fieldPaths"]) == 3


def test_fields_that_are_none_are_refused():
    for fields in ({}, None, [], "a", 5):
        assert "at least one field" in refused(lambda batch: batch.update("c/d", fields))  # noqa: B023
    for fields in (None, [], "a", [("a", 1)]):
        assert "are a dict" in refused(lambda batch: batch.set("c/d", fields))  # noqa: B023
        assert "are a dict" in refused(lambda batch: batch.create("c/d", fields))  # noqa: B023


def test_names_that_are_no_path_are_refused():
    for name in ("", "a..b", ".a", "a.", "a b", "1a", "`a", "a`", "``", "a-b", 5, None, "__x__", "a.__x__"):
        refused(lambda batch: batch.update("c/d", {name: 1}))  # noqa: B023
    for name in ("", 5, None, "__x__", "x" * 1501):
        refused(lambda batch: batch.set("c/d", {name: 1}))  # noqa: B023
        refused(lambda batch: batch.set("c/d", {"a": {name: 1}}))  # noqa: B023


def test_transforms_where_none_can_be_are_refused():
    assert "array" in refused(lambda batch: batch.set("c/d", {"a": [flamelet.TIMESTAMP]}))
    assert "array" in refused(lambda batch: batch.set("c/d", {"a": [{"b": flamelet.increment(1)}]}))
    assert "array" in refused(lambda batch: batch.update("c/d", {"a": flamelet.array_union([flamelet.TIMESTAMP])}))
    for value in (flamelet.DELETE, {".sv": "now"}, {".sv": {}}, {".sv": {"increment": 1, "maximum": 2}}, {".sv": 5}):
        assert "is no transform" in refused(lambda batch: batch.set("c/d", {"a": value}))  # noqa: B023
        assert "m.a" in refused(lambda batch: batch.update("c/d", {"m": {"a": value}}))  # noqa: B023
    for delta in ("1", None, True, float("nan"), float("inf")):
        raises(InvalidArgument, flamelet.increment, delta)


def test_conditions_that_are_none_are_refused():
    bad = (
        {"exists": True, "update_time": TIME},
        {"exists": None},
        {"exists": 1},
        {"update_time": None},
        {"update_time": ""},
        {"exist": True},
    )
    for condition in bad:
        for method in ("set", "update"):
            write = getattr(firestore().batch(), method)
            raises(InvalidArgument, lambda: write("c/d", {"a": 1}, **condition))  # noqa: B023
        raises(InvalidArgument, lambda: firestore().delete("c/d", **condition))  # noqa: B023


def test_what_is_refused_leaves_a_batch_as_it_was():
    batch = firestore().batch()
    batch.set("c/d", {"a": 1})
    for fields in ({"a": object()}, {"a": 2**63}, {"a": [[1]]}):
        raises(InvalidArgument, batch.set, "c/e", fields)
    raises(InvalidArgument, lambda: batch.delete("c/d", exists=5))
    assert len(batch.encoded) == 1


def test_the_bodies_of_commits_are_json():
    with Network([REQUEST, WRITTEN]) as network:
        firestore().set("c/d", {"a": [1, {"b": b"\x00"}], "t": flamelet.TIMESTAMP}, exists=True)
    [content] = body_of(network.sent[0][0])["writes"]
    assert sorted(content) == ["currentDocument", "update", "updateTransforms"]
