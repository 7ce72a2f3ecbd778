"""A walk against the simulator: a tree of a megabyte, on MicroPython in a heap of 64 KiB."""

import json
import subprocess

import pytest
from clients import compiled_library
from scenarios import walk

import flamelet
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path
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


DEVICES = {
    "d1": {"level": 1, "log": [{"text": "é🔥"}, {"text": "two", "n": 2.5}], "on": True},
    "d2": {"level": {"high": 9}, "log": [None, {"text": ""}]},
    "d3": "no level",
}
WALKS = [
    (["devices", "*/level"], [["d1/level", 1], ["d2/level", {"high": 9}]]),
    (["devices", "*/log/*/text"], [["d1/log/0/text", "é🔥"], ["d1/log/1/text", "two"], ["d2/log/1/text", ""]]),
    (["devices", "d1/*"], [[f"d1/{key}", value] for key, value in DEVICES["d1"].items()]),
    (["devices/d2", "log/1"], [["log/1", {"text": ""}]]),
    (["devices/d1/on", ""], [["", True]]),
    (["devices", "*/none"], []),
    (["nowhere", "*"], []),
]


def test_a_walk_yields_what_matches_its_pattern_and_requests_go_on(client):
    with Simulator() as sim:
        sim.set("", {"devices": DEVICES, "end": "well"})
        outcomes = client.run(walk.walks, url=sim.url, walks=[arguments for arguments, _ in WALKS])
        assert outcomes == [[["ok", found], ["ok", "well"]] for _, found in WALKS]
        # Each walk has a connection of its own, and the requests share one.
        assert sim.connections == len(WALKS) + 1


def test_a_walk_may_be_left_early(client):
    with Simulator() as sim:
        sim.set("", {"devices": DEVICES, "end": "well"})
        seen = client.run(walk.left_early, url=sim.url, path="devices", pattern="*/level")
        assert seen == [["d1/level", 1], "well", [], "well"]


def test_a_walk_that_is_refused_or_cut_off_says_so_and_the_client_goes_on(client):
    with Simulator() as sim:
        sim.set("", {"devices": DEVICES, "end": "well"})
        sim.set_rules({"rules": {"devices": {".read": True}, "end": {".read": True}, "closed": {}}})
        sim.fault("cut", path="devices", bytes=40, count=1)
        walks = [["closed", "*"], ["devices", "*/level"], ["devices", "*/level"]]
        [refused, cut, whole] = client.run(walk.walks, url=sim.url, walks=walks)
        assert refused[0][:2] == ["error", "PermissionDenied"]
        assert "Permission denied" in refused[0][2]
        assert cut[0][:2] == ["error", "NetworkError"]
        assert "in the middle of its answer" in cut[0][2]
        assert whole[0] == ["ok", WALKS[0][1]]
        assert [after for _, after in (refused, cut, whole)] == [["ok", "well"]] * 3
