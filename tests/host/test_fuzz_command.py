"""`flamelet fuzz`: it ends in time, and a property that does not hold is its failure."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from flamelet_tools import fuzz

ROOT = Path(__file__).resolve().parent.parent.parent


def test_fuzz_tries_the_properties_and_ends():
    command = [sys.executable, "-m", "flamelet_tools.cli", "fuzz", "--seconds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "all hold" in done.stdout


def test_a_property_that_does_not_hold_is_named(monkeypatch):
    def test_wrong():
        raise AssertionError("found")

    monkeypatch.setattr(fuzz, "load_properties", lambda root: {"test_wrong": test_wrong})
    result = CliRunner().invoke(fuzz.fuzz, ["--seconds", "1"])
    assert result.exit_code == 1
    assert "test_wrong does not hold" in result.output
    with pytest.raises(AssertionError, match="found"):
        raise result.exception
