"""`flamelet year`: a week of it, and whether it would see what is lost, doubled, or grows."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from flamelet_tools.proof.bench.figures import Row
from flamelet_tools.proof.endurance import year
from flamelet_tools.shared.micropython import MISSING, find_micropython

ROOT = Path(__file__).resolve().parents[3]
KEY = "-OhZ5Wm0" + "a" * 12
HEAP = "256"


@pytest.mark.timeout(400)
@pytest.mark.skipif(find_micropython() is None, reason=MISSING)
def test_a_week_loses_nothing_and_doubles_nothing(tmp_path):
    output = tmp_path / "figures.json"
    command = [sys.executable, "-m", "flamelet_tools.cli", "year", "--days", "7", "--heap", HEAP, "--json", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {row["figure"]: row["values"]["micropython"] for row in json.loads(output.read_text())}
    assert 7 * 144 - 10 <= found["readings measured"] <= 7 * 144 + 10
    assert found["tokens renewed"] >= 7 * 20
    assert found["commands"] > 60 and found["outages"] > 25
    assert found["... by a power cut"] == 1 and found["restarts in good order"] == 1


def test_every_month_begins_with_every_kind_of_outage_and_ends_in_another_restart():
    stops = year.script(365)
    assert stops == sorted(stops)
    restarts = []
    for month in range(0, 365, year.BOOT_DAYS):
        of_first_day = [stop for stop in stops if month <= stop.at / year.DAY < month + 1]
        assert {stop.kind for stop in of_first_day if stop.what == "outage"} >= set(year.OUTAGES)
        restarts += [stop.what for stop in of_first_day if stop.what in ("restart", "power cut")]
    assert Counter(restarts) == {"restart": 4, "power cut": 4}
    assert max(stop.at for stop in stops) == 365 * year.DAY


def test_no_outage_begins_before_another_has_ended():
    for days in (4, 7, 60, 365):
        lost = [stop.what for stop in year.script(days) if stop.what in ("outage", "restore")]
        assert lost == ["outage", "restore"] * (len(lost) // 2)


def judged(measured=3, days=4, **seen):
    """Whether each figure is kept that has a limit, by name."""
    at = year.milliseconds(KEY) // 1000
    readings = {n: {(KEY, at)} for n in range(3)}
    given = {"readings": readings, "boots": [{"start": 1000, "end": 1000}], "commands": ["c"], "answered": ["c"]}
    living = SimpleNamespace(
        seen=year.Seen(**{**given, **seen}), days=days, status={"measured": measured, "waiting": 0}
    )
    living.seen.totals.setdefault("identified", 1)
    rows = [
        Row("", name, {"a": value}, {"a": limit})
        for name, value, limit in year.figures(living, 1.0)
        if limit is not None
    ]
    return {row.name: row.met() for row in rows}


def test_what_is_kept_is_judged_as_kept():
    assert all(judged().values())


def test_a_reading_that_did_not_arrive_is_lost_unless_it_was_pending_at_a_power_cut():
    assert judged(measured=4)["... lost"] is False
    assert judged(measured=4, pending_at_cuts={3})["... lost"] is True


@pytest.mark.parametrize(
    "figure, seen",
    [
        ("... doubled", {"readings": {0: {(KEY, 0), (KEY[:-1] + "b", 0)}, 1: {(KEY, 0)}, 2: {(KEY, 0)}}}),
        ("... never measured", {"readings": {n: {(KEY, 0)} for n in (0, 1, 2, 9)}}),
        ("seconds that a key is off its reading, the most", {"readings": {n: {(KEY, 5)} for n in range(3)}}),
        ("dropped, refused or corrupt", {"totals": Counter(dropped=1)}),
        ("... not executed", {"commands": ["c", "d"]}),
        ("... executed once more, after a power cut", {"totals": Counter(identified=5)}),
        ("... its growth until the end of a boot, the most", {"boots": [{"start": 1000, "end": 1064}]}),
    ],
)
def test_what_is_not_kept_is_seen(figure, seen):
    assert judged(**seen)[figure] is False


def test_less_than_two_boots_of_two_days_are_refused():
    result = CliRunner().invoke(year.year, ["--days", "3"])
    assert result.exit_code == 2 and "4" in result.output


@pytest.mark.parametrize("smallest", [36, 208, 512])
def test_the_smallest_heap_is_found(monkeypatch, smallest):
    monkeypatch.setattr(year, "lives", lambda heap: heap >= smallest)
    assert year.smallest_heap() == smallest
