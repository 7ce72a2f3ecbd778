"""A stream with a pattern against the simulator: an event of a megabyte, on MicroPython in a heap far smaller."""

import json
import subprocess

import pytest
from clients import compiled_library
from hypothesis import given
from hypothesis import strategies as st
from projecting import projection as parser_of
from projecting import read
from rtdb.test_walk import TREE

import flamelet
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path

pytestmark = pytest.mark.timeout(120)

COUNT = len(TREE)
TOTAL = sum(range(COUNT))
# The whole programs: a test's own modules would share their heap.
BLOCKING = """
import flamelet
count = total = 0
with flamelet.Database({url!r}).listen("devices", pattern="*/level") as stream:
    for event in stream:
        if event.data is not None:
            count += 1
            total += event.data
        if count == {count}:
            break
print(count, total, stream.reconnects)
"""
AWAITED = """
import asyncio
from flamelet import aio
async def main():
    count = total = 0
    async with aio.Database({url!r}).listen("devices", pattern="*/level") as stream:
        async for event in stream:
            if event.data is not None:
                count += 1
                total += event.data
            if count == {count}:
                break
    print(count, total, stream.reconnects)
asyncio.run(main())
"""


@pytest.mark.skipif(find_micropython() is None, reason=MISSING)
@pytest.mark.parametrize(("program", "heap"), [(BLOCKING, "80k"), (AWAITED, "96k")], ids=["blocking", "aio"])
def test_a_snapshot_of_a_megabyte_is_summed_in_a_small_heap(sim, program, heap):
    # Nearly all of it is the library, on 64-bit words; the event itself takes what its largest match takes.
    sim.set("devices", TREE)
    done = subprocess.run(
        [find_micropython(), "-X", f"heapsize={heap}", "-c", program.format(url=sim.url, count=COUNT)],
        env=module_path(compiled_library()),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.stdout.split(), done.stderr) == ([str(COUNT), str(TOTAL), "0"], "")
    assert [record.status for record in sim.requests] == [200]


def projection(tree):
    """What is at */level."""
    return {key: child["level"] for key, child in (tree or {}).items() if isinstance(child, dict) and "level" in child}


def apply(levels, event):
    """Do the event to {key: level}, by the rules of the document."""
    assert event.type == "put"
    keys = [key for key in event.path.split("/") if key]
    if len(keys) < 2:
        for key in list(levels):
            if keys in ([], [key]):
                del levels[key]
        assert event.data is None
    elif event.data is None:
        levels.pop(keys[0], None)
    else:
        assert keys[1:] == ["level"]
        levels[keys[0]] = event.data


def test_its_events_add_up_to_the_projection_of_the_tree_of_the_server(sim):
    writes = (
        ("set", "", {"d1": {"level": 1, "on": True}, "d2": {"on": False}, "d3": 5}),
        ("set", "d2/level", 2),
        ("update", "", {"d1/level": 3, "d3": {"level": 4, "x": 1}, "d4/on": True}),
        ("update", "d4", {"level": 5, "on": None}),
        ("set", "d1/on", {"level": 6}),
        ("set", "d3", None),
        ("set", "d1/level", None),
        ("update", "", {"d2": {"level": "é🔥"}, "d4/level": None}),
        ("set", "", {"d7": {"level": 0}}),
        ("set", "", None),
    )
    levels = {}
    with flamelet.Database(sim.url) as db, db.listen("devices", pattern="*/level") as stream:
        for n, (verb, path, value) in enumerate(writes):
            getattr(db, verb)(f"devices/{path}".rstrip("/"), value)
            db.set("devices/marker/level", n)
            event = stream.next(5000)
            while event.path != "/marker/level" or event.data != n:
                apply(levels, event)
                event = stream.next(5000)
            expected = projection(db.get("devices"))
            assert expected.pop("marker") == n
            levels.pop("marker", None)
            assert levels == expected, (verb, path, value)


WORDS = st.sampled_from(
    [
        b"event: put\n",
        b"event: patch\n",
        b"data: ",
        b"data",
        b"\n",
        b"\n\n",
        b"\r\n",
        b'{"path":"/","data":',
        b'"path":',
    ]
    + [
        b'"data":',
        b'"/a/b"',
        b'"a"',
        b'"a/b"',
        b'"b":',
        b'"a":',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"1",
        b"null",
        b'"\\ud83d',
        b"x",
    ]
)


@given(words=st.lists(WORDS, max_size=40), pattern=st.sampled_from(["*", "a", "*/b", ""]), size=st.integers(1, 9))
def test_any_bytes_at_all_give_the_same_however_they_are_cut(words, pattern, size):
    data = b"".join(words)
    whole = read(parser_of(pattern, 100), [data])
    assert read(parser_of(pattern, 100), [data[at : at + size] for at in range(0, len(data), size)]) == whole


TREES = st.recursive(
    st.sampled_from([None, True, 0, -2.5, "", "é🔥"]),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abé"), inner, max_size=3)),
    max_leaves=12,
)


@given(tree=TREES, size=st.integers(1, 40))
def test_of_any_tree_exactly_what_matches_is_told(tree, size):
    event = f'event: put\ndata: {{"path":"/","data":{json.dumps(tree)}}}\n\n'.encode()
    told = read(parser_of("*/a"), [event[at : at + size] for at in range(0, len(event), size)])
    children = enumerate(tree) if isinstance(tree, list) else tree.items() if isinstance(tree, dict) else ()
    found = [(f"/{key}/a", child["a"]) for key, child in children if isinstance(child, dict) and "a" in child]
    expected = [("/", None)] + [(path, value) for path, value in found if value is not None]
    assert told == [("put", path, value, True) for path, value in expected]
