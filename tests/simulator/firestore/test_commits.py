"""What commits do: the simulator against Google's emulator, on commits that a seeded generator makes up.

Both get the same commits; after each one the answers are the same, times aside, and so are the documents. Skipped, with
the reason, where the emulator is not there.
"""

import json
import random

import pytest
import requests

COMMITS = 60
SEEDS = range(5)
IDS = ("a", "b", "c/sub/d")
FIELDS = ("n", "m", "m.x", "m.`o d`.y", "list", "`q.r`")
DEADLINE_SECONDS = 30

NUMBERS = (
    {"integerValue": "0"},
    {"integerValue": "7"},
    {"integerValue": "-9223372036854775808"},
    {"integerValue": "9223372036854775807"},
    {"doubleValue": 7.0},
    {"doubleValue": -0.5},
    {"doubleValue": 1e300},
    {"doubleValue": "NaN"},
    {"doubleValue": "Infinity"},
)
OTHERS = (
    {"nullValue": None},
    {"booleanValue": True},
    {"stringValue": "é"},
    {"bytesValue": "AAE="},
    {"timestampValue": "2024-02-29T12:00:00.123456Z"},
    {"geoPointValue": {"latitude": 1.5, "longitude": -2.0}},
    {"mapValue": {"fields": {"x": {"integerValue": "1"}, "o d": {"mapValue": {"fields": {"y": {"nullValue": None}}}}}}},
    {"mapValue": {}},
    {"arrayValue": {}},
    {"arrayValue": {"values": [{"integerValue": "7"}, {"doubleValue": 7.0}, {"stringValue": "é"}]}},
)


class Generator:
    """Makes up commits; `name` is that of all documents."""

    def __init__(self, seed, name):
        self.random = random.Random(seed)
        self.name = name

    def commit(self):
        return {"writes": [self.write() for _ in range(self.random.randint(1, 3))]}

    def write(self):
        name = f"{self.name}/made/{self.random.choice(IDS)}"
        # Not a verify that nothing is there: its result has a time on the emulator, of nothing.
        kind = self.random.choice(("update", "update", "masked", "masked", "transform", "delete", "verify"))
        write = {"currentDocument": {"exists": kind == "verify" or self.random.random() < 0.8}}
        if kind != "verify" and self.random.random() < 0.7:
            write = {}
        if kind in ("delete", "verify"):
            return {**write, kind: name}
        if kind == "transform":
            return {**write, "transform": {"document": name, "fieldTransforms": self.transforms(1)}}
        write["update"] = {"name": name, "fields": self.fields()}
        if kind == "masked":
            write["updateMask"] = {"fieldPaths": self.random.sample(FIELDS, self.random.randint(0, 2))}
        if self.random.random() < 0.3:
            write["updateTransforms"] = self.transforms(0)
        return write

    def fields(self):
        names = self.random.sample(("n", "m", "list", "q.r"), self.random.randint(0, 3))
        return {name: self.random.choice(NUMBERS + OTHERS) for name in names}

    def transforms(self, least):
        return [self.transform() for _ in range(self.random.randint(least, 3))]

    def transform(self):
        kind = self.random.choice(("increment", "maximum", "minimum", "appendMissingElements", "removeAllFromArray"))
        if kind in ("increment", "maximum", "minimum"):
            operand = self.random.choice(NUMBERS)
        else:
            values = self.random.choices([*NUMBERS[:6], *OTHERS[:6]], k=self.random.randint(0, 3))
            operand = {"values": values} if values else {}
        return {"fieldPath": self.random.choice(FIELDS), kind: operand}


def without_times(value):
    """The JSON of an answer, with a word in place of each time; numbers that are equal are the same."""
    if isinstance(value, dict):
        return {key: "TIME" if key.endswith("Time") else without_times(member) for key, member in value.items()}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def call(server, verb, body):
    headers = {"Authorization": "Bearer owner"}
    url = f"{server.url}/{server.name}:{verb}"
    answer = requests.post(url, json=body, headers=headers, timeout=DEADLINE_SECONDS)
    found = answer.json()
    # The two have different words.
    return answer.status_code, found["error"]["status"] if answer.status_code != 200 else without_times(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_commits_do_the_same_on_the_simulator_and_on_the_emulator(on_emulator, on_simulator, seed):
    generator = Generator(seed, on_simulator.name)
    every = {"documents": [f"{on_simulator.name}/made/{id}" for id in IDS]}
    codes = set()
    for number in range(COMMITS):
        commit = generator.commit()
        expected, answer = call(on_emulator, "commit", commit), call(on_simulator, "commit", commit)
        assert answer == expected, (number, json.dumps(commit))
        after = call(on_simulator, "batchGet", every), call(on_emulator, "batchGet", every)
        assert by_name(after[0]) == by_name(after[1]), (number, json.dumps(commit))
        codes.add(answer[0])
    assert codes == {200, 400, 404, 409}


def by_name(answer):
    """The elements of an answer of batchGet, which have no order."""
    return sorted(answer[1], key=lambda element: element.get("missing") or element["found"]["name"])
