"""What is minted works: on every client, with the rules, past its end; and `--check` says when it does not."""

import json
import re
import shlex

import pytest
from click.testing import CliRunner
from clients import ROOT
from scenarios import minted

from flamelet_tools.simulator import Simulator
from flamelet_tools.tokens import google_credentials
from flamelet_tools.tokens.mint import mint

OWN = "auth.uid === $uid && auth.token.site === 'north'"
RULES = {"rules": {"devices": {"$uid": {".read": OWN, ".write": OWN}}, "guests": {".write": "auth.uid !== null"}}}
PAGE = (ROOT / "docs" / "tokens.md").read_text()
TIME = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \S+ \(in (59|60) minutes\)")
EMAIL, PASSWORD = "d2@example.com", "a-password"


@pytest.fixture
def sim(monkeypatch):
    """A simulator that takes no token but its own."""
    with Simulator(strict=True, rules=RULES) as simulator:
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"127.0.0.1:{simulator.port}")
        yield simulator


@pytest.fixture
def key(sim, tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(sim.service_account()))
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "token.json"


def run(*arguments, stdin=None):
    done = CliRunner().invoke(mint, [str(argument) for argument in arguments], input=stdin, env={"COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done


def minted_file(file, *arguments, **options):
    """Mint into `file`; what was shown, which is not the token."""
    done = run(*arguments, "--output", file, **options)
    assert done.exit_code == 0, done.output
    content = json.loads(file.read_text())
    for name in ("id_token", "refresh_token", "access_token"):
        assert name not in content or content[name] not in done.output
    return done.output


def for_device(sim, key, file):
    claims = ["--claim", "site=north", "--claim", "floor=3"]
    return minted_file(file, "--service-account", key, "--uid", "d1", *claims, "--api-key", sim.api_key)


def test_a_minted_id_token_works_on_every_client_and_past_its_end(client, sim, key, file):
    sim.token_seconds = 2
    for_device(sim, key, file)
    seen = client.run(minted.used, url=sim.url, file=str(file), path="devices/d1", seconds=3)
    assert seen == [["ok", None], ["ok", None], ["ok", {"n": 2}]]
    assert sim.refreshes.granted >= 1


def test_a_minted_token_of_another_uid_may_not_write_there(blocking_client, sim, key, file):
    for_device(sim, key, file)
    seen = blocking_client.run(minted.used, url=sim.url, file=str(file), path="devices/d9", seconds=0)
    assert [answer[1] for answer in seen] == ["PermissionDenied"] * 3
    assert sim.refreshes.asked == 0


def test_a_minted_access_token_works_on_every_client(client, sim, key, file):
    shown = minted_file(file, "--service-account", key, "--for", "database")
    assert "database" in shown and "expires" in shown
    seen = client.run(minted.used, url=sim.url, file=str(file), path="devices/d1", seconds=0)
    assert seen == [["ok", None], ["ok", None], ["ok", {"n": 2}]]


def test_a_minted_access_token_for_another_service_says_which_scopes_are_missing(blocking_client, sim, key, file):
    minted_file(file, "--service-account", key, "--for", "firestore")
    seen = blocking_client.run(minted.used, url=sim.url, file=str(file), path="devices/d1", seconds=0)
    assert seen[0][:2] == ["error", "Unauthenticated"]
    assert "firebase.database and userinfo.email" in seen[0][2]


def test_an_account_with_a_password_and_an_anonymous_one_work(blocking_client, sim, file):
    sim.add_user(EMAIL, PASSWORD)
    shown = minted_file(file, "--email", EMAIL, "--api-key", sim.api_key, stdin=PASSWORD + "\n")
    assert EMAIL in shown and "password" in shown and PASSWORD not in shown
    seen = blocking_client.run(minted.used, url=sim.url, file=str(file), path="guests/d2", seconds=0)
    assert seen[:2] == [["ok", None]] * 2
    file.unlink()
    assert "anonymous" in minted_file(file, "--anonymous", "--api-key", sim.api_key)
    seen = blocking_client.run(minted.used, url=sim.url, file=str(file), path="guests/d3", seconds=0)
    assert seen[:2] == [["ok", None]] * 2


def test_gclouds_credentials_make_a_token_that_works(blocking_client, sim, file, tmp_path, monkeypatch):
    person = sim.authorized_user([*google_credentials.SCOPES["database"], google_credentials.SCOPE + "cloud-platform"])
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", person["token_uri"])
    (tmp_path / "gcloud.json").write_text(json.dumps(person))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gcloud.json"))
    minted_file(file, "--adc", "--for", "database")
    assert "cloud-platform" not in json.loads(file.read_text())["scope"]
    seen = blocking_client.run(minted.used, url=sim.url, file=str(file), path="devices/d1", seconds=0)
    assert seen[:2] == [["ok", None]] * 2


def test_what_is_shown_is_what_was_granted(sim, key, file):
    rows = dict(line.strip().split("  ", 1) for line in for_device(sim, key, file).splitlines() if line.strip())
    rows = {name: value.strip() for name, value in rows.items()}
    assert TIME.fullmatch(rows.pop("expires"))
    assert rows == {
        "kind": "Firebase ID token",
        "uid": "d1",
        "signed in by": "custom",
        "claims": 'site="north", floor=3',
        "project": sim.project,
        "may": "do what the rules allow to this uid and these claims",
        "after that": "the device renews it",
        "written to": str(file),
    }


def test_a_token_that_works_is_said_to_work_until_it_does_not(sim, key, file):
    for_device(sim, key, file)
    before = file.read_bytes()
    for _ in range(3):
        done = run("--check", file)
        assert (done.exit_code, "it was renewed" in done.output) == (0, True), done.output
    assert file.read_bytes() == before
    sim.disable("d1")
    done = run("--check", file)
    assert (done.exit_code, "the account is disabled" in done.output) == (1, True), done.output
    sim.enable("d1")
    assert run("--check", file).exit_code == 0
    sim.revoke("d1")
    done = run("--check", file)
    assert (done.exit_code, "the account's tokens were revoked" in done.output) == (1, True), done.output
    sim.delete_user("d1")
    done = run("--check", file)
    assert (done.exit_code, "the account was deleted" in done.output) == (1, True), done.output


def test_a_check_goes_where_the_token_says_also_without_the_emulator(sim, key, file, monkeypatch):
    for_device(sim, key, file)
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    assert run("--check", file).exit_code == 0


def test_a_token_without_its_refresh_token_is_looked_up(sim, key, file):
    for_device(sim, key, file)
    content = json.loads(file.read_text())
    del content["refresh_token"]
    file.write_text(json.dumps(content))
    done = run("--check", file)
    assert (done.exit_code, "its account is enabled" in done.output) == (0, True), done.output
    sim.disable("d1")
    assert run("--check", file).exit_code == 1
    assert sim.refreshes.asked == 0


def test_the_database_is_asked_too(sim, key, file):
    for_device(sim, key, file)
    done = run("--check", file, "--url", sim.url + "/devices/d1")
    assert (done.exit_code, "the database allows it to read there" in done.output) == (0, True), done.output
    done = run("--check", file, "--url", sim.url)
    assert (done.exit_code, "its rules do not allow it to read there" in done.output) == (0, True), done.output
    with Simulator(strict=True, project="another") as other:
        done = run("--check", file, "--url", other.url)
    assert (done.exit_code, "is it an ID token of this project?" in done.output) == (1, True), done.output
    assert run("--check", file, "--url", "no url").exit_code == 1


def test_a_wrong_api_key_is_told(sim, key, file):
    done = run("--service-account", key, "--uid", "d1", "--api-key", "wrong", "--output", file)
    assert (done.exit_code, "the API key is wrong" in done.output) == (1, True), done.output


def test_a_wrong_password_is_told(sim, file):
    sim.add_user(EMAIL, PASSWORD)
    done = run("--email", EMAIL, "--api-key", sim.api_key, "--output", file, stdin="another-password\n")
    assert (done.exit_code, "the e-mail address or the password is wrong" in done.output) == (1, True), done.output


def test_a_key_of_another_project_is_told(sim, tmp_path, file):
    with Simulator(project="another") as other:
        (tmp_path / "other.json").write_text(json.dumps(other.service_account()))
    done = run("--service-account", tmp_path / "other.json", "--uid", "d1", "--api-key", sim.api_key, "--output", file)
    assert (done.exit_code, "is the service account of the API key's project" in done.output) == (1, True), done.output


def test_a_wrong_clock_is_told(sim, key, file, monkeypatch):
    from google.auth import _helpers

    utcnow = _helpers.utcnow
    monkeypatch.setattr(_helpers, "utcnow", lambda: utcnow().replace(year=2001))
    done = run("--service-account", key, "--for", "database", "--output", file)
    assert (done.exit_code, "the clock of this machine is wrong" in done.output) == (1, True), done.output


def test_a_key_that_was_replaced_is_told(sim, key, file):
    sim.service_account()
    done = run("--service-account", key, "--for", "database", "--output", file)
    assert (done.exit_code, "the key was deleted, or is damaged" in done.output) == (1, True), done.output


def test_no_secret_is_in_the_log_of_the_simulator(sim, key, file):
    for_device(sim, key, file)
    content = json.loads(file.read_text())
    run("--check", file, "--url", sim.url)
    shown = repr(sim.requests)
    assert len(sim.requests) == 3
    assert not [name for name in ("id_token", "refresh_token", "api_key") if content[name] in shown]


def words(text):
    """A text without its layout, and with one time for all."""
    return TIME.sub("TIME", text).split()


def test_the_commands_of_the_page_show_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```console\n\$ flamelet mint (.*)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
    assert len(blocks) == PAGE.count("```console") == 5
    with Simulator(strict=True, rules=RULES, project="example") as sim:
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"127.0.0.1:{sim.port}")
        sim.add_user(EMAIL, PASSWORD, "d2")
        (tmp_path / "key.json").write_text(json.dumps(sim.service_account()))
        (tmp_path / "password.txt").write_text(PASSWORD)
        real = {"AIzaSyExample": sim.api_key, "https://example-default-rtdb.firebaseio.com": sim.url}
        for command, shown in blocks:
            for written, instead in real.items():
                command = command.replace(written, instead)
            assert words(run(*shlex.split(command)).output) == words(shown), command
