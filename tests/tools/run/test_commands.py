"""The commands as a person types them: processes of their own, judged by exit code, output and the database."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from flamelet_tools.release import error_table
from flamelet_tools.run import cloud
from flamelet_tools.shared.micropython import MISSING, find_micropython
from flamelet_tools.simulator import Simulator

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_SECONDS = 60

pytestmark = pytest.mark.timeout(60)

runtimes = pytest.mark.parametrize(
    "runtime",
    ["cpython", pytest.param("micropython", marks=pytest.mark.skipif(find_micropython() is None, reason=MISSING))],
)


def command(*arguments):
    return [sys.executable, "-m", "flamelet_tools.cli", *arguments]


def flamelet(*arguments, **options):
    """Run `flamelet ARGUMENTS` to its end, its output piped."""
    return subprocess.run(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
        **options,
    )


class Running:
    """`flamelet ARGUMENTS` while it runs."""

    def __init__(self, *arguments):
        self.lines = []
        self.process = subprocess.Popen(
            command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        # The device has a session of its own: whoever kills `flamelet run` leaves the device running.
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=DEADLINE_SECONDS)
        except (subprocess.TimeoutExpired, ValueError):
            self.process.kill()
            self.process.wait()

    def wait_for(self, pattern):
        """Read lines until one matches; pytest's own time limit is the deadline.

        Returns: the match.
        """
        for line in self.process.stdout:
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line matched {pattern!r}:\n{''.join(self.lines)}")

    def wait_for_all(self, *patterns):
        """Read lines until each pattern has matched one, in any order: device and cloud print by themselves."""
        missing = list(patterns)
        while missing:
            self.wait_for("|".join(f"(?:{pattern})" for pattern in missing))
            missing = [pattern for pattern in missing if not re.search(pattern, self.lines[-1])]

    def end(self):
        """Return the exit code and all that was printed."""
        output, _ = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, "".join(self.lines) + output


def devices_of(pid):
    """Return the process ids of the children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@runtimes
def test_run_ends_after_the_count_with_a_summary(runtime):
    done = flamelet("run", "--count", "3", "--interval", "0.1", "--runtime", runtime)
    assert done.returncode == 0, done.stdout
    assert "3 readings sent, 0 not sent, 3 stored" in done.stdout
    assert len(re.findall(r"^cloud +stored +telemetry/", done.stdout, re.M)) == 3


@runtimes
def test_run_stores_readings_of_this_machine_in_a_given_database(runtime):
    with Simulator() as simulator:
        done = flamelet("run", "--count", "2", "--interval", "0.1", "--runtime", runtime, "--url", simulator.url)
        assert done.returncode == 0, done.stdout
        [device] = simulator.get("devices").values()
    readings = list(device["telemetry"].values())
    assert len(readings) == 2
    # On the same machine a moment ago: memory in KiB, within a quarter.
    assert readings[0]["mem_free"] == pytest.approx(available_memory(), rel=0.25)
    assert all(reading["load"] >= 0 for reading in readings)


def available_memory():
    import psutil

    return psutil.virtual_memory().available / 1024


def test_run_counts_only_what_this_run_has_stored():
    with Simulator() as simulator:
        for _ in range(2):
            done = flamelet("run", "--count", "2", "--interval", "0.1", "--url", simulator.url)
            assert done.returncode == 0, done.stdout
            assert "2 readings sent, 0 not sent, 2 stored" in done.stdout
        [device] = simulator.get("devices").values()
        assert len(device["telemetry"]) == 4


def test_run_fails_when_readings_are_lost():
    arguments = ("run", "--count", "10", "--interval", "0.2")
    with Simulator() as simulator, Running(*arguments, "--url", simulator.url) as running:
        running.wait_for(r"^cloud +stored +telemetry/-")
        [device] = simulator.get("devices")
        simulator.set(f"devices/{device}/telemetry", None)
        exit_code, output = running.end()
    assert exit_code == 1, output
    assert "10 readings sent" in output


@runtimes
def test_ctrl_c_ends_run_with_a_summary(runtime):
    with Running("run", "--interval", "0.1", "--runtime", runtime) as running:
        running.wait_for(r"^device +reading")
        children = devices_of(running.process.pid) if sys.platform == "linux" else []
        running.process.send_signal(signal.SIGINT)
        exit_code, output = running.end()
    assert exit_code == 0, output
    assert re.search(r"^run +summary +\d+ readings sent, \d+ not sent, \d+ stored", output, re.M), output
    assert "Traceback" not in output
    assert "was killed" not in output
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_ctrl_c_ends_run_before_the_device_is_online():
    with Running("run") as running:
        running.wait_for(r"^run +start")
        running.process.send_signal(signal.SIGINT)
        exit_code, output = running.end()
    assert exit_code == 0, output
    assert "was killed" not in output


def test_run_ends_when_its_reader_goes_away():
    with Running("run", "--interval", "0.1") as running:
        running.wait_for(r"^device +reading")
        running.process.stdout.close()
        assert running.process.wait(DEADLINE_SECONDS) == 0


@runtimes
def test_the_curl_line_that_run_prints_sends_a_command(runtime):
    with Running("run", "--interval", "30", "--no-commands", "--runtime", runtime) as running:
        body, url = running.wait_for(r"curl -X POST -d '(.*)' '(.*)'").groups()
        running.wait_for(r"^device +reading")
        urllib.request.urlopen(url, data=body.encode(), timeout=10).close()
        running.wait_for_all(r"^device +led +on", r"^cloud +removed +commands/")


@runtimes
def test_run_sends_demonstration_commands_which_the_device_removes(runtime):
    with Running("run", "--interval", "30", "--runtime", runtime) as running:
        key = running.wait_for(r"^cloud +command +commands/(\S+)")[1]
        running.wait_for(rf"^cloud +removed +commands/{re.escape(key)}")


def test_run_prints_no_escape_codes_into_a_pipe_and_no_token():
    done = flamelet("run", "--count", "1", "--interval", "0.1", "--token", "ya29.very-secret")
    assert done.returncode == 0, done.stdout
    assert "\x1b" not in done.stdout
    assert "ya29.very-secret" not in done.stdout


@pytest.mark.parametrize(
    "name, content", [("token", "ya29.very-secret\n"), ("token.json", '{"access_token": "ya29.very-secret"}')]
)
def test_run_takes_the_token_from_a_file(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with Simulator(token="ya29.very-secret") as simulator:
        done = flamelet(
            "run", "--count", "1", "--interval", "0.1", "--url", simulator.url, "--token", str(tmp_path / name)
        )
        assert done.returncode == 0, done.stdout
        assert simulator.get("devices")


def test_run_renews_the_token_of_a_file(tmp_path):
    # A token that lives for less could end, on a busy machine, between its renewal and its use.
    with Simulator(token_seconds=8) as simulator:
        token = simulator.sign_in("d1")
        (tmp_path / "token.json").write_text(json.dumps(token))
        # The run goes on for seconds after the token ends, so the renewal is over before the run is.
        done = flamelet(
            "run", "--count", "8", "--interval", "2", "--url", simulator.url, "--token", str(tmp_path / "token.json")
        )
        assert done.returncode == 0, done.stdout
        assert "8 sent, 0 not sent" in done.stdout
        assert token["id_token"] not in done.stdout
        assert any(path.name.startswith("token.json.") for path in tmp_path.iterdir())
    for path in tmp_path.glob("token.json.*"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_token_file_without_a_token_is_refused(tmp_path):
    (tmp_path / "token.json").write_text('{"refresh_token": "ya29.very-secret"}')
    done = flamelet("run", "--token", str(tmp_path / "token.json"))
    assert done.returncode == 2
    assert "id_token" in done.stdout
    assert "ya29.very-secret" not in done.stdout


def test_run_says_what_a_database_answers_that_refuses():
    with Simulator(token="ya29.very-secret") as simulator:
        done = flamelet("run", "--url", simulator.url)
    assert done.returncode == 1
    assert "Permission denied" in done.stdout


def test_a_database_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(cloud, "ANSWER_SECONDS", 0.2)

    async def count_readings(url):
        async with cloud.Cloud(url, "d1", lambda: None) as database:
            return await database.count_readings()

    with Simulator() as simulator:
        simulator.fault("black_hole")
        with pytest.raises(cloud.CloudError, match="no answer within"):
            asyncio.run(count_readings(simulator.url))


def test_run_says_that_nothing_listens():
    with Simulator() as simulator:
        url = simulator.url
    done = flamelet("run", "--url", url)
    assert done.returncode == 1
    assert f"{url}/devices/" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--count", "0"], "--count"),
        (["--count", "many"], "--count"),
        (["--interval", "0"], "--interval"),
        (["--interval", "-1"], "--interval"),
        (["--runtime", "pypy"], "--runtime"),
        (["--url", "ftp://example.com"], "--url"),
        (["--unknown"], "--unknown"),
        (["argument"], "argument"),
    ],
)
def test_a_wrong_option_of_run_is_named(arguments, word):
    done = flamelet("run", *arguments)
    assert done.returncode == 2
    assert word in done.stdout.splitlines()[-1]


def test_run_works_from_any_directory(tmp_path):
    done = flamelet("run", "--count", "1", "--interval", "0.1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert list(tmp_path.iterdir()) == []


def test_main_says_what_to_do_without_a_configuration(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "main.py"],
        env=os.environ | {"FLAMELET_CONFIG": str(tmp_path / "missing.json")},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode != 0
    assert "missing.json cannot be read" in done.stdout + done.stderr
    assert "tools/run" in done.stdout + done.stderr


def test_help_lists_every_command():
    done = flamelet("--help")
    assert done.returncode == 0, done.stdout
    for name in ("check", "run", "sim", "size"):
        assert re.search(rf"^  {name} ", done.stdout, re.M)


def test_the_page_of_errors_is_that_of_the_code():
    page = error_table.page()
    assert (ROOT / error_table.PAGE).read_text() == page, "run python -m flamelet_tools.release.error_table"


def test_setup_cfg_names_every_package_of_the_tools():
    listed = re.findall(r"^    (flamelet_tools[\w.]*)$", (ROOT / "setup.cfg").read_text(), re.M)
    tools = ROOT / "tools" / "flamelet_tools"
    folders = [path.parent.relative_to(tools) for path in tools.rglob("__init__.py")]
    assert sorted(listed) == sorted(".".join(["flamelet_tools", *folder.parts]) for folder in folders)
