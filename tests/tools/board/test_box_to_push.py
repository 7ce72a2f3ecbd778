"""From the box to the first push, as docs/boards.md has it: provision and deploy with a board that is played.

Everything is the real thing but the chip: main.py and the board.py on MicroPython, over the fakes of fakes/, with a
watchdog that kills, on a pseudo-terminal; the server is the simulator.
"""

import re
import sys
import time

import pytest
from click.testing import CliRunner
from fake_board import FAKES, FakeBoard
from pty_board import PtyBoard

from flamelet_tools import cli
from flamelet_tools.board import link as board_link
from flamelet_tools.shared.micropython import MISSING, find_micropython

pytestmark = [
    pytest.mark.skipif(find_micropython() is None, reason=MISSING),
    pytest.mark.timeout(180),
]

# One life of the chip: ends where the program says so, or where its watchdog was not fed in time.
LIFE = """
import json, pathlib, subprocess, sys, time
state = pathlib.Path(sys.argv[1])
for name in ("end.json", "watchdog.json", "fed"):
    (state / name).unlink(missing_ok=True)
chip = subprocess.Popen(sys.argv[2:])
code, fed, size = None, time.monotonic(), 0
while code is None:
    time.sleep(0.02)
    code = chip.poll()
    try:
        watched = json.loads((state / "watchdog.json").read_text())
    except (FileNotFoundError, ValueError):
        watched, fed = 0, time.monotonic()
    if watched and (state / "fed").stat().st_size != size:
        fed, size = time.monotonic(), (state / "fed").stat().st_size
    if watched and time.monotonic() - fed > watched / 1000:
        code = "watchdog"
    elif (state / "end.json").exists():
        code = 75
chip.kill()
chip.wait()
world = json.loads((state / "world.json").read_text())
(state / "world.json").write_text(json.dumps(world | {"cause": "watchdog" if code == "watchdog" else "reset"}))
sys.exit(77 if code == "watchdog" else code)
"""


class PlayedBoard(PtyBoard):
    """A FakeBoard, plugged in."""

    def __init__(self, folder, kind):
        self.fake = FakeBoard(folder / "chip", kind)
        super().__init__(folder, find_micropython())

    def plug(self):
        root, state = str(self.fake.root), str(self.fake.state)
        start = [str(FAKES / "start.py"), root, state, str(FAKES), "on_terminal", "run"]
        self.command = [sys.executable, "-c", LIFE, state, find_micropython(), "-X", "heapsize=512k", "-i", *start]
        super().plug()


def flamelet(*arguments):
    """Run a command to its end. Returns: its output."""
    done = CliRunner().invoke(cli.main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def wait_until(ready, seconds=60):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["pico_w", "esp32"])
def test_from_the_box_to_the_first_push(tmp_path, sim, kind):
    (tmp_path / "password").write_text("secret12\n")
    settings = ["--url", sim.url, "--device", "d1", "--interval", "0.5", "--output", tmp_path / "config.json"]
    with PlayedBoard(tmp_path, kind) as board:
        told = flamelet(
            "provision", "--network", "home", "--password-file", tmp_path / "password", *settings, "--port", board.port
        )
        assert "secret12" not in told
        told = flamelet("deploy", "--port", board.port)
        assert "service database" in told and "starts from /a now" in told
        wait_until(lambda: len(sim.get("devices/d1/telemetry") or {}) > 2)
        first = next(iter(sim.get("devices/d1/telemetry").values()))
        assert 10 < first["cpu_temp"] < 60
        lives = board.end_of_lives()
        assert set(lives) == {"reset"}

        # A deploy takes longer than the hardware's watchdog waits; then the new program sends on.
        told = flamelet("deploy", "--port", board.port, "--service", "all")
        assert "starts from /b now" in told
        sent = len(sim.get("devices/d1/telemetry"))
        wait_until(lambda: len(sim.get("devices/d1/telemetry")) > sent + 2)
        assert board.end_of_lives() == [*lives, "reset"]
        with board_link.connected(board.port) as link:
            assert re.match("/?b/board.mpy", board_link.ask(link).running)
