"""The promise of no allocation, over real sockets against the simulator: on MicroPython, plain and over TLS."""

import pytest
from clients import trust
from scenarios import memory

from flamelet_tools.simulator import Simulator

pytestmark = [pytest.mark.timeout(60), pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])]


def test_a_thousand_pushes_allocate_nothing(micropython_client, tls, tmp_path):
    with Simulator(tls=tls) as sim:
        ca = trust(sim, tmp_path).get("ca")
        assert micropython_client.run(memory.pushes, url=sim.url, ca=ca, count=1000) == [0, 0]
        stored = [reading["n"] for _, reading in sorted(sim.get("readings").items())]
        assert stored[4:] == [-n if i & 1 else n * n for i, n in ((n % 1000, n + 4) for n in range(2000))]
        assert sim.connections == 1


def test_keep_alives_allocate_nothing(micropython_client, tls, tmp_path):
    with Simulator(tls=tls, keep_alive_seconds=0.01) as sim:
        sim.set("a", "there")
        ca = trust(sim, tmp_path).get("ca")
        taken, first, reconnects = micropython_client.run(memory.keep_alives, url=sim.url, ca=ca, ms=400)
        assert taken == [0, 0]
        assert (first, reconnects) == ("there", 0)


def test_pushes_with_floats_leave_nothing_behind_in_a_small_heap(micropython_client, tls, tmp_path):
    with Simulator(tls=tls, requests_per_connection=100) as sim:
        ca = trust(sim, tmp_path).get("ca")
        heap = "192k" if tls else "96k"
        grown = micropython_client.run(memory.pushes_in_a_small_heap, heap, url=sim.url, ca=ca, count=1000)
        assert grown <= 1024
        stored = [reading for _, reading in sorted(sim.get("readings").items())]
        assert stored == [{"n": n, "m": n / 2} for n in range(1000)]
        assert sim.connections == 10
