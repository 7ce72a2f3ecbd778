"""docs/security.md keeps its word: the tests that it names are there, and what it says of a stolen device holds."""

import re
import time

import pytest
from clients import ROOT, wait_until
from named_tests import missing_tests, named_tests
from scenarios import database

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

PAGE = (ROOT / "docs" / "security.md").read_text()
FIRST_PUSH = (ROOT / "docs" / "first-push.md").read_text()
RULES = re.search(r'^\{\n  "rules".*?^\}', FIRST_PUSH, re.MULTILINE | re.DOTALL)[0]


def test_every_test_that_the_page_names_is_there():
    assert len(named_tests(PAGE)) > 20
    assert missing_tests(PAGE) == []


def calls(client, sim, token, *calls):
    return [outcome[:2] for outcome in client.run(database.calls, url=sim.url, calls=calls, options={"token": token})]


@pytest.fixture
def sim():
    with Simulator(rules=RULES) as simulator:
        yield simulator


def test_a_disabled_account_serves_to_the_end_of_its_id_token(blocking_client, sim):
    sim.token_seconds = 6
    mine, other = sim.sign_in("d1"), sim.sign_in("d2")
    write = ["set", "devices/d1/state", 1]
    sim.disable("d1")
    # The ID token by itself: beside its refresh token the library renews it a while before its end.
    assert calls(blocking_client, sim, {"id_token": mine["id_token"]}, write) == [["ok", None]]
    wait_until(lambda: time.time() > mine["expires_at"] + 1, 10)
    assert calls(blocking_client, sim, mine, write) == [["error", "Unauthenticated"]]
    assert calls(blocking_client, sim, other, ["set", "devices/d2/state", 1]) == [["ok", None]]


def test_a_list_in_the_database_shuts_an_account_out_at_once(blocking_client, sim):
    blocking = re.search(r"^ *```\n *(.*)\n *```$", PAGE, re.MULTILINE)[1]
    assert RULES.count("auth.uid === $uid") == 6
    sim.set_rules(RULES.replace("auth.uid === $uid", blocking))
    mine, other = sim.sign_in("d1"), sim.sign_in("d2")
    work = [["set", "devices/d1/state", 1], ["push", "devices/d1/telemetry", 1], ["get", "devices/d1"]]
    assert [outcome[0] for outcome in calls(blocking_client, sim, mine, *work)] == ["ok"] * 3
    sim.set("blocked/d1", True)
    assert calls(blocking_client, sim, mine, *work) == [["error", "PermissionDenied"]] * 3
    assert calls(blocking_client, sim, mine, ["delete", "blocked/d1"]) == [["error", "PermissionDenied"]]
    assert calls(blocking_client, sim, other, ["set", "devices/d2/state", 1]) == [["ok", None]]
