"""Builds the answers of the benchmark's server for Cloud Firestore, in the bytes of the live service.

In: a request. Out: for a commit, the time of its write; for a GET, a document of ten fields, one of every simple kind;
for `runQuery`, as many such documents as the query's limit. (Source: the REST reference, and recorded answers.)
"""

import functools
import re

from flamelet_tools.simulator.http.answers import Answer, api_answer

ROOT = "projects/demo/databases/(default)/documents"
TIME = "2026-11-21T11:48:43.999130Z"
REQUEST_LINE = re.compile(rb"^(GET|POST) /v1/[^ ]*?(:\w+)? HTTP")
LIMIT = re.compile(rb'"limit":(\d+)')
FIELDS = {
    "temperature": {"doubleValue": 21.5},
    "humidity": {"integerValue": "40"},
    "pressure": {"integerValue": "101325"},
    "rssi": {"integerValue": "-61"},
    "battery": {"doubleValue": 3.7},
    "online": {"booleanValue": True},
    "name": {"stringValue": "greenhouse, north wall"},
    "firmware": {"stringValue": "1.27.0"},
    "note": {"nullValue": None},
    "boots": {"integerValue": "17"},
}


def answer(request: bytes) -> Answer | None:
    """Return the answer to a request of Firestore, or None for any other request."""
    line = REQUEST_LINE.match(request)
    if not line:
        return None
    if line[2] == b":runQuery":
        limit = LIMIT.search(request)
        return found(int(limit[1]) if limit else 1)
    return document() if line[1] == b"GET" else committed()


@functools.cache
def committed() -> Answer:
    return api_answer({"writeResults": [{"updateTime": TIME}], "commitTime": TIME})


@functools.cache
def document() -> Answer:
    return api_answer(stored(0))


@functools.cache
def found(count: int) -> Answer:
    return api_answer([{"document": stored(n), "readTime": TIME} for n in range(count)])


def stored(number: int) -> dict:
    """Return a document of FIELDS with `number` as its `boots`."""
    name = f"{ROOT}/readings/r{number:05}"
    fields = {**FIELDS, "boots": {"integerValue": str(number)}}
    return {"name": name, "fields": fields, "createTime": TIME, "updateTime": TIME}
