"""The simulator's data, keys and events as pure functions, and as properties over random writes."""

import copy
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamelet_tools.simulator.http.answers import compact_json, pretty_json
from flamelet_tools.simulator.rtdb import tree
from flamelet_tools.simulator.rtdb.event_bytes import etag
from flamelet_tools.simulator.rtdb.events import Change, event_for
from flamelet_tools.simulator.rtdb.push_id import ALPHABET, push_ids
from flamelet_tools.simulator.rtdb.tree import InvalidData

NOW_MS = 1_700_000_000_123


def stored(data, **arguments):
    return tree.to_json(tree.parse_value(data, **arguments))


@pytest.mark.parametrize("data", [None, {}, [], {"a": None}, {"a": {"b": []}}, [None, {}]])
def test_what_is_empty_is_null(data):
    assert tree.parse_value(data) is None


def test_null_children_are_not_kept():
    assert stored({"a": 1, "b": None, "c": {"d": None}}) == {"a": 1}


def test_an_array_with_few_holes_stays_an_array():
    assert stored(["a", None, "c"]) == ["a", None, "c"]
    assert stored({"0": "a", "2": "c"}) == ["a", None, "c"]


def test_an_array_with_many_holes_becomes_an_object():
    assert stored([None, None, None, "d"]) == {"3": "d"}
    assert stored({"1": "b"}) == [None, "b"]
    assert stored({"2": "c"}) == {"2": "c"}


@pytest.mark.parametrize("key", ["01", "-1", "1 ", "\u0661", "x"])
def test_a_key_that_is_not_a_plain_integer_makes_an_object(key):
    assert stored({"0": 1, key: 2}) == {"0": 1, key: 2}


def test_arrays_are_made_at_every_depth():
    assert stored({"a": {"0": {"0": 1}}}) == {"a": [[1]]}


def test_keys_come_integers_first_and_then_by_utf16():
    keys = ["b", "10", "9", "-3", "a", "2147483648", "2147483647", "-2147483649", "\uffee", "\U0001f600", "007", "7"]
    ordered = ["-3", "7", "007", "9", "10", "2147483647", "-2147483649", "2147483648", "a", "b", "\U0001f600", "\uffee"]
    assert list(tree.to_json(dict.fromkeys(keys, 1))) == ordered


@pytest.mark.parametrize("key", ["", "a.b", "a$", "#", "[", "]", "a/b", "\x00", "a\x1f", "\x7f", "k" * 769, "\ud800"])
def test_a_forbidden_key_in_data_is_refused(key):
    with pytest.raises(InvalidData):
        tree.parse_value({"deep": {key: 1}})


@pytest.mark.parametrize("key", [" ", "k" * 768, "\u00e9" * 384, "\x80", "a-b_c:d", "\U0001f525"])
def test_an_unusual_but_valid_key_is_kept(key):
    assert stored({key: 1}) == {key: 1}


def test_a_forbidden_key_in_a_path_is_refused_with_the_service_text():
    with pytest.raises(InvalidData, match="^Invalid path: Invalid token in path$"):
        tree.split_path("a/b#c")


def nested(levels):
    data = 1
    for _ in range(levels):
        data = {"k": data}
    return data


def test_32_levels_are_kept_and_33_refused():
    assert tree.parse_value(nested(32)) == nested(32)
    with pytest.raises(InvalidData):
        tree.parse_value(nested(33))


def test_the_depth_of_the_path_counts():
    assert tree.parse_value(nested(30), ("a", "b"))
    with pytest.raises(InvalidData):
        tree.parse_value(nested(31), ("a", "b"))
    with pytest.raises(InvalidData):
        tree.split_path("k/" * 33)


def test_a_string_of_10_mb_is_kept_and_a_longer_one_refused():
    assert tree.parse_value("x" * tree.MAX_STRING_BYTES)
    with pytest.raises(InvalidData):
        tree.parse_value("\u00e9" * (tree.MAX_STRING_BYTES // 2 + 1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "\udc00", b"bytes", object()])
def test_a_value_that_json_cannot_hold_is_refused(value):
    with pytest.raises(InvalidData):
        tree.parse_value({"a": value})


def test_an_integer_beyond_64_bits_becomes_a_double():
    assert tree.parse_value(2**63 - 1) == 2**63 - 1
    assert isinstance(tree.parse_value(2**63), float)


def test_timestamp_is_the_time_of_the_write_everywhere():
    data = {"a": {".sv": "timestamp"}, "b": [{".sv": "timestamp"}]}
    assert stored(data, now_ms=NOW_MS) == {"a": NOW_MS, "b": [NOW_MS]}


@pytest.mark.parametrize(
    ("old", "delta", "new"),
    [
        (None, 5, 5),
        ("text", 5, 5),
        (True, 5, 5),
        ({"a": 1}, -1.5, -1.5),
        (3, 4, 7),
        (3, -0.5, 2.5),
        (0.5, 1, 1.5),
        (2**63 - 1, 1, float(2**63)),
        (-(2**63), -1, float(-(2**63) - 1)),
    ],
)
def test_increment_adds_to_a_number_and_replaces_anything_else(old, delta, new):
    result = tree.parse_value({".sv": {"increment": delta}}, old=old)
    assert (result, type(result)) == (new, type(new))


def test_increment_below_a_path_uses_the_child_that_is_there():
    assert tree.parse_value({"n": {".sv": {"increment": 1}}}, old={"n": 41}) == {"n": 42}


@pytest.mark.parametrize(
    "value",
    [
        {".sv": "time"},
        {".sv": {"increment": "1"}},
        {".sv": {"increment": True}},
        {".sv": {"decrement": 1}},
        {".sv": {"increment": 1, "x": 1}},
        {".sv": "timestamp", "more": 1},
        {".sv": {"increment": float("inf")}},
    ],
)
def test_an_unknown_server_value_is_refused(value):
    with pytest.raises(InvalidData):
        tree.parse_value(value, old=1)


def test_a_patch_of_a_non_object_is_refused():
    for data in (1, "a", None, [1]):
        with pytest.raises(InvalidData):
            tree.parse_update(data, (), None)


def test_the_keys_of_a_patch_may_be_paths():
    assert tree.parse_update({"a/b": 1, "/c/": None}, (), None) == {("a", "b"): 1, ("c",): None}


@pytest.mark.parametrize(
    "data", [{"a": 1, "a/b": 2}, {"a/b/c": 1, "x": 1, "a": 2}, {"a": 1, "/a": 2}, {"": 1}, {"/": 1}]
)
def test_a_patch_whose_paths_overlap_or_are_empty_is_refused(data):
    with pytest.raises(InvalidData):
        tree.parse_update(data, (), None)


@pytest.mark.parametrize("data", [{"a": 1, "a/b": 2}, {"a/b": 2, "c": 3, "a": None}, {"/a/": 1, "a-": 2, "a/b": 2}])
def test_paths_that_overlap_are_named_in_the_words_of_the_javascript_sdk(data):
    with pytest.raises(InvalidData, match="contains a path /a that is ancestor of another path /a/b$"):
        tree.parse_update(data, (), None)


def test_paths_with_a_common_beginning_do_not_overlap():
    assert len(tree.parse_update({"a": 1, "a-b": 2, "ab/c": 3, "ab/d": 4}, (), None)) == 4


def test_removing_the_last_child_removes_the_parents():
    root = tree.put(None, ("a", "b", "c"), 1)
    assert tree.put(root, ("a", "b", "c"), None) is None


def test_removing_below_a_leaf_changes_nothing():
    root = tree.put(None, ("a",), 5)
    assert tree.put(root, ("a", "b"), None) == {"a": 5}


def test_writing_below_a_leaf_replaces_it():
    assert tree.put({"a": 5}, ("a", "b"), 1) == {"a": {"b": 1}}


def test_push_keys_have_the_time_and_sort_as_they_were_made():
    push_id = push_ids(lambda below: below - 3)
    keys = [push_id(NOW_MS), push_id(NOW_MS), push_id(NOW_MS + 1)]
    assert keys == sorted(keys)
    assert [key[8:] for key in keys] == ["z" * 11 + "x", "z" * 11 + "y", "z" * 11 + "x"]
    milliseconds = 0
    for character in keys[0][:8]:
        milliseconds = milliseconds * 64 + ALPHABET.index(character)
    assert milliseconds == NOW_MS


def test_the_random_part_of_a_push_key_carries():
    push_id = push_ids(lambda below: 63)
    push_id(0)
    assert push_id(0) == "-" * 18 + "0-"


def test_push_keys_of_one_millisecond_never_repeat():
    push_id = push_ids()
    assert len({push_id(NOW_MS) for _ in range(1000)}) == 1000


def test_pretty_json_has_the_shape_of_the_error_bodies():
    assert pretty_json({"error": "TEXT"}) == b'{\n  "error" : "TEXT"\n}\n'
    data = {"a": {"b": [1, {"c": "\u00e9"}]}, "d": None}
    text = '{\n  "a" : {\n    "b" : [ 1, {\n      "c" : "\u00e9"\n    } ]\n  },\n  "d" : null\n}\n'
    assert pretty_json(data) == text.encode()
    assert pretty_json([]) == b"[]\n"


KEYS = st.sampled_from(["a", "b", "0", "1", "2", "10", "\u00e9"])
PATHS = st.lists(KEYS, max_size=3).map(tuple)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=8
)
PUTS = st.tuples(st.just("put"), PATHS, VALUES)
PATCHES = st.tuples(
    st.just("patch"), PATHS, st.dictionaries(PATHS.filter(bool).map("/".join), VALUES, min_size=1, max_size=3)
)


def apply_to_mirror(mirror, kind, path, data):
    """What a client does with an event: replaces at the path, or each child that a patch names."""
    if kind == "put":
        return tree.put(mirror, tree.split_path(path), tree.parse_value(data))
    for key, value in data.items():
        mirror = tree.put(mirror, tree.split_path(f"{path}/{key}"), tree.parse_value(value))
    return mirror


@given(st.lists(st.one_of(PUTS, PATCHES), max_size=12), PATHS)
def test_events_applied_to_a_mirror_give_the_tree(writes, listened):
    root, mirror = None, None
    for kind, path, value in writes:
        if kind == "put":
            root = tree.put(root, path, tree.parse_value(value, path))
            change = Change("put", path)
        else:
            try:
                nodes = tree.parse_update(value, path, root)
            except InvalidData:
                continue
            for keys, node in nodes.items():
                root = tree.put(root, path + keys, node)
            change = Change("patch", path, tuple(nodes))
        event = event_for(listened, change, lambda at, root=root: tree.get(root, at), tree.to_json)
        if event:
            # Through bytes, as the event travels: nothing of the tree may be shared with the mirror.
            mirror = apply_to_mirror(mirror, event.kind, event.path, copy.deepcopy(event.data))
        assert compact_json(tree.to_json(mirror)) == compact_json(tree.to_json(tree.get(root, listened)))


@given(VALUES)
def test_storing_what_was_shown_changes_nothing(value):
    node = tree.parse_value(value)
    shown = tree.to_json(node)
    assert tree.parse_value(shown) == node
    assert etag(tree.parse_value(shown)) == etag(node)


@given(VALUES, PATHS, VALUES)
def test_what_was_put_is_there_and_no_empty_node_is_left(value, path, new):
    root = tree.put(tree.parse_value(value), path, tree.parse_value(new))
    assert tree.get(root, path) == tree.parse_value(new)
    assert tree.parse_value(tree.to_json(root)) == root


@given(st.text(alphabet=string.printable, max_size=6))
def test_a_key_is_either_refused_or_comes_back(key):
    try:
        node = tree.parse_value({key: True})
    except InvalidData:
        assert not key or set(key) & set(".#$/[]" + "".join(map(chr, range(32))) + "\x7f")
    else:
        assert node == {key: True}


@pytest.mark.parametrize(
    ("listened", "change", "expected"),
    [
        ("", Change("put", ("a", "b")), ("put", "/a/b", 1)),
        ("a", Change("put", ("a", "b")), ("put", "/b", 1)),
        ("a/b", Change("put", ("a", "b")), ("put", "/", 1)),
        ("a/b", Change("put", ("a",)), ("put", "/", 1)),
        ("a/b", Change("put", ()), ("put", "/", 1)),
        ("a/x", Change("put", ("a", "b")), None),
        ("ab", Change("put", ("a", "b")), None),
        ("a", Change("patch", ("a",), (("b",), ("c", "d"))), ("patch", "/", {"b": 1, "c/d": 2})),
        ("", Change("patch", ("a",), (("b",),)), ("patch", "/a", {"b": 1})),
        ("a/b", Change("patch", ("a",), (("b",), ("x",))), ("put", "/", 1)),
        ("a/c", Change("patch", (), (("a", "c", "d"), ("x",))), ("patch", "/", {"d": 2})),
        ("a/c", Change("patch", (), (("x",),)), None),
    ],
)
def test_each_listener_hears_what_it_should(listened, change, expected):
    root = {"a": {"b": 1, "c": {"d": 2}}}
    assert event_for(tree.split_path(listened), change, lambda at: tree.get(root, at), tree.to_json) == expected
