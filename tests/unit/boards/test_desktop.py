"""The desktop's board has all that lib/flamelet/device.py asks of a board, and keeps what is to be kept."""

import os
import sys

from helpers import raises

FOLDER = __file__.rpartition("/")[0] or "."
sys.path[:0] = [FOLDER + "/../../../boards/desktop", FOLDER + "/../../../boards/shared"]

import board  # noqa: E402  the path comes first

SCRATCH = "/tmp/flamelet-test-%d" % int.from_bytes(os.urandom(4), "big")


def with_storage(folder):
    """What the board says, and what storage() returns, with this setting."""
    kept, said = board._config.get("storage"), []
    report, board.report = board.report, lambda what, value="": said.append((what, str(value)))
    board._config["storage"] = folder
    try:
        return board.storage(), said
    finally:
        board._config["storage"] = kept
        board.report = report


ASKED = """
    read_sensors config unique_id stop_requested report led identify connect synchronize_clock set_clock storage
    rtc_memory is_up restart_network restart reset_cause start_watchdog feed_watchdog hold_requested status sleep
    signal_strength started
"""


def test_a_board_has_everything_that_is_asked_of_one():
    for name in ASKED.split():
        assert callable(getattr(board, name)), name
    assert board.NAME == "desktop" and board.WATCHDOG_MS > 0
    assert len(board.read_sensors()) == len(board.FIELDS) > 0


def test_the_network_of_a_desktop_is_always_up():
    assert board.connect() is True and board.is_up() is True and board.synchronize_clock() is True
    board.restart_network("no progress")
    board.set_clock(0)
    assert board.connect() is True and board.synchronize_clock() is True
    assert board.signal_strength() is None and board.rtc_memory() is None
    assert board.hold_requested() is False and board.reset_cause() == "power on"


def test_a_restart_is_asked_for_by_the_exit_code_75_and_a_sleep_is_an_end():
    assert raises(SystemExit, board.restart, "no progress").args == (75,)
    assert raises(SystemExit, board.sleep, 60).args == (0,)


def test_a_storage_folder_is_made_and_found_again():
    for _ in range(2):
        assert with_storage(SCRATCH) == (SCRATCH, [])
        assert os.stat(SCRATCH)[0] & 0x4000
    os.rmdir(SCRATCH)


def test_without_a_storage_folder_that_is_said():
    folder, said = with_storage(None)
    assert folder is None and said[0][0] == "storage" and "FLAMELET_STORAGE" in said[0][1]


def test_a_storage_folder_that_cannot_be_made_is_said_and_nothing_is_kept():
    folder, said = with_storage("/nowhere/at/all")
    assert folder is None and said[0][0] == "error" and "/nowhere/at/all" in said[0][1]


def test_a_watchdog_and_a_state_cost_a_desktop_nothing():
    board.start_watchdog()
    board.feed_watchdog()
    board.started()
    for state in ("connecting", "online", "offline", "waiting", "error", "safe", "off"):
        board.status(state)
        assert board.state == state
