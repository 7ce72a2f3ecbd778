"""Power cuts: a sample of what `flamelet power-cuts` does, all cuts of a run, and that it sees what goes wrong."""

import json
import subprocess
import sys

import pytest

from flamelet_tools.proof.bench.running import compile_everything
from flamelet_tools.proof.endurance import power_cuts
from flamelet_tools.shared.micropython import MISSING, find_micropython

DEADLINE_SECONDS = 240

pytestmark = [
    pytest.mark.timeout(DEADLINE_SECONDS),
    pytest.mark.skipif(find_micropython() is None, reason=MISSING),
]

# What a programmer could get wrong, and what has to be seen of it.
MISTAKES = {
    # "durable" is said, and nothing was written.
    "lost": """
from flamelet.outbox.flash import FlashOutbox
FlashOutbox._write = lambda self, records, count: True
""",
    # A segment is removed before the server has answered.
    "lost too": """
from flamelet.outbox.flash import FlashOutbox
mark = FlashOutbox.mark
def dropping(self, place):
    found = mark(self, place)
    if found < 0:
        self.done(place, found, 0)
    return found
FlashOutbox.mark = dropping
""",
    # Each start of the device finds another time for readings that were sent already.
    "doubled": """
from flamelet.outbox.flash import FlashOutbox
FlashOutbox.store_start = lambda self, boot, ms: None
""",
    # Every start of the device counts as the first one.
    "disorder": """
from flamelet.outbox import before_clock
put = before_clock.put_provisional_key
def first(outbox, at):
    outbox.boot = 1
    return put(outbox, at)
before_clock.put_provisional_key = first
""",
    # A record is believed without a look at its CRC, and what lies behind the end was not there before.
    "invented": """
from flamelet.outbox import crc, flash, record
append = flash.FlashOutbox._append
def longer(self, records, count):
    done = append(self, records, count)
    with open(self._name(self._numbers[-1]), "ab") as file:
        file.write(bytes(records).replace(b'{"n":1', b'{"n":7'))
    return done
flash.FlashOutbox._append = longer
def end_of(buffer, at, end, number):
    next_at = record.behind(buffer, at) if at + 7 <= end and 0 < buffer[at + 2] <= 5 else 0
    return next_at if next_at <= end else 0
crc._end_of = end_of
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The library and the device's programs as .mpy files."""
    folder = tmp_path_factory.mktemp("compiled")
    compile_everything(folder)
    return str(folder)


def failures(found):
    return {kind: found[kind] for kind in power_cuts.FAILURES if found[kind]}


def test_a_sample_of_all_cuts_keeps_every_promise(tmp_path):
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "flamelet_tools.cli", "power-cuts", "--quick", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(file.read_text())
    assert figures.keys() == {name for name, *_ in power_cuts.CASES} | {"CPython, kill -9"}
    for name, found in figures.items():
        assert name in done.stdout and found["cuts"] > 8 and found["durable"] > 100, (name, found)
        assert "not promised" in name or not failures(found), (name, found)
    assert figures["CPython, kill -9"]["cuts"] == power_cuts.QUICK_KILLS
    # A sector that is erased before it is written takes what else is in it: that is seen.
    assert figures["FAT, torn, the rest erased (not promised)"]["lost"] > 0


@pytest.mark.parametrize("undated", [0, 1])
def test_all_cuts_of_a_run_with_groups_of_readings(folder, undated):
    found = power_cuts.played(folder, {"undated": undated, "seed": 3, "first": 0, "step": 7})
    assert found["operations"] > 300 and found["cuts"] > 40
    assert not failures(found), found


@pytest.mark.parametrize("wrong", MISTAKES)
def test_a_mistake_would_be_seen(folder, wrong):
    kind = wrong.split(" ")[0]
    options = {"undated": int(kind in ("doubled", "disorder")), "system": "FAT", "seed": 1, "first": 0, "step": 2}
    found = power_cuts.played(folder, options, MISTAKES[wrong])
    assert found[kind] > 0, found
