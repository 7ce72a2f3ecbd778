"""The simulator's Firestore against the recorded answers of Google's emulator, one by one, in their order.

Each recorded request is sent again, with the times, page tokens and transactions that the simulator gave in place of
those that the emulator gave. With these the answers are the same, status and JSON. Errors are told in the words of the
live service where those are known (LIVE). Where the simulator is meant to differ, INTENDED says what it answers, and
why. Requests that got no answer, or none with a body, were not recorded; MADE has those that later ones build on.
"""

import http.client
import json
import random
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.accounts.accounts import Accounts
from flamelet_tools.simulator.firestore import rest
from flamelet_tools.simulator.http.request import Request

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "firestore"
DEADLINE_SECONDS = 10
ROOT = "projects/demo-iot/databases/(default)/documents"
RECORDED_ID = "JIyHpllfhxCjNH0UuINE"
# What the emulator's clock and counters gave: times, transactions, page tokens.
VARIABLE = re.compile(r"2026-11-21T11:[\d:.]+Z|E[A-Za-z0-9]{10}A|C[jk][A-Za-z0-9+/=]{40,}")
HEADERS = ("authorization", "content-type", "x-http-method-override")
# The emulator lets anybody begin a transaction, the live service administrators only.
FOR_ADMINISTRATORS = ("beginTransaction", "rollback")

NOT_ALLOWED = "Missing or insufficient permissions."
CLOSED = "The referenced transaction has expired or is no longer valid."
TOO_OLD = "The requested snapshot version is too old."
CONTENTION = "Too much contention on these documents. Please try again."
# The words of the emulator, and of the live service.
LIVE = (
    (r"Document \((.*)\) not found\.", r'Document "\1" not found.'),
    (r"entity already exists: EntityRef\{partitionRef=.*, path=/(.*)\}", rf"Document already exists: {ROOT}/\1"),
    (r'no entity to update: [^$]*type: "(.*)"\s+name: "(.*)"[^$]*', rf"No document to update: {ROOT}/\1/\2"),
    (r".* require admin authentication\.", NOT_ALLOWED),
    (r"Transaction is invalid or closed\.", CLOSED),
)

# Before which recording what is written.
MADE = {
    "a034_patch_mask": ("dev/c", {"v": {"integerValue": "5"}, "w": {"stringValue": "z"}}),
    "a037_patch_returnmask": (
        "dev/c?updateMask.fieldPaths=cfg.rate&updateMask.fieldPaths=`a-b`",
        {"cfg": {"mapValue": {"fields": {"rate": {"integerValue": "9"}}}}, "a-b": {"booleanValue": False}},
    ),
    "b007_seed": ("dev/e", {"other": {"integerValue": "1"}}),
    "e_005_commit_tx": ("dev/a", {"v": {"integerValue": "1"}}),
    "e_009_bt": ("dev/a", {"v": {"integerValue": "3"}}),
}
SERIES = ("a*", "b*", ("e_*", "e2_*", "f*"))


def error(status, code, text):
    return status, {"error": {"code": status, "message": text, "status": code}}


PAGE_NOT_FOUND = (404, "HTML")
# `...` stands for the recorded document with these fields.
INTENDED = {
    # A time that is too old is no bad argument, where there is a past at all.
    "a017_get_readtime": error(400, "FAILED_PRECONDITION", TOO_OLD),
    # The emulator never takes the parameter `currentDocument.updateTime`.
    "a041_patch_updateTime_ok": (200, {"v": "8", "cfg": ..., "a-b": ...}),
    # The emulator does not know X-HTTP-Method-Override, which Google's APIs obey.
    "a045_patch_POST_override": (200, {"v": "8", "cfg": ..., "a-b": ...}),
    # A page in HTML, as Google's servers have it, in place of a text; of HEAD no body; OPTIONS is not served.
    "a050_put_method": PAGE_NOT_FOUND,
    "a051_head": (404, ""),
    "a052_options": PAGE_NOT_FOUND,
    # A commit is for one database.
    "b033_commit_wrongdb": error(
        400,
        "INVALID_ARGUMENT",
        'The document name "projects/zzz/databases/(default)/documents/dev/t" is not in the database '
        '"projects/demo-iot/databases/(default)".',
    ),
    # Nobody waits for locks: what the emulator refuses after 10 s is done at once, or refused at the commit.
    "b047_commit_tx": (200, {"writeResults": 1}),
    # The recorded time has gone by.
    "b059_beginTransaction_ro_readTime": error(400, "FAILED_PRECONDITION", TOO_OLD),
    "e2_001_outside_write": (200, {"v": "50"}),
    "e2_002_t2commit": error(409, "ABORTED", CONTENTION),
}


def names_of(patterns):
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    return [path.stem for pattern in patterns for path in sorted(RECORDINGS.glob(pattern + ".request"))]


class Player:
    """Sends recorded requests to a simulator; `given` has what it gave in place of what the emulator gave."""

    def __init__(self, sim):
        self.port = sim.port
        self.given = {}

    def send(self, method, target, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        connection.request(method, target, body or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, parsed(text)

    def make(self, path, fields):
        status, answer = self.send("PATCH", f"/v1/{ROOT}/{path}", {}, json.dumps({"fields": fields}).encode())
        assert status == 200, answer

    def play(self, name):
        head, _, body = (RECORDINGS / f"{name}.request").read_bytes().partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        method, target, _ = line.split(" ")
        headers = dict(each.split(": ", 1) for each in lines)
        headers = {key: value for key, value in headers.items() if key.lower() in HEADERS}
        if target.endswith(FOR_ADMINISTRATORS):
            headers["Authorization"] = "Bearer owner"
        return self.send(method, self.ours(target), headers, self.ours(body.decode()).encode())

    def ours(self, text):
        for recorded, given in self.given.items():
            text = text.replace(recorded, given).replace(quote(recorded), quote(given))
        return text

    def learn(self, recorded, given):
        """Notes what stands in the simulator's answer where the emulator's clock and counters speak in the other."""
        if isinstance(recorded, dict) and isinstance(given, dict):
            for key in recorded.keys() & given.keys():
                self.learn(recorded[key], given[key])
        elif isinstance(recorded, list) and isinstance(given, list):
            for pair in zip(recorded, given, strict=False):
                self.learn(*pair)
        elif isinstance(recorded, str) and isinstance(given, str) and VARIABLE.fullmatch(recorded):
            self.given.setdefault(recorded, given)


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def recorded(name):
    head, _, body = (RECORDINGS / f"{name}.response").read_bytes().partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), parsed(body.decode())


def in_live_words(answer):
    """The answer with the words of the live service; versions in texts are N, as no two runs have the same."""
    if isinstance(answer, dict):
        return {key: in_live_words(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [in_live_words(value) for value in answer]
    if not isinstance(answer, str):
        return answer
    for emulators, live in LIVE:
        if re.fullmatch(emulators, answer):
            return re.sub(emulators, live, answer)
    return re.sub(r"version \(\d+\)", "version (N)", answer)


@pytest.fixture(scope="module")
def played():
    """What was recorded and what the simulator answered, by the name of the recording."""
    answers = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rest, "new_id", lambda: RECORDED_ID)
        for series in SERIES:
            with Simulator() as sim:
                play_all(Player(sim), names_of(series), answers)
    return answers


def play_all(player, names, answers):
    for name in names:
        if name in MADE:
            player.make(*MADE[name])
        status, body = recorded(name)
        answer = player.play(name)
        player.learn(body, answer[1])
        expected = parsed(player.ours(json.dumps(body)))
        answers[name] = (status, in_live_words(expected)), (answer[0], in_live_words(answer[1]))


SAME = [name for series in SERIES for name in names_of(series) if name not in INTENDED]


@pytest.mark.parametrize("name", SAME)
def test_the_simulator_answers_as_recorded(played, name):
    expected, answer = played[name]
    assert answer == expected


@pytest.mark.parametrize("name", INTENDED)
def test_the_simulator_differs_from_the_recording_as_intended(played, name):
    as_recorded, answer = played[name]
    assert answer != as_recorded
    assert shown(name, answer) == INTENDED[name]


def shown(name, answer):
    """The answer in the form that INTENDED has."""
    status, body = answer
    if isinstance(body, str):
        return status, "HTML" if body.startswith("<!DOCTYPE html>") else body
    if "writeResults" in body:
        return status, {"writeResults": len(body["writeResults"])}
    if "fields" not in body:
        return answer
    return status, {field: value.get("integerValue", ...) for field, value in body["fields"].items()}


def test_most_of_what_was_recorded_is_the_same():
    assert len(SAME) > 100
    assert set(INTENDED) < {name for series in SERIES for name in names_of(series)}


JUNK = (None, True, 0, -1, 2**70, 0.5, "", "x", "AAAA", "\ud800", [], [None], {}, {"x": 1}, {"fields": {"v": {}}})
MUTATIONS = 4000


def test_no_request_makes_the_simulator_fail():
    # Of each recorded request, and of some that were not recorded, a piece or two is replaced by something else.
    chance = random.Random(5)
    firestore, accounts = rest.Firestore(), Accounts("demo-iot")
    requests = [request_of(path) for path in sorted(RECORDINGS.glob("*.request"))] + OTHERS
    statuses = set()
    for number in range(MUTATIONS):
        method, target, body = requests[number % len(requests)]
        body = mutated(chance, mutated(chance, body)) if body is not None else chance.choice((b"", b"{", b"null"))
        if chance.random() < 0.2:
            place = chance.randrange(len(target))
            target = target[:place] + chance.choice(("/", "%", "%2F", ":", "?", "&", "=", "`", "x")) + target[place:]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(method, target, {"Authorization": "Bearer owner"}, data)
        if rest.concerns(request):
            answer = rest.answer(firestore, accounts, None, request)
            statuses.add(answer.status)
    assert statuses == {200, 400, 404, 409}


def request_of(path):
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    method, target, _ = head.decode().split("\r\n")[0].split(" ")
    found = parsed(body.decode())
    return method, target, found if isinstance(found, dict) else None


def mutated(chance, value):
    """The same JSON with one piece of it replaced."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        return {**value, key: mutated(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        return [*value[:place], mutated(chance, value[place]), *value[place + 1 :]]
    return chance.choice(JUNK)


_FILTER = {"fieldFilter": {"field": {"fieldPath": "v"}, "op": "EQUAL", "value": {"integerValue": "3"}}}
_QUERY = {
    "from": [{"collectionId": "dev", "allDescendants": False}],
    "where": {"compositeFilter": {"op": "AND", "filters": [_FILTER, _FILTER]}},
    "orderBy": [{"field": {"fieldPath": "w"}, "direction": "DESCENDING"}],
    "startAt": {"values": [{"stringValue": "x"}], "before": True},
    "select": {"fields": [{"fieldPath": "v"}]},
    "offset": 1,
    "limit": 3,
}
_SUM = {"alias": "s", "sum": {"field": {"fieldPath": "v"}}}
_INDEX = {"queryScope": "COLLECTION", "fields": [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": "b"}]}
_DATABASE = "/v1/projects/demo-iot/databases/(default)"
OTHERS = [
    ("POST", f"/v1/{ROOT}:runQuery", {"structuredQuery": _QUERY, "newTransaction": {"readOnly": {}}}),
    (
        "POST",
        f"/v1/{ROOT}:runAggregationQuery",
        {"structuredAggregationQuery": {"structuredQuery": _QUERY, "aggregations": [_SUM, {"count": {"upTo": "3"}}]}},
    ),
    (
        "POST",
        f"/v1/{ROOT}:partitionQuery",
        {"structuredQuery": {"from": [{"collectionId": "dev", "allDescendants": True}]}, "partitionCount": "3"},
    ),
    ("POST", f"{_DATABASE}/collectionGroups/dev/indexes", _INDEX),
    ("PATCH", f"{_DATABASE}/collectionGroups/dev/fields/v?updateMask=ttlConfig", {"ttlConfig": {}}),
    ("GET", f"{_DATABASE}/collectionGroups/dev/fields?filter=ttlConfig:*&pageToken=x", None),
    ("GET", f"{_DATABASE}/operations?pageSize=1", None),
    ("POST", f"{_DATABASE}:exportDocuments", {"outputUriPrefix": "gs://bucket/x", "collectionIds": ["dev"]}),
    ("POST", f"{_DATABASE}:importDocuments", {"inputUriPrefix": "gs://bucket/x"}),
]
