"""docs/boards.md, as a new user types it: each command is one that there is, and the guide works up to the cable.

The Pico W is MicroPython on a pseudo-terminal, without a radio: what it does with its settings, test_boards.py shows.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from clients import ROOT
from pty_board import PtyBoard

from flamelet_tools.cli import main
from flamelet_tools.shared.board_modules import board_module
from flamelet_tools.shared.library_modules import modules_of, modules_of_program
from flamelet_tools.shared.micropython import MISSING, find_micropython

DEADLINE_SECONDS = 110
PAGE = (ROOT / "docs" / "boards.md").read_text()
URL = "https://example-default-rtdb.firebaseio.com"
# A custom uid, in an unsigned ID token; and one that never reaches anybody.
TOKEN = {"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkMSIsInVzZXJfaWQiOiJkMSIsImV4cCI6NDEwMjQ0NDgwMH0."}

pytestmark = pytest.mark.timeout(DEADLINE_SECONDS)
on_micropython = pytest.mark.skipif(find_micropython() is None, reason=MISSING)


def commands_of(text):
    """The commands in the shell blocks of a text, as lists of words."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines]


def section(title):
    """What stands below a heading of the second level."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


FLAMELET = [words[1:] for words in commands_of(PAGE) if words[0] == "flamelet"]


@pytest.mark.parametrize("words", FLAMELET, ids=" ".join)
def test_each_command_of_the_page_is_one_that_there_is(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("~", str(tmp_path)) for word in words]
    # What the options name is there, for those that look.
    for word in words[1:]:
        if "." in word and "://" not in word and not word.startswith("-"):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
    command = main.get_command(click.Context(main), words[0])
    assert command, words[0]
    with command.make_context(words[0], words[1:]):
        pass


def test_the_page_has_each_command_for_boards():
    assert {"mint", "flash", "provision", "deploy", "monitor", "package"} <= {words[0] for words in FLAMELET}


def test_the_page_has_each_setting_with_its_default():
    [table] = re.findall(r"^\| setting \|.*\n(?:\|.*\n)+", PAGE, re.MULTILINE)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]
    told = {name: default for names, _, default in rows for name in re.findall(r"`(\w+)`", names)}
    settings = {name: default for name, default, *_ in board_module("shared/settings.py").SETTINGS}
    assert told.keys() == settings.keys()
    for name, default in settings.items():
        if default not in (None, "", ()):  # these are words
            assert f"`{json.dumps(default)}`" in told[name], name


def test_files_that_the_page_copies_exist():
    copies = [words for words in commands_of(PAGE) if words[0] == "cp"]
    assert copies
    for words in copies:
        assert (ROOT / words[1]).is_file()


def typed(words, folder, port):
    """Run a command of the page, in a folder, with the port of the board that is there."""
    words = [port if word.startswith("/dev/tty") else word for word in words]
    program, *arguments = words
    if program == "flamelet" and arguments[0] in ("deploy", "monitor") and "--port" not in arguments:
        arguments += ["--port", port]  # a pseudo-terminal is not found as a USB port is
    if program == "mpremote":
        # Without a soft reset: after that, this MicroPython begins anew, where a board stays in its raw REPL.
        arguments = ["connect", port, "resume", *arguments]
    module = {"flamelet": "flamelet_tools.cli", "mpremote": "mpremote"}[program]
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=os.environ | {"FLAMELET_WIFI_PASSWORD": "correct horse"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def files_of(board, folder):
    """The files of a folder of the board."""
    code = f"import os; print('files', [name for name in os.listdir({folder!r})])"
    output = typed(["mpremote", "exec", code], board.folder, board.port)
    return set(re.findall(r"'([^']+)'", output.partition("files")[2]))


@pytest.fixture
def board(tmp_path):
    with PtyBoard(tmp_path, find_micropython()) as board:
        yield board


@on_micropython
def test_the_guide_of_the_pico_w_works_up_to_its_radio(board, tmp_path):
    (tmp_path / "token.json").write_text(json.dumps(TOKEN))
    guide = commands_of(section("Pico W"))
    assert [words[1] for words in guide] == ["flash", "provision", "deploy", "monitor"]
    _, provision, deploy, _ = guide
    output = typed([*provision, "--no-check"], tmp_path, board.port)
    assert "correct horse" not in output
    output = typed(deploy, tmp_path, board.port)
    assert "verified" in output
    assert {"main.py", "config.json", "token.json", "active"} <= files_of(board, "/")
    assert files_of(board, "/a/flamelet") == {f"{name}.mpy" for name in modules_of_program("database")}


@on_micropython
def test_mpremote_installs_what_flamelet_package_wrote(board, tmp_path):
    [package, *_] = [words for words in commands_of(PAGE) if words[:2] == ["flamelet", "package"]]
    [install] = [words for words in commands_of(PAGE) if words[0] == "mpremote" and "build/mpy" in words[-1]]
    typed(package, tmp_path, board.port)
    typed(install, tmp_path, board.port)
    assert files_of(board, "/lib/flamelet") == {f"{name}.mpy" for name in modules_of("database")}
