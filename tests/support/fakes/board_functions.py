"""Tests the single functions of a board, in virtual time; tests/boards/test_boards.py runs each on its kinds of board.

A name that begins with esp32_ or pico_ is of that kind of board alone.
"""

import gc
import json
import os
import time

import machine
import micropython
import network
import ntptime
import world

IS_ESP32 = world.PORT == "esp32"
SCRATCH = 0x400D800C if "RP2350" in world.MACHINE else 0x4005800C
SETTINGS = {"url": "https://x.firebaseio.com", "networks": [["home", "secret12"], ["garden", "secret34"], ["open", ""]]}
HOME = {"password": "secret12"}
GARDEN = {"password": "secret34"}
NOBODY = {"password": "another1"}


def write(name, text):
    with open(name, "w") as file:
        file.write(text)


def ready(**settings):
    """Return the board with its configuration read."""
    write("/config.json", json.dumps(dict(SETTINGS, **settings)))
    import board

    board.config()
    return board


def connect(board, seconds=200):
    """Ask connect() again and again, as the program does.

    Returns: what it raised, as text, until it returned True.
    """
    errors = []
    for _ in range(seconds * 5):
        try:
            if board.connect():
                return errors
        except OSError as error:
            errors.append(str(error))
        time.sleep_ms(200)
    raise AssertionError("no network: %s, status %s" % (errors, network.station.status()))


def refused(**settings):
    try:
        ready(**settings)
    except ValueError as error:
        return str(error)
    raise AssertionError("it was not refused")


# The network.


def the_first_network_comes_up():
    world.change(networks={"home": HOME})
    board = ready()
    assert not board.is_up() and board.signal_strength() is None
    assert connect(board) == []
    assert board.is_up() and board.signal_strength() == -60
    assert network.station.attempts == ["home"]
    assert board.connect() is True


def no_step_takes_long_but_the_one_that_switches_the_radio_on():
    world.change(networks={"home": NOBODY, "garden": GARDEN}, radio_ms=900)
    board = ready()
    slow = 0
    for _ in range(600):
        begun = time.ticks_ms()
        try:
            up = board.connect()
        except OSError:
            up = False
        slow += time.ticks_diff(time.ticks_ms(), begun) > 0
        if up:
            break
        time.sleep_ms(100)
    assert up and slow == 1, slow


def each_known_network_is_tried_in_turn_and_each_failure_has_its_reason():
    world.change(networks={"home": NOBODY, "open": {"password": None}})
    board = ready()
    wrong, absent = connect(board)
    assert wrong.startswith("home: ") and "password" in wrong, wrong
    assert absent == "garden: no such network is in reach", absent
    assert network.station.attempts == ["home", "garden", "open"]


def a_password_is_in_no_message():
    world.change(networks={"home": NOBODY, "garden": dict(NOBODY, reason=202), "open": {"password": "x", "reason": 77}})
    board = ready()
    errors = []
    for _ in range(1000):
        try:
            board.connect()
        except OSError as error:
            errors.append(str(error))
        time.sleep_ms(100)
    assert len(errors) >= 6 and not [text for text in errors if "secret" in text], errors


def all_reasons_are_said():
    cases = [
        ({"home": dict(HOME, refuses=True)}, "refuses"),
        ({"home": dict(HOME, dhcp_ms=None)}, "is the password right? (20 s)" if IS_ESP32 else "no address"),
        ({}, "no such network is in reach"),
        ({"home": NOBODY}, "the handshake failed: is the password right?" if IS_ESP32 else "the password is wrong"),
    ]
    if IS_ESP32:
        cases.append(({"home": dict(NOBODY, reason=202)}, "the password is wrong"))
        cases.append(({"home": dict(NOBODY, reason=211)}, "security"))
        cases.append(({"home": dict(NOBODY, reason=77)}, "(status 77)"))
    board = ready(networks=SETTINGS["networks"][:1])
    for networks, text in cases:
        world.change(networks=networks)
        try:
            for _ in range(300):
                assert not board.connect()
                time.sleep_ms(100)
            raise AssertionError("no reason for %s" % networks)
        except OSError as error:
            assert str(error).startswith("home: ") and text in str(error), error


def a_network_that_comes_late_is_found():
    board = ready(networks=SETTINGS["networks"][:1])
    world.change(networks={})
    for _ in range(20):
        try:
            board.connect()
        except OSError:
            pass  # its reason is tested above
        time.sleep_ms(1000)
    world.change(networks={"home": HOME})
    connect(board, 30)


def a_lost_network_is_found_again():
    world.change(networks={"home": dict(HOME, join_ms=1500, dhcp_ms=800)})
    board = ready()
    connect(board)
    for _ in range(3):
        world.change(networks={"home": dict(HOME, down=True)})
        assert not board.is_up() and board.signal_strength() is None
        assert board.connect() is False
        time.sleep_ms(1000)
        world.change(networks={"home": dict(HOME, join_ms=1500, dhcp_ms=800)})
        # What the first attempt made of a network that was away is not held against the others.
        assert len(connect(board, 60)) <= 3
    assert board.is_up()


def where_the_network_is_lost_another_one_takes_its_place():
    world.change(networks={"home": HOME, "garden": GARDEN})
    board = ready()
    connect(board)
    world.change(networks={"garden": GARDEN})
    assert connect(board, 40) == ["home: no such network is in reach"]
    assert network.station._ssid == "garden"


def the_network_that_worked_last_is_tried_first_after_a_restart():
    world.change(networks={"garden": GARDEN})
    board = ready()
    assert len(connect(board)) == 1
    with open("/data/network") as file:
        assert file.read() == "garden"
    import wifi

    wifi.switch_off()
    network.station.attempts.clear()
    board.config()
    assert connect(board) == [] and network.station.attempts == ["garden"]


def the_flash_is_written_only_when_another_network_works():
    world.change(networks={"home": HOME})
    board = ready()
    connect(board)
    import wifi

    modes = []

    def watched(name, mode="r"):
        modes.append(mode)
        return open(name, mode)

    wifi.open = watched
    for _ in range(3):
        board.restart_network("a test")
        connect(board)
    assert modes == ["r"] * 3
    world.change(networks={"garden": GARDEN})
    connect(board)
    assert modes == ["r"] * 4 + ["w"]


def a_failure_is_not_held_against_the_network_that_is_tried_next():
    world.change(networks={"home": dict(NOBODY, reason=202), "garden": dict(GARDEN, join_ms=2500)})
    board = ready()
    assert connect(board) == ["home: the password is wrong"]


def esp32_the_driver_may_try_again_by_itself():
    world.change(networks={"home": dict(HOME, flaky=2, join_ms=900)})
    assert connect(ready()) == []


def after_all_networks_have_failed_the_radio_starts_anew():
    world.change(networks={"home": NOBODY})
    board = ready()
    errors = []
    while len(errors) < 6:
        try:
            board.connect()
        except OSError as error:
            errors.append(str(error))
            assert network.station.times_off == len(errors) // 3
        time.sleep_ms(200)


def a_restarted_network_comes_up_anew():
    world.change(networks={"home": HOME})
    board = ready()
    connect(board)
    board.restart_network("nothing arrives")
    assert not board.is_up() and not network.station.active()
    assert connect(board) == []


def a_restarted_network_amid_an_attempt_comes_up_anew():
    world.change(networks={"home": dict(HOME, join_ms=3000)})
    board = ready()
    for _ in range(5):
        assert board.connect() is False
        time.sleep_ms(200)
    board.restart_network("nothing arrives")
    assert connect(board) == []


def a_radio_that_refuses_is_switched_off_and_on():
    world.change(networks={"home": HOME})
    board = ready()
    station = network.station
    original = type(station).connect

    def busy(self, *arguments):
        raise OSError("Wifi Internal Error")

    type(station).connect = busy
    try:
        board.connect()
        raise AssertionError("it raised nothing")
    except OSError as error:
        assert "home" in str(error) and "Wifi Internal Error" in str(error)
    assert not station.active()
    type(station).connect = original
    # The others are tried first.
    assert len(connect(board)) == 2


def without_networks_the_reason_is_said():
    import wifi

    try:
        wifi.step()
        raise AssertionError("it raised nothing")
    except OSError as error:
        assert "config.json" in str(error)


def country_host_name_and_power_save_are_set():
    world.change(networks={"home": HOME})
    board = ready(country="DE", hostname="greenhouse", power_save=False)
    assert network.country() == "DE" and network.hostname() == "greenhouse"
    connect(board)
    options = dict(network.station._options)
    assert options.pop("pm", None) == (None if world.IS_OLD else network.station.PM_NONE)
    assert options == ({"reconnects": 2} if IS_ESP32 else {})
    board.restart_network("a test")
    board = ready(power_save=True)
    connect(board)
    if not world.IS_OLD:
        assert network.station._options["pm"] == network.station.PM_PERFORMANCE


def the_host_name_is_the_unique_id():
    board = ready()
    assert network.hostname() == board.unique_id() == ("esp32-246f28aabbcc" if IS_ESP32 else "pico-e6616408433b212c")
    assert network.country() == "XX"


# The clock.


def ask(board, times=1):
    return [board.synchronize_clock() for _ in range(times)]


def error_of_clock(now=None):
    """How many seconds the clock is off."""
    import rtc

    return rtc.now() - (now or time.true_now())


def online(**servers):
    world.change(networks={"home": HOME}, ntp=servers)
    board = ready(ntp=["a", "b", "c"])
    connect(board)
    return board


def the_clock_is_set_as_soon_as_two_servers_agree():
    board = online(a=0, b=1, c=0)
    assert time.gmtime()[0] in (2000, 2021)
    assert ask(board) == [True] and ntptime.asked == ["a", "b"]
    assert abs(error_of_clock()) <= 2
    assert time.gmtime()[0] >= 2024


def a_server_that_lies_is_outvoted():
    for lie in ({"raw": 0}, {"raw": 0xFFFFFFFF}, 365 * 86400, -365 * 86400, 3600, {"raw": 2208988800}):
        for place in "abc":
            servers = {"a": 0, "b": 0, "c": 0}
            servers[place] = lie
            world.keep("clock", -800000000)
            for name in ("rtc", "chip", "board"):
                import sys

                sys.modules.pop(name, None)
            network.is_chip_on = False
            board = online(**servers)
            assert ask(board) == [True], (lie, place)
            assert abs(error_of_clock()) <= 2, (lie, place, error_of_clock())


def what_cannot_be_is_no_answer():
    # Of the year 1970 and of 2136: not even where no other answers.
    board = online(a={"raw": 2208988800}, b="silent", c="silent")
    board_time = time.gmtime()[0]
    ntptime._LEAST = 0
    assert ask(board, 6) == [False] * 6
    assert time.gmtime()[0] == board_time


def a_single_answer_is_believed_after_all_were_asked():
    board = online(a="silent", b=0, c="silent")
    assert ask(board, 2) == [False, True] and ntptime.asked == ["a", "b", "c"]
    assert abs(error_of_clock()) <= 2


def a_single_server_is_believed_at_once():
    world.change(networks={"home": HOME}, ntp={"a": 0})
    board = ready(ntp=["a"])
    connect(board)
    assert ask(board) == [True]


def where_no_two_agree_each_round_believes_another_one():
    board = online(a=0, b=86400, c=-86400)
    errors = []
    for _ in range(3):
        assert ask(board) == [True]
        errors.append(error_of_clock())
    assert sorted([round(error / 86400) for error in errors]) == [-1, 0, 1], errors


def a_call_waits_for_one_silent_server_at_most():
    board = online(a="silent", b="silent", c="silent")
    for count in range(1, 7):
        begun = time.ticks_ms()
        assert board.synchronize_clock() is False
        assert time.ticks_diff(time.ticks_ms(), begun) <= 1000
        assert len(ntptime.asked) == count


def without_a_network_the_clock_stays_unset():
    world.change(networks={})
    board = ready()
    assert ask(board, 7) == [False] * 7


def without_servers_the_clock_is_what_it_was():
    assert ask(ready(ntp=[]), 2) == [False, False]


def esp32_a_clock_that_ran_on_over_deep_sleep_is_believed_without_asking():
    world.keep("clock", 1)
    board = online(a=0, b=0, c=0)
    assert ask(board) == [True] and ntptime.asked == []
    # Whoever asks again doubts it.
    world.keep("clock", 9000)
    assert ask(board) == [True] and ntptime.asked == ["a", "b"]
    assert abs(error_of_clock()) <= 2


def a_verified_time_mends_a_clock_that_is_minutes_away():
    board = ready()
    for wrong in (-800000000, 300, -300, 365 * 86400):
        world.keep("clock", wrong)
        board.set_clock(time.true_now())
        assert abs(error_of_clock()) <= 1, wrong
    world.keep("clock", 30)
    board.set_clock(time.true_now())
    assert error_of_clock() == 30
    assert board.synchronize_clock() is True


def a_date_beyond_2038_and_before_leap_days_is_set_right():
    board = ready()
    for seconds in (1709164800, 1709251199, 1709251200, 2147483648, 4000000000):
        world.keep("clock", -800000000)
        board.set_clock(seconds)
        assert abs(error_of_clock(seconds)) <= 1, (seconds, time.gmtime())


# Sensors.


def each_field_has_a_reading():
    world.change(networks={"home": HOME}, supply=4.8, celsius=36, fahrenheit=128)
    board = ready()
    names = [name for name, _ in board.FIELDS]
    row = dict(zip(names, board.read_sensors()))
    assert row["rssi"] is None and row["heap_free"] > 1000 and row["uptime"] == 0
    connect(board)
    time.sleep_ms(100000)
    row = dict(zip(names, board.read_sensors()))
    assert row["rssi"] == -60
    assert 100 <= row["uptime"] <= 101
    if "ESP32C3" in world.MACHINE:
        # Its sensor came into the firmware later.
        assert names == ["heap_free", "rssi", "uptime"]
    elif "ESP32S3" in world.MACHINE:
        assert board.FIELDS[0] == ("cpu_temp", 0) and row["cpu_temp"] == 36
    elif IS_ESP32:
        assert names == ["cpu_temp", "heap_free", "rssi", "uptime"]
        assert abs(row["cpu_temp"] - 53.3) < 0.1
    else:
        assert names == ["cpu_temp", "supply", "heap_free", "rssi", "uptime"]
        assert abs(row["cpu_temp"] - 36) < 0.5


def the_uptime_is_right_after_months():
    import measure

    for _ in range(60):
        time.sleep_ms(5 * 86400 * 1000 + 1)
        measure.uptime()
    assert 60 * 5 * 86400 <= measure.uptime() <= 60 * 5 * 86400 + 1


def pico_the_supply_is_measured_before_the_radio_is_on():
    world.change(networks={"home": HOME}, supply=3.7)
    board = ready()
    connect(board)
    row = dict(zip([name for name, _ in board.FIELDS], board.read_sensors()))
    assert abs(row["supply"] - 3.7) < 0.01
    # The radio's chip select is at rest.
    assert machine.outputs[25] == 1


def the_users_sensors_come_last():
    soil, broken, word = "('soil', 1, lambda: 33.5)", "('broken', 0, lambda: 1 // 0)", "('word', 0, lambda: 'x')"
    write("/sensors.py", "SENSORS = (%s, %s, %s)\n" % (soil, broken, word))
    board = ready()
    assert board.FIELDS[-3:] == (("soil", 1), ("broken", 0), ("word", 0))
    assert board.read_sensors()[-3:] == (33.5, None, None)


def a_reading_that_is_no_number_is_none():
    write(
        "/sensors.py",
        "V = [float('nan'), float('inf'), True, None, [1], 7, 7.46]\n"
        "SENSORS = [('s%d' % i, 1, lambda i=i: V[i]) for i in range(7)]\n",
    )
    assert ready().read_sensors()[-7:] == (None, None, 1.0, None, None, 7.0, 7.5)


def sensors_that_cannot_be_imported_are_left_out():
    for text in ("import missing", "SENSORS = 1 +", "x = 1 // 0", "SENSORS = 5", "SENSORS = (('a', 1),)", ""):
        write("/sensors.py", text)
        import sys

        for name in ("sensors", "board"):
            sys.modules.pop(name, None)
        network.is_chip_on = False
        board = ready()
        assert board.FIELDS[-1][0] == "uptime", text


# The light.


def shown(board, milliseconds, feed):
    """Return what the light showed, each 64 ms."""
    lights = []
    for _ in range(milliseconds // 64):
        feed()
        lights.append(machine.outputs.get(PIN, 0))
        time.sleep_ms(64)
    return lights


PIN = 4


def flashes(lights):
    return len([1 for before, now in zip([0] + lights, lights) if now and not before])


def each_state_has_its_pattern():
    board = ready(led_pin=PIN)
    time.sleep_ms(2048)
    counts = {"connecting": 1, "offline": 2, "waiting": 1, "error": 3, "safe": 8, "off": 0, "online": 0}
    for state in counts:
        board.status(state)
        # From the first slot of a pattern on.
        while time.ticks_ms() % 2048:
            time.sleep_ms(1)
        for _ in range(2):
            assert flashes(shown(board, 2048, board.feed_watchdog)) == counts[state], state
    assert sum(shown(board, 2048, lambda: board.status("connecting"))) in range(15, 18)


def the_users_command_is_seen_while_online():
    board = ready(led_pin=PIN)
    board.status("online")
    board.led(True)
    assert shown(board, 1024, board.feed_watchdog) == [1] * 16
    board.status("offline")
    assert 0 in shown(board, 2048, board.feed_watchdog)
    board.status("online")
    assert shown(board, 1024, board.feed_watchdog) == [1] * 16
    board.led(False)
    assert shown(board, 1024, board.feed_watchdog) == [0] * 16


def the_pin_is_written_only_when_the_light_changes():
    board = ready()
    import light

    written = []
    light.use(written.append)
    for _ in range(100):
        board.status("connecting")
        time.sleep_ms(40)
    assert 4 <= len(written) <= 5 and written[0] != written[1], written


def identify_is_seen_for_five_seconds():
    board = ready(led_pin=PIN)
    board.status("online")
    board.identify()
    assert flashes(shown(board, 4096, board.feed_watchdog)) >= 6
    time.sleep_ms(1200)
    assert shown(board, 2048, board.feed_watchdog) == [0] * 32


def a_board_without_a_light_works():
    board = ready()
    for state in ("connecting", "error", "online"):
        board.status(state)
    board.led(True)
    board.identify()
    board.feed_watchdog()


def pico_the_light_is_on_the_radio():
    board = ready()
    board.status("online")
    board.led(True)
    assert machine.outputs["LED"] == 1


def a_pin_that_is_none_is_a_config_error():
    assert "led_pin" in refused(led_pin=60)


# Watchdog, restart and sleep.


def feeding_and_showing_allocate_nothing():
    board = ready(led_pin=PIN)
    board.start_watchdog()
    board.status("connecting")
    time.sleep_ms(100)
    now = time.ticks_ms()
    # The fakes' own pin and clock allocate; the board's code does not.
    import light

    light.use(lambda on: None)
    time.ticks_ms = lambda: now
    board.feed_watchdog()
    micropython.heap_lock()
    board.feed_watchdog()
    board.status("connecting")
    board.status("online")
    board.feed_watchdog()
    micropython.heap_unlock()
    gc.collect()


def before_its_start_the_watchdog_is_not_fed():
    board = ready()
    board.feed_watchdog()
    assert world.kept("watchdog") is None


def esp32_the_watchdog_is_fed_directly():
    board = ready()
    board.start_watchdog()
    assert world.kept("watchdog") == 120000 == board.WATCHDOG_MS
    for _ in range(3):
        board.feed_watchdog()
    assert board._watchdog.feeds == 3


def pico_the_timer_feeds_as_long_as_the_program_does():
    board = ready()
    board.start_watchdog()
    assert world.kept("watchdog") == 8388
    timer, feeds = board._timer, 0
    assert timer.period * 2 < 8388
    for _ in range(3):
        board.feed_watchdog()
        for _ in range(29):
            time.sleep_ms(timer.period)
            timer.callback(timer)
            feeds += 1
            assert board._watchdog.feeds == feeds
    for _ in range(10):
        time.sleep_ms(timer.period)
        timer.callback(timer)
    assert board._watchdog.feeds == feeds
    board.feed_watchdog()
    timer.callback(timer)
    assert board._watchdog.feeds == feeds + 1


def pico_the_timers_callback_allocates_nothing():
    board = ready()
    board.start_watchdog()
    now = time.ticks_ms()
    time.ticks_ms = lambda: now
    board._feed(board._timer)
    feeds = board._watchdog.feeds

    class Watchdog:
        fed = False

        def feed(self):
            self.fed = True

    board._watchdog = Watchdog()
    board._feed(None)
    board._watchdog.fed = False
    micropython.heap_lock()
    board._feed(None)
    micropython.heap_unlock()
    assert board._watchdog.fed and feeds == 1


def ended(act):
    """Return how the chip ended when this was done, and after how many milliseconds it starts again."""
    try:
        act()
    except world.Ended as end:
        return end.args
    raise AssertionError("the chip has not ended")


def restart_resets_the_chip():
    board = ready()
    assert ended(lambda: board.restart("a test")) == ("reset", 0)
    if not IS_ESP32:
        assert world.kept("registers") == {str(SCRATCH): 0x666C01}


def esp32_sleep_is_deep_sleep_with_the_radio_off():
    world.change(networks={"home": HOME})
    board = ready()
    connect(board)
    assert ended(lambda: board.sleep(60.5)) == ("deep sleep", 60500)
    assert not network.station.active()
    assert ended(lambda: board.sleep(0)) == ("deep sleep", 1)


def pico_sleep_is_in_naps_that_the_watchdog_outlasts():
    world.change(networks={"home": HOME})
    board = ready()
    connect(board)
    board.start_watchdog()
    watchdog, begun = board._watchdog, time.ticks_ms()
    assert ended(lambda: board.sleep(60)) == ("reset", 0)
    assert 60000 <= time.ticks_diff(time.ticks_ms(), begun) < 60100
    assert watchdog.feeds >= 15
    with open("/state/log") as file:
        naps = [int(line.split()[2]) for line in file if "lightsleep" in line]
    assert max(naps) <= 4000 and len(naps) == 15
    assert not network.is_chip_on and not board._timer._is_on


def pico_sleep_ends_without_a_watchdog_too():
    board = ready()
    begun = time.ticks_ms()
    assert ended(lambda: board.sleep(7.5)) == ("reset", 0)
    assert 7500 <= time.ticks_diff(time.ticks_ms(), begun) < 7600


def esp32_each_cause_has_its_name():
    causes = {"power on": "power on", "reset": "software", "watchdog": "watchdog", "deep sleep": "deep sleep"}
    causes["soft reset"] = "soft reset"
    board = ready()
    for cause in causes:
        world.change(cause=cause)
        assert board.reset_cause() == causes[cause]


def pico_causes_are_told_apart():
    cases = (("power on", 0, "power on"), ("power on", 0x666C02, "power on"), ("reset", 0x666C01, "software"))
    cases += (("reset", 0x666C02, "deep sleep"), ("watchdog", 0, "watchdog"), ("watchdog", 0xDEADBEEF, "watchdog"))
    import sys

    for cause, note, name in cases:
        sys.modules.pop("board", None)
        network.is_chip_on = False
        world.change(cause=cause)
        machine.mem32[SCRATCH] = note
        import board

        assert board.reset_cause() == name, (cause, note)
        assert board.reset_cause() == name
        # The next restart, by the watchdog, is not taken for ours.
        assert machine.mem32[SCRATCH] == 0


def esp32_the_memory_of_the_rtc_is_handed_out():
    board = ready()
    board.rtc_memory().memory(b"kept")
    assert machine.RTC().memory() == b"kept"


def pico_there_is_no_memory_that_outlives_a_restart():
    assert ready().rtc_memory() is None


# The rest.


def a_hold_file_and_a_held_button_are_seen():
    board = ready()
    assert board.hold_requested() is False
    world.change(button=True)
    assert board.hold_requested() is True
    world.change(button=False)
    write("/hold", "")
    assert board.hold_requested() is True


def the_storage_is_a_folder_that_is_there():
    board = ready()
    assert board.storage() == "/data" and os.stat("/data")[0] & 0x4000
    assert board.storage() == "/data"
    assert ready(storage="/kept").storage() == "/kept" and os.stat("/kept")[0] & 0x4000


def what_the_configuration_lacks_is_said_without_secrets():
    assert "networks" in refused(networks=[])
    assert "country" in refused(country="Germany")
    assert "secret12" not in refused(networks=[["home", "secret12", 1]])
    os.remove("/config.json")
    import board

    try:
        board.config()
        raise AssertionError("it was not refused")
    except ValueError as error:
        assert "/config.json" in str(error)


def a_board_has_all_that_the_program_asks_for():
    board = ready()
    for name in INTERFACE:
        assert hasattr(board, name), name
    assert board.stop_requested() is False
    board.report("what", "value")


INTERFACE = (
    "NAME",
    "FIELDS",
    "WATCHDOG_MS",
    "read_sensors",
    "config",
    "unique_id",
    "stop_requested",
    "report",
    "led",
    "identify",
    "connect",
    "synchronize_clock",
    "set_clock",
    "storage",
    "rtc_memory",
    "is_up",
    "restart_network",
    "restart",
    "reset_cause",
    "start_watchdog",
    "feed_watchdog",
    "hold_requested",
    "status",
    "sleep",
    "signal_strength",
    "started",
)


def after_failed_starts_the_users_sensors_are_left_out():
    write("/sensors.py", "SENSORS = (('soil', 1, lambda: 33.5),)\n")
    write("/boot.failed", "xx")
    board = ready()
    assert board.FIELDS[-1] == ("soil", 1)
    write("/boot.failed", "xxx")
    board = ready()
    assert board.FIELDS[-1] == ("uptime", 0) and len(board.read_sensors()) == len(board.FIELDS)


def readings_have_the_decimals_of_their_fields():
    write("/sensors.py", "SENSORS = (('a', 2, lambda: 1 / 3), ('b', 0, lambda: 2.6), ('c', 0, lambda: True))\n")
    assert ready().read_sensors()[-3:] == (0.33, 3, 1)


def the_example_of_the_users_sensors_measures():
    write("/sensors.py", "from sensors_example import SENSORS\n")
    world.change(i2c=[0x66, 0x66, 0, 0x80, 0x00, 0])
    board = ready()
    assert board.FIELDS[-2:] == (("temperature", 1), ("humidity", 1))
    assert board.read_sensors()[-2:] == (25.0, 50.0)
    world.change(i2c=None)
    assert board.read_sensors()[-2:] == (None, None)


def a_configuration_that_is_read_again_amid_an_attempt_changes_nothing_of_it():
    world.change(networks={"garden": dict(GARDEN, join_ms=3000)})
    board = ready()
    while not network.station.attempts or network.station.attempts[-1] != "garden":
        try:
            board.connect()
        except OSError:
            pass  # the first network is not there
        time.sleep_ms(200)
    board.config()
    assert connect(board, 10) == []
    with open("/data/network") as file:
        assert file.read() == "garden"


def whatever_the_networks_do_one_that_is_there_is_found():
    import random

    board = ready()
    kinds = (None, HOME, NOBODY, dict(HOME, down=True), dict(HOME, dhcp_ms=None), dict(HOME, refuses=True))
    kinds += (dict(HOME, join_ms=4000), dict(NOBODY, reason=202))
    for seed in range(12):
        random.seed(seed)
        for _ in range(40):
            networks = {}
            for name, password in SETTINGS["networks"]:
                kind = random.choice(kinds)
                if kind:
                    is_right = kind["password"] == HOME["password"]
                    networks[name] = dict(kind, password=(password or None) if is_right else "another1")
            world.change(networks=networks)
            for _ in range(random.randrange(60)):
                try:
                    assert board.connect() is network.station.isconnected()
                except OSError as error:
                    assert "secret" not in str(error)
                time.sleep_ms(random.randrange(20, 1500))
            if random.randrange(10) == 0:
                board.restart_network("chance")
        world.change(networks={"garden": GARDEN})
        connect(board, 120)
        assert network.station._ssid == "garden"
