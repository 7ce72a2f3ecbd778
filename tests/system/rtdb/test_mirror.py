"""A mirror against the simulator, on every Python: it equals what is there, and tells what changes and no more.

Any writes at, above and below its path, with paths as keys, priorities, arrays, and a break in between. The simulator
is the truth: for the value, and, since its tree takes each change that is told, for the changes too.
"""

import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scenarios import mirror

from flamelet_tools.simulator.rtdb import tree

pytestmark = pytest.mark.timeout(120)

PATH = "top/m"
KEYS = st.sampled_from(["a", "b", "0", "1", "2", "5", "01"])
PRIORITIES = st.sampled_from([3, -0.5, "p"])
LEAVES = st.sampled_from([None, True, False, 0, 1, -2.5, "", "é🔥"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
        st.builds(lambda value, priority: {".value": value, ".priority": priority}, LEAVES, PRIORITIES),
        st.builds(lambda value, priority: {**value, ".priority": priority}, st.dictionaries(KEYS, inner), PRIORITIES),
    ),
    max_leaves=8,
)
PATHS = st.lists(KEYS, max_size=3).map("/".join)
# Keys of one update that begin differently cannot overlap.
UPDATES = st.dictionaries(KEYS, st.tuples(PATHS, VALUES), min_size=1, max_size=3).map(
    lambda parts: {f"{key}/{path}".rstrip("/"): value for key, (path, value) in parts.items()}
)
WRITES = st.one_of(
    st.tuples(st.just("put"), PATHS, VALUES),
    st.tuples(st.just("patch"), PATHS, UPDATES),
    st.tuples(st.just("put above"), st.just(""), VALUES),
    st.tuples(st.just("patch above"), PATHS, UPDATES),
    st.tuples(st.just("patch above of the whole"), st.just(""), VALUES),
    st.tuples(st.just("priority"), PATHS, PRIORITIES),
)
STEPS = st.lists(st.lists(WRITES, min_size=1, max_size=3), max_size=6)


def write(sim, kind, path, value):
    below = f"{PATH}/{path}".rstrip("/")
    if kind == "put":
        sim.set(below, value)
    elif kind == "patch":
        sim.update(below, value)
    elif kind == "put above":
        sim.set("top", {"m": value, "other": 1})
    elif kind == "patch above":
        sim.update("", {"elsewhere": 1} | {f"{below}/{key}": part for key, part in value.items()})
    elif kind == "patch above of the whole":
        sim.update("top", {"m": value, "other": 2})
    else:
        sim.set(f"{below}/.priority", value)


def same(one, other):
    """Equal, where true is not 1, nor 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def replayed(node, changes):
    """What the changes make of `node`; each one must change something, and be told as far down as it can be."""
    for path, value in changes:
        keys = tree.split_path(path)
        old, new = tree.get(node, keys), tree.parse_value(value)
        assert not same(old, new), (path, value)
        assert not (isinstance(old, dict) and isinstance(new, dict)), (path, old, new)
        node = tree.put(node, keys, new)
    return node


def test_a_mirror_equals_the_tree_after_any_writes_and_its_changes_lead_there(client, sim):
    # Without shrinking, since a play that has failed is slow to end.
    @settings(max_examples=25, deadline=None, phases=(Phase.generate,))
    @given(start=VALUES, steps=STEPS, breaks_at=st.integers(0, 15))
    def check(start, steps, breaks_at):
        sim.set(PATH, start)
        play = client.play(mirror.follow, url=sim.url, path=PATH)
        node = None
        for n, writes in enumerate([[], *steps, []]):
            if n == breaks_at + 1:
                sim.close_streams()
            for arguments in writes:
                write(sim, *arguments)
            sim.set(f"{PATH}/marker", "end" if n > len(steps) else n)
            value, changes = play.heard()
            assert same(value, sim.get(PATH))
            node = replayed(node, changes)
            assert same(tree.to_json(node), value)
        assert play.result() == (breaks_at <= len(steps))

    check()


def test_a_break_tells_nothing_but_what_was_written_meanwhile(client, sim):
    sim.set(PATH, {"a": {"x": 1, "y": [1, 2, 3]}, "b": True, "c": "gone soon", "marker": 0})
    play = client.play(mirror.follow, url=sim.url, path=PATH)
    assert play.heard() == [sim.get(PATH), [["/", sim.get(PATH)]]]
    sim.close_streams()
    sim.set(f"{PATH}/marker", 1)
    assert play.heard() == [sim.get(PATH), [["/marker", 1]]]
    sim.close_streams()
    sim.update(PATH, {"a/y/1": None, "b": 1, "c": None, "d": {"e": 5}, "marker": "end"})
    value, changes = play.heard()
    assert value == {"a": {"x": 1, "y": [1, None, 3]}, "b": 1, "d": {"e": 5}, "marker": "end"}
    assert sorted(changes, key=str) == [
        ["/a/y/1", None], ["/b", 1], ["/c", None], ["/d", {"e": 5}], ["/marker", "end"]
    ]  # fmt: skip
    assert play.result() == 2
