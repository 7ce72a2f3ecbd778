"""Queries: the order of mixed values, each bound and limit, the texts of refusals, and streams of a query."""

import json

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from flamelet_tools.simulator.rtdb import query, tree
from flamelet_tools.simulator.rtdb.tree import InvalidData

DEADLINE_SECONDS = 10
DINOSAURS = {
    "bruhathkayosaurus": {"appeared": -70000000, "height": 25},
    "lambeosaurus": {"appeared": -76000000, "height": 2.1},
    "linhenykus": {"appeared": -85000000, "height": 0.6},
    "pterodactyl": {"appeared": -150000000, "height": 0.6},
    "stegosaurus": {"appeared": -155000000, "height": 4},
    "triceratops": {"appeared": -66000000, "height": 3},
}


def keys_of(data, **parameters):
    asked = query.parse_query({name: json.dumps(value) for name, value in parameters.items()})
    return query.select(asked, tree.parse_value(data))


def raw_keys_of(data, **parameters):
    return query.select(query.parse_query(parameters), tree.parse_value(data))


MIXED = {
    "n": None,
    "false": {"v": False},
    "true": {"v": True},
    "minus": {"v": -1.5},
    "ten": {"v": 10},
    "empty": {"v": ""},
    "upper": {"v": "Z"},
    "lower": {"v": "a"},
    "fire": {"v": "\U0001f525"},
    "high": {"v": "\uffee"},
    "object": {"v": {"x": 1}},
    "another": {"v": {"a": 1}},
    "without": {"w": 1},
    "leaf": 5,
}
IN_ORDER = [
    *("leaf", "without", "false", "true", "minus", "ten"),
    *("empty", "upper", "lower", "fire", "high", "another", "object"),
]


def test_children_are_ordered_by_the_kind_of_value_then_by_value_then_by_key():
    assert keys_of(MIXED, orderBy="v") == IN_ORDER


def test_the_order_by_value_is_the_same_and_objects_come_last():
    data = {"a": "x", "b": 2, "c": True, "d": {"e": 1}, "10": 2, "9": 2, "f": False}
    assert keys_of(data, orderBy="$value") == ["f", "c", "9", "10", "b", "a", "d"]


def test_the_order_by_key_has_integers_first():
    assert keys_of({"b": 1, "a": 1, "10": 1, "9": 1, "-3": 1}, orderBy="$key") == ["-3", "9", "10", "a", "b"]


def test_the_order_by_priority_has_none_first_then_numbers_then_strings():
    priorities = {"s": "a", "none": None, "two": 2, "ten": 10, "also": None}
    data = {key: {".value": 1, ".priority": priority} for key, priority in priorities.items()}
    assert keys_of(data, orderBy="$priority") == ["also", "none", "two", "ten", "s"]
    assert keys_of(data, orderBy="$priority", startAt=2, endAt="a") == ["two", "ten", "s"]
    assert keys_of(data, orderBy="$priority", equalTo=None) == ["also", "none"]


def test_a_child_may_be_deep_and_a_leaf_with_a_priority_counts_as_its_value():
    data = {"x": {"a": {"b": 2}}, "y": {"a": {"b": {".value": 1, ".priority": 9}}}, "z": {"a": 3}}
    assert keys_of(data, orderBy="a/b") == ["z", "y", "x"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"startAt": 3}, ["triceratops", "stegosaurus", "bruhathkayosaurus"]),
        ({"startAfter": 3}, ["stegosaurus", "bruhathkayosaurus"]),
        ({"endAt": 2.1}, ["linhenykus", "pterodactyl", "lambeosaurus"]),
        ({"endBefore": 2.1}, ["linhenykus", "pterodactyl"]),
        ({"startAt": 2, "endAt": 4}, ["lambeosaurus", "triceratops", "stegosaurus"]),
        ({"equalTo": 0.6}, ["linhenykus", "pterodactyl"]),
        ({"equalTo": 0.7}, []),
        ({"limitToFirst": 2}, ["linhenykus", "pterodactyl"]),
        ({"limitToLast": 2}, ["stegosaurus", "bruhathkayosaurus"]),
        ({"startAt": 3, "limitToFirst": 1}, ["triceratops"]),
        ({"startAt": 3, "limitToLast": 1}, ["bruhathkayosaurus"]),
        ({"limitToLast": 100}, list(dict(sorted(DINOSAURS.items(), key=lambda item: item[1]["height"])))),
        ({"startAt": "text"}, []),
        ({"endAt": None}, []),
    ],
)
def test_bounds_and_limits_choose(parameters, expected):
    assert keys_of(DINOSAURS, orderBy="height", **parameters) == expected


@pytest.mark.parametrize(
    ("name", "bound", "expected"),
    [
        ("startAt", '0.6,"pterodactyl"', ["p", "b"]),
        ("startAt", '0.6,"m"', ["p", "b"]),
        ("startAfter", '0.6,"linhenykus"', ["p", "b"]),
        ("startAfter", '0.6,"pterodactyl"', ["b"]),
        ("endAt", '0.6,"linhenykus"', ["l"]),
        ("endBefore", '0.6,"pterodactyl"', ["l"]),
        ("endBefore", '0.6,"linhenykus"', []),
        ("equalTo", '0.6,"pterodactyl"', ["p"]),
        ("equalTo", '0.6,"triceratops"', []),
        ("startAt", ' 0.6 , "pterodactyl" ', ["p", "b"]),
    ],
)
def test_a_key_may_stand_behind_a_bound(name, bound, expected):
    data = {key: DINOSAURS[key] for key in ("linhenykus", "pterodactyl", "bruhathkayosaurus")}
    assert [key[0] for key in raw_keys_of(data, orderBy='"height"', **{name: bound})] == expected


def test_bounds_of_keys_are_keys():
    assert keys_of(DINOSAURS, orderBy="$key", startAt="m", endAt="s") == ["pterodactyl"]
    assert keys_of(DINOSAURS, orderBy="$key", startAfter="stegosaurus") == ["triceratops"]
    assert keys_of({"1": 1, "02": 1, "10": 1, "a": 1}, orderBy="$key", startAt="2", endBefore="a") == ["02", "10"]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"limitToFirst": "2"}, "orderBy must be defined when other query parameters are defined"),
        ({"equalTo": "2"}, "orderBy must be defined when other query parameters are defined"),
        ({"orderBy": "height"}, "orderBy must be a valid JSON encoded path"),
        ({"orderBy": "5"}, "orderBy must be a valid JSON encoded path"),
        ({"orderBy": "[]"}, "orderBy must be a valid JSON encoded path"),
        ({"orderBy": '""'}, "orderBy must be a valid JSON encoded path"),
        ({"orderBy": '"a.b"'}, "orderBy must be a valid JSON encoded path"),
        ({"orderBy": '"$other"'}, "orderBy must be a valid JSON encoded path"),
        ({"orderBy": '"a"', "startAt": "{}"}, "Constraint index field must be a JSON primitive"),
        ({"orderBy": '"a"', "startAt": "text"}, "Constraint index field must be a JSON primitive"),
        ({"orderBy": '"a"', "startAt": ""}, "Constraint index field must be a JSON primitive"),
        ({"orderBy": '"a"', "startAt": "NaN"}, "Constraint index field must be a JSON primitive"),
        ({"orderBy": '"a"', "startAt": '1,"b",2'}, "Constraint index field must be a JSON primitive"),
        ({"orderBy": '"a"', "startAt": "1,2"}, "Provided key index type is invalid, must be string"),
        ({"orderBy": '"$key"', "startAt": "5"}, "Provided key index type is invalid, must be string"),
        ({"orderBy": '"$key"', "startAt": '"a","b"'}, "startAt takes no second key with an order by $key."),
        ({"orderBy": '"a"', "limitToFirst": "0"}, "limitToFirst must be a positive integer."),
        ({"orderBy": '"a"', "limitToLast": "-1"}, "limitToLast must be a positive integer."),
        ({"orderBy": '"a"', "limitToLast": "1.5"}, "limitToLast must be a positive integer."),
        ({"orderBy": '"a"', "limitToFirst": "1", "limitToLast": "1"}, "limitToFirst and limitToLast cannot be mixed."),
        ({"orderBy": '"a"', "startAt": "1", "equalTo": "1"}, "startAt and equalTo cannot be mixed."),
        ({"orderBy": '"a"', "startAt": "1", "startAfter": "1"}, "startAt and startAfter cannot be mixed."),
        ({"orderBy": '"a"', "endBefore": "1", "equalTo": "1"}, "endBefore and equalTo cannot be mixed."),
        ({"orderBy": '"a"', "shallow": "true"}, "Mixing 'shallow' and querying parameters is not supported"),
        ({"limitToFirst": "1", "shallow": "true"}, "Mixing 'shallow' and querying parameters is not supported"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}])
def test_a_query_that_cannot_be_is_told_why(sim, parameters, text, headers):
    if headers and "shallow" in parameters:
        text = "The request does not support the query parameter shallow."
    answer = requests.get(sim.url + "/a.json", params=parameters, headers=headers, timeout=DEADLINE_SECONDS)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


def test_two_orders_are_refused(sim):
    answer = requests.get(sim.url + '/a.json?orderBy="a"&orderBy="b"', timeout=DEADLINE_SECONDS)
    assert (answer.status_code, answer.json()) == (400, {"error": "The query parameter orderBy is given twice."})


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_a_write_takes_no_query(sim, method):
    answer = requests.request(method, sim.url + '/a.json?orderBy="$key"', data='{"b":1}', timeout=DEADLINE_SECONDS)
    assert answer.json() == {"error": "The request does not support the query parameter orderBy."}
    assert sim.get() is None


def ask(sim, path, **parameters):
    encoded = {name: value if name == "format" else json.dumps(value) for name, value in parameters.items()}
    return requests.get(f"{sim.url}/{path}.json", params=encoded, timeout=DEADLINE_SECONDS).json()


def test_the_answer_has_the_chosen_children_and_nothing_else(sim):
    sim.set("list", ["a", "b", "c"])
    sim.set("leaf", 5)
    assert ask(sim, "list", orderBy="$key", limitToFirst=2) == ["a", "b"]
    assert ask(sim, "list", orderBy="$key", limitToLast=1) == {"2": "c"}
    assert ask(sim, "list", orderBy="$key", startAt="7") is None
    assert ask(sim, "leaf", orderBy="$key") == 5
    assert ask(sim, "leaf", orderBy="$key", limitToFirst=1) is None
    assert ask(sim, "nothing", orderBy="$key") is None
    sim.set("p", {"x": {".value": 1, ".priority": 2}, "y": 1, ".priority": 3})
    assert ask(sim, "p", orderBy="$priority", startAt=1, format="export") == {"x": {".value": 1, ".priority": 2}}


@pytest.fixture
def stream(sim):
    sim.set("scores", {"a": 1, "b": 5, "c": 3})
    address = sim.url + '/scores.json?orderBy="$priority"&limitToLast=2'
    sim.update("scores", {"a/.priority": 1, "b/.priority": 5, "c/.priority": 3})
    headers = {"Accept": "text/event-stream"}
    with requests.get(address, headers=headers, stream=True, timeout=DEADLINE_SECONDS) as response:
        yield response


def read_event(stream):
    name, data, _ = (stream.raw.readline().decode().strip() for _ in range(3))
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_a_stream_of_a_query_hears_what_enters_leaves_and_changes(sim, stream):
    assert read_event(stream) == ("put", {"path": "/", "data": {"b": 5, "c": 3}})
    sim.set("scores/a", 100)
    sim.set("scores/d", {".value": 4, ".priority": 4})
    assert read_event(stream) == ("patch", {"path": "/", "data": {"c": None, "d": 4}})
    sim.set("scores/d", {".value": 6, ".priority": 4})
    assert read_event(stream) == ("put", {"path": "/d", "data": 6})
    sim.set("other", 1)
    sim.set("scores/b", None)
    assert read_event(stream) == ("patch", {"path": "/", "data": {"b": None, "c": 3}})
    sim.set("", None)
    assert read_event(stream) == ("put", {"path": "/", "data": None})


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, "", "a", "b"]), st.just({"x": {"y": 1}})
)
CHILDREN = st.dictionaries(st.sampled_from(["a", "b", "c", "1", "2", "10"]), VALUES, max_size=6)
PRIMITIVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, "", "a", "b"]))


@given(CHILDREN, PRIMITIVES)
def test_a_bound_and_its_counterpart_divide_the_children(data, value):
    def chosen(**bounds):
        return keys_of(data, orderBy="$value", **bounds)

    assert chosen(endBefore=value) + chosen(startAt=value) == chosen()
    assert chosen(endAt=value) + chosen(startAfter=value) == chosen()
    assert chosen(equalTo=value) == chosen(startAt=value, endAt=value)


@given(CHILDREN, st.text(max_size=10))
def test_any_bound_is_refused_or_taken(data, bound):
    try:
        keys = raw_keys_of(data, orderBy='"$value"', startAt=bound)
    except InvalidData:
        return
    assert set(keys) <= set(data)
