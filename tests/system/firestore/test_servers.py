"""The Firestores that the tests run against: what both must have in common, and when their absence is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import emulator
import firestore_servers
import psutil
import pytest
import requests
from clients import ROOT, wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("who", firestore_servers.WHO)
def test_both_servers_judge_by_the_same_rules(firestore, who):
    token = firestore.options(who)["token"]
    headers = {"Authorization": f"Bearer {token.get('id_token') or token['access_token']}"} if token else {}

    def status(method, path, body=None):
        url = f"{firestore.url}/{firestore.name}{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=10).status_code

    def group(name):
        return {"structuredQuery": {"from": [{"collectionId": name, "allDescendants": True}]}}

    rights = {"nobody": [200, 403, 403], "ID token": [200, 200, 403], "OAuth2": [200, 200, 200]}[who]
    assert [status("PATCH", path, {"fields": {}}) for path in ("/public/a", "/cities/LA", "/locked/a")] == rights
    assert [status("GET", path) for path in ("/public", "/cities", "/locked")] == rights
    groups = {"nobody": [403, 403], "ID token": [200, 403], "OAuth2": [200, 200]}[who]
    assert [status("POST", ":runQuery", group(name)) for name in ("landmarks", "cities")] == groups


def test_each_test_begins_without_documents(firestore):
    firestore.put("cities/LA", name="Los Angeles", pop=3900000, at=[1.5, {"a": True}, None])
    assert firestore.fields("cities/LA")["pop"] == {"integerValue": "3900000"}
    assert firestore.document("cities/SF") is None


def test_each_test_begins_without_documents_of_the_one_before(firestore):
    assert firestore.document("cities/LA") is None


def test_an_emulator_ends_with_all_that_it_started(tmp_path):
    if emulator.find_gcloud() is None:
        pytest.skip(emulator.MISSING)
    with emulator.running(tmp_path, firestore_servers.RULES) as origin:
        assert processes_about(origin)
    wait_until(lambda: not processes_about(origin))


def test_an_emulator_ends_where_who_started_it_is_killed(tmp_path):
    if emulator.find_gcloud() is None:
        pytest.skip(emulator.MISSING)
    command = [sys.executable, "-c", STARTS, str(tmp_path), firestore_servers.RULES]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "support")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as starter:
        origin = starter.stdout.readline().strip()
        assert processes_about(origin)
        starter.kill()
    wait_until(lambda: not processes_about(origin))


STARTS = """
import pathlib, sys, time, emulator
with emulator.running(pathlib.Path(sys.argv[1]), sys.argv[2]) as origin:
    print(origin, flush=True)
    time.sleep(60)
"""


def processes_about(origin):
    """The commands that name the port of `origin`; a process that has ended has none any more."""
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if origin.rpartition(":")[2] in command]


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")], ids=["in CI", "elsewhere"])
def test_an_emulator_that_does_not_start_fails_in_ci_alone(tmp_path, ci, outcome):
    gcloud = tmp_path / "gcloud"
    gcloud.write_text("#!/bin/sh\necho the component is not installed\nexit 3\n")
    gcloud.chmod(0o755)
    printed = run_one(tmp_path, {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CI": ci})
    assert outcome in printed
    assert "gcloud ended with exit code 3" in printed
    assert "the component is not installed" in printed


def test_without_gcloud_the_tests_are_skipped_loudly(tmp_path):
    printed = run_one(tmp_path, {"PATH": str(tmp_path), "CI": "true"})
    assert "1 skipped" in printed
    assert emulator.MISSING in printed.replace("\n", " ")


def run_one(folder, environment):
    """What pytest prints of one test on the emulator, in this environment."""
    test = f"{Path(__file__).name}::test_each_test_begins_without_documents_of_the_one_before[emulator]"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"tests/system/firestore/{test}"]
    settings = os.environ | environment
    return subprocess.run(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True, timeout=60).stdout
