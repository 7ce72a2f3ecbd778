"""Priorities: as a path, as a child, with a leaf, in updates, streams, ETags, files, and as server values."""

import copy
import time

import pytest
import requests
from calling import call
from hypothesis import given
from hypothesis import strategies as st

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.rtdb import tree
from flamelet_tools.simulator.rtdb.event_bytes import etag
from flamelet_tools.simulator.rtdb.events import Change, event_for
from flamelet_tools.simulator.rtdb.tree import InvalidData

DEADLINE_SECONDS = 10


def test_a_priority_is_read_and_written_by_its_path(sim):
    sim.set("users/tom", {"name": "Tom"})
    assert call(sim, "GET", "/users/tom/.priority.json").json() is None
    assert call(sim, "PUT", "/users/tom/.priority.json", 1.5).json() == 1.5
    assert call(sim, "GET", "/users/tom/.priority.json").json() == 1.5
    assert call(sim, "GET", "/users/tom.json").json() == {"name": "Tom"}
    assert call(sim, "GET", "/users/tom.json?format=export").json() == {"name": "Tom", ".priority": 1.5}
    call(sim, "DELETE", "/users/tom/.priority.json")
    assert sim.get("users/tom", export=True) == {"name": "Tom"}


def test_a_priority_is_written_with_its_node_at_any_depth(sim):
    value = {"name": {"first": {".value": "Tom", ".priority": 1.0}, ".priority": "x"}, ".priority": 2}
    assert call(sim, "PUT", "/users/tom.json", value).json() == {"name": {"first": "Tom"}}
    assert call(sim, "GET", "/users/tom.json?format=export").json() == value
    assert call(sim, "GET", "/users/tom/name/first.json").json() == "Tom"
    assert call(sim, "GET", "/users/tom/name/first.json?format=export").json() == {".value": "Tom", ".priority": 1.0}
    assert call(sim, "GET", "/users.json?shallow=true").json() == {"tom": True}
    assert call(sim, "GET", "/users/tom/name/first.json?shallow=true").json() == "Tom"


def test_a_write_of_a_node_without_a_priority_takes_it_away(sim):
    sim.set("a", {".value": 5, ".priority": 1})
    sim.set("a", 6)
    assert sim.get("a", export=True) == 6


def test_where_nothing_is_there_is_no_priority(sim):
    call(sim, "PUT", "/a/.priority.json", 1)
    call(sim, "PUT", "/b.json", {".priority": 1})
    call(sim, "PUT", "/c.json", {".value": None, ".priority": 1})
    assert sim.get() is None
    sim.set("d", {"x": 1, ".priority": 1})
    sim.set("d/x", None)
    assert sim.get() is None


def test_an_update_writes_priorities_whatever_their_place(sim):
    assert call(sim, "PATCH", "/a.json", {".priority": 3, "x": 1, "y/.priority": "p", "z": None}).status_code == 200
    assert sim.get("a", export=True) == {"x": 1, ".priority": 3}
    call(sim, "PATCH", "/.json", {"b/.priority": 1, "a/x/.priority": 2, "a/.priority": None, "b/y": True})
    assert sim.get(export=True) == {
        "a": {"x": {".value": 1, ".priority": 2}},
        "b": {"y": True, ".priority": 1},
    }


def test_a_child_below_a_leaf_keeps_the_priority_of_the_leaf():
    root = tree.put(tree.parse_value({".value": 5, ".priority": 1}), ("x",), 2)
    assert tree.to_json(root, export=True) == {"x": 2, ".priority": 1}
    assert tree.put(5, ("x", ".priority"), 1) == 5


def test_export_shows_no_arrays():
    assert tree.to_json(tree.parse_value(["a", "b"]), export=True) == {"0": "a", "1": "b"}
    assert tree.to_json(tree.parse_value({"0": "a", "1": "b", ".priority": 1})) == ["a", "b"]


def test_server_values_may_be_priorities(sim):
    before = time.time() * 1000 - 1
    call(sim, "PUT", "/a.json", {"x": 1, ".priority": {".sv": "timestamp"}})
    call(sim, "PUT", "/b.json", {".value": {".sv": {"increment": 2}}, ".priority": 7})
    call(sim, "PUT", "/b/.priority.json", {".sv": {"increment": 3}})
    call(sim, "PUT", "/b.json", {".value": {".sv": {"increment": 2}}, ".priority": {".sv": {"increment": 1}}})
    assert before <= sim.get("a/.priority") <= time.time() * 1000
    assert sim.get("b", export=True) == {".value": 4, ".priority": 11}


@pytest.mark.parametrize(
    "value",
    [
        {"x": 1, ".priority": True},
        {"x": 1, ".priority": {"y": 1}},
        {"x": 1, ".priority": [1]},
        {"x": 1, ".priority": {".sv": "nonsense"}},
        {".value": 1, "x": 2},
        {".value": {"x": 1}},
        {".value": [1]},
        {"x": 1, ".other": 2},
    ],
)
def test_what_cannot_be_a_priority_or_a_value_is_refused(value):
    with pytest.raises(InvalidData):
        tree.parse_value(value)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/a/.priority.json"),
        ("PATCH", "/a/.priority.json"),
        ("PUT", "/.priority/a.json"),
        ("PUT", "/a/.value.json"),
    ],
)
def test_a_priority_has_no_children(sim, method, path):
    sim.set("a", 1)
    answer = call(sim, method, path, {"x": 1})
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid path: Invalid token in path"})
    assert sim.get(export=True) == {"a": 1}


def test_a_priority_changes_the_etag():
    plain, with_one = tree.parse_value({"x": 1}), tree.parse_value({"x": 1, ".priority": 1})
    assert etag(plain) != etag(with_one) != etag(tree.parse_value({"x": 1, ".priority": 2}))


def test_priorities_are_there_after_a_restart(tmp_path):
    value = {"x": {".value": 1, ".priority": "p"}, ".priority": 2}
    with Simulator(data_file=tmp_path / "data.json") as sim:
        sim.set("a", value)
    with Simulator(data_file=tmp_path / "data.json") as sim:
        assert sim.get("a", export=True) == value


@pytest.mark.parametrize(("query", "shown"), [("", "1"), ("?format=export", '{".value":1,".priority":5}')])
def test_a_stream_shows_priorities_if_it_asks_for_them(sim, query, shown):
    sim.set("a", {"x": 1})
    headers = {"Accept": "text/event-stream"}
    with requests.get(f"{sim.url}/.json{query}", headers=headers, stream=True, timeout=DEADLINE_SECONDS) as stream:
        sim.update("a", {"x/.priority": 5, "y": 1})
        sim.set("a/x/.priority", None)
        events = b"".join(stream.raw.readline() for _ in range(9)).decode().split("\n\n")
    assert events[1] == f'event: patch\ndata: {{"path":"/a","data":{{"y":1,"x":{shown}}}}}'
    assert events[2] == 'event: put\ndata: {"path":"/a/x","data":1}'


KEYS = st.sampled_from(["a", "b", "0", "1"])
PATHS = st.sampled_from([(), ("a",), ("b",), ("0",), ("a", "b"), ("a", "0"), ("b", "a"), ("0", "1")])
PRIORITIES = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "p"]))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5))
VALUES = st.recursive(
    st.one_of(LEAVES, st.builds(lambda value, priority: {".value": value, ".priority": priority}, LEAVES, PRIORITIES)),
    lambda inner: st.builds(
        lambda children, priority: {**children, ".priority": priority},
        st.dictionaries(KEYS, inner, max_size=3),
        PRIORITIES,
    ),
    max_leaves=6,
)
WRITES = st.one_of(
    st.tuples(PATHS, VALUES),
    st.tuples(PATHS.map(lambda path: (*path, ".priority")), PRIORITIES),
    st.tuples(
        PATHS,
        st.dictionaries(
            st.sampled_from([".priority", "a", "b", "0", "a/b", "a/.priority", "b/.priority", "a/b/.priority"]),
            PRIORITIES,
            min_size=1,
            max_size=3,
        ).map(lambda data: ("patch", data)),
    ),
)


@given(st.lists(WRITES, max_size=10), PATHS, st.booleans())
def test_events_applied_to_a_mirror_give_the_tree_with_its_priorities(writes, listened, export):
    def show(node):
        return tree.to_json(node, export)

    root = mirror = None
    for path, value in writes:
        nodes = {(): value}
        try:
            if isinstance(value, tuple):
                nodes = tree.parse_update(value[1], path, root)
                change = Change("patch", path, tuple(nodes))
            else:
                nodes = {(): tree.parse_value(value, path, tree.get(root, path))}
                change = Change("put", path)
        except InvalidData:
            continue
        root = tree.put_all(root, path, nodes)
        event = event_for(listened, change, lambda at, root=root: tree.get(root, at), show)
        if event:
            data = copy.deepcopy(event.data)
            parts = {"": data} if event.kind == "put" else data
            for key, part in parts.items():
                mirror = tree.put(mirror, tree.split_path(f"{event.path}/{key}"), tree.parse_value(part))
        assert show(mirror) == show(tree.get(root, listened))


@given(VALUES)
def test_storing_what_export_shows_changes_nothing(value):
    node = tree.parse_value(value)
    assert tree.parse_value(tree.to_json(node, export=True)) == node
