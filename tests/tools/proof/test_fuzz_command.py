"""`flamelet cli`: it ends in time, and what does not hold is its failure."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from flamelet.auth import token_file
from flamelet.outbox import crc
from flamelet_tools.proof.fuzz import cli, targets
from flamelet_tools.proof.fuzz.mutations import LONGEST, mutated

ROOT = Path(__file__).resolve().parents[3]
FOLDER = tempfile.TemporaryDirectory(prefix="flamelet-")  # until this module is forgotten
TARGETS = targets.targets(Path(FOLDER.name))
# CI has the minute that the command takes by itself.
SECONDS = "60" if os.environ.get("CI") == "true" else "1"


def run(*arguments):
    command = [sys.executable, "-m", "flamelet_tools.cli", "fuzz", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What a process keeps is kept by each test for itself."""
    monkeypatch.setattr(cli, "_process", {})


@pytest.mark.timeout(150)
def test_fuzz_tries_mutations_and_properties_and_ends():
    done = run("--seconds", SECONDS)
    assert done.returncode == 0, done.stderr
    assert "mutated inputs" in done.stdout and "all hold" in done.stdout.splitlines()[-1]


def test_fuzz_ends_after_so_many_inputs():
    done = run("--inputs", "4000", "--jobs", "2", "--seed", "1")
    assert done.returncode == 0, done.stderr
    for name in TARGETS:
        assert name in done.stdout


@pytest.mark.parametrize("name", TARGETS)
def test_each_target_accepts_a_right_input(name):
    target = TARGETS[name]
    accepted = [target.check(seed, random.Random(number)) for number in range(20) for seed in target.seeds]
    assert any(accepted)


@pytest.mark.parametrize("name", TARGETS)
def test_each_target_holds_for_mutated_inputs(name):
    target = TARGETS[name]
    chance = random.Random(11)
    for _ in range(30 * target.share):
        target.check(mutated(target.seeds, target.words, chance), chance)


def test_the_same_numbers_mutate_alike_and_within_the_limit():
    one, other = random.Random(5), random.Random(5)
    seeds = [b"x" * 4000, b"abc"]
    inputs = [mutated(seeds, [b"y" * 300], one) for _ in range(500)]
    assert inputs == [mutated(seeds, [b"y" * 300], other) for _ in range(500)]
    assert max(map(len, inputs)) <= LONGEST and len(set(inputs)) > 300


def test_the_same_seed_and_batch_try_the_same(tmp_path):
    one, other = cli.one_batch(tmp_path, 3, 4), cli.one_batch(tmp_path, 3, 4)
    assert (one.tried, one.accepted) == (other.tried, other.accepted)


def test_a_record_that_is_believed_without_its_checksum_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(crc, "_crc", lambda buffer, start, end, number: bytes(buffer[end : end + 4]))
    with pytest.raises(AssertionError, match="outbox.*this was never written"):
        for number in range(20):
            cli.one_batch(tmp_path, 1, number)


def test_a_slot_that_is_believed_without_its_checksum_is_found(monkeypatch):
    read = token_file._read

    def believing(file):
        text, newline, _ = (read(file) or b"").rpartition(b"\n")
        return text + newline + b"%d" % token_file.binascii.crc32(text) if newline else read(file)

    monkeypatch.setattr(token_file, "_read", believing)
    target = TARGETS["token files"]
    chance = random.Random(1)
    with pytest.raises(AssertionError, match="token"):
        for _ in range(3000):
            target.check(mutated(target.seeds, target.words, chance), chance)


def test_an_error_of_another_kind_is_told_with_its_target_and_its_input(monkeypatch, tmp_path):
    def check(data, chance):
        raise KeyError("found")

    monkeypatch.setattr(targets, "targets", lambda folder: {"wrong": targets.Target([b"seed"], [b"w"], check)})
    with pytest.raises(AssertionError, match=r"wrong, seed 1, batch 2: KeyError\('found'\) for b'"):
        cli.one_batch(tmp_path, 1, 2)


def test_a_property_that_does_not_hold_is_named(monkeypatch):
    def test_wrong():
        raise AssertionError("found")

    monkeypatch.setattr(cli, "load_properties", lambda root: {"test_wrong": test_wrong})
    with pytest.raises(AssertionError, match="test_wrong does not hold: .*found"):
        cli.try_properties(time.monotonic() + 10)


def test_a_process_that_grows_is_seen():
    cli._process["batches"] = 0
    for _ in range(cli.WARM_BATCHES):
        assert cli.grown() == 0
    ballast = bytearray(cli.MOST_MEMORY + (1 << 20))
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert cli.grown() > cli.MOST_MEMORY


def test_an_outbox_reads_no_more_of_a_huge_file_than_it_would_have_written(tmp_path):
    import tracemalloc

    (tmp_path / "00000001.out").write_bytes(b"\xff" * 3_000_000)
    tracemalloc.start()
    try:
        outbox = targets.Outbox(str(tmp_path))
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()
    assert outbox.waiting == 0 and outbox.corrupt


def test_a_folder_whose_parent_is_missing_is_told(tmp_path):
    with pytest.raises(OSError, match="missing"):
        targets.Outbox(str(tmp_path / "missing" / "outbox"))
