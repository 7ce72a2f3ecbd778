"""A walk against the simulator: a tree of a megabyte, on MicroPython in a heap of 64 KiB."""

import json
import subprocess

import pytest
from clients import compiled_library

import flamelet
from flamelet_tools.micropython import MISSING, find_micropython, module_path
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

TREE = {f"device{n:05}": {"level": n, "log": ["x" * 50, {"text": "é🔥" * 10}], "on": True} for n in range(7000)}
# The whole program: a test's own modules would share its heap.
PROGRAM = """
import flamelet
count = total = 0
for path, level in flamelet.Database({url!r}).walk("devices", "*/level"):
    count += 1
    total += level
print(count, total)
"""


@pytest.fixture
def sim():
    with Simulator() as simulator:
        simulator.set("devices", TREE)
        yield simulator
        assert [record.status for record in simulator.requests] == [200]


def test_a_megabyte_is_more_than_the_heap():
    assert len(json.dumps(TREE, separators=(",", ":"), ensure_ascii=False).encode()) > 1_000_000


def test_a_walk_yields_each_match_in_the_order_of_the_answer(sim):
    walked = list(flamelet.Database(sim.url).walk("devices", "*/level"))
    assert walked == [(f"device{n:05}/level", n) for n in range(7000)]


@pytest.mark.skipif(find_micropython() is None, reason=MISSING)
def test_a_megabyte_is_summed_in_a_heap_of_64_kib(sim):
    done = subprocess.run(
        [find_micropython(), "-X", "heapsize=64k", "-c", PROGRAM.format(url=sim.url)],
        env=module_path(compiled_library()),
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.stdout.split(), done.stderr) == (["7000", str(sum(range(7000)))], "")
