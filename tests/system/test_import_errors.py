"""What a program is told if a part of the library is missing, or lacks something: the true cause, on both Pythons."""

import os
import shutil
import subprocess
import sys

import pytest
from clients import ROOT
from fixtures import runtimes

from flamelet_tools.shared.micropython import find_micropython, module_path

DEADLINE_SECONDS = 30

# Prints the error of each statement, twice: the second time the import is no news.
PROGRAM = """
import sys
def attempt(statement):
    try:
        exec(statement, {})
    except Exception as error:
        print("%s: %s" % (type(error).__name__, error))
    else:
        print("none")
for statement in sys.argv[1:]:
    attempt(statement)
    attempt(statement)
"""


@pytest.fixture(params=runtimes("cpython", "micropython"))
def attempt(request, tmp_path):
    """Returns a function that runs statements against a copy of the library, and returns the error of each."""
    shutil.copytree(ROOT / "lib" / "flamelet", tmp_path / "flamelet", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "attempt.py").write_text(PROGRAM)

    def run(*statements, without=(), path=".frozen"):
        for name in without:
            (tmp_path / name).unlink()
        if request.param == "cpython":
            command = [sys.executable, "-S", "attempt.py"]
            environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        else:
            command = [find_micropython(), "attempt.py"]
            environment = module_path() | {"MICROPYPATH": f"{tmp_path}:{path}".rstrip(":")}
        done = subprocess.run(
            command + list(statements),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    run.runtime = request.param
    return run


@pytest.mark.parametrize("statement", ["import flamelet; flamelet.Database", "from flamelet import Database"])
def test_a_missing_file_of_the_library_is_named(attempt, statement):
    errors = attempt(statement, without=["flamelet/net/transport.py"])
    assert len(errors) == 2
    for error in errors:
        assert error.lower().endswith("error: no module named 'flamelet.net.transport'"), error


@pytest.mark.parametrize("statement", ["import flamelet; flamelet.Firestore", "from flamelet import Outbox"])
def test_a_missing_part_of_a_rarer_name_is_named(attempt, statement):
    missing = {"Firestore": "firestore/firestore", "Outbox": "outbox/outbox"}[statement.split()[-1].split(".")[-1]]
    errors = attempt(statement, without=[f"flamelet/{missing}.py"])
    for error in errors:
        assert error.lower().endswith(f"error: no module named 'flamelet.{missing.replace('/', '.')}'"), error


def test_a_missing_part_of_the_device_is_named(attempt):
    [first, second] = attempt("from flamelet import device", without=["flamelet/device/watchdog.py"])
    for error in (first, second):
        assert "flamelet.device.watchdog" in error and "has no" not in error


@pytest.mark.parametrize("door", ["device", "aio"])
def test_a_firmware_without_asyncio_is_named(attempt, door):
    hidden = "import sys; sys.modules['asyncio'] = None; " if attempt.runtime == "cpython" else ""
    for error in attempt(f"{hidden}from flamelet import {door}", path=""):
        assert "asyncio" in error and error.startswith(("ImportError: ", "ModuleNotFoundError: ")), error


def test_a_name_that_does_not_exist_is_refused(attempt):
    [error, again, *imported] = attempt("import flamelet; flamelet.Datbase", "from flamelet import Datbase")
    assert error == again == "AttributeError: flamelet has no Datbase"
    for error in imported:
        assert error.startswith(("ImportError: ", "AttributeError: flamelet has no")) and "Datbase" in error
