"""Defines what `flamelet fuzz` feeds with mutated inputs, and what must hold for each of them.

In: bytes, and a generator of random numbers. Out: whether they were accepted; an exception if something does not hold.
Each target knows which of flamelet's errors are allowed; any other one is a failure. Input from a network is read
twice, in one piece and cut, by device/feeding.py, and must give the same result. Input from flash is a folder of files,
some of which were changed: nothing may be accepted that was never written.
"""

import json
import os
import random
import tempfile
from binascii import b2a_base64, crc32
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from flamelet import FlameletError, InvalidArgument, Outbox, Token
from flamelet.auth import refresh
from flamelet.core import dates
from flamelet.diagnosis import failures
from flamelet.errors import GatewayError, NotFound, ProtocolError
from flamelet.gateway import envelope, envelope_errors
from flamelet.outbox.record import CLOCK, COUNT, HEAD, READING, SET, TAIL, UNDATED, behind
from flamelet.wire import http1
from flamelet.wire import json as _json
from flamelet_tools.shared.board_modules import board_module

RTC_NUMBER = 0x464C
RTC_BYTES = 2048
FIRST_SEGMENT = 7_000_001
STATUSES = (300, 400, 401, 403, 404, 409, 412, 429, 500, 503)

Check = Callable[[bytes, random.Random], bool]


@dataclass(frozen=True)
class Target:
    """A reader and its inputs. `seeds` are valid inputs; `words` are inserted into them; `check` returns whether one
    was accepted.

    `share`: its part of all inputs. A target that writes files for each input gets fewer.
    """

    seeds: Sequence[bytes]
    words: Sequence[bytes]
    check: Check
    share: int = 10


def targets(folder: Path) -> dict[str, Target]:
    """Make the targets; those that need files have their own folder in `folder`."""
    return {
        "HTTP": Target(ANSWERS, HTTP_WORDS, check_answer),
        "SSE": Target(STREAMS, SSE_WORDS, check_stream),
        "JSON": Target(TEXTS, JSON_WORDS, check_json, 20),
        "envelope": Target(ENVELOPES, JSON_WORDS, check_envelope),
        "error": Target(REFUSALS, JSON_WORDS, check_error),
        "renewal": Target(RENEWALS, JSON_WORDS, check_renewal),
        "date": Target(DATES, (b" ", b":", b",", b"GMT", b"-", b"0", b"\xc2\xb2"), check_date, 5),
        "outbox on flash": OutboxOnFlash(folder).target(),
        "outbox in RTC": Target([records(RTC_NUMBER, RECORDS), b"", b"x" * 99], RECORD_WORDS, check_rtc),
        "token files": TokenFiles(folder).target(),
        "config.json": Config(folder).target(),
    }


# From the network.

ANSWERS = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\nETag: abc\r\n\r\n{"name":"-Oa"}',
    b"HTTP/1.1 204 No Content\r\nDate: Sat, 21 Nov 2026 13:48:27 GMT\r\nConnection: keep-alive\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: 1\r\n\r\n",
    b"HTTP/1.1 307 T\r\nLocation: https://demo.firebaseio.com/a.json\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 401 Unauthorized\r\nConnection: close\r\n\r\n{}",
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}",
)
HTTP_WORDS = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b":", b" ", b"\0", b"\xff", b"0", b"-1", b"99999999999999999999", b"ffffffffff",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"HTTP/1.1 ", b"x" * 300,
)  # fmt: skip


def check_answer(data: bytes, chance: random.Random) -> bool:
    feeding = import_module("feeding")
    is_bodiless = not chance.randrange(8)
    whole = feeding.read_answer([data], is_bodiless)
    assert whole.code == http1.END or whole.code < 0, f"{whole.code} is not an end"
    feeding.assert_same(feeding.read_answer(cut(data, chance), is_bodiless), whole, "cut")
    return whole.code == http1.END


STREAMS = (
    b'event: put\ndata: {"path":"/a","data":1}\n\nevent: keep-alive\ndata: null\n\n',
    b"\xef\xbb\xbfid: 7\r\nretry: 2500\r\n: comment\r\nevent: patch\r\ndata: a\r\ndata: b\r\n\r\n",
    b"event: cancel\rdata: x\r\revent: auth_revoked\rdata: credential\r\rdata\n\n",
)
SSE_WORDS = (
    b"\r", b"\n", b"\r\n", b"\n\n", b":", b" ", b"\0", b"data", b"data: ", b"event: put\n", b"id\n", b"retry: 1\n",
    b"\xef\xbb\xbf", b"\xff", b"y" * 65, b"z" * 300,
)  # fmt: skip


def check_stream(data: bytes, chance: random.Random) -> bool:
    feeding = import_module("feeding")
    limit = chance.choice((10, 256, 8192))
    whole = feeding.read_events([data], limit)
    assert feeding.read_events(cut(data, chance), limit) == whole, "it depends on the cut"
    return bool(whole.events)


TEXTS = tuple(
    json.dumps(value, ensure_ascii=is_ascii).encode()
    for is_ascii in (True, False)
    for value in (
        {"path": "/", "data": {"a": [1, -2.5, 1e30, None, True, False], "b": {"c": "d"}}},
        ["é", "😀", "\x00", '"', "\\", "\u2028", ""],
        {"": 0, "key": "text", "n": 123456789012345678901234567890},
        -0.0,
    )
)
JSON_WORDS = (
    b"[", b"]", b"{", b"}", b",", b":", b'"', b'"a":', b"\\", b"\\u", b"\\ud83d", b"\\ude00", b"0", b"-", b".", b"e",
    b"E5", b"1.5e3", b"true", b"null", b"NaN", b"Infinity", b" ", b"\n", b"\xc3\xa9", b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80", b"\xff", b"[" * 80, b"1" * 300,
)  # fmt: skip


def check_json(data: bytes, chance: random.Random) -> bool:
    try:
        value = loads(data)
    except ProtocolError:
        return False
    assert repr(value) == repr(json.loads(data)), "Python reads it otherwise"
    return True


ENVELOPES = (
    b'{"status":"success","data":{"id":"a","n":1},"message":"m"}',
    b'{"status":"error","message":"Missed keys: a, b"}',
    b'{"status":"error","message":"Don\'t use these keys: a: they are not in the schema"}',
    b'{"status":"error","message":"No document with id x"}',
    b'{"status":"error","message":"14 UNAVAILABLE: later"}',
    b'{"status":"ERROR","message":{"a":1}}',
)


def check_envelope(data: bytes, chance: random.Random) -> bool:
    try:
        answer = envelope.check_envelope(loads(data), "GET a", bool(chance.getrandbits(1)))
    except (ProtocolError, GatewayError, NotFound):
        return False
    assert answer["status"].lower() == "success"
    return True


REFUSALS = (
    b'{"error":"Permission denied"}',
    b'{"error":{"code":400,"message":"TOKEN_EXPIRED","status":"INVALID_ARGUMENT"}}',
    b'[{"error":{"code":409,"message":"aborted","status":"ABORTED"}}]',
    b'{"status":"error","message":"No document with id x"}',
    b"<html><body><pre>Cannot GET /a</pre></body></html>",
)


def check_error(data: bytes, chance: random.Random) -> bool:
    """Check that the body of an answer with an error becomes one of flamelet's errors."""
    status = chance.choice(STATUSES)
    content = envelope_errors.value(bytearray(data), len(data))
    error = failures.error_of("PUT /a.json", status, content)
    other = envelope_errors.http_error("PUT a", status, bytearray(data), len(data), bool(chance.getrandbits(1)))
    assert isinstance(error, FlameletError) and isinstance(other, FlameletError) and error.status == status
    return not isinstance(content, bytes)


RENEWALS = (
    b'{"access_token":"eyJ.e30.s","expires_in":"3600","token_type":"Bearer","refresh_token":"r-2",'
    b'"id_token":"eyJ.e30.s","user_id":"d1","project_id":"123"}',
    b'{\n  "id_token": "eyJ.e30.s",\n  "expires_in": "60",\n  "refresh_token": "r-3"\n}',
)


def check_renewal(data: bytes, chance: random.Random) -> bool:
    try:
        whole = renewed([data])
    except ProtocolError:
        return False
    assert renewed(cut(data, chance)) == whole, "it depends on the cut"
    return len(whole) == 3


def renewed(pieces: Sequence[bytes]) -> dict[str, str]:
    answer = refresh._Answer()
    for piece in pieces:
        answer.feed(bytearray(piece), 0, len(piece))
        assert len(answer._text) <= 2 * LONGEST_TOKEN, "more memory than a token takes"
    assert set(answer.found) <= {"id_token", "refresh_token", "expires_in"}
    return dict(answer.found)


LONGEST_TOKEN = 8192
DATES = (b"Sat, 21 Nov 2026 13:48:27 GMT", b"Thu, 01 Jan 1970 00:00:00 GMT", b"Wed, 31 Dec 2099 23:59:59 GMT")


def check_date(data: bytes, chance: random.Random) -> bool:
    seconds = dates.parse(data)
    assert isinstance(seconds, int)
    return seconds > 0


# From flash.

KEYS = tuple(b"-Oa%017d" % number for number in range(3))
RECORDS = (
    (COUNT, (3).to_bytes(4, "little")),
    (READING, KEYS[0] + b'{"t":21.5,"n":1}'),
    (SET, b"devices/d1/state\0" + b'{"on":true}'),
    (UNDATED, (1).to_bytes(2, "little") + (5000).to_bytes(6, "little") + b"abcdefghijkl" + b'{"t":20}'),
    (READING, KEYS[1] + b'{"t":-3,"n":2}'),
    (CLOCK, (1).to_bytes(2, "little") + (1_795_268_907_123).to_bytes(6, "little")),
    (READING, KEYS[2] + b"{}"),
)
RECORD_WORDS = (b"\0", b"\1", b"\xff\xff", b"\0\0\1", b"\x14\0\1", KEYS[0], b"\xff" * 40, b"\0" * 40)


def record(kind: int, payload: bytes, number: int) -> bytes:
    """Return a record as outbox/record.py and outbox/crc.py store it."""
    body = len(payload).to_bytes(2, "little") + bytes([kind]) + payload
    return body + crc32(body, number).to_bytes(4, "little")


def records(number: int, content: Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(record(kind, payload, number) for kind, payload in content)


def check_believed(outbox: Any, written: frozenset[tuple[int, bytes]]) -> bool:
    """Read everything in `outbox` as `flush` does; return whether there is anything."""
    believed = set()
    waiting = outbox.waiting
    counted = 0
    while batch := outbox.batch(0):
        buffer, end = batch
        at = 0
        mark = outbox.mark(0)
        while at < end:
            kind, next_at = buffer[at + 2], behind(buffer, at)
            found = (kind, bytes(buffer[at + HEAD : next_at - TAIL]))
            is_new_clock = kind == CLOCK and found[1][:2] == outbox.boot.to_bytes(2, "little")
            assert next_at <= end and (found in written or is_new_clock), f"this was never written: {found!r}"
            believed.add(found)
            counted += kind <= SET
            at = next_at
        outbox.done(0, mark, end)
    assert counted == waiting and outbox.waiting == 0, f"{waiting} waited, {counted} came, {outbox.waiting} stay"
    return bool(believed)


class OutboxOnFlash:
    """A folder with two segments, some of which are changed or renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.segments = {f"{number:08d}.out": records(number, RECORDS) for number in (FIRST_SEGMENT, FIRST_SEGMENT + 1)}
        self.written = frozenset(RECORDS)
        self.names = ["00000000.out", "99999999999999999999.out", "\u0663.out", "7.out", "x.out", "refused.0", ".out"]

    def target(self) -> Target:
        return Target(list(self.segments.values()), RECORD_WORDS, self.check, 8)

    def check(self, data: bytes, chance: random.Random) -> bool:
        names = sorted(self.segments)
        files = dict(self.segments)
        files[chance.choice(names if chance.randrange(8) else self.names)] = data
        if not chance.randrange(4):
            del files[names[0]]
        write_all(self.folder, files)
        outbox = Outbox(str(self.folder))
        if not chance.randrange(4):
            # It goes on after the records that were found, or anew if there are none.
            at = outbox.begin_record(100)
            outbox.buffer[at : at + 40] = RECORDS[1][1] + b"    "
            outbox.kind = READING
            outbox.end_record(at + len(RECORDS[1][1]))
            outbox.commit()
        is_believed = check_believed(outbox, self.written)
        outbox.close()
        return is_believed


class Rtc:
    """`machine.RTC` of an ESP32, as far as an outbox needs it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def memory(self, content: Any = None) -> bytes:
        if content is not None:
            self.content = bytes(content)
            assert len(self.content) <= RTC_BYTES, "more than there is"
        return self.content


def check_rtc(data: bytes, chance: random.Random) -> bool:
    outbox = Outbox(rtc=Rtc(data))
    is_believed = check_believed(outbox, frozenset(RECORDS))
    outbox.close()
    return is_believed


class TokenFiles:
    """token.json and its two slots, one of which is changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.file = str(self.folder / "token.json")
        self.ids = [jwt(number) for number in range(3)]
        base = json.dumps({"id_token": self.ids[0], "refresh_token": "r-0", "api_key": "k"}).encode()
        self.files = {"token.json": base}
        for slot in (0, 1):
            number = 4 + slot
            content = {"number": number, "base": crc32(base), "id_token": self.ids[1 + slot]}
            text = json.dumps({**content, "refresh_token": f"r-{slot}", "expires_at": 4_000_000_000}).encode()
            self.files[f"token.json.{slot}"] = text + b"\n%d" % crc32(text)

    def target(self) -> Target:
        return Target(list(self.files.values()), JSON_WORDS, self.check, 1)

    def check(self, data: bytes, chance: random.Random) -> bool:
        name = chance.choice(list(self.files))
        write_all(self.folder, {**self.files, name: data})
        try:
            token = Token.load(self.file)
        except InvalidArgument:
            # An unreadable slot is skipped.
            assert name == "token.json", "a slot that does not hold a token ends the program"
            return False
        if name != "token.json":
            assert token.text in self.ids, "a token that was never written"
        return token.text != self.ids[0]


class Config:
    """config.json, as boards/shared/settings.py reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.file = str(self.folder / "config.json")
        self.read = board_module("shared/settings.py").read
        self.seeds = [
            json.dumps(content).encode()
            for content in (
                {"url": "https://demo.firebaseio.com", "device": "d1", "interval": 10, "token": "token.json"},
                {"url": "http://127.0.0.1:9000", "mode": "sleep", "wakes": 6, "connections": 1, "power_save": True},
                {"url": "https://a.b", "networks": [["a", "12345678"], ["b", ""]], "country": "DE", "hostname": "x-1"},
                {"url": "https://a.b", "outbox": 0, "patience": 60.5, "ntp": ["pool.ntp.org"], "led_pin": 2},
            )
        ]

    def target(self) -> Target:
        return Target(self.seeds, JSON_WORDS, self.check, 4)

    def check(self, data: bytes, chance: random.Random) -> bool:
        write_all(self.folder, {"config.json": data})
        try:
            settings = self.read(self.file, "device-1", bool(chance.getrandbits(1)))
        except ValueError as error:
            assert "config.json" in str(error), "the error does not name the file"
            return False
        assert 0.01 <= settings["interval"] <= 86400 and settings["url"].startswith("http")
        return True


# What the targets share.


def loads(data: bytes) -> Any:
    """Return the value of `data`, which is followed by bytes that are not part of it."""
    buffer = bytearray(data + b'"]}0')
    return _json.loads(buffer, memoryview(buffer), len(data))


def cut(data: bytes, chance: random.Random) -> list[bytes]:
    """Return `data` in two pieces or, sometimes, byte by byte."""
    if not chance.randrange(16):
        return [data[i : i + 1] for i in range(len(data))]
    at = chance.randrange(len(data) + 1)
    return [piece for piece in (data[:at], data[at:]) if piece]


def jwt(number: int) -> str:
    claims = b2a_base64(json.dumps({"sub": "d1", "exp": 4_000_000_000, "n": number}).encode()).decode()
    return f"eyJhbGciOiJub25lIn0.{claims.strip().rstrip('=')}.s"


def write_all(folder: Path, files: dict[str, bytes]) -> None:
    """Make `folder` hold these files and no others."""
    for name in os.listdir(folder):
        if name not in files:
            os.remove(folder / name)
    for name, data in files.items():
        with open(folder / name, "wb") as file:
            file.write(data)
