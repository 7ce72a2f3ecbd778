"""A mirror equals the server's tree after any sequence of events, and tells what differs and nothing else."""

from random import getrandbits

from flamelet import aio
from flamelet.errors import ProtocolError, StreamCancelled
from flamelet.rtdb import mirror as mirrors
from flamelet.rtdb.stream import Event

import scripted
from helpers import raises
from scripted import REQUEST, URL, Network, answer, database, timeouts

HEAP = "1m"
scripted.TIMED += (mirrors,)  # its waits are played too
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
KEYS = ("a", "b", "0", "1", "2", "5")


# The model is flat, {path as a tuple: leaf}: as unlike the mirror's tree as can be.


def write(model, path, value):
    """Put `value` at `path`, as the service does."""
    added = {path + below: leaf for below, leaf in leaves(value)}
    for place in list(model):
        if place[: len(path)] == path or added and place == path[: len(place)]:
            del model[place]
    model.update(added)


def leaves(value):
    if isinstance(value, dict) and ".value" in value:
        value = value[".value"]
    if isinstance(value, list):
        value = {str(i): value[i] for i in range(len(value))}
    if not isinstance(value, dict):
        return [] if value is None else [((), value)]
    found = []
    for key in value:
        if key != ".priority":
            found += [((key,) + below, leaf) for below, leaf in leaves(value[key])]
    return found


def tree(model, path=()):
    """What GET shows of the model."""
    if path in model:
        return model[path]
    keys = {place[len(path)] for place in model if place[: len(path)] == path}
    if not keys:
        return None
    children = {key: tree(model, path + (key,)) for key in keys}
    if all(key in "0125" for key in keys) and max(int(key) for key in keys) < 2 * len(keys):
        return [children.get(str(i)) for i in range(max(int(key) for key in keys) + 1)]
    return children


def some_path(longest):
    return tuple([KEYS[getrandbits(8) % len(KEYS)] for _ in range(getrandbits(8) % (longest + 1))])


def some_value(depth=0):
    kind = getrandbits(8) % (10 if depth < 3 else 6)
    if kind < 6:
        return (None, True, 1, 0.5, "x", getrandbits(4))[kind]
    if kind == 6:
        return [some_value(depth + 1) for _ in range(getrandbits(2))]
    if kind == 7:
        return {".value": getrandbits(3), ".priority": 5}
    value = {KEYS[getrandbits(8) % len(KEYS)]: some_value(depth + 1) for _ in range(getrandbits(2))}
    if kind == 8:
        value[".priority"] = "p"
    return value


def some_event(model):
    """An event, which is done to the model as well."""
    path = some_path(3)
    kind = getrandbits(8) % 8
    if kind == 0:
        return Event("put", "/".join(("",) + path + (".priority",)), getrandbits(3), False)
    if kind == 1:
        # A reconnect: the whole, as GET shows it, perhaps with what happened meanwhile.
        write(model, path, some_value())
        return Event("put", "/", tree(model), True)
    if kind < 5:
        value = some_value()
        write(model, path, value)
        return Event("put", "/" + "/".join(path), value, False)
    data = {}
    for _ in range(getrandbits(2)):
        # Paths of a patch do not overlap.
        key = (KEYS[getrandbits(8) % len(KEYS)],) + some_path(2)
        if not any(key[0] == other.split("/")[0] for other in data):
            data["/".join(key)] = some_value()
    for key in data:
        write(model, path + tuple(key.split("/")), data[key])
    return Event("patch", "/" + "/".join(path), data, False)


def same(one, other):
    """Equal, and True is not 1."""
    return one == other and repr(leaves(one)).count("True") == repr(leaves(other)).count("True")


def test_it_equals_the_tree_after_any_sequence_and_the_changes_lead_there():
    for _ in range(60):
        model = {}
        replayed = {}
        mirror = mirrors.Mirror(None, None)
        for _ in range(25):
            before = tree(model)
            event = some_event(model)
            mirror.apply(event)
            assert same(mirror.value, tree(model)), (before, event, mirror.value)
            changes, mirror._changes = mirror._changes, []
            if same(before, tree(model)):
                assert not changes, (before, event, changes)
            for change in changes:
                write(replayed, tuple([key for key in change.path.split("/") if key]), change.value)
            assert same(tree(replayed), tree(model)), (before, event, changes)


def test_true_is_not_one_and_nothing_is_no_change():
    mirror = mirrors.Mirror(None, None)
    for data, changes in ((True, 1), (True, 0), (1, 1), (1.0, 0), (0, 1), (False, 1), (None, 1), ({"a": []}, 0)):
        mirror._changes.clear()
        mirror.apply(Event("put", "/n", data, False))
        assert len(mirror._changes) == changes, data


def test_null_below_a_leaf_leaves_the_leaf():
    mirror = mirrors.Mirror(None, None)
    mirror.apply(Event("put", "/", {"n": 5}, True))
    mirror.apply(Event("patch", "/n", {"a/b": None}, False))
    assert mirror.value == {"n": 5}
    mirror.apply(Event("put", "/n/a", {"b": 1}, False))
    assert mirror.value == {"n": {"a": {"b": 1}}}
    mirror.apply(Event("patch", "/", {"n/a/b": None}, False))
    assert mirror.value is None


def put(path, data):
    return ('event: put\ndata: {"path":"%s","data":%s}\n\n' % (path, data)).encode()


def test_the_snapshot_of_a_reconnect_gives_just_the_differences():
    first = [REQUEST, HEAD, put("/", '{"a":{"x":1,"y":2},"b":[1,2]}'), put("/a/x", "1"), b""]
    with Network(first, [REQUEST, HEAD, put("/", '{"a":{"x":1,"y":3},"c":true}')]), database().mirror("m") as mirror:
        assert not mirror.loaded and mirror.value is None
        assert mirror.next() == ("/", {"a": {"x": 1, "y": 2}, "b": [1, 2]})
        assert mirror.loaded
        changes = [mirror.next() for _ in range(3)]
        assert sorted([change.path for change in changes]) == ["/a/y", "/b", "/c"]
        assert {change.path: change.value for change in changes} == {"/a/y": 3, "/b": None, "/c": True}
        assert mirror.value == {"a": {"x": 1, "y": 3}, "c": True}
        assert mirror.next(0) is None and mirror.next(30) is None


async def test_an_awaited_mirror_is_the_same():
    cancel = b'event: cancel\ndata: "Permission denied"\n\n'
    with Network([REQUEST, HEAD, put("/", "null"), None, put("/a/0", "5"), cancel]):
        mirror = aio.Database(URL, timeouts=timeouts()).mirror("m")
        seen = []
        try:
            async for change in mirror:
                seen.append(change)
        except StreamCancelled as error:
            assert error.text == "Permission denied"
        assert seen == [("/a/0", 5)] and mirror.value == {"a": [5]}
        assert mirror.closed


def test_an_event_that_is_too_large_ends_the_mirror():
    with Network([REQUEST, HEAD, put("/", '"%s"' % ("x" * 300))]):
        mirror = database().mirror("m", event_bytes=256)
        assert "event_bytes" in str(raises(ProtocolError, mirror.next))
        assert mirror.closed and mirror.next() is None


def test_a_mirror_can_be_closed_and_gives_its_connection_back():
    with Network([REQUEST, HEAD, put("/", "1")], [REQUEST, answer("2")]) as network:
        db = database()
        with db.mirror("m") as mirror:
            assert next(mirror) == ("/", 1)
        assert network.closed == [True] and list(mirror) == []
        assert db.get("m") == 2
