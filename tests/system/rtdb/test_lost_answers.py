"""Each kind of write, done while its answer is lost, on every Python; the effects are counted on the server.

What does the same when it is done twice is sent again, and succeeds. What would not (it adds up, has a condition, or
lets the server make the key) ends in OutcomeUnknown at once: it was sent once, and done once.
"""

import time

import pytest
import requests
from calling import DEADLINE_SECONDS, call
from scenarios import lost

pytestmark = pytest.mark.timeout(60)

OWNER = "ya29.owner"
UNKNOWN = "OutcomeUnknown"
NOW = pytest.approx(time.time() * 1000, abs=3_600_000)
RULES = ".settings/rules"

# The write; its result, or its error; how often it was sent, and done; and what is then there, of a list its values.
# Before each, `n` is 5.
CASES = [
    ("set", None, 2, 2, ("n", 6)),
    ("set None", None, 2, 2, ("n", None)),
    ("set the time", None, 2, 2, ("n", NOW)),
    ("set an increment", UNKNOWN, 1, 1, ("n", 6)),
    ("set, with its ETag", True, 2, 2, ("n", 6)),
    ("set if_match", UNKNOWN, 1, 1, ("n", 6)),
    ("set_if_unchanged", UNKNOWN, 1, 1, ("n", 6)),
    ("transaction", UNKNOWN, 1, 1, ("n", 6)),
    ("update", None, 2, 2, ("n", 6)),
    ("update an increment", UNKNOWN, 1, 1, ("n", 6)),
    ("delete", None, 2, 2, ("n", None)),
    ("delete if_match", UNKNOWN, 1, 1, ("n", None)),
    ("push", True, 2, 2, ("list", [{"n": 6}])),
    ("push an increment", UNKNOWN, 1, 1, ("list", [{"n": 6}])),
    ("push server_key", UNKNOWN, 1, 1, ("list", [{"n": 6}])),
    ("feed.push", None, 2, 2, ("list", [{"n": 6}])),
    ("feed.push_many", 2, 2, 2, ("list", [{"n": 6}, {"n": 7}])),
    # Streams, which tell how often a write was done, do not hear of rules.
    ("set_rules", None, 2, 0, (RULES, {"rules": {".read": True}})),
]


@pytest.mark.parametrize(("name", "result", "sent", "done", "there"), CASES, ids=[case[0] for case in CASES])
def test_a_write_whose_answer_is_lost(client, sim, name, result, sent, done, there):
    sim.set("", {"n": 5, "old": 1, "well": "well"})
    with listening(sim) as stream:
        for method in ("PUT", "POST", "PATCH", "DELETE"):
            sim.fault("drop_after", method=method, count=1)
        outcome, after = client.run(lost.write, url=sim.url, token=OWNER, name=name)
        heard = events_so_far(sim, stream)
    assert outcome[:2] == (["error", UNKNOWN] if result == UNKNOWN else ["ok", result])
    assert after == ["ok", "well"]
    writes = [record for record in sim.requests if record.method != "GET"]
    assert [bool(record.status) for record in writes] == [False, True][:sent]
    assert heard == done
    path, value = there
    stored = call(sim, "GET", f"/{path}.json?access_token={OWNER}").json()
    assert (list(stored.values()) if path == "list" else stored) == value


def listening(sim):
    """A stream of the whole tree, not by the client that is tested."""
    headers = {"Accept": "text/event-stream"}
    url = f"{sim.url}/.json?access_token={OWNER}"
    return requests.get(url, headers=headers, stream=True, timeout=DEADLINE_SECONDS)


def events_so_far(sim, stream):
    """The number of writes that the stream has told."""
    sim.set("end", True)
    count = 0
    for line in stream.iter_lines(chunk_size=1):
        if line == b'data: {"path":"/end","data":true}':
            # But for the snapshot that each stream begins with, and for this one.
            return count - 2
        count += line in (b"event: put", b"event: patch")
    raise AssertionError("the stream ended")
