"""A client that we did not write, Google's firebase-admin, at work against the simulator."""

import contextlib
import os
import socket
import threading
import time
import uuid

import firebase_admin
import pytest
import requests
from firebase_admin import db, exceptions

from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 10


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Lets this process reach loopback only, so that nothing can be asked of the real services."""
    connect = socket.socket.connect

    def connect_to_loopback(self, address):
        assert address[0] == "127.0.0.1", f"a connection to {address} was tried"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_to_loopback)


@pytest.fixture
def sim():
    with Simulator(keep_alive_seconds=0.2) as simulator:
        yield simulator


@pytest.fixture(params=["url", "environment"])
def root(request, sim, monkeypatch):
    """A reference to the root, addressed in both ways that Google's package has for emulators."""
    if request.param == "environment":
        monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", f"127.0.0.1:{sim.port}")
        url = "https://demo-default-rtdb.firebaseio.com"
    else:
        assert "FIREBASE_DATABASE_EMULATOR_HOST" not in os.environ
        url = f"{sim.url}?ns=demo-default-rtdb"
    app = firebase_admin.initialize_app(
        options={"databaseURL": url, "httpTimeout": DEADLINE_SECONDS}, name=uuid.uuid4().hex
    )
    yield db.reference("/", app)
    firebase_admin.delete_app(app)


def test_set_and_get(sim, root):
    value = {"name": "Edward", "since": 1536, "tags": ["a", None, "c"], "\u00e9": {"x": -1.5, "y": True}}
    root.child("users/edward").set(value)
    assert root.child("users/edward").get() == value == sim.get("users/edward")
    assert root.child("users/nobody").get() is None
    assert sim.requests[0].query == "print=silent&ns=demo-default-rtdb"
    assert sim.requests[0].status == 204


def test_shallow_get(sim, root):
    sim.set("", {"a": {"b": 1}, "c": 2})
    assert root.get(shallow=True) == {"a": True, "c": True}


def test_update_with_paths(sim, root):
    sim.set("a", {"keep": 1, "b": {"x": 1, "y": 2}})
    root.child("a").update({"b/x": 10, "new": {"deep": [1]}})
    assert sim.get("a") == {"keep": 1, "b": {"x": 10, "y": 2}, "new": {"deep": [1]}}


def test_push_and_delete(sim, root):
    keys = [root.child("log").push({"n": n}).key for n in range(3)]
    assert keys == sorted(keys)
    assert sim.get("log") == {key: {"n": n} for n, key in enumerate(keys)}
    root.child("log").delete()
    assert root.get() is None


def test_a_push_of_nothing_makes_a_place_with_an_empty_text(sim, root):
    place = root.child("log").push()
    assert (place.parent.path, len(place.key), place.get()) == ("/log", 20, "")
    place.set(7)
    place.set({"at": 1})
    place.update({"by": "Ann", "at": None})
    assert place.get() == {"by": "Ann"} == sim.get(f"log/{place.key}")
    place.delete()
    assert (place.get(), sim.get()) == (None, None)


@pytest.mark.parametrize(
    "value", [0, -2.5, False, True, "", "\u00e9\u2028\U0001f525", [1, [2]], 2**53, 1e300, {"a": {"b": [0]}}]
)
def test_every_kind_of_value_comes_back(sim, root, value):
    root.child("a").set(value)
    assert (root.child("a").get(), sim.get("a")) == (value, value)
    assert type(root.child("a").get()) is type(value)


@pytest.mark.parametrize("value", [{}, [], [None], {"x": None}])
def test_what_holds_nothing_is_none_when_read_back(sim, root, value):
    sim.set("a", 1)
    root.child("a").set(value)
    assert root.child("a").get() is None


def test_an_update_of_several_children_at_once_touches_no_other(sim, root):
    rooms = [root.child("rooms").push({"name": name, "size": 10}) for name in ("hall", "attic")]
    root.child("rooms").update(
        {f"{room.key}/size": 20 + n for n, room in enumerate(rooms)} | {f"{rooms[0].key}/lit": True}
    )
    assert rooms[0].get() == {"name": "hall", "size": 20, "lit": True}
    assert rooms[1].get() == {"name": "attic", "size": 21}
    with pytest.raises(exceptions.InvalidArgumentError, match="path /a that is ancestor of another path /a/b"):
        root.update({"a": 1, "a/b": 2})
    assert sim.get("a") is None


def test_server_values_are_filled_in(sim, root):
    before = time.time() * 1000
    for _ in range(2):
        root.child("a").update({"at": {".sv": "timestamp"}, "n": {".sv": {"increment": 3}}})
    assert root.child("a/n").get() == 6
    assert before - 1 <= root.child("a/at").get() <= time.time() * 1000


def test_priorities_are_written_with_their_values_and_order_a_query(sim, root):
    root.child("a").set({"x": {".value": 1, ".priority": 3}, "y": {"z": 2, ".priority": 1}, "w": 0})
    assert root.child("a").get() == {"x": 1, "y": {"z": 2}, "w": 0}
    assert sim.get("a", export=True) == {"w": 0, "x": {".priority": 3, ".value": 1}, "y": {".priority": 1, "z": 2}}
    root.child("a").update({"w/.priority": 2})
    query = db.Query(order_by="$priority", client=root._client, pathurl="/a.json")
    assert query.start_at(2).get() == {"w": 0, "x": 1}
    assert query.limit_to_first(1).get() == {"w": 0}


def test_etags(sim, root):
    node = root.child("a")
    value, tag = node.get(etag=True)
    assert (value, tag) == (None, "null_etag")
    assert node.set_if_unchanged(tag, {"n": 1})[0] is True
    changed, value, new_tag = node.get_if_changed(tag)
    assert (changed, value) == (True, {"n": 1})
    assert node.get_if_changed(new_tag) == (False, None, None)
    assert node.set_if_unchanged("stale", 5) == (False, {"n": 1}, new_tag)
    assert sim.get("a") == {"n": 1}


def test_a_transaction_is_tried_again_with_the_value_of_the_412(sim, root):
    sim.set("n", 1)
    seen = []

    def add_one(value):
        seen.append(value)
        if len(seen) == 1:
            sim.set("n", 50)
        return value + 1

    assert root.child("n").transaction(add_one) == 51
    assert seen == [1, 50]
    assert sim.get("n") == 51
    assert [(record.method, record.status) for record in sim.requests] == [("GET", 200), ("PUT", 412), ("PUT", 200)]


def test_a_condition_that_holds_writes_and_one_that_does_not_tells_what_is_there(sim, root):
    place = root.child("log").push({"name": "hall"})
    written, value, tag = place.set_if_unchanged("no-such-tag", {"name": "attic"})
    assert (written, value) == (False, {"name": "hall"})
    assert place.get(etag=True) == ({"name": "hall"}, tag)
    assert place.set_if_unchanged(tag, {"name": "cellar"})[:2] == (True, {"name": "cellar"})
    changed, value, new_tag = place.get_if_changed(tag)
    assert (changed, value) == (True, {"name": "cellar"})
    assert new_tag != tag
    sim.set(f"log/{place.key}", {"name": "hall"})
    assert place.get_if_changed(tag) == (False, None, None)


def test_a_transaction_changes_an_object_and_one_that_raises_changes_nothing(sim, root):
    place = root.child("rooms").push({"name": "hall"})

    def light(room):
        return {**room, "lit": True}

    def fail(room):
        raise LookupError(room["name"])

    assert place.transaction(light) == {"name": "hall", "lit": True} == place.get()
    with pytest.raises(LookupError, match="hall"):
        place.transaction(fail)
    assert place.get() == {"name": "hall", "lit": True}


def test_a_transaction_gives_up_when_another_writes_each_time(sim, root):
    def disturbed(value):
        sim.set("n", value + 1)
        return -1

    sim.set("n", 0)
    with pytest.raises(db.TransactionAbortedError):
        root.child("n").transaction(disturbed)
    assert sim.get("n") == len([record for record in sim.requests if record.status == 412]) == 25


def test_a_transaction_where_nothing_is(sim, root):
    assert root.child("n").transaction(lambda value: (value or 0) + 1) == 1
    assert sim.get("n") == 1


def test_transactions_of_many_at_once_all_count(sim, root):
    def count():
        for _ in range(10):
            while True:
                try:
                    root.child("n").transaction(lambda value: (value or 0) + 1)
                    break
                except db.TransactionAbortedError:
                    time.sleep(0.001)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * DEADLINE_SECONDS)
    assert sim.get("n") == 40


def test_listen_hears_the_snapshot_and_each_write(sim, root):
    sim.set("a", {"b": 1})
    heard = []
    arrived = threading.Semaphore(0)

    def on_event(event):
        heard.append((event.event_type, event.path, event.data))
        arrived.release()

    registration = root.child("a").listen(on_event)
    assert arrived.acquire(timeout=DEADLINE_SECONDS)
    root.child("a/c").set("x")
    root.child("a").update({"b": 2, "d/e": True})
    root.child("a/c").delete()
    # Until a stream that began later has had a keep-alive: so has this one, and that package passes over it.
    wait_for_keep_alive(sim)
    root.set({"a": {"z": None, "y": 0}})
    for _ in range(4):
        assert arrived.acquire(timeout=DEADLINE_SECONDS)
    registration.close()
    assert heard == [
        ("put", "/", {"b": 1}),
        ("put", "/c", "x"),
        ("patch", "/", {"b": 2, "d/e": True}),
        ("put", "/c", None),
        ("put", "/", {"y": 0}),
    ]


def wait_for_keep_alive(sim):
    headers = {"Accept": "text/event-stream"}
    with requests.get(sim.url + "/a.json", headers=headers, stream=True, timeout=DEADLINE_SECONDS) as stream:
        assert b"event: keep-alive" in stream.iter_lines(chunk_size=1)


@pytest.mark.parametrize("end", ["revoke_streams", "close_streams"])
def test_a_listener_whose_stream_ends_begins_again_with_a_snapshot(sim, root, end):
    heard = []
    arrived = threading.Semaphore(0)

    def on_event(event):
        heard.append((event.event_type, event.path, event.data))
        arrived.release()

    registration = root.child("a").listen(on_event)
    assert arrived.acquire(timeout=DEADLINE_SECONDS)
    assert getattr(sim, end)() == 1
    assert arrived.acquire(timeout=DEADLINE_SECONDS)
    key = root.child("a").push().key
    assert arrived.acquire(timeout=DEADLINE_SECONDS)
    registration.close()
    assert heard == [("put", "/", None), ("put", "/", None), ("put", f"/{key}", "")]


DINOSAURS = {
    "bruhathkayosaurus": {"height": 25, "ratings": {"pos": 1}},
    "lambeosaurus": {"height": 2.1, "ratings": {"pos": 20}},
    "linhenykus": {"height": 0.6, "ratings": {"pos": 10}},
    "pterodactyl": {"height": 0.6, "ratings": {"pos": 5}},
    "stegosaurus": {"height": 4, "ratings": {"pos": 30}},
}


@pytest.fixture
def dinosaurs(sim, root):
    sim.set_rules({"rules": {"dinosaurs": {".indexOn": ["height", "ratings/pos"]}, "scores": {".indexOn": ".value"}}})
    sim.set("", {"dinosaurs": DINOSAURS, "scores": {"c": 3, "a": 1, "b": 2}})
    return root.child("dinosaurs")


def test_queries_come_in_their_order(dinosaurs):
    by_height = ["linhenykus", "pterodactyl", "lambeosaurus", "stegosaurus", "bruhathkayosaurus"]
    assert list(dinosaurs.order_by_child("height").get()) == by_height
    assert list(dinosaurs.order_by_child("height").limit_to_first(2).get()) == by_height[:2]
    assert list(dinosaurs.order_by_child("height").limit_to_last(2).get()) == by_height[-2:]
    assert list(dinosaurs.order_by_child("height").start_at(2).end_at(4).get()) == by_height[2:4]
    assert list(dinosaurs.order_by_child("height").equal_to(0.6).get()) == by_height[:2]
    assert list(dinosaurs.order_by_child("ratings/pos").start_at(20).get()) == ["lambeosaurus", "stegosaurus"]
    assert list(dinosaurs.order_by_key().start_at("m").get()) == ["pterodactyl", "stegosaurus"]
    assert list(dinosaurs.parent.child("scores").order_by_value().get()) == ["a", "b", "c"]


# Ties, and values of each kind, at `n`; a child without one; keys that are integers and keys that are not.
MIXED = {
    "10": {"n": 1},
    "9": {"n": 1},
    "a": {"n": 1.5},
    "b": {"n": "1"},
    "B": {"n": "1"},
    "c": {"n": False},
    "d": {"n": True},
    "e": {"n": {"deep": 1}},
    "f": {"m": 0},
    "g": 5,
}
BY_N = ["f", "g", "c", "d", "9", "10", "a", "B", "b", "e"]
BY_KEY = ["9", "10", "B", "a", "b", "c", "d", "e", "f", "g"]


@pytest.mark.parametrize(
    ("ask", "keys"),
    [
        (lambda node: node.order_by_child("n"), BY_N),
        (lambda node: node.order_by_child("n").limit_to_first(5), BY_N[:5]),
        (lambda node: node.order_by_child("n").limit_to_first(50), BY_N),
        (lambda node: node.order_by_child("n").limit_to_last(4), BY_N[-4:]),
        (lambda node: node.order_by_child("n").limit_to_last(50), BY_N),
        (lambda node: node.order_by_child("n").start_at(False), BY_N[2:]),
        (lambda node: node.order_by_child("n").start_at(1).limit_to_first(1), ["9"]),
        (lambda node: node.order_by_child("n").start_at(1).limit_to_last(2), ["b", "e"]),
        (lambda node: node.order_by_child("n").end_at(1).limit_to_last(1), ["10"]),
        (lambda node: node.order_by_child("n").start_at(1).end_at(1.5), ["9", "10", "a"]),
        (lambda node: node.order_by_child("n").start_at(1.2).end_at("1"), ["a", "B", "b"]),
        (lambda node: node.order_by_child("n").start_at(2).end_at(1), []),
        (lambda node: node.order_by_child("n").equal_to(1), ["9", "10"]),
        (lambda node: node.order_by_child("n").equal_to("1"), ["B", "b"]),
        (lambda node: node.order_by_child("n").equal_to(True), ["d"]),
        (lambda node: node.order_by_child("n").equal_to(7), []),
        (lambda node: node.order_by_child("n/deep").start_at(0), ["e"]),
        (lambda node: node.order_by_key(), BY_KEY),
        (lambda node: node.order_by_key().limit_to_first(2), ["9", "10"]),
        (lambda node: node.order_by_key().limit_to_last(3), ["e", "f", "g"]),
        (lambda node: node.order_by_key().start_at("a").end_at("c"), ["a", "b", "c"]),
        (lambda node: node.order_by_key().equal_to("10"), ["10"]),
        (lambda node: node.order_by_value().limit_to_first(1), ["g"]),
        (lambda node: node.order_by_value().end_at(9), ["g"]),
        (lambda node: node.order_by_value().equal_to(5), ["g"]),
    ],
)
def test_a_query_chooses_what_it_should_also_among_ties_and_mixed_kinds(sim, root, ask, keys):
    sim.set_rules({"rules": {"mixed": {".indexOn": ["n", "n/deep", ".value"]}}})
    sim.set("mixed", MIXED)
    answer = ask(root.child("mixed")).get() or {}
    assert answer == {key: MIXED[key] for key in keys}


def test_a_query_of_an_array_gives_a_list(sim, root):
    sim.set("list", ["a", "b", "c"])
    assert root.child("list").order_by_key().get() == ["a", "b", "c"]
    assert root.child("list").order_by_key().limit_to_first(2).get() == ["a", "b"]
    sim.set("leaf", 5)
    assert root.child("leaf").order_by_key().get() == 5
    assert root.child("leaf").order_by_key().limit_to_first(1).get() is None
    with pytest.raises(exceptions.InvalidArgumentError, match="limitToFirst must be a positive integer"):
        root.child("list").order_by_key().limit_to_first(0).get()


def test_a_query_without_an_index_reaches_that_package_with_our_text(dinosaurs):
    with pytest.raises(exceptions.InvalidArgumentError, match='Index not defined, add ".indexOn": "weight"'):
        dinosaurs.order_by_child("weight").get()


HOUSE = {
    "rules": {
        "rooms": {".read": "auth != null", "$owner": {".write": "auth.uid == $owner"}},
        "hall": {".read": True},
        "vault": {".read": False, ".write": False},
    }
}
MINE = {"uid": "u1"}


@contextlib.contextmanager
def playing(sim, override):
    """A reference to the root for a client that plays the user of `override`; None is a guest."""
    options = {"databaseURL": f"{sim.url}?ns=demo-default-rtdb", "databaseAuthVariableOverride": override}
    app = firebase_admin.initialize_app(options=options, name=uuid.uuid4().hex)
    try:
        yield db.reference("/", app)
    finally:
        firebase_admin.delete_app(app)


CALLS = {
    "get": lambda node: node.get(),
    "shallow": lambda node: node.get(shallow=True),
    "etag": lambda node: node.get(etag=True),
    "if changed": lambda node: node.get_if_changed("x"),
    "query": lambda node: node.order_by_key().limit_to_first(2).get(),
    "listen": lambda node: node.listen(lambda event: None).close(),
    "set": lambda node: node.set("new"),
    "push": lambda node: node.push("new"),
    "update": lambda node: node.update({"new": 1}),
    "if unchanged": lambda node: node.set_if_unchanged("x", "new"),
    "delete": lambda node: node.delete(),
    "transaction": lambda node: node.transaction(lambda value: "new"),
}
READS = {"get", "shallow", "etag", "if changed", "query", "listen"}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("override", "path", "may"),
    [
        (MINE, "rooms/u1", set(CALLS)),
        (MINE, "rooms/u2", READS),
        (MINE, "rooms", READS),
        (MINE, "hall", READS),
        (MINE, "vault", set()),
        (MINE, "", set()),
        (None, "rooms/u1", set()),
        (None, "rooms", set()),
        (None, "hall", READS),
        (None, "vault", set()),
        ({"uid": None}, "rooms", READS),
    ],
)
def test_each_call_of_a_played_user_is_judged_by_the_rules(name, override, path, may):
    # A listener's thread sees with the next event that it is closed.
    with Simulator(rules=HOUSE, keep_alive_seconds=0.05) as sim, playing(sim, override) as root:
        sim.set("", {"rooms": {"u1": "test", "u2": "test"}, "hall": "test", "vault": "test"})
        before = sim.get()
        node = root.child(path) if path else root
        if name in may:
            CALLS[name](node)
        else:
            with pytest.raises(exceptions.UnauthenticatedError) as told:
                CALLS[name](node)
            assert str(told.value) == "Permission denied"
        if name in READS or name not in may:
            assert sim.get() == before
        allowed = {"set": 204, "update": 204, "if unchanged": 412}.get(name, 200)
        assert sim.requests[-1].status == (allowed if name in may else 401)


def test_rules_are_read_changed_and_written_back_by_an_administrator_alone(sim, root):
    client = root._client
    assert client.body("get", "/.settings/rules.json", params="format=strict") == {
        "rules": {".read": True, ".write": True}
    }
    client.request("put", "/.settings/rules.json", json=HOUSE)
    assert client.body("get", "/.settings/rules.json", params="format=strict") == HOUSE
    with playing(sim, MINE) as user:
        with pytest.raises(exceptions.UnauthenticatedError, match="Permission denied"):
            user._client.request("put", "/.settings/rules.json", json={"rules": {".write": True}})
        with pytest.raises(exceptions.UnauthenticatedError, match="Permission denied"):
            user.child("vault").get()
    root.child("vault").set("by an administrator")


def test_errors_reach_that_package_with_our_text(sim, root):
    sim.token = "secret"
    with pytest.raises(exceptions.UnauthenticatedError, match="Unauthorized request."):
        root.child("a").get()
    sim.token = None
    with pytest.raises(exceptions.InvalidArgumentError, match="valid key names"):
        root.child("a").set({"bad.key": 1})
