"""Queries against the simulator, on every Python: the rows, in the order of the service, and the changes of them."""

import time

import pytest
from scenarios import queries

pytestmark = pytest.mark.timeout(60)

DINOSAURS = {
    "bruhathkayosaurus": {"height": 25, "name": "B"},
    "lambeosaurus": {"height": 2.1, "name": "L"},
    "linhenykus": {"height": 0.6, "name": "\uffee"},
    "pterodactyl": {"height": 0.6, "name": "\U0001f525"},
    "stegosaurus": {"height": "4", "name": False},
    "10": {"name": True},
    "9": {"height": {"m": 1}},
}
BY_HEIGHT = ["10", "linhenykus", "pterodactyl", "lambeosaurus", "bruhathkayosaurus", "stegosaurus", "9"]
CASES = [
    ([["order_by_child", "height"]], BY_HEIGHT),
    ([["order_by_child", "height"], ["limit_to_first", 2]], BY_HEIGHT[:2]),
    ([["order_by_child", "height"], ["limit_to_last", 2]], BY_HEIGHT[-2:]),
    ([["order_by_child", "height"], ["start_at", 0.6, "m"], ["end_at", 25]], BY_HEIGHT[2:5]),
    ([["order_by_child", "height"], ["start_after", 0.6], ["end_before", 25]], BY_HEIGHT[3:4]),
    ([["order_by_child", "height"], ["equal_to", 0.6]], BY_HEIGHT[1:3]),
    ([["order_by_child", "height"], ["equal_to", None]], BY_HEIGHT[:1]),
    ([["order_by_child", "height/m"], ["start_at", 0]], ["9"]),
    ([["order_by_child", "name"], ["start_at", "C"]], ["lambeosaurus", "pterodactyl", "linhenykus"]),
    (
        [["order_by_key"]],
        ["9", "10", "bruhathkayosaurus", "lambeosaurus", "linhenykus", "pterodactyl", "stegosaurus"],
    ),
    ([["order_by_key"], ["start_at", "10"], ["limit_to_first", 2]], ["10", "bruhathkayosaurus"]),
]


def test_the_rows_of_a_query_come_in_the_order_of_the_service(client, sim):
    sim.set("dinosaurs", DINOSAURS)
    answers = client.run(queries.run, url=sim.url, path="dinosaurs", queries=[case for case, _ in CASES])
    for (case, expected), (came, rows) in zip(CASES, answers, strict=True):
        assert came == "ok", rows
        assert [key for key, _ in rows] == expected, case
        assert all(DINOSAURS[key] == value for key, value in rows), case


# The last of the keys: what is written, by whomever, and the event that it is for who listens to the query.
LAST_OF_THE_KEYS = [["order_by_key"], ["limit_to_last", 1]]
WRITES_AND_EVENTS = [
    (("logs/c", {"n": 3}), ["patch", "/", {"b": None, "c": {"n": 3}}]),
    (("logs/a", "behind the last: not heard"), None),
    (("logs/c", {"n": 4}), ["put", "/c", {"n": 4}]),
    (("logs/c", None), ["patch", "/", {"b": 2, "c": None}]),
    (("logs", {"d": True, "e": False}), ["patch", "/", {"b": None, "e": False}]),
    (("logs", None), ["put", "/", None]),
    (("logs/f", 6), ["put", "/", {"f": 6}]),
]


def test_a_query_that_is_listened_to_tells_what_changes_among_its_rows_and_no_more(client, sim):
    sim.set("logs", {"a": 1, "b": 2})
    count = 1 + sum(event is not None for _, event in WRITES_AND_EVENTS)
    play = client.play(queries.listen, url=sim.url, path="logs", calls=LAST_OF_THE_KEYS, count=count)
    assert play.heard() == ["put", "/", {"b": 2}]
    for write, event in WRITES_AND_EVENTS:
        sim.set(*write)
        if event:
            assert play.heard() == event
    assert play.result() == 0
    [request] = sim.requests
    assert request.query == "limitToLast=1&orderBy=%22%24key%22"


def test_a_query_that_is_listened_to_begins_with_its_rows_again_after_a_break(client, sim):
    sim.set("logs", {"a": 1, "b": 2})
    play = client.play(queries.listen, url=sim.url, path="logs", calls=LAST_OF_THE_KEYS, count=3)
    assert play.heard() == ["put", "/", {"b": 2}]
    sim.close_streams()
    assert play.heard() == ["put", "/", {"b": 2}]
    sim.set("logs/c", 3)
    assert play.heard() == ["patch", "/", {"b": None, "c": 3}]
    assert play.result() == 1


WRITES = [
    ["set", "first", {".value": 1, ".priority": 5}],
    ["set", "second", 2],
    ["set", "second/.priority", 5],
    ["set", "text", {"deep": {".value": True, ".priority": -1.5}, "n": 3, ".priority": "\U0001f525"}],
    ["update", "", {"none": 4, "late": {".value": 6, ".priority": 8}}],
    ["update", "", {"late/.priority": 7, "none": 4}],
    ["set", "lost/x", {".value": 1, ".priority": 9}],
    ["set", "lost/x/.priority", None],
    ["set", "when", {".value": 0, ".priority": {".sv": "timestamp"}}],
    ["set", "sum", {".value": 0, ".priority": 40}],
    ["set", "sum/.priority", {".sv": {"increment": 2}}],
]
BY_PRIORITY = [
    ([], ["lost", "none", "first", "second", "late", "sum", "when", "text"]),
    ([["start_at", 5, "second"]], ["second", "late", "sum", "when", "text"]),
    ([["start_after", 5, "first"], ["end_at", 7]], ["second", "late"]),
    ([["equal_to", None]], ["lost", "none"]),
    ([["equal_to", 5], ["limit_to_last", 1]], ["second"]),
    ([["start_at", ""]], ["text"]),
]


def test_priorities_are_written_in_every_way_read_by_export_and_ordered_by(client, sim):
    begun = int(time.time() * 1000)
    queried = [[["order_by_priority"], *calls] for calls, _ in BY_PRIORITY]
    seen = client.run(queries.priorities, url=sim.url, writes=WRITES, queries=queried)
    assert begun <= seen["exported"]["when"].pop(".priority") <= time.time() * 1000
    assert seen["exported"] == {
        "first": {".value": 1, ".priority": 5},
        "second": {".value": 2, ".priority": 5},
        "text": {"deep": {".value": True, ".priority": -1.5}, "n": 3, ".priority": "\U0001f525"},
        "none": 4,
        "late": {".value": 6, ".priority": 7},
        "lost": {"x": 1},
        "when": {".value": 0},
        "sum": {".value": 0, ".priority": 42},
    }
    plain = {"first": 1, "second": 2, "text": {"deep": True, "n": 3}, "none": 4, "late": 6, "lost": {"x": 1}}
    assert seen["plain"] == plain | {"when": 0, "sum": 0}
    for (calls, keys), rows in zip(BY_PRIORITY, seen["rows"], strict=True):
        # The rows are plain values: priorities come along to put them in order, and are not shown.
        assert rows == [[key, seen["plain"][key]] for key in keys], calls
