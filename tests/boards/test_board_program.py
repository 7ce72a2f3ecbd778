"""main.py with the real board.py of an ESP32 and of a Pico W, against the simulator: from the first start through bad
networks, outages, sleep, failed starts and watchdog. fake_board.py plays the board, in real time."""

import time

import pytest
from clients import wait_until
from fake_board import IN_REACH, FakeBoard
from fixtures import runtimes

from flamelet_tools.simulator import Simulator

pytestmark = [pytest.mark.timeout(110), pytest.mark.parametrize("runtime", runtimes("micropython"))]

KINDS = ("esp32", "pico_w")
DEVICE = "devices/d1"
OWN_FIELDS = {
    "esp32": {"cpu_temp", "heap_free", "rssi", "uptime"},
    "pico_w": {"cpu_temp", "supply", "heap_free", "rssi", "uptime"},
}
# A sensor that counts: what is stored shows whether a reading was lost, or came twice.
COUNTER = """
n = 0
def count():
    global n
    n += 1
    return n
SENSORS = (("n", 0, count),)
"""
# A sensor that hangs once: its second reading never ends.
HANGING = """
import os
import board
n = 0
def hang():
    global n
    n += 1
    if n == 2 and "hung" not in os.listdir("/"):
        open("/hung", "w").close()
        board.WATCHDOG_MS = 1000  # a Pico's allowance; the chip's own watchdog is what it is
        while True:
            pass
    return n
SENSORS = (("n", 0, hang),)
"""
# Firmware that crashes as soon as the sensor is set up.
CRASHING = """
import machine
machine.reset()
"""


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def make(tmp_path, kind):
    """Makes a board with everything installed, ready for its power."""
    boards = []

    def make_board(url, world=(), sensors=None, **settings):
        board = FakeBoard(tmp_path / str(len(boards)), kind, **dict(world))
        board.install()
        board.configure(url=url, device="d1", **{"interval": 0.2, **settings})
        if sensors:
            (board.root / "sensors.py").write_text(sensors)
        boards.append(board)
        return board

    yield make_board
    for board in boards:
        board.power_off()


def stored(sim):
    """Return the readings in the database, in the order of their keys."""
    telemetry = sim.get(f"{DEVICE}/telemetry") or {}
    return [telemetry[key] for key in sorted(telemetry)]


def numbers(sim):
    return [int(reading["n"]) for reading in stored(sim)]


def lights(board, pin="LED"):
    return [text.endswith("1") for _, text in board.log() if text.startswith(f"pin {pin} ")]


def clock_error(board):
    """Return how many seconds the clock of the board is off."""
    return board.kept("clock")


def test_a_board_comes_from_its_first_start_to_readings_that_are_stored(runtime, kind, make):
    world = {"networks": {"home": {"password": "secret12", "join_ms": 900, "dhcp_ms": 400, "rssi": -71}}}
    with Simulator() as sim:
        board = make(sim.url, world, led_pin=4 if kind == "esp32" else None)
        board.power_on()
        board.wait_for("online")
        wait_until(lambda: len(stored(sim)) >= 12, 30)
        board.power_off()
        assert set(stored(sim)[-1]) == OWN_FIELDS[kind]
        assert stored(sim)[-1]["rssi"] == -71
        state = sim.get(f"{DEVICE}/state")
    assert (state["board"], state["reset"]) == (kind, "power on")
    assert abs(state["at"] / 1000 - time.time()) < 60
    assert abs(clock_error(board)) <= 2
    assert not any("secret12" in value for _, value in board.lines)
    assert [cause for cause, _ in board.starts] == ["power on"]
    assert (board.root / "data" / "network").read_text() == "home"
    # Slowly on and off until it was online.
    assert True in lights(board, "4" if kind == "esp32" else "LED")
    assert lights(board, "4" if kind == "esp32" else "LED")[-1] is False


def test_a_command_switches_the_light_of_the_board(runtime, kind, make):
    pin = "4" if kind == "esp32" else "LED"
    with Simulator() as sim:
        board = make(sim.url, led_pin=4 if kind == "esp32" else None, interval=60)
        board.power_on()
        wait_until(lambda: sim.open_streams == 1, 30)
        for on in (True, False):
            key = sim.push(f"{DEVICE}/commands", {"name": "led", "value": on})
            wait_until(lambda key=key: sim.get(f"{DEVICE}/answers/{key}") is not None)
            wait_until(lambda on=on: lights(board, pin)[-1] is on)
            assert sim.get(f"{DEVICE}/answers/{key}") == {"ok": True, "value": on}


def test_with_a_wrong_password_the_next_known_network_is_taken(runtime, make):
    networks = {"first": {"password": "another1"}, "home": {"password": "secret12"}}
    with Simulator() as sim:
        board = make(sim.url, {"networks": networks}, networks=[["first", "secret34"], ["home", "secret12"]])
        board.power_on()
        board.wait_for("online")
        [reason, *_] = board.told("offline")
        assert reason.startswith("first: ") and "password" in reason
        wait_until(lambda: len(stored(sim)) >= 5)
    assert not any("secret" in value for _, value in board.lines)


@pytest.mark.parametrize("lie", [{"raw": 0}, 366 * 86400], ids=["1900", "a year off"])
def test_a_time_server_that_lies_does_not_set_the_clock(runtime, make, lie):
    ntp = {"pool.ntp.org": lie, "time.google.com": 0, "time.cloudflare.com": 0}
    with Simulator(tls=True) as sim:
        board = make(sim.url, {"ntp": ntp}, ca="/ca.pem")
        (board.root / "ca.pem").write_bytes(sim.ca_pem)
        board.power_on()
        board.wait_for("online")
        assert abs(clock_error(board)) <= 2
        wait_until(lambda: len(stored(sim)) >= 3)


def test_a_clock_that_no_time_server_sets_is_set_by_the_first_answer(runtime, make):
    with Simulator() as sim:
        board = make(sim.url, {"ntp": {}})
        board.power_on()
        wait_until(lambda: len(stored(sim)) >= 3, 30)
        wait_until(lambda: abs(clock_error(board)) <= 3)
        keys = sorted(sim.get(f"{DEVICE}/telemetry"))
    assert keys[0] > "-O"  # keys of today, not of 2000


@pytest.mark.parametrize("silence", ["drop_before", "black_hole"])
def test_no_reading_is_lost_while_the_network_is_away(runtime, make, silence):
    """Out of reach of its network a board hears nothing at all, or what is left of a connection ends."""
    with Simulator() as sim:
        board = make(sim.url, sensors=COUNTER)
        board.power_on()
        wait_until(lambda: len(numbers(sim)) >= 5, 30)
        board.set_world(networks={"home": {"password": "secret12", "down": True}})
        sim.fault(silence)
        board.wait_for("offline")
        before = len(board.told("reading"))
        board.wait_for("reading", before + 10)
        sim.clear_faults()
        board.set_world(networks=IN_REACH)
        board.wait_for("online", 2)
        wait_until(lambda: len(numbers(sim)) >= before + 15, 30)
        board.power_off()
        assert numbers(sim) == list(range(1, len(numbers(sim)) + 1))
    assert [cause for cause, _ in board.starts] == ["power on"]


def test_what_waits_outlives_a_power_cut(runtime, make, tmp_path):
    data = tmp_path / "data.json"
    with Simulator(data_file=data) as sim:
        port = sim.port
        board = make(sim.url, sensors=COUNTER)
        board.power_on()
        wait_until(lambda: len(numbers(sim)) >= 3, 30)
    measured = len(board.told("reading"))
    board.wait_for("reading", measured + 20)
    board.power_off()
    with Simulator(port=port, data_file=data) as sim:
        known = len(numbers(sim))
        board.power_on()
        wait_until(lambda: numbers(sim).count(1) == 2, 30)
        first_life = numbers(sim)[: -numbers(sim)[::-1].index(1) - 1]
        # Those of the last group were in RAM alone.
        assert first_life == list(range(1, len(first_life) + 1))
        assert len(first_life) >= known + 8
    assert [cause for cause, _ in board.starts] == ["power on", "power on"]


def test_a_program_that_hangs_is_killed_by_the_watchdog_and_starts_again(runtime, kind, make):
    with Simulator() as sim:
        board = make(sim.url, sensors=HANGING)
        board.watchdog_factor = 0.05 if kind == "esp32" else 1.0  # 6 s, and 8.4 s as it is
        board.power_on()
        board.wait_for_starts(2)
        assert board.starts[1][0] == "watchdog"
        board.wait_for("online")
        wait_until(lambda: sim.get(f"{DEVICE}/state/reset") == "watchdog")
        wait_until(lambda: len(numbers(sim)) >= 5)
    # Once only: the second life works.
    assert len(board.starts) == 2


def test_a_name_server_that_is_silent_for_ten_seconds_does_not_wake_the_watchdog(runtime, make):
    with Simulator() as sim:
        board = make(sim.url, {"dns_ms": 10000})
        board.watchdog_factor = 1.0
        board.power_on()
        board.wait_for("online", seconds=60)
        wait_until(lambda: len(stored(sim)) >= 3, 30)
    assert [cause for cause, _ in board.starts] == ["power on"]


def test_a_sleeping_board_wakes_pushes_and_sleeps(runtime, kind, make):
    with Simulator() as sim:
        board = make(sim.url, mode="sleep", interval=1)
        board.power_on()
        board.wait_for_starts(5)
        board.power_off()
        assert set(board.ends[:4]) == {"deep sleep" if kind == "esp32" else "reset"}, board
        assert len(stored(sim)) >= 4
        assert sim.get(f"{DEVICE}/state/reset") == "deep sleep"
        assert not board.told("error")


def test_a_sleeping_board_keeps_readings_for_a_later_push(runtime, make):
    with Simulator() as sim:
        board = make(sim.url, mode="sleep", interval=0.5, wakes=3)
        board.power_on()
        board.wait_for_starts(7)
        board.power_off()
        readings = len(board.told("reading"))
        assert readings - 4 <= len(stored(sim)) <= readings
        assert len(stored(sim)) >= 3


def test_a_sleeping_board_without_a_network_keeps_its_readings(runtime, make):
    with Simulator() as sim:
        board = make(sim.url, {"networks": {}}, mode="sleep", interval=0.5, patience=3)
        board.power_on()
        board.wait_for_starts(3, seconds=90)
        assert stored(sim) == []
        board.set_world(networks=IN_REACH)
        measured = len(board.told("reading"))
        wait_until(lambda: len(stored(sim)) >= measured, 60)


def test_a_hold_file_leaves_the_prompt_before_the_watchdog_starts(runtime, make):
    with Simulator() as sim:
        board = make(sim.url)
        (board.root / "hold").touch()
        board.power_on()
        wait_until(lambda: board.kept("end") == ["repl", 0])
        board.wait_for("hold")
        assert board.kept("watchdog") is None and not board.told("start")
        # It is at the prompt, where it stays until its power is taken.
        board.power_off()
        assert board.ends == ["power off"] and len(board.starts) == 1 and sim.get("") is None


def test_a_held_button_leaves_the_prompt_too(runtime, make):
    board = make("http://127.0.0.1:9", {"button": True})
    board.power_on()
    wait_until(lambda: board.kept("end") == ["repl", 0])
    # What it printed comes through a pipe.
    board.wait_for("hold")
    assert board.kept("watchdog") is None


@pytest.mark.parametrize("config", ['{"url": 5}', "{", None], ids=["a bad value", "no JSON", "no file"])
def test_a_wrong_configuration_blinks_and_says_what_to_do(runtime, kind, make, config):
    board = make("http://127.0.0.1:9")
    path = board.root / "config.json"
    path.unlink()
    if config:
        path.write_text(config)
    board.power_on()
    board.wait_for("error")
    [error] = board.told("error")
    assert "/config.json" in error and "flamelet provision" in error
    if kind == "pico_w":
        wait_until(lambda: lights(board).count(True) >= 3)
    assert board.kept("watchdog") is None and len(board.starts) == 1


@pytest.mark.parametrize("damage", ["lacks a file", "is of another MicroPython"])
def test_a_library_that_cannot_be_imported_is_not_taken(runtime, make, damage):
    with Simulator() as sim:
        board = make(sim.url)
        board.install("b")
        path = board.root / "b" / "flamelet" / "device.mpy"
        code = path.read_bytes()
        path.unlink()
        if damage != "lacks a file":
            path.write_bytes(code[:1] + b"\5" + code[2:])
        board.power_on()
        board.wait_for("online")
        wait_until(lambda: len(stored(sim)) >= 3)
        assert (board.root / "active").read_text() == "b"
        assert "/b" in (board.root / "boot.log").read_text()


def test_sensors_that_crash_the_firmware_are_left_out_after_three_starts(runtime, make):
    with Simulator() as sim:
        board = make(sim.url, sensors=CRASHING)
        board.power_on()
        board.wait_for_starts(4)
        # The safe mode: the network is up, the reason is told, nothing is pushed, nobody restarts.
        board.wait_for("safe", seconds=30)
        wait_until(lambda: any("network is up" in " ".join(line) for line in board.lines), 30)
        assert len(board.starts) == 4 and stored(sim) == []


def test_a_program_that_raises_restarts_and_says_why(runtime, make):
    with Simulator() as sim:
        board = make(sim.url)
        (board.root / "a" / "flamelet" / "device.mpy").unlink()
        (board.root / "a" / "flamelet" / "device.py").write_text("def run(board):\n    raise RuntimeError('no luck')\n")
        board.power_on()
        board.wait_for_starts(3)
        assert [cause for cause, _ in board.starts] == ["power on", "reset", "reset"]
        assert "RuntimeError: no luck" in (board.root / "boot.log").read_text()
        pauses = [later - sooner for (_, sooner), (_, later) in zip(board.starts, board.starts[1:], strict=False)]
        assert pauses[0] < pauses[1]


def test_a_healthy_life_clears_the_count_of_failed_starts(runtime, make):
    with Simulator() as sim:
        board = make(sim.url)
        (board.root / "boot.failed").write_text("xx")
        board.power_on()
        board.wait_for("online")
        wait_until(lambda: not (board.root / "boot.failed").exists())


def test_without_progress_the_network_is_restarted_then_the_board(runtime, make):
    with Simulator() as sim:
        board = make(sim.url, patience=4)
        board.power_on()
        board.wait_for("online")
        sim.fault("drop_before", count=100000)
        board.wait_for_starts(2, seconds=60)
        assert board.told("restart")
        sim.clear_faults()
        board.wait_for("online", 2)
        wait_until(lambda: sim.get(f"{DEVICE}/state/reset") == "software")
        [restart] = (sim.get(f"{DEVICE}/restarts") or {}).values()
        assert restart["reason"] and restart["cause"] == "software"


def test_from_power_to_the_first_push_it_takes_300_ms_beside_the_waits(runtime, kind, make, record_property):
    network = {"join_ms": 10, "dhcp_ms": 10, "password": "secret12"}
    waits = 0.02 + 0.05  # the program asks twenty times a second whether the network is up
    times = []
    for _ in range(3):
        with Simulator() as sim:
            board = make(sim.url, {"networks": {"home": network}, "radio_ms": 0}, interval=60)
            board.power_on()
            wait_until(lambda sim=sim: stored(sim), 30)
            times.append(time.monotonic() - board.starts[0][1])
            board.power_off()
    own = min(times) - waits
    print(f"{kind}: power to first push {min(times) * 1000:.0f} ms, {own * 1000:.0f} ms of it beside the waits")
    record_property("first_push_ms", round(min(times) * 1000))
    assert own < 0.3, times
