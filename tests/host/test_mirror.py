"""A mirror against the simulator: it equals what GET gives, after any writes at, above and below its path."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flamelet
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(120)

KEYS = st.sampled_from(["a", "b", "0", "1", "2", "5"])
LEAVES = st.sampled_from([None, True, False, 0, 1, -2.5, "", "é🔥"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
        st.builds(lambda value: {".value": value, ".priority": 3}, st.sampled_from([1, "x", True])),
    ),
    max_leaves=8,
)
PATHS = st.lists(KEYS, max_size=3).map("/".join)
# Keys of one update that begin differently cannot overlap.
UPDATES = st.dictionaries(KEYS, st.tuples(PATHS, VALUES), min_size=1, max_size=3).map(
    lambda parts: {f"{key}/{path}".rstrip("/"): value for key, (path, value) in parts.items()}
)
WRITES = st.one_of(
    st.tuples(st.just("set"), PATHS, VALUES),
    st.tuples(st.just("update"), PATHS, UPDATES),
    st.tuples(st.just("set above"), st.just(""), st.dictionaries(KEYS, VALUES, max_size=3)),
    st.tuples(st.just("update above"), PATHS, VALUES),
    st.tuples(st.just("set"), PATHS.map(lambda path: f"{path}/.priority".strip("/")), st.integers(0, 3)),
)


@pytest.fixture(scope="module")
def database():
    with Simulator() as sim, flamelet.Database(sim.url) as db:
        yield db


def write(db, kind, path, value):
    if kind == "set":
        # A priority is refused where there is no value to have it.
        if not path.endswith(".priority") or db.get(f"top/m/{path[:-10]}") is not None:
            db.set(f"top/m/{path}", value)
    elif kind == "update":
        db.update(f"top/m/{path}", value)
    elif kind == "set above":
        db.set("top", {"m": value, "other": 1})
    else:
        db.update("", {f"top/m/{path}": value, "elsewhere": 1})


@settings(max_examples=60, deadline=None)
@given(start=VALUES, writes=st.lists(WRITES, max_size=8))
def test_it_equals_the_tree_of_the_server_after_any_writes(database, start, writes):
    database.set("top/m", start)
    with database.mirror("top/m") as mirror:
        # Its first change: a mirror of nothing tells none.
        database.set("top/m/begun", 1)
        while not (isinstance(mirror.value, dict) and mirror.value.get("begun") == 1):
            assert mirror.next(5000) is not None
        for n, arguments in enumerate(writes):
            write(database, *arguments)
            database.set("top/m/marker", n + 2)
            while not (isinstance(mirror.value, dict) and mirror.value.get("marker") == n + 2):
                assert mirror.next(5000) is not None
            while mirror.next(0) is not None:
                pass
            assert mirror.value == database.get("top/m")
