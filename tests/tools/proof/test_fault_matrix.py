"""`flamelet faults`: a short form of its matrix, and that its judge sees what is wrong."""

import json

import pytest
from click.testing import CliRunner

from flamelet_tools.proof.faults import cli, playing
from flamelet_tools.proof.faults.faults import FAULTS
from flamelet_tools.proof.faults.operations import OPERATIONS
from flamelet_tools.shared.micropython import MISSING, find_micropython
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(120)

WELL = {"after": ["ok", "well"], "again": None, "told": None}
FAILED = {"outcome": ["error", "NetworkError", "the connection broke", True], "ms": 5}
DONE = {"outcome": ["ok", None], "ms": 5}
N = 7


def operation(service, name):
    return next(one for one in OPERATIONS if (one.service, one.name) == (service, name))


def fault(name):
    return next(one for one in FAULTS if one.name == name)


@pytest.mark.skipif(find_micropython() is None, reason=MISSING)
def test_each_fault_ends_well_or_in_the_right_error_and_nothing_is_lost_or_doubled():
    columns = [one for one in OPERATIONS if (one.service, one.name) in cli.QUICK]
    assert len(columns) == len(cli.QUICK)
    cells = cli.played(columns, cli.RUNTIMES)
    assert len(cells) > 500
    assert [(one.runtime, one.operation.name, one.fault.name, one.broken) for one in cells if one.broken] == []
    assert {"ok", "NetworkError", "Timeout", "OutcomeUnknown", "Unavailable"} <= {cell.outcome for cell in cells}


def reasons(fault_name, name, acted, healed, stored, service="database"):
    """What the judge says of a cell that left `stored` behind."""
    with Simulator() as sim:
        for path in stored:
            sim.set(path, stored[path])
        return list(playing.judged(fault(fault_name), operation(service, name), sim, N, acted, {**WELL, **healed}))


def test_a_cell_that_keeps_the_promise_has_nothing_against_it():
    assert reasons("503", "set", DONE, {}, {f"set/c{N}": {"n": N}}) == []
    assert reasons("refused", "set", FAILED, {"again": ["ok", None]}, {f"set/c{N}": {"n": N}}) == []
    unknown = {"outcome": ["error", "OutcomeUnknown", "it may have happened", False], "ms": 5}
    for there in (5, 6):
        assert reasons("answer lost", "set an increment", unknown, {}, {f"add/c{N}": there}) == []


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (("503", "set", DONE, {}, {}), "it was done 0 times"),
        (("503", "set", DONE, {}, {f"set/c{N}": {"n": 8}}), "{'n': 8} is there"),
        (("503", "set an increment", DONE, {}, {f"add/c{N}": 7}), "it was done 2 times"),
        (("503", "push", DONE, {}, {f"push/c{N}": {"a": {"n": N}, "b": {"n": N}}}), "it was done 2 times"),
        (("401", "set", FAILED, {"again": ["ok", None]}, {f"set/c{N}": {"n": N}}), "is not the right error"),
        (("refused", "set", FAILED, {"again": FAILED["outcome"]}, {}), "repeated when the fault was over"),
        (("503", "get", {**DONE, "outcome": ["ok", 1]}, {}, {}), "the result is 1"),
        (("503", "set", {**DONE, "ms": 60000}, {}, {f"set/c{N}": {"n": N}}), "it took 60000 ms"),
        (("503", "set", DONE, {"after": ["error", "Timeout", "late", True]}, {f"set/c{N}": {"n": N}}), "the read"),
        (("503", "feed.push", DONE, {}, {}), "lost [0]"),
        (("503", "feed.push", DONE, {}, {"feed": {"-a": {"n": 700}, "-b": {"n": 700}}}), "doubled [0]"),
        (("503", "feed.push", DONE, {}, {"feed": {"-" * 20: {"n": 700}}}), "days from now"),
        (("503", "mirror", {**DONE, "outcome": ["ok", N]}, {"told": {"times": 2, "value": 1}}, {}), "the mirror has"),
    ],
)
def test_a_cell_that_breaks_the_promise_says_why(case, reason):
    assert any(reason in one for one in reasons(*case)), reasons(*case)


def test_an_unknown_outcome_is_wrong_where_repeating_is_harmless():
    unknown = {"outcome": ["error", "OutcomeUnknown", "it may have happened", False], "ms": 5}
    [reason] = reasons("answer lost", "set", unknown, {}, {f"set/c{N}": {"n": N}})
    assert "OutcomeUnknown is not the right error" in reason


def test_a_broken_cell_is_shown_and_ends_the_command_with_1(capsys):
    column = operation("database", "set")
    with pytest.raises(SystemExit) as ended:
        cli.report([playing.Cell("cpython", column, fault("503"), "ok", 12, "it was done 2 times")])
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert "ok BROKEN" in shown.out
    assert "BROKEN: database set on cpython, 503: it was done 2 times" in shown.err


def test_the_command_writes_its_cells_as_json(tmp_path):
    output = tmp_path / "cells.json"
    arguments = ["--runtime", "cpython", "--operation", "query", "--fault", "503", "--json", str(output)]
    done = CliRunner().invoke(cli.faults, arguments)
    assert done.exit_code == 0, done.output
    assert "6 cells, 0 of them break the promise" in done.output
    cells = json.loads(output.read_text())
    assert {(cell["service"], cell["operation"]) for cell in cells} == {("database", "query"), ("firestore", "query")}
    assert {cell["fault"]: cell["outcome"] for cell in cells}["503"] == "Unavailable"


def test_no_such_cell_is_an_error():
    done = CliRunner().invoke(cli.faults, ["--runtime", "cpython", "--operation", "none"])
    assert done.exit_code == 1
    assert "no cell matches" in done.output


def test_a_device_that_ends_breaks_its_cell_and_the_next_fault_finds_another(monkeypatch, tmp_path):
    broken = tmp_path / "device.py"
    broken.write_text("import sys\nsys.stdin.readline()\nsys.stdin.readline()\nraise SystemExit('it fell over')\n")
    monkeypatch.setattr(playing, "DEVICE", tmp_path)
    with Simulator(tls=True) as impostor:
        cells = playing.play(operation("database", "set"), "cpython", FAULTS[:2], impostor)
    assert [cell.outcome for cell in cells] == ["hangs", "hangs"]
    assert all("it fell over" in cell.broken for cell in cells)
