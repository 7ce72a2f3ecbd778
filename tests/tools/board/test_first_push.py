"""docs/first-push.md, walked: its rules, its commands and its programs, with the simulator for Firebase.

In: the page. The rules and the configuration are its blocks of JSON; the commands are those lines of its shell blocks
that begin with .venv/bin/, run in a folder that looks like the checkout. What is left out is what needs a console, a
board, or the internet.
"""

import json
import os
import re
import subprocess
import sys

import pytest
from clients import ROOT
from scenarios import database

from flamelet_tools.shared.micropython import MISSING, environment, find_micropython
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(120)

PAGE = (ROOT / "docs" / "first-push.md").read_text()
URL = "https://example-default-rtdb.firebaseio.com"
KEY = "AIzaYourKey"
LEFT_OUT = ".venv/bin/mpremote"
DENIED = ["error", "PermissionDenied"]
# What a board's firmware has beside MicroPython; connected at the second look.
BOARD = {
    "network": """
STA_IF = 0
class WLAN:
    looks = 0
    def __init__(self, interface): assert interface == STA_IF
    def active(self, on): self.on = on
    def connect(self, name, password): assert self.on
    def isconnected(self):
        self.looks += 1
        return self.looks > 1
""",
    "ntptime": "def settime(): pass\n",
}


def blocks(language):
    """Return the blocks of the page in this language; those in a list are indented."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)


def commands():
    lines = "".join(blocks("sh")).splitlines()
    return [line for line in lines if line.startswith(".venv/bin/") and not line.startswith(LEFT_OUT)]


RULES, CONFIG = map(json.loads, blocks("json"))


@pytest.fixture
def sim():
    with Simulator(rules=RULES) as simulator:
        yield simulator


@pytest.fixture
def checkout(sim, tmp_path):
    """A folder like the checkout, with the configuration of the page, and the key in ~/firebase."""
    for name in ("main.py", "lib", "boards"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "firebase").mkdir()
    (tmp_path / "firebase" / "key.json").write_text(json.dumps(sim.service_account()))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"url": sim.url, "interval": 0.2}))
    return tmp_path


def shell(line, sim, checkout):
    """Run a line of the page; what it printed."""
    line = line.replace(URL, sim.url).replace(KEY, sim.api_key)
    return ran(
        ["sh", "-c", line], checkout, HOME=str(checkout), FIREBASE_AUTH_EMULATOR_HOST=sim.url.partition("://")[2]
    )


def ran(command, folder, **variables):
    """Run `command` in `folder`; what it printed, in one line."""
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_the_commands_lead_from_a_key_to_readings_in_the_database(sim, checkout):
    mint, check, *programs, package = commands()
    assert [program.split("/")[-1] for program in programs] == ["python main.py", "micropython main.py"]
    assert "uid d1" in shell(mint, sim, checkout)
    assert json.loads((checkout / "token.json").read_text())["refresh_token"]
    assert "it was renewed; the database allows it to read there" in shell(check, sim, checkout)
    shell(package, sim, checkout)
    assert (checkout / "build" / "mpy" / "package.json").exists()
    sim.set("devices/d1/commands/any", {"name": "led", "value": True})
    for count, program in enumerate(programs, 1):
        if "micropython" in program and not find_micropython():
            pytest.skip(f"the last command was left out: {MISSING}")
        assert "3 sent, 0 not sent" in shell(program, sim, checkout)
        assert len(sim.get("devices/d1/telemetry")) == 3 * count
    assert sim.get("devices/d1/answers") == {"any": {"ok": True, "value": True}}


def test_the_program_of_the_board_pushes_its_reading(sim, tmp_path):
    if not find_micropython():
        pytest.skip(MISSING)
    (program,) = blocks("micropython")
    for name, source in BOARD.items():
        (tmp_path / f"{name}.py").write_text(source)
    (tmp_path / "push.py").write_text(program.replace(URL, sim.url))
    (tmp_path / "token.json").write_text(json.dumps(sim.sign_in("d1")))
    printed = ran([find_micropython(), "push.py"], tmp_path, **environment(ROOT))
    (key,) = sim.get("devices/d1/telemetry")
    assert printed == f"pushed {key}"
    assert sim.get(f"devices/d1/telemetry/{key}") == {"temp": 21.5, "hum": 40}


def test_the_rules_give_a_device_its_own_folder_and_no_more(blocking_client, sim):
    sim.set("devices/d2/state", {"on": True})
    sim.set("devices/d1/commands/k", {"name": "led"})
    before = sim.get("devices/d2")
    refused = [
        ["get", ""],
        ["get", "devices"],
        ["get", "devices/d2"],
        ["set", "devices/d2/state", 1],
        ["set", "devices/d2/telemetry/k", 1],
        ["delete", "devices/d2/commands/k"],
        ["set", "devices/d1", 1],
        ["set", "devices/d1/other", 1],
        ["set", "devices/d1/commands/x", {"name": "led"}],
        ["update", "devices/d1", {"state/on": True, "commands/x": {"name": "led"}}],
        ["set", "elsewhere", 1],
    ]
    allowed = [
        ["set", "devices/d1/state", {"on": False}],
        ["push", "devices/d1/telemetry", {"temp": 1}],
        ["update", "devices/d1", {"answers/k": {"ok": True}, "commands/k": None, "state/on": True}],
        ["get", "devices/d1"],
    ]
    options = {"token": sim.sign_in("d1")}
    for outcome in blocking_client.run(database.calls, url=sim.url, calls=refused, options=options):
        assert outcome[:2] == DENIED
    for outcome in blocking_client.run(database.calls, url=sim.url, calls=allowed, options=options):
        assert outcome[0] == "ok", outcome
    assert sim.get("devices/d2") == before
    assert sim.get("devices/d1/commands") is None
    for outcome in blocking_client.run(database.calls, url=sim.url, calls=refused + allowed, options={}):
        assert outcome[:2] == DENIED
