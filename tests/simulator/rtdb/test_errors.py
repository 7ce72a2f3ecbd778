"""The list "Error Conditions" of the REST document, line by line: what the simulator refuses, and in which words."""

import http.client
import json
import logging
from urllib.parse import quote

import pytest

from flamelet_tools.simulator import Simulator
from flamelet_tools.simulator.rtdb.query import BAD_ORDER

DEADLINE_SECONDS = 10
RULES = {"rules": {".read": True, ".write": True, "indexed": {".indexOn": "height"}}}
BEFORE = {"a": {"height": 1}}
STREAM = {"Accept": "text/event-stream"}

UNPARSABLE = "Invalid data; couldn't parse JSON object, array, or value."
BAD_OBJECT = "Invalid data; couldn't parse JSON object. Are you sending a JSON object with valid key names?"
NO_DATA = "Error: No data supplied."
BAD_PATH = "Invalid path: Invalid token in path"
LONG_PATH = "Invalid path: it has more than 32 levels."
LONG_KEY = "Invalid data; a key is longer than 768 bytes."
LONG_STRING = "Invalid data; a string is longer than 10485760 bytes."
TOO_DEEP = "Invalid data; the value is nested deeper than 32 levels."
TOO_BIG = "Error: WRITE_TOO_BIG: Data to write exceeds the maximum size that can be modified with a single request."
BAD_SERVER_VALUE = "Invalid data; unrecognized server value."
SHALLOW_MIXED = "Mixing 'shallow' and querying parameters is not supported"
BY_HEIGHT = "?orderBy=%22height%22"
BY_VALUE = "?orderBy=%22$value%22"


def no_index(index, path):
    return f'Index not defined, add ".indexOn": "{index}", for path "{path}", to the rules'


def unsupported(name):
    return f"The request does not support the query parameter {name}."


def nested(levels):
    return "[" * levels + "1" + "]" * levels


def path_of(levels, key="k"):
    return "".join(f"/{quote(key)}" for _ in range(levels)) + ".json"


SERVER_VALUES = [
    '"nonsense"',
    '{"increment": "1"}',
    '{"increment": true}',
    '{"decrement": 1}',
    "1",
    "null",
    "[]",
    '"TIMESTAMP"',
]

CAUSES = {
    "Unable to parse PUT or POST data.": [
        ("PUT", "/a.json", "{bad", UNPARSABLE),
        ("PUT", "/a.json", "'text'", UNPARSABLE),
        ("PUT", "/a.json", "1 2", UNPARSABLE),
        ("PUT", "/a.json", "Infinity", UNPARSABLE),
        ("PUT", "/a.json", "1e999", UNPARSABLE),
        ("PUT", "/a.json", b'"\xff"', UNPARSABLE),
        ("POST", "/a.json", "[1,]", UNPARSABLE),
        ("POST", "/a.json", '{"a#":1}', BAD_OBJECT),
        ("PUT", "/a.json", '{".value":1,"b":2}', BAD_OBJECT),
        ("PATCH", "/a.json", "{bad", BAD_OBJECT),
        ("PATCH", "/a.json", "[1]", BAD_OBJECT),
        ("PATCH", "/a.json", "null", BAD_OBJECT),
    ],
    "Missing PUT or POST data.": [
        *((method, "/a.json", body, NO_DATA) for method in ("PUT", "POST", "PATCH") for body in ("", "\r\n \t")),
        ("PUT", "/.settings/rules.json", "", NO_DATA),
    ],
    "The request attempts to PUT or POST data that is too large.": [
        *((method, "/a.json", json.dumps("x" * 10_485_761), LONG_STRING) for method in ("PUT", "POST")),
        ("PUT", "/a.json", json.dumps("\u00e9" * 5_242_881), LONG_STRING),
        *((method, "/a.json?writeSizeLimit=tiny", json.dumps("x" * 1_000_000), TOO_BIG) for method in ("PUT", "POST")),
        ("PUT", "/a.json", nested(32), TOO_DEEP),
        ("POST", "/a.json", nested(31), TOO_DEEP),
        ("PUT", path_of(32), nested(1), TOO_DEEP),
        ("POST", path_of(32), "1", TOO_DEEP),
        ("PUT", "/a.json", json.dumps({"k" * 769: 1}), LONG_KEY),
        ("PUT", "/a.json", json.dumps({"deep": {"\u00e9" * 385: 1}}), LONG_KEY),
    ],
    "The REST API call contains invalid child names as part of the path.": [
        *(("GET", f"/a/b{quote(bad, safe='')}c.json", "", BAD_PATH) for bad in ".$#[]/\x00\x1f\x7f"),
        ("PUT", "/$a.json", "1", BAD_PATH),
        ("DELETE", "/a[b].json", "", BAD_PATH),
        ("GET", "/%C3%28.json", "", BAD_PATH),
        ("GET", "/a/.priority/b.json", "", BAD_PATH),
        ("PUT", "/a/.value.json", "1", BAD_PATH),
        ("PATCH", "/a.json", '{"b$":1}', BAD_PATH),
    ],
    "The REST API call path is too long.": [
        *((method, path_of(33), body, LONG_PATH) for method, body in (("GET", ""), ("PUT", "1"), ("DELETE", ""))),
        ("GET", path_of(5000), "", LONG_PATH),
        ("GET", path_of(1, "k" * 769), "", LONG_KEY),
        ("PUT", path_of(1, "\u00e9" * 385), "1", LONG_KEY),
        ("POST", path_of(2, "k" * 20_000), "1", LONG_KEY),
        ("PATCH", "/a.json", json.dumps({"k" * 769: 1}), LONG_KEY),
    ],
    "The request contains an unrecognized server value.": [
        *(("PUT", "/a.json", f'{{".sv": {value}}}', BAD_SERVER_VALUE) for value in SERVER_VALUES),
        ("PUT", "/a.json", '{".sv": "timestamp", "b": 1}', BAD_SERVER_VALUE),
        ("PUT", "/a.json", '{".value": {".sv": "x"}, ".priority": 1}', BAD_SERVER_VALUE),
        ("PUT", "/a.json", '{"b": 1, ".priority": {".sv": "x"}}', BAD_SERVER_VALUE),
        ("PUT", "/a/.priority.json", '{".sv": "x"}', BAD_SERVER_VALUE),
        ("POST", "/a.json", '{"b": [{".sv": "x"}]}', BAD_SERVER_VALUE),
        ("PATCH", "/a.json", '{"b/c": {".sv": "x"}, "d": 1}', BAD_SERVER_VALUE),
    ],
    "The index for the query is not defined in your Firebase Realtime Database Security Rules.": [
        ("GET", f"/a.json{BY_HEIGHT}", "", no_index("height", "/a")),
        ("GET", f"/.json{BY_VALUE}", "", no_index(".value", "/")),
        ("GET", "/indexed.json?orderBy=%22size/height%22&limitToLast=1", "", no_index("size/height", "/indexed")),
        ("GET", f"/indexed/deeper.json{BY_HEIGHT}", "", no_index("height", "/indexed/deeper")),
    ],
    "The request does not support one of the query parameters that is specified.": [
        *(
            (method, "/a.json?typo=1", "{}", unsupported("typo"))
            for method in ("GET", "PUT", "POST", "PATCH", "DELETE")
        ),
        *((method, f"/a.json{BY_HEIGHT}", "{}", unsupported("orderBy")) for method in ("PUT", "PATCH", "DELETE")),
        *(
            ("PUT", f"/a.json?{name}=1", "1", unsupported(name))
            for name in ("shallow", "timeout", "callback", "format")
        ),
        ("GET", "/a.json?writeSizeLimit=tiny", "", unsupported("writeSizeLimit")),
        ("GET", "/.settings/rules.json?shallow=true", "", unsupported("shallow")),
        ("GET", "/a.json?AUTH=x", "", unsupported("AUTH")),
        ("GET", "/a.json?print=loud", "", "print must be pretty or silent."),
        ("GET", "/a.json?orderBy=height", "", BAD_ORDER),
    ],
    "The request mixes query parameters with a shallow GET request.": [
        *(
            ("GET", f"/a.json?shallow=true&{more}", "", SHALLOW_MIXED)
            for more in ("limitToFirst=1", "startAt=1", "format=export")
        ),
        ("GET", f"/a.json{BY_HEIGHT}&shallow=true", "", SHALLOW_MIXED),
    ],
}


@pytest.fixture(scope="module")
def sim():
    with Simulator(rules=RULES) as simulator:
        yield simulator


def ask(sim, method, target, body="", headers=None):
    """Status and JSON of the answer; the target goes as it is, which `requests` would tidy up."""
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=DEADLINE_SECONDS)
    try:
        data = body.encode() if isinstance(body, str) else body
        connection.request(method, target, data or None, {"Authorization": "Bearer owner", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("line", CAUSES)
def test_each_cause_of_a_400_is_refused_in_its_words_and_changes_nothing(sim, line):
    sim.set("", BEFORE)
    for method, target, body, text in CAUSES[line]:
        assert ask(sim, method, target, body) == (400, {"error": text}), (method, target[:80], body[:80])
    assert sim.get() == BEFORE


@pytest.mark.parametrize("line", CAUSES)
def test_a_stream_is_refused_for_the_same_causes(sim, line):
    for method, target, _, text in CAUSES[line]:
        if method == "GET" and "shallow" not in target and "format" not in target:
            assert ask(sim, method, target, headers=STREAM) == (400, {"error": text}), target[:80]
    assert sim.open_streams == 0


def test_the_longest_path_that_may_be_is_served(sim):
    longest = path_of(32, "\u00e9" * 384)
    assert len(longest) > 70_000
    assert ask(sim, "PUT", longest, "1") == (200, 1)
    assert ask(sim, "GET", longest) == (200, 1)
    assert ask(sim, "DELETE", longest) == (200, None)


def test_a_failure_of_its_own_is_a_500_that_is_logged(sim, monkeypatch, caplog):
    monkeypatch.setattr("flamelet_tools.simulator.rtdb.rest.perform", None)
    with caplog.at_level(logging.ERROR):
        assert ask(sim, "PUT", "/a.json", "1") == (500, {"error": "Internal server error."})
    assert "PUT /a.json failed" in caplog.text
