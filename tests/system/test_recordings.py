"""Recorded answers of real servers, cut in every way a network may, against Python's own http.client and json."""

import http.client
import io
import json
import random
from pathlib import Path

import pytest
from recorded import method_of

from flamelet.wire import http1
from flamelet.wire import json as _json

from feeding import TRAILING, assert_same, every_cut, read_answer

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
RESPONSES = sorted(RECORDINGS.glob("*/*.response"))
EVERY_SPLIT_BYTES = 1000
SPLITS = 200


def test_the_recordings_are_there():
    folders = {path.parent.name for path in RESPONSES}
    assert folders == {"auth", "firestore", "gateway"}
    assert len(RESPONSES) > 200


@pytest.mark.parametrize("path", RESPONSES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recording_is_read_as_python_reads_it_however_it_is_cut(path):
    data = path.read_bytes()
    method = method_of(path)
    bodiless = method == "HEAD"
    whole = read_answer([data], bodiless)
    assert whole.code == http1.END
    assert_as_python_reads(whole, data, method)
    for pieces in cuts(data):
        assert_same(read_answer(pieces, bodiless), whole, pieces)
    assert_same(read_answer([data + TRAILING], bodiless), whole, "with trailing bytes")


def cuts(data):
    """Every cut of a small answer; of a larger one byte by byte and some of the splits, the same ones each time."""
    if len(data) <= EVERY_SPLIT_BYTES:
        yield from every_cut(data)
        return
    yield [data[i : i + 1] for i in range(len(data))]
    for at in random.Random(len(data)).sample(range(1, len(data)), SPLITS):
        yield [data[:at], data[at:]]


class RecordedSocket:
    def __init__(self, data):
        self.file = io.BytesIO(data)

    def makefile(self, mode):
        return self.file


def assert_as_python_reads(answer, data, method):
    socket = RecordedSocket(data)
    response = http.client.HTTPResponse(socket, method=method)
    response.begin()
    assert answer.status == response.status
    assert answer.chunked == response.chunked
    assert answer.keep_alive is not response.will_close
    expected = {name.lower().encode(): value.encode("latin-1") for name, value in response.getheaders()}
    assert answer.headers.items() <= expected.items()
    for name in (b"location", b"etag", b"date", b"retry-after", b"content-type"):
        assert answer.headers.get(name) == expected.get(name)
    body_begins = socket.file.tell()
    body = response.read()
    assert answer.body == body
    if method == "HEAD":
        assert answer.taken == body_begins
    else:
        assert answer.taken == len(data), "a recording is one answer and nothing else"
    if answer.headers.get(b"content-type", b"").startswith(b"application/json") and body:
        assert load(body) == json.loads(body)


def load(body):
    buffer = bytearray(body)
    return _json.loads(buffer, memoryview(buffer), len(buffer))
