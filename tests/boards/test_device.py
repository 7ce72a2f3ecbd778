"""main.py as a device of its own, on CPython and on MicroPython, against the simulator: readings out, commands in."""

import json
import os
import subprocess
import sys
import time

import pytest
from clients import ROOT, wait_until
from started_device import DEADLINE_SECONDS, readings
from started_device import start as start  # noqa: PLC0414  a fixture

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

DEVICE = "devices/d1"










def stored(sim):
    """Return the readings in the database, in the order of their keys, as floats; what is missing is None there."""
    telemetry = sim.get(f"{DEVICE}/telemetry") or {}
    return [telemetry[key] for key in sorted(telemetry)]


def check_readings(device, sim, count=None):
    """What is stored is what was taken, the first `count` of it, in its order."""
    taken = readings(device)[:count]
    sent = [{name: number for name, number in reading.items() if number is not None} for reading in taken]
    assert len(sent) == len(stored(sim))
    for one, other in zip(sent, stored(sim), strict=True):
        assert other == pytest.approx(one, abs=0.051)


@pytest.mark.parametrize("connections", [1, 2])
def test_the_readings_that_were_sent_are_stored(start, connections):
    with Simulator() as sim:
        device = start(sim.url, interval=0.05, count=30, connections=connections)
        assert device.end() == (30, 0, 0)
        check_readings(device, sim)
        assert len(stored(sim)) == 30
        assert all(reading["mem_free"] > 0 for reading in stored(sim))
        state = sim.get(f"{DEVICE}/state")
        assert state["board"] == "desktop"
        assert state["interval"] == 0.05
        assert abs(state["at"] / 1000 - time.time()) < 60


def test_over_tls_with_a_token_the_readings_are_stored_too(start, tmp_path):
    with Simulator(tls=True, token="ya29.secret") as sim:
        (tmp_path / "ca.pem").write_bytes(sim.ca_pem)
        device = start(sim.url, interval=0.05, count=10, token="ya29.secret", ca=str(tmp_path / "ca.pem"))
        assert device.end() == (10, 0, 0)
        check_readings(device, sim)
        assert not any("secret" in value for _, value in device.lines)


@pytest.mark.parametrize("connections", [1, 2])
def test_a_command_takes_effect_within_a_second_whatever_the_interval(start, connections):
    with Simulator() as sim:
        device = start(sim.url, interval=60, connections=connections)
        device.wait_for("reading")
        wait_until(lambda: sim.open_streams == 1)
        times = []
        for number, on in enumerate((True, False, True), 1):
            begun = time.monotonic()
            key = sim.push(f"{DEVICE}/commands", {"name": "led", "value": on})
            wait_until(lambda number=number: len(device.told("led")) == number)
            times.append(time.monotonic() - begun)
            wait_until(lambda key=key: sim.get(f"{DEVICE}/answers/{key}") is not None)
            assert sim.get(f"{DEVICE}/answers/{key}") == {"ok": True, "value": on}
            assert sim.get(f"{DEVICE}/state/led") is on
            device.wait_for("answer", number)
        assert device.told("led") == ["on", "off", "on"]
        # The fastest of them: what else runs on this machine delays single ones.
        assert min(times) < 1, times
        assert sim.get(f"{DEVICE}/commands") is None
        assert device.stop() == (1, 3)


def test_a_new_interval_takes_effect_at_once(start):
    with Simulator() as sim:
        device = start(sim.url, interval=60, count=5)
        device.wait_for("reading")
        sim.push(f"{DEVICE}/commands", {"name": "interval", "value": 0.05})
        assert device.end() == (5, 0, 1)
        assert sim.get(f"{DEVICE}/state/interval") == 0.05
        check_readings(device, sim)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"name": "sing"}, "unknown command sing; known are identify, interval, led"),
        ({"name": "led", "value": "on"}, "led takes true or false"),
        ({"name": "interval", "value": -1}, "interval takes seconds"),
        ({"name": "interval"}, "interval takes seconds"),
        ({"value": 5}, "a command is"),
        ("identify", "a command is"),
        ({"name": {"first": "led"}}, "a command is"),
        ([1, 2], "a command is"),
        (7, "a command is"),
    ],
    ids=str,
)
def test_a_command_that_cannot_be_is_answered_with_the_reason(start, command, error):
    with Simulator() as sim:
        key = sim.push(f"{DEVICE}/commands", command)
        device = start(sim.url, interval=60)
        wait_until(lambda: sim.get(f"{DEVICE}/answers/{key}") is not None)
        answer = sim.get(f"{DEVICE}/answers/{key}")
        assert answer["ok"] is False
        assert error in answer["error"]
        assert sim.get(f"{DEVICE}/commands") is None
        assert device.told("led") == []


@pytest.mark.parametrize("connections", [1, 2])
def test_each_command_is_executed_once_over_cuts_lost_answers_and_a_restart(start, connections, tmp_path):
    data = tmp_path / "data.json"
    keys = []
    with Simulator(data_file=data) as sim:
        port = sim.port
        keys += [sim.push(f"{DEVICE}/commands", {"name": "identify"}) for _ in range(2)]
        device = start(sim.url, interval=0.2, connections=connections, storage=str(tmp_path / "kept"))
        wait_until(lambda: answered(sim, keys))
        # The answer is written, and the device does not learn of it.
        sim.fault("drop_after", method="PATCH", path=DEVICE, count=1)
        keys.append(sim.push(f"{DEVICE}/commands", {"name": "identify"}))
        wait_until(lambda: answered(sim, keys))
        # The stream ends with a command on it.
        keys.append(sim.push(f"{DEVICE}/commands", {"name": "identify"}))
        sim.close_streams()
        wait_until(lambda: answered(sim, keys))
        # The answer does not arrive, before the server goes away.
        sim.fault("drop_before", method="PATCH", path=DEVICE, count=100)
        keys.append(sim.push(f"{DEVICE}/commands", {"name": "identify"}))
        device.wait_for("identify", len(keys))
    with Simulator(port=port, data_file=data) as sim:
        wait_until(lambda: answered(sim, keys), 25)
        keys.append(sim.push(f"{DEVICE}/commands", {"name": "identify"}))
        wait_until(lambda: answered(sim, keys), 25)
        device.wait_for("answer", len(keys))
        taken, obeyed = device.stop()
        assert len(device.told("identify")) == obeyed == len(keys)
        assert sim.get(f"{DEVICE}/answers") == {key: {"ok": True} for key in keys}
        assert sim.get(f"{DEVICE}/commands") is None
        # What the kill has left on flash goes out with the next start; it loses less than a group.
        again = start(sim.url, interval=0.2, connections=connections, count=1, storage=str(tmp_path / "kept"))
        again.end()
        assert taken - 8 < len(stored(sim)) - 1 <= taken


def answered(sim, keys):
    answers = sim.get(f"{DEVICE}/answers") or {}
    return answers.keys() == set(keys) and sim.get(f"{DEVICE}/commands") is None


@pytest.mark.parametrize("connections", [1, 2])
def test_a_device_that_loses_the_server_goes_on_measuring_and_comes_back(start, connections, tmp_path):
    data = tmp_path / "data.json"
    with Simulator(data_file=data) as sim:
        port = sim.port
        device = start(sim.url, interval=0.05, connections=connections, storage=str(tmp_path / "kept"))
        device.wait_for("reading", 5)
    device.wait_for("offline")
    begun = len(device.told("reading"))
    # More are measured than RAM holds.
    device.wait_for("reading", begun + 60)
    assert device.process.poll() is None
    with Simulator(port=port, data_file=data) as sim:
        device.wait_for("online", 2)
        device.wait_for("reading", begun + 70)
        wait_until(lambda: sim.open_streams == 1, 25)
        key = sim.push(f"{DEVICE}/commands", {"name": "led", "value": True})
        device.wait_for("answer")
        assert sim.get(f"{DEVICE}/answers/{key}") == {"ok": True, "value": True}
        wait_until(lambda: len(stored(sim)) >= begun + 70, 25)
        taken, obeyed = device.stop()
        assert obeyed == 1
        check_readings(device, sim, len(stored(sim)))
        assert len(stored(sim)) <= taken


def test_what_could_not_be_sent_and_not_be_kept_is_counted(start, tmp_path):
    data = tmp_path / "data.json"
    with Simulator(data_file=data) as sim:
        device = start(sim.url, interval=0.05, count=40)
        device.wait_for("reading", 5)
    sent, not_sent, _ = device.end()
    assert sent + not_sent == 40
    assert not_sent >= 20
    with Simulator(data_file=data) as sim:
        assert len(stored(sim)) - sent in (0, 1)


def test_what_could_not_be_sent_arrives_after_the_next_start(start, tmp_path):
    data = tmp_path / "data.json"
    kept = str(tmp_path / "kept")
    with Simulator(data_file=data) as sim:
        first = start(sim.url, interval=0.05, count=40, storage=kept)
        first.wait_for("reading", 5)
    sent, not_sent, _, waiting = first.end()
    assert sent + waiting == 40 and not not_sent and waiting >= 20
    with Simulator(data_file=data) as sim:
        second = start(sim.url, interval=0.05, count=3, storage=kept)
        assert second.end() == (waiting + 3, 0, 0)
        first.lines += second.lines
        check_readings(first, sim)


def test_a_device_that_starts_before_its_server_waits_for_it(start, tmp_path):
    with Simulator() as sim:
        url, port = sim.url, sim.port
    device = start(url, interval=0.1)
    device.wait_for("offline")
    with Simulator(port=port) as sim:
        device.wait_for("online")
        key = sim.push(f"{DEVICE}/commands", {"name": "identify"})
        device.wait_for("answer")
        assert sim.get(f"{DEVICE}/answers/{key}") == {"ok": True}
        wait_until(lambda: len(stored(sim)) >= 5)
        _, obeyed = device.stop()
        check_readings(device, sim, len(stored(sim)))
        assert obeyed == 1


def test_readings_that_are_refused_are_counted_and_said(start):
    with Simulator(token="ya29.good") as sim:
        device = start(sim.url, interval=0.1, count=2, token="ya29.bad")
        assert device.end() == (0, 2, 0)
        # The state, each reading, and the stream: the token is to blame, so only one of them asked.
        errors = device.told("error")
        assert len(errors) >= 3
        assert all("Unauthorized request." in error for error in errors)
        assert sim.get("") is None
        assert len(sim.requests) <= 2


def test_main_needs_no_other_environment_than_its_configuration(tmp_path):
    """What a person starts who has only this checkout: no path to the library is set."""
    with Simulator() as sim:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"url": sim.url, "device": "d1", "interval": 0.05, "count": 2}))
        env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MICROPYPATH")}
        done = subprocess.run(
            [sys.executable, ROOT / "main.py"],
            env=env | {"FLAMELET_CONFIG": str(path)},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(stored(sim)) == 2
