"""main.py as a board starts it, on MicroPython in a folder that is the board's flash: the ways in which a start can go.

The board and the program are played: `scenario.json` says what they do. The clock is played too (a file time.py comes
before the firmware's module), so ten minutes of safe mode pass at once. Nothing of main.py, startup.py and rescue.py is
replaced.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys

import pytest
from clients import ROOT

from flamelet_tools.run import run as running
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path

pytestmark = [
    pytest.mark.skipif(find_micropython() is None, reason=MISSING),
    pytest.mark.timeout(60),
]

RESTARTED = 75
TIME = """
now = 0

def ticks_ms():
    return now

def ticks_add(ticks, delta):
    return ticks + delta

def ticks_diff(end, start):
    return end - start

def sleep_ms(ms):
    global now
    now += ms

def sleep(seconds):
    print("slept", seconds)
    sleep_ms(int(seconds * 1000))

def localtime():
    return (2026, 1, 2, 3, 4, 5, 4, 2)
"""
MACHINE = """
import sys

def reset():
    print("machine.reset")
    sys.exit(75)
"""
BOARD = """
import json
import sys
import time

NAME = "played"
FOLDER = "%s"
with open("scenario.json") as file:
    scenario = json.load(file)
states = []
waits = scenario.get("interrupted_after")
fed = 0

def report(what, value=""):
    print("%%-9s%%s" %% (what, value))

def config():
    if "config" in scenario:
        raise ValueError(scenario["config"])
    return {}

def hold_requested():
    return scenario.get("hold", False)

def reset_cause():
    return scenario.get("cause", "power on")

def status(state):
    global waits
    if not states or states[-1] != state:
        states.append(state)
        print("status", state)
    if scenario.get("no_light"):
        raise OSError(5)
    if waits is not None:
        waits -= 1
        if waits < 0:
            raise KeyboardInterrupt

def feed_watchdog():
    global fed
    fed += 1

def connect():
    if scenario.get("network"):
        raise OSError(scenario["network"])
    return time.ticks_ms() > 5000

def restart(reason):
    print("restart after %%d ms, fed %%d: %%s" %% (time.ticks_ms(), fed, reason))
    if scenario.get("no_restart"):
        raise OSError(5)
    sys.exit(75)
"""
DEVICE = """
import sys

def run(board):
    print("program in", board.FOLDER)
    import startup
    exec(board.scenario.get("program", "pass"), {"board": board, "startup": startup})
"""
WRONG_MPY = b"M\x05\x00\x1f\x00\x00"


class Flash:
    """The flash of a board, with main.py and the folders that a test asks for."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copy(ROOT / "main.py", folder)
        (folder / "fakes").mkdir()
        (folder / "fakes" / "time.py").write_text(TIME)
        (folder / "fakes" / "machine.py").write_text(MACHINE)

    def deploy(self, name):
        """Put the modules into a folder, as flamelet deploy does; "" is the root."""
        target = self.folder / name
        (target / "flamelet").mkdir(parents=True)
        (target / "flamelet" / "__init__.py").write_text("")
        (target / "flamelet" / "device.py").write_text(DEVICE)
        (target / "board.py").write_text(BOARD % name)
        for module in ("startup.py", "rescue.py"):
            shutil.copy(ROOT / "boards" / "shared" / module, target)
        return target

    def start(self, **scenario):
        """Switch the board on.

        Returns: the exit code, 0 for a REPL and RESTARTED for a reset, and what it printed.
        """
        (self.folder / "scenario.json").write_text(json.dumps(scenario))
        done = subprocess.run(
            [find_micropython(), "-X", "heapsize=256k", "main.py"],
            cwd=self.folder,
            env=module_path("", "fakes"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout

    def active(self, name):
        (self.folder / "active").write_text(name)

    def log(self):
        file = self.folder / "boot.log"
        return file.read_text() if file.exists() else ""

    def failed(self):
        file = self.folder / "boot.failed"
        return len(file.read_bytes()) if file.exists() else 0

    def files(self):
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def flash(tmp_path):
    """A board with the same modules in /a and /b, of which /a is active."""
    flash = Flash(tmp_path)
    flash.deploy("a")
    flash.deploy("b")
    flash.active("a")
    return flash


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_active_folder_is_the_one_that_runs(flash, name):
    flash.active(name + "\n")
    code, output = flash.start()
    assert code == 0
    assert f"program in {name}\n" in output


def test_without_folders_the_modules_beside_main_run(tmp_path):
    flash = Flash(tmp_path)
    flash.deploy("")
    code, output = flash.start()
    assert code == 0
    assert output.startswith("program in \n")


def test_without_an_active_folder_what_lies_in_a_is_not_trusted_before_the_root(flash):
    (flash.folder / "active").unlink()
    flash.deploy("")
    assert flash.start()[1].startswith("program in \n")


def test_an_empty_file_active_does_not_stop_the_board(flash):
    flash.active("")
    assert "program in a\n" in flash.start()[1]


def test_a_healthy_start_writes_nothing(flash):
    flash.start()
    before = flash.files()
    for cause in ("power on", "deep sleep", "soft reset", "brownout"):
        assert flash.start(cause=cause, program="startup.started()")[0] == 0
    assert flash.files() == before


def broken_mpy(folder):
    (folder / "board.py").unlink()
    (folder / "board.mpy").write_bytes(WRONG_MPY)


BREAKS = {
    "an .mpy of another version": broken_mpy,
    "a lacking board": lambda folder: (folder / "board.py").unlink(),
    "a lacking startup": lambda folder: (folder / "startup.py").unlink(),
    "a lacking library": lambda folder: shutil.rmtree(folder / "flamelet"),
    "a lacking part of the library": lambda folder: (folder / "flamelet" / "device.py").write_text(
        "from . import _gone"
    ),
    "half a file": lambda folder: (folder / "flamelet" / "device.py").write_text("def run(board"),
    "an error in a module": lambda folder: (folder / "flamelet" / "__init__.py").write_text("1 / 0"),
    "an empty folder": lambda folder: [shutil.rmtree(folder), folder.mkdir()],
    "no folder": shutil.rmtree,
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_other_folder_runs_where_the_active_one_cannot(flash, what):
    BREAKS[what](flash.folder / "a")
    # All of it is of the other folder: its board tells.
    code, output = flash.start()
    assert code == 0
    assert "program in b\n" in output
    if what != "no folder":
        assert "the modules in /a cannot be started: " in output


def test_that_the_other_folder_runs_is_kept_once(flash):
    BREAKS["a lacking part of the library"](flash.folder / "a")
    for _ in range(3):
        assert flash.start()[0] == 0
    [line] = [line for line in flash.log().splitlines() if "cannot be started" in line]
    assert line == "the modules in /a cannot be started: ImportError(\"no module named 'flamelet._gone'\",)"


def test_where_no_folder_can_be_imported_the_board_says_so_and_restarts(flash):
    BREAKS["a lacking board"](flash.folder / "a")
    broken_mpy(flash.folder / "b")
    code, output = flash.start()
    assert code == RESTARTED
    assert "/a cannot be started: ImportError(\"no module named 'board'\",)" in output
    assert "/b cannot be started: ValueError('incompatible .mpy file'," in output
    assert "flamelet deploy may fix that" in output
    assert output.endswith("slept 60\nmachine.reset\n")


def test_where_no_folder_has_the_library_the_safe_mode_comes_in_the_end(flash):
    for name in ("a", "b"):
        BREAKS["a lacking library"](flash.folder / name)
    assert flash.start()[0] == RESTARTED
    for _ in range(2):
        code, output = flash.start(cause="software")
        assert code == RESTARTED and "safe mode" not in output
    assert "no module named 'flamelet'" in flash.log()
    output = flash.start(cause="software")[1]
    safe, _, after = output.partition("the network is up")
    assert "safe mode: 3 starts in a row have failed" in safe
    assert "no module named 'flamelet'" in safe
    assert "restart after 6" in after


def test_an_error_out_of_the_program_is_printed_kept_and_followed_by_a_restart(flash):
    code, output = flash.start(program="{}['lost']")
    assert code == RESTARTED
    assert "KeyError: lost" in output and "Traceback" in output
    assert "restart after 2" in output and "KeyError('lost',)" in output
    assert "status error" in output
    assert re.fullmatch(r"-- 2026-01-02 03:04:05\nTraceback [^-]*KeyError: lost\n", flash.log())


@pytest.mark.parametrize(
    "error",
    ["MemoryError", "OSError(116)", "ValueError('x')", "RuntimeError", "ImportError", "StopIteration", "GeneratorExit"],
)
def test_no_kind_of_error_leaves_a_silent_board(flash, error):
    code, output = flash.start(program=f"raise {error}")
    assert code == RESTARTED
    assert error.partition("(")[0] in flash.log()


def test_an_endless_recursion_is_survived(flash):
    code, _ = flash.start(program="def f(): f()\nf()")
    assert code == RESTARTED
    assert "maximum recursion depth exceeded" in flash.log()


@pytest.mark.parametrize("size", [16, 100, 4000])
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_full_heap_is_survived(flash, size, is_kept):
    """Also where what fills it is global, so that there is no room for the rescue."""
    program = f"full = []\n{'board.full = full' if is_kept else ''}\nwhile True:\n  full.append(bytearray({size}))"
    code, output = flash.start(program=program)
    assert code == RESTARTED
    assert "MemoryError" in output


def test_the_delay_before_the_restart_grows(flash):
    delays = []
    for cause in ("power on", "software", "software"):
        _, output = flash.start(cause=cause, program="1 / 0")
        delays.append(int(re.search(r"restart after (\d+) ms", output)[1]) // 1000)
        assert int(re.search(r"fed (\d+)", output)[1]) >= delays[-1] * 10
    assert delays == [2, 8, 32]


def test_three_failed_starts_in_a_row_start_the_safe_mode(flash):
    for cause, failed in (("power on", 0), ("watchdog", 1), ("software", 2)):
        code, output = flash.start(cause=cause, program="1 / 0")
        assert code == RESTARTED and "program in a" in output and flash.failed() == failed
    code, output = flash.start(cause="software", program="1 / 0")
    assert code == RESTARTED
    safe, _, after = output.partition("program in a")
    assert "safe mode: 3 starts in a row have failed" in safe
    assert "ZeroDivisionError" in safe
    assert "status safe" in safe and "the network is up" in safe
    # The program has its next starts.
    ended, fed = map(int, re.search(r"restart after (\d+) ms, fed (\d+)", after).groups())
    assert 600_000 <= ended < 700_000
    assert fed > ended / 1000
    assert flash.failed() == 0
    for _ in range(2):
        assert "safe mode" not in flash.start(cause="software", program="1 / 0")[1]
    assert "safe mode" in flash.start(cause="software", program="1 / 0")[1]


def test_a_board_that_only_the_watchdog_restarts_comes_to_the_safe_mode_too(flash):
    for _ in range(2):
        assert "safe mode" not in flash.start(cause="watchdog")[1]
    output = flash.start(cause="watchdog")[1]
    assert "safe mode: 3 starts" in output
    assert "the watchdog" in output


@pytest.mark.parametrize("cause", ["power on", "brownout", "soft reset"])
def test_what_a_person_or_the_supply_does_is_no_failed_start(flash, cause):
    flash.start(cause="watchdog")
    for _ in range(5):
        assert "program in a" in flash.start(cause=cause)[1]
    assert flash.failed() == 1


def test_a_start_that_worked_ends_the_row(flash):
    flash.start(cause="watchdog")
    flash.start(cause="watchdog", program="startup.started()")
    assert flash.failed() == 0
    for _ in range(2):
        assert "program in a" in flash.start(cause="watchdog")[1]


def test_a_wake_from_deep_sleep_ends_the_row(flash):
    flash.start(cause="watchdog")
    flash.start(cause="deep sleep")
    assert flash.failed() == 0


@pytest.mark.parametrize("network", ["wrong password", None])
def test_the_safe_mode_lasts_without_a_network_and_without_a_light(flash, network):
    (flash.folder / "boot.failed").write_text("xxx")
    code, output = flash.start(network=network, no_light=True)
    assert code == 0
    assert output.index("safe mode") < output.index("program in a")
    assert "the board cannot show its state" in output
    if network:
        assert "wrong password" in output
    assert flash.failed() == 0


def test_the_safe_mode_needs_no_configuration(flash):
    (flash.folder / "boot.failed").write_text("xxx")
    _, output = flash.start(config="config.json: url is missing", interrupted_after=20_000)
    assert output.index("safe mode") < output.index("url is missing") < output.index("status error")


def test_the_safe_mode_serves_the_webrepl_where_its_owner_has_set_it_up(flash):
    (flash.folder / "fakes" / "webrepl.py").write_text("def start():\n    print('WebREPL started')\n")
    (flash.folder / "boot.failed").write_text("xxx")
    assert "WebREPL" not in flash.start()[1]
    (flash.folder / "webrepl_cfg.py").write_text("PASS = 'secret'\n")
    (flash.folder / "boot.failed").write_text("xxx")
    output = flash.start()[1]
    assert output.count("WebREPL started") == 1
    assert "secret" not in output


def test_a_board_that_is_held_ends_in_the_repl_and_says_how_to_go_on(flash):
    (flash.folder / "boot.failed").write_text("xxx")
    code, output = flash.start(hold=True, cause="watchdog")
    assert code == 0
    assert output == "hold     to go on, mpremote rm :hold or release the button, then reset the board\n"
    assert flash.failed() == 3


def test_a_wrong_configuration_blinks_and_says_what_to_do_again_and_again(flash):
    code, output = flash.start(config="config.json: url is missing", interrupted_after=4000)
    assert code == 0
    line = "error    config.json: url is missing. flamelet provision --port PORT makes a new configuration\n"
    assert output.count(line) >= 3
    assert "status error" in output and "program in" not in output


def test_what_the_program_refuses_of_the_configuration_blinks_too(flash):
    program = "board.report('error', 'the token file token.json cannot be read')\nraise SystemExit(2)"
    code, output = flash.start(program=program, interrupted_after=2000)
    assert code == 0
    assert "token.json cannot be read" in output
    assert output.count("flamelet provision") >= 2
    assert flash.log() == ""


@pytest.mark.parametrize(
    ("scenario", "failed"),
    [({"program": "1 / 0"}, ""), ({}, "xxx"), ({"config": "x"}, ""), ({"program": "raise KeyboardInterrupt"}, "")],
    ids=["before a restart", "in the safe mode", "at a wrong configuration", "in the program"],
)
def test_ctrl_c_leaves_the_repl(flash, scenario, failed):
    if failed:
        (flash.folder / "boot.failed").write_text(failed)
    code, output = flash.start(interrupted_after=10, **scenario)
    assert code == 0
    assert "restart after" not in output
    assert output.endswith(
        "hold     Ctrl-C\nend      a reset or a running watchdog starts the program again, "
        "unless a file named hold exists\n"
    )


def test_a_board_whose_restart_fails_is_reset(flash):
    code, output = flash.start(program="1 / 0", no_restart=True)
    assert code == RESTARTED
    assert output.endswith("machine.reset\n")


def test_the_log_keeps_the_newest_within_its_limit(flash):
    for number in range(60):
        flash.start(program=f"raise OSError('number {number:03}, ' + 100 * 'x')")
        assert len(flash.log()) <= 4096
    numbers = [int(number) for number in re.findall(r"OSError: number (\d+)", flash.log())]
    assert numbers == list(range(60 - len(numbers), 60))
    assert len(numbers) >= 8


def test_the_same_error_is_kept_once(flash):
    for _ in range(3):
        flash.start(program="1 / 0")
    assert flash.log().count("ZeroDivisionError") == 1


@pytest.mark.parametrize("cause", ["power on", "software"])
@pytest.mark.parametrize("name", ["boot.log", "boot.failed"])
def test_a_flash_that_cannot_be_written_stops_nothing(flash, name, cause):
    """A folder in the file's place, which nobody can write into or remove, whoever he is."""
    (flash.folder / name).mkdir()
    code, output = flash.start(program="1 / 0", cause=cause)
    assert code == RESTARTED
    assert "program in a" in output and "ZeroDivisionError" in output


def test_a_log_that_is_no_text_any_more_keeps_no_board_from_its_safe_mode(flash):
    (flash.folder / "boot.log").write_bytes(b"an error in \xe2\x82")
    (flash.folder / "boot.failed").write_text("xxx")
    _, output = flash.start()
    assert "safe mode: 3 starts in a row have failed" in output and "program in a" in output
    flash.start(program="1 / 0")
    assert "ZeroDivisionError" in flash.log()


def test_a_restart_that_the_program_wants_is_one(flash):
    code, output = flash.start(program="board.restart('no progress for 600 s')")
    assert code == RESTARTED
    assert "no progress" in output
    assert flash.log() == ""


# The desktop, which is started again by whoever started it.


def test_a_desktop_that_wants_a_restart_is_started_again(tmp_path, capsys):
    program = "import pathlib, sys\nlives = pathlib.Path('lives')\nlives.open('a').write('x')\n"
    program += "count = len(lives.read_text())\nprint('summary %d sent, 0 not sent, 1 commands' % count)\n"
    program += "sys.exit(75 if count < 3 else 0)\n"
    (tmp_path / "main.py").write_text(program)
    env = {"FLAMELET_STOP": str(tmp_path / "stop")}

    async def run():
        command = [sys.executable, "main.py"]
        return await running.run_device_with_restarts(command, tmp_path, env, asyncio.Event())

    exit_code, summaries = asyncio.run(run())
    assert exit_code == 0 and len(summaries) == 3
    assert running.summarize(6, exit_code, summaries, False) == 0
    assert running.summarize(5, exit_code, summaries, False) == 1
    output = capsys.readouterr().out
    assert output.count("the device restarts") == 2
    assert "6 readings sent, 0 not sent, 6 stored; 3 commands obeyed" in output
