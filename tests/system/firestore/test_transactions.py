"""Transactions for each kind of token, on every Python, against Google's emulator and the simulator.

OAuth2 has a transaction that the service keeps; an ID token, and nobody, one by conditions. Either way what is there at
the end is what would be there had one come after the other.
"""

import pytest
from clients import Client
from firestore_servers import WHO, to_value
from scenarios import firestore_transaction as scenarios

pytestmark = pytest.mark.timeout(90)

HEAP = "512k"
# Seconds in which another one writes, on a machine that is busy.
MEANWHILE = 1
COMMIT = "/v1/projects/demo/databases/(default)/documents:commit"


def play(client, firestore, scenario, who, **arguments):
    options = firestore.options(who)
    return client.play(scenario, HEAP, project=firestore.project, options=options, **arguments)


@pytest.mark.parametrize("who", WHO)
def test_what_a_transaction_reads_and_writes_happens_at_once(client, firestore, who):
    firestore.put("public/counter", n=5, total=1)
    firestore.put("public/old", n=1)
    for n, name in enumerate(("pier", "bridge"), 1):
        firestore.put(f"public/{name}", kind="sight", n=n)
    seen = play(client, firestore, scenarios.every_method, who).result()
    assert seen == [None, 5, "public/old", ["public/pier", "public/bridge"]]
    assert firestore.document("public/old") is None
    counter = firestore.document("public/counter")
    assert counter["fields"] == {"n": to_value(6), "total": to_value(6), "again": to_value(True)}
    assert {firestore.document(f"public/{name}")["updateTime"] for name in ("new", "none")} == {counter["updateTime"]}


@pytest.mark.parametrize("who", WHO)
def test_a_transaction_is_done_again_where_another_was_faster(client, firestore, who):
    firestore.put("public/counter", n=5)
    firestore.put("public/well")
    adding = play(client, firestore, scenarios.add, who, sleep=MEANWHILE)
    assert adding.heard() == 5
    firestore.put("public/counter", n=10)
    if (firestore.kind, who) == ("emulator", "OAuth2"):
        # It locks what a transaction has read: the other one waits, and comes after it.
        assert adding.result()[0] == ["ok", 6]
        assert firestore.fields("public/counter") == {"n": to_value(10)}
        return
    assert adding.heard() == 10
    assert adding.result() == [["ok", 11], ["ok", {}]]
    assert firestore.fields("public/counter") == {"n": to_value(11)}


@pytest.mark.parametrize("who", WHO)
def test_what_a_transaction_only_reads_is_watched_too(client, firestore, who):
    firestore.put("public/counter", n=5)
    copying = play(client, firestore, scenarios.only_read, who, sleep=MEANWHILE)
    assert copying.heard() == 5
    firestore.put("public/counter", n=10)
    if (firestore.kind, who) == ("emulator", "OAuth2"):
        copying.result()
        assert firestore.fields("public/copy") == {"n": to_value(5)}
        return
    assert copying.heard() == 10
    copying.result()
    assert firestore.fields("public/copy") == {"n": to_value(10)}


@pytest.mark.parametrize("who", ["ID token", "OAuth2"])
def test_four_clients_that_add_at_once_lose_nothing(firestore, who):
    """Blocking and awaited, twice each; each sum is read exactly once."""
    firestore.put("public/counter", n=0)
    clients = [Client(runtime) for runtime in ("cpython", "cpython-aio") * 2]
    plays = [play(client, firestore, scenarios.adds, who, count=3) for client in clients]
    seen = [n for adding in plays for n in adding.result()]
    assert sorted(seen) == list(range(12))
    assert firestore.fields("public/counter") == {"n": to_value(12)}


@pytest.mark.parametrize("who", WHO)
def test_a_function_that_fails_writes_nothing_and_keeps_no_lock(client, firestore, who):
    firestore.put("public/counter", n=5)
    own, late, counter = play(client, firestore, scenarios.failed, who).result()
    assert own == "no more"
    assert late[:2] == ["error", "InvalidArgument"]
    assert "before" in late[2]
    assert counter == {"n": 5}
    # It would wait for a lock.
    assert firestore.put("public/counter", n=6)["fields"] == {"n": to_value(6)}


@pytest.mark.parametrize("who", WHO)
def test_a_transaction_whose_answer_is_lost_is_not_applied_twice(client, on_simulator, who):
    on_simulator.put("public/counter", n=5)
    on_simulator.put("public/well")
    on_simulator.sim.fault("drop_after", path=COMMIT, count=1)
    adding = play(client, on_simulator, scenarios.add, who)
    assert adding.heard() == 5
    added, after = adding.result()
    assert added[:2] == ["error", "OutcomeUnknown"]
    assert after == ["ok", {}]
    assert on_simulator.fields("public/counter") == {"n": to_value(6)}


@pytest.mark.parametrize("who", WHO)
def test_a_transaction_that_is_always_too_late_ends(client, on_simulator, who):
    on_simulator.put("public/counter", n=5)
    on_simulator.put("public/well")
    on_simulator.sim.fault("error", status=409, path=COMMIT)
    adding = play(client, on_simulator, scenarios.add, who, attempts=3)
    assert [adding.heard() for _ in range(3)] == [5] * 3
    added, after = adding.result()
    assert added[:2] == ["error", "TransactionAborted"]
    assert after == ["ok", {}]
    assert on_simulator.fields("public/counter") == {"n": to_value(5)}


@pytest.mark.parametrize("who", WHO)
def test_an_id_token_s_transaction_asks_nothing_that_production_refuses(client, on_simulator, who):
    on_simulator.put("public/counter", n=5)
    on_simulator.put("public/well")
    before = len(on_simulator.sim.requests)
    assert play(client, on_simulator, scenarios.add, who).heard() == 5
    asked = [record.path.rpartition("/")[2] for record in on_simulator.sim.requests[before:]]
    assert ("documents:beginTransaction" in asked) == (who == "OAuth2")
