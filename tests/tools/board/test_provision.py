"""`flamelet provision`: what it writes, what it refuses, what it asks, and that no secret is ever shown.

The service that it asks is the simulator. What it puts on a board goes to MicroPython behind a pseudo-terminal.
"""

import base64
import json
import os
import pty
import re
import select
import stat
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from clients import wait_until
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pty_board import PtyBoard

from flamelet_tools.board import link as board_link
from flamelet_tools.board.provision import PASSWORD
from flamelet_tools.cli import main
from flamelet_tools.shared.board_modules import board_module
from flamelet_tools.shared.micropython import MISSING, find_micropython
from flamelet_tools.simulator import Simulator

NAME = "home"
SECRET = "correct horse battery"
SECOND = "staple staple"
TOKEN = "ya29.the-access-token"
URL = "https://example-default-rtdb.firebaseio.com"
settings = board_module("shared/settings.py")


@pytest.fixture
def provision(tmp_path, monkeypatch):
    """Runs the command in a folder of its own; the result has exit_code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(PASSWORD, raising=False)
    (tmp_path / "passwords").write_text(f"{SECRET}\n")

    def run(*arguments, check=False):
        result = CliRunner().invoke(main, ["provision", *map(str, arguments), *([] if check else ["--no-check"])])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        for secret in (SECRET, SECOND, TOKEN):
            assert secret not in result.output
        return result

    return run


BOARD = ("--network", NAME, "--password-file", "passwords", "--url", URL)


def written(path="config.json"):
    with open(path) as file:
        return json.load(file)


def as_the_board_has_it():
    return settings.read("config.json", "esp32-1", True)


def test_the_board_takes_what_was_written(provision):
    result = provision(*BOARD)
    assert result.exit_code == 0, result.output
    assert written() == {"url": URL, "networks": [[NAME, SECRET]]}
    found = as_the_board_has_it()
    assert found["networks"] == [[NAME, SECRET]] and found["device"] == "esp32-1" and found["watchdog"] is True
    assert NAME in result.output and URL in result.output and "config.json" in result.output


def test_only_its_owner_can_read_what_was_written(provision):
    provision(*BOARD)
    assert stat.S_IMODE(os.stat("config.json").st_mode) == 0o600


def test_each_option_is_its_setting(provision):
    options = ("--device", "garden", "--interval", 60, "--mode", "sleep", "--country", "DE", "--service", "gateway")
    others = (
        "--set",
        "wakes=6",
        "--set",
        "hostname=garden-1",
        "--set",
        'ntp=["time.google.com"]',
        "--set",
        "post=true",
    )
    result = provision(*BOARD, *options, *others)
    assert result.exit_code == 0, result.output
    assert written() == {
        "url": URL,
        "service": "gateway",
        "device": "garden",
        "interval": 60,
        "mode": "sleep",
        "country": "DE",
        "wakes": 6,
        "hostname": "garden-1",
        "ntp": ["time.google.com"],
        "post": True,
        "networks": [[NAME, SECRET]],
    }
    as_the_board_has_it()


def test_several_networks_have_a_password_each(provision, tmp_path):
    (tmp_path / "two").write_text(f"{SECRET}\n{SECOND}\n")
    assert provision("--url", URL, "--network", "a", "--network", "b", "--password-file", "two").exit_code == 0
    assert written()["networks"] == [["a", SECRET], ["b", SECOND]]
    result = provision("--url", URL, "--network", "a", "--password-file", "two", "--force")
    assert result.exit_code == 1
    assert "two has 2 lines: write one line for each network, 1 in all" in result.output


def test_a_password_can_come_from_the_environment(provision, monkeypatch):
    monkeypatch.setenv(PASSWORD, SECRET)
    assert provision("--url", URL, "--network", NAME).exit_code == 0
    assert written()["networks"] == [[NAME, SECRET]]


def test_a_password_in_the_environment_is_no_matter_where_no_network_is_given(provision, monkeypatch):
    assert provision(*BOARD).exit_code == 0
    monkeypatch.setenv(PASSWORD, SECOND)
    result = provision("--change", "--interval", 60)
    assert result.exit_code == 0, result.output
    assert written()["networks"] == [[NAME, SECRET]] and written()["interval"] == 60


def test_an_open_network_has_no_password(provision, monkeypatch):
    monkeypatch.setenv(PASSWORD, "")
    result = provision("--url", URL, "--network", "cafe")
    assert result.exit_code == 0
    assert written()["networks"] == [["cafe", ""]]
    assert "cafe (open)" in result.output


def test_a_desktop_needs_no_network(provision):
    assert provision("--desktop", "--url", "http://127.0.0.1:9000").exit_code == 0
    assert written() == {"url": "http://127.0.0.1:9000"}
    assert settings.read("config.json", "desktop", False)["networks"] == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--network", NAME, "--password-file", "passwords"), "--url is missing"),
        (("--url", URL), "--network is missing: the name (SSID)"),
        (("--url", URL, "--network", NAME), f"the password of {NAME} is missing: give it with --password-file"),
        (("--url", URL, "--network", NAME, "--password-file", "gone"), "gone cannot be read"),
        ((*BOARD, "--set", "nonsense"), "--set is NAME=VALUE"),
        ((*BOARD, "--set", "token=x"), "use --token"),
        ((*BOARD, "--set", f'networks=[["x", "{SECRET}"]]'), "use --network"),
        ((*BOARD, "--set", "intervall=5"), "intervall is unknown; known are ca, connections"),
        ((*BOARD, "--interval", "0"), "interval must be a number of seconds above 0"),
        ((*BOARD, "--interval", "nan"), "interval must be a number"),
        ((*BOARD, "--mode", "off"), "'off' is not one of"),
        ((*BOARD, "--device", "a/b"), "device must be a name without"),
        ((*BOARD, "--country", "Germany"), "country must be two capital letters"),
        ((*BOARD, "--url", "example.com"), "url must be"),
        ((*BOARD, "--url", "http://example.com"), "in the clear"),
        ((*BOARD, "--url", "https://"), "is not a URL"),
        ((*BOARD, "--desktop"), "--desktop cannot be combined with"),
        ((*BOARD, "--output", "gone/config.json"), "there is no folder gone"),
        ((*BOARD, "--token", "gone.json"), "gone.json cannot be read"),
        ((*BOARD, "--token", "passwords"), "is no JSON object: flamelet mint writes one"),
        ((*BOARD, "--ca", "passwords"), "the root certificates in passwords cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_with_the_reason_and_nothing_is_written(provision, arguments, text):
    result = provision(*arguments)
    assert result.exit_code in (1, 2)
    assert text in re.sub(r"\s+", " ", result.output)
    assert not os.path.exists("config.json")


@pytest.mark.parametrize("password", ["7 bytes", "x" * 65])
def test_a_password_that_no_network_can_have_is_refused_unseen(provision, monkeypatch, password):
    monkeypatch.setenv(PASSWORD, password)
    result = provision("--url", URL, "--network", NAME)
    assert result.exit_code == 1
    assert "networks must be a list of [name, password]" in result.output
    assert password not in result.output


def private_key():
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("option", ["--token", "--ca"])
def test_a_private_key_is_refused_wherever_it_is(provision, tmp_path, option):
    (tmp_path / "key").write_bytes(private_key())
    result = provision(*BOARD, option, "key")
    assert result.exit_code == 1
    assert "a private key, which must never be on a device" in re.sub(r"\s+", " ", result.output)
    assert not os.path.exists("config.json")


def token_file(folder, **content):
    (folder / "minted.json").write_text(json.dumps(content or {"access_token": TOKEN}))
    return folder / "minted.json"


def id_token(uid, **claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part({'sub': uid, 'exp': int(time.time()) + 3600, **claims})}."


def test_the_board_has_its_token_under_one_name_and_a_desktop_where_it_is(provision, tmp_path):
    token = token_file(tmp_path)
    assert provision(*BOARD, "--token", token).exit_code == 0
    assert written()["token"] == "token.json"
    assert provision("--desktop", "--url", URL, "--token", token, "--force").exit_code == 0
    assert written()["token"] == str(token)


def test_the_device_is_the_uid_of_its_token(provision, tmp_path):
    token = token_file(tmp_path, id_token=id_token("d1"))
    assert provision(*BOARD, "--token", token).exit_code == 0
    assert written()["device"] == "d1"
    result = provision(*BOARD, "--token", token, "--device", "d2", "--force")
    assert written()["device"] == "d2"
    assert "the token belongs to d1" in re.sub(r"\s+", " ", result.output)


def test_an_existing_file_is_replaced_only_if_that_is_wanted(provision):
    provision(*BOARD)
    result = provision(*BOARD, "--interval", 5)
    assert result.exit_code == 1
    assert "--force replaces it" in result.output
    assert "interval" not in written()
    assert provision(*BOARD, "--interval", 5, "--force").exit_code == 0
    assert written()["interval"] == 5


def test_a_change_keeps_the_rest(provision, monkeypatch):
    provision(*BOARD, "--interval", 5, "--device", "d1")
    result = provision("--change", "--interval", 60)
    assert result.exit_code == 0, result.output
    assert written() == {"url": URL, "interval": 60, "device": "d1", "networks": [[NAME, SECRET]]}
    monkeypatch.setenv(PASSWORD, SECOND)
    provision("--change", "--network", "other")
    assert written()["networks"] == [[NAME, SECRET], ["other", SECOND]]
    provision("--change", "--network", NAME)
    assert written()["networks"] == [["other", SECOND], [NAME, SECOND]]
    assert stat.S_IMODE(os.stat("config.json").st_mode) == 0o600


@pytest.mark.parametrize("text", ["{", "[]", '{"url": 5}', '{"url": "https://x", "networks": 5}'])
def test_a_change_of_a_broken_file_is_refused(provision, tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    result = provision("--change", "--interval", 5)
    assert result.exit_code == 1
    assert "config.json" in result.output
    assert (tmp_path / "config.json").read_text() == text


def test_a_dry_run_writes_nothing(provision):
    result = provision(*BOARD, "--dry-run", "--port", "/dev/no-such-port")
    assert result.exit_code == 0
    assert NAME in result.output and "written to" not in result.output
    assert not os.path.exists("config.json")


def test_the_query_of_a_url_is_not_shown(provision):
    result = provision("--desktop", "--url", f"{URL}?auth={TOKEN}")
    assert result.exit_code == 0
    assert URL in result.output


# What the service says.


def asked(result):
    [text] = re.findall(r"asked +(.*(?:\n {6}.*)*)", result.output)
    return re.sub(r"\s+", " ", text).strip()


def desktop(provision, url, *arguments):
    result = provision("--desktop", "--device", "d1", "--url", url, *arguments, check=True)
    assert result.exit_code == 0, result.output
    assert written()["url"] == url
    return result


def test_a_database_that_answers_is_named(provision, tmp_path):
    with Simulator(token=TOKEN) as sim:
        result = desktop(provision, sim.url, "--token", token_file(tmp_path))
        assert asked(result) == "the database answers, and allows reading devices/d1"
        assert [request.path for request in sim.requests][-1].startswith("/devices/d1.json")


def test_what_a_database_refuses_is_told_and_is_no_error(provision):
    with Simulator(token=TOKEN) as sim:
        assert asked(desktop(provision, sim.url)).startswith("the database answers, and refuses devices/d1: ")


@pytest.mark.parametrize("can_be_renewed", [True, False])
def test_a_token_that_has_ended_is_no_refusal_where_the_device_renews_it(provision, tmp_path, can_be_renewed):
    with Simulator(rules={"rules": {".read": "auth != null"}}) as sim:
        sim.token_seconds = 1
        content = sim.sign_in("d1")
        kept = content if can_be_renewed else {"id_token": content["id_token"]}
        wait_until(lambda: time.time() > content["expires_at"] + 1)
        text = asked(desktop(provision, sim.url, "--token", token_file(tmp_path, **kept)))
        assert ("has expired, and the device renews it" in text) is can_be_renewed
        assert ("refuses devices/d1" in text) is not can_be_renewed


def test_a_gateway_that_answers_is_named(provision):
    with Simulator() as sim:
        assert asked(desktop(provision, sim.url, "--service", "gateway")).startswith("the gateway answers")


def test_a_service_that_is_not_there_is_a_warning(provision):
    with Simulator() as sim:
        url = sim.url
    begun = time.monotonic()
    result = desktop(provision, url)
    assert "Warning: the database did not answer here" in result.output
    assert asked(result) == "it did not answer here"
    assert time.monotonic() - begun < 30


# At a terminal.


def at_a_terminal(arguments, answers, folder):
    """Run the command at a terminal; `answers`: (what it asks, what is typed).

    Returns: the exit code and all that was shown.
    """
    main_end, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flamelet_tools.cli", "provision", *arguments],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != PASSWORD},
        close_fds=True,
    )
    os.close(other_end)
    shown = ""
    answers = list(answers)
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end:
            if select.select([main_end], [], [], 0.1)[0]:
                try:
                    data = os.read(main_end, 4096)
                except OSError:
                    break
                shown += data.decode(errors="replace")
                if answers and answers[0][0] in shown:
                    os.write(main_end, answers.pop(0)[1].encode() + b"\n")
        return process.wait(10), shown
    finally:
        process.kill()
        process.wait()
        os.close(main_end)


def test_at_a_terminal_what_is_missing_is_asked_for_and_the_password_is_not_seen(tmp_path):
    answers = [("URL of the database", URL), ("Name (SSID)", NAME), ("Password of home", SECRET)]
    code, shown = at_a_terminal(["--no-check"], answers, tmp_path)
    assert code == 0, shown
    assert SECRET not in shown
    assert written(tmp_path / "config.json") == {"url": URL, "networks": [[NAME, SECRET]]}


def test_at_a_terminal_a_file_is_replaced_after_a_yes(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    arguments = ["--desktop", "--no-check", "--url", URL]
    code, _ = at_a_terminal(arguments, [("Replace it?", "n")], tmp_path)
    assert code == 1 and written(tmp_path / "config.json") == {}
    code, _ = at_a_terminal(arguments, [("Replace it?", "y")], tmp_path)
    assert code == 0 and written(tmp_path / "config.json") == {"url": URL}


# On a board.


class Board(PtyBoard):
    """A board that can be waited for: here a Ctrl-C amid the mounting of the flash would have it formatted anew."""

    said = b""

    def passing(self, end):
        data = super().passing(end)
        self.said += data if end == self.inner else b""
        return data

    def wait(self, restarts):
        """Wait until it has restarted so often, and has its prompt."""
        wait_until(lambda: self.end_of_lives() == restarts * ["reset"])
        wait_until(lambda: self.said.count(b'Type "help()"') == restarts + 1)


@pytest.fixture
def board(tmp_path):
    """A board with MicroPython and nothing else."""
    if find_micropython() is None:
        pytest.skip(MISSING)
    folder = tmp_path / "board"
    folder.mkdir()
    with Board(folder, find_micropython()) as plugged:
        plugged.wait(0)
        yield plugged


def on(board, *names):
    """Return what these files of a board hold; None where there is none."""
    with board_link.connected(board.port) as link:
        return [board_link.read(link, name) for name in names]


def test_the_configuration_and_the_token_arrive_on_the_board_which_restarts(provision, board, tmp_path):
    token = token_file(tmp_path, id_token=id_token("d1"), refresh_token="the-refresh-token", api_key="AIza")
    result = provision(*BOARD, "--token", token, "--port", board.port)
    assert result.exit_code == 0, result.output
    assert "the-refresh-token" not in result.output
    assert "token.json, config.json: Raspberry Pi Pico W" in re.sub(r"\s+", " ", result.output)
    board.wait(1)
    config, minted = on(board, "/config.json", "/token.json")
    assert (
        json.loads(config)
        == written()
        == {
            "url": URL,
            "device": "d1",
            "token": "token.json",
            "networks": [[NAME, SECRET]],
        }
    )
    assert minted == token.read_bytes()


def test_a_change_leaves_the_token_on_the_board(provision, board, tmp_path):
    token = token_file(tmp_path)
    assert provision(*BOARD, "--token", token, "--port", board.port).exit_code == 0
    board.wait(1)
    assert provision("--change", "--interval", 60, "--port", board.port).exit_code == 0
    board.wait(2)
    config, minted = on(board, "/config.json", "/token.json")
    assert json.loads(config)["interval"] == 60 and json.loads(config)["token"] == "token.json"
    assert minted == token.read_bytes()


def test_certificates_go_to_the_board_with_the_configuration(provision, board, tmp_path):
    with Simulator(tls=True) as sim:
        (tmp_path / "own.pem").write_bytes(sim.ca_pem)
        result = provision(*BOARD, "--url", sim.url, "--ca", "own.pem", "--port", board.port, check=True)
        assert result.exit_code == 0, result.output
        assert asked(result).startswith("the database answers")
        board.wait(1)
        config, certificates = on(board, "/config.json", "/ca.pem")
        assert json.loads(config)["ca"] == "ca.pem"
        assert certificates == sim.ca_pem


def test_a_wrong_configuration_never_reaches_a_board(provision, board):
    assert provision(*BOARD, "--interval", 0, "--port", board.port).exit_code == 1
    assert on(board, "/config.json") == [None]


def test_a_board_that_is_not_there_is_an_error_and_the_file_is_kept(provision):
    result = provision(*BOARD, "--port", "/dev/no-such-port")
    assert result.exit_code == 1
    assert "there is no port /dev/no-such-port" in result.output
    assert "config.json is written, but not on the board: repeat the command with --force" in result.output
    assert written()["url"] == URL
