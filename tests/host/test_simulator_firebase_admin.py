"""A client that we did not write, Google's firebase-admin, at work against the simulator."""

import os
import socket
import threading
import time
import uuid

import firebase_admin
import pytest
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
    # Beyond a keep-alive, which that package is to pass over.
    time.sleep(0.3)
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


def test_a_query_without_an_index_reaches_that_package_with_our_text(dinosaurs):
    with pytest.raises(exceptions.InvalidArgumentError, match='Index not defined, add ".indexOn": "weight"'):
        dinosaurs.order_by_child("weight").get()


def test_rules_stop_that_package_only_where_it_plays_a_user(sim, root):
    sim.set_rules({"rules": {"users": {"$uid": {".read": "auth.uid == $uid", ".write": "auth.uid == $uid"}}}})
    root.child("users/u2").set("by an administrator")
    options = {"databaseURL": f"{sim.url}?ns=demo-default-rtdb", "databaseAuthVariableOverride": {"uid": "u1"}}
    app = firebase_admin.initialize_app(options=options, name=uuid.uuid4().hex)
    try:
        users = db.reference("users", app)
        users.child("u1").set("by u1")
        with pytest.raises(exceptions.UnauthenticatedError, match="Permission denied"):
            users.child("u2").get()
        with pytest.raises(exceptions.UnauthenticatedError, match="Permission denied"):
            users.update({"u1": 1, "u2": 1})
    finally:
        firebase_admin.delete_app(app)
    assert sim.get("users") == {"u1": "by u1", "u2": "by an administrator"}


def test_errors_reach_that_package_with_our_text(sim, root):
    sim.token = "secret"
    with pytest.raises(exceptions.UnauthenticatedError, match="Unauthorized request."):
        root.child("a").get()
    sim.token = None
    with pytest.raises(exceptions.InvalidArgumentError, match="valid key names"):
        root.child("a").set({"bad.key": 1})
