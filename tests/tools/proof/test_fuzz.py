"""Properties of the byte machines for any bytes at all, found out by hypothesis; `flamelet fuzz` tries them for longer.

What is fed comes from two sources: bytes at random, and valid answers, streams and JSON with a few bytes changed, which
lead further in. The checks for progress and for bounded memory stand in device/feeding.py of flamelet_tools.proof.fuzz.
"""

import json
import re
import urllib.parse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flamelet.core import buffer as _buffer
from flamelet.core import path as database_core_path
from flamelet.core import url as _url
from flamelet.errors import InvalidArgument, ProtocolError
from flamelet.wire import http1
from flamelet.wire import json as _json

from feeding import Event, Events, assert_same, read_answer, read_events

ERRORS = {value for name, value in vars(http1).items() if name.isupper() and isinstance(value, int) and value < 0}
BOM = b"\xef\xbb\xbf"
JSON_DEPTH = 72


def joined(*fragments, max_size=30):
    """Any concatenation of the fragments."""
    return st.lists(st.sampled_from(fragments), max_size=max_size).map(b"".join)


@st.composite
def mutated(draw, texts):
    """One of the texts with a few bytes changed, inserted, dropped or doubled."""
    data = bytearray(draw(texts))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.integers(0, 3))
        if change == 0:
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif change == 1:
            data[at:at] = draw(st.sampled_from([b"\r", b"\n", b"\r\n", b":", b" ", b"\0", b"0", b"\xff", b'"', b"\\"]))
        elif change == 2:
            del data[at : at + draw(st.integers(1, 5))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 20))]
    return bytes(data)


def pieces(data, cuts):
    """`data` cut at each of the places that lie in it."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[a:b] for a, b in zip(places, places[1:], strict=False)]


CUTS = st.lists(st.integers(1, 600), max_size=12)


# HTTP


HEADERS = st.lists(
    st.sampled_from(
        [
            b"Server: nginx",
            b"Date: Sat, 21 Nov 2026 13:48:27 GMT",
            b"ETag: abc",
            b"Location: https://demo.firebaseio.com/a.json",
            b"Content-Type: text/event-stream; charset=utf-8",
            b"Retry-After: 3",
            b"Connection: keep-alive",
            b"connection:close",
            b"X-Long: " + b"x" * 150,
        ]
    ),
    max_size=5,
)


@st.composite
def valid_answers(draw):
    """(bytes of an answer, its body, whether it ends by itself)."""
    body = draw(st.binary(max_size=100))
    framing = draw(st.sampled_from(["length", "chunked", "close", "none"]))
    status = (
        draw(st.sampled_from([204, 304])) if framing == "none" else draw(st.sampled_from([200, 201, 307, 401, 503]))
    )
    lines = draw(HEADERS)
    if framing == "none":
        body = content = b""
    elif framing == "length":
        lines.insert(draw(st.integers(0, len(lines))), b"Content-Length: %d" % len(body))
        content = body
    elif framing == "chunked":
        lines.insert(draw(st.integers(0, len(lines))), b"Transfer-Encoding: chunked")
        content = chunked(draw, body)
    else:
        content = body
    forerunner = draw(
        st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"])
    )
    head = b"\r\n".join([b"HTTP/1.1 %d Reason" % status, *lines, b"", b""])
    return forerunner + head + content, body, framing != "close"


def chunked(draw, body):
    content = b""
    for piece in pieces(body, draw(CUTS)):
        if piece:
            extension = draw(st.sampled_from([b"", b";a=b", b' ; x="y"']))
            content += (
                draw(st.sampled_from([b"%x", b"%X", b"00%x"])) % len(piece) + extension + b"\r\n" + piece + b"\r\n"
            )
    return content + b"0\r\n" + draw(st.sampled_from([b"", b"Trailer: 1\r\n"])) + b"\r\n"


@given(valid_answers(), CUTS)
def test_a_valid_answer_is_read_however_it_is_cut(answer, cuts):
    data, body, ends_by_itself = answer
    read = read_answer(pieces(data, cuts))
    assert (read.code, read.body, read.taken) == (http1.END, body, len(data))
    if ends_by_itself:
        assert_same(read_answer(pieces(data + b"HTTP/1.1", cuts)), read, cuts)


@given(mutated(valid_answers().map(lambda answer: answer[0])), CUTS, st.booleans())
def test_a_changed_answer_is_read_alike_in_every_cut_or_refused(data, cuts, bodiless):
    whole = read_answer([data], bodiless)
    assert whole.code == http1.END or whole.code in ERRORS
    assert_same(read_answer(pieces(data, cuts), bodiless), whole, cuts)
    assert_same(read_answer([data[i : i + 1] for i in range(len(data))], bodiless), whole, "byte by byte")


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(b"HTTP/1.1 200 OK\r\n".__add__)), CUTS)
def test_any_bytes_are_read_alike_in_every_cut_or_refused(data, cuts):
    whole = read_answer([data])
    assert whole.code == http1.END or whole.code in ERRORS
    assert_same(read_answer(pieces(data, cuts)), whole, cuts)


@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=30), st.integers(1, 40))
def test_a_head_without_end_is_refused_in_bounded_memory(fragments, times):
    read = read_answer([b"HTTP/1.1 200 OK\r\nX: "] + fragments * times)
    assert read.code in ERRORS or read.code == http1.END


# Server-sent events


def reference(data, limit):
    """What WHATWG HTML, section 9.2.6, makes of a stream, with the limits that _sse.py names."""
    events = []
    name, value, new_id, last_event_id, retry = b"", None, b"", b"", -1
    for line in re.split(rb"\r\n|\n|\r", data.removeprefix(BOM))[:-1]:
        if not line:
            last_event_id = new_id
            if value is not None:
                events.append(Event(name or b"message", value if len(value) <= limit else None))
            name, value = b"", None
            continue
        field, _, text = line.partition(b":")
        text = text.removeprefix(b" ")
        if field == b"data":
            value = text if value is None else value + b"\n" + text
        elif len(text) > 64:
            continue
        elif field == b"event":
            name = text
        elif field == b"id" and b"\0" not in text:
            new_id = text
        elif field == b"retry" and re.fullmatch(rb"[0-9]{1,8}", text):
            retry = int(text)
    return Events(events, last_event_id, retry)


STREAMS = st.one_of(
    joined(
        b"data",
        b"data:",
        b"data: ",
        b"event: put",
        b"event: keep-alive",
        b"event:",
        b"event",
        b"id: 7",
        b"id\n",
        b"retry: 2500",
        b"retry:",
        b": comment",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b":",
        b" ",
        b"\0",
        b"1",
        BOM,
        BOM[:2],
        b"x",
        b"y" * 65,
        b"z" * 300,
        b'{"path":"/","data":null}',
    ),
    st.binary(max_size=200),
    mutated(
        joined(b'event: put\ndata: {"path":"/a","data":1}\n\n', b"event: keep-alive\r\ndata: null\r\n\r\n", max_size=5)
    ),
)


@given(STREAMS, CUTS, st.sampled_from([1, 10, 256, 300, 8192]))
@example(BOM + BOM + b"data: a\n\n", [1], 10)
@example(b"data: a\r\n\r\ndata: b\r\r", [8, 9, 10], 10)
def test_a_stream_is_read_as_the_standard_says_in_every_cut(data, cuts, limit):
    expected = reference(data, limit)
    assert read_events([data], limit) == expected
    assert read_events(pieces(data, cuts), limit) == expected
    assert read_events([data[i : i + 1] for i in range(len(data))], limit) == expected


# JSON


def refuse(word):
    raise ValueError(word)


def strictly(data):
    """The value of `data` by Python's own json, without the words it adds, half pairs, or too many levels."""
    text = data.decode()
    json.loads(text, parse_constant=refuse, object_pairs_hook=lambda pairs: refuse_halves(pairs) or dict(pairs))
    value = json.loads(text)
    json.dumps(value, ensure_ascii=False).encode()
    if depth(text) > JSON_DEPTH:
        raise ValueError("too deep")
    return value


def refuse_halves(pairs):
    # Here, since a repeated key hides the value of the one before it.
    json.dumps(pairs, ensure_ascii=False).encode()


def depth(text):
    deepest = level = 0
    for bracket in re.sub(r'"(\\.|[^"\\])*"', "", text):
        level += (bracket in "[{") - (bracket in "]}")
        deepest = max(deepest, level)
    return deepest


def loads(data):
    buffer = bytearray(data + b'"]}0')
    return _json.loads(buffer, memoryview(buffer), len(data))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=10,
)
TEXTS = st.builds(
    lambda value, ascii, indent: json.dumps(value, ensure_ascii=ascii, indent=indent).encode(),
    VALUES,
    st.booleans(),
    st.sampled_from([None, 1]),
)
FRAGMENTS = joined(
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b'"a"',
    b'"a":',
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"\\ude00",
    b"\\\\",
    b"0",
    b"1",
    b"-",
    b"+",
    b".",
    b"e",
    b"E5",
    b"1.5e3",
    b"true",
    b"null",
    b"NaN",
    b"Infinity",
    b" ",
    b"\n",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b"\xff",
)


@given(
    st.one_of(TEXTS, mutated(TEXTS), FRAGMENTS, FRAGMENTS.map(lambda data: b'"' + data + b'"'), st.binary(max_size=20))
)
@example(b"[" * 72 + b"]" * 72)
@example(b"[" * 73 + b"]" * 73)
@example(b'{"a":"\\ud800","a":1}')
@example(b'{"a":{"b":"\\ud800","b":1},"a":1}')
@example(b'"\\ud83d\\ude00"')
def test_json_is_read_as_python_reads_it_strictly(data):
    try:
        expected = strictly(data)
    except (ValueError, RecursionError):
        with pytest.raises(ProtocolError):
            loads(data)
    else:
        assert repr(loads(data)) == repr(expected)


@given(VALUES)
def test_what_is_written_as_json_is_read_back(value):
    data = _json.dumps(value, lambda key: None)
    assert b"\n" not in data and b"\r" not in data
    assert repr(json.loads(data)) == repr(value)
    assert repr(loads(data)) == repr(value)


# Text with halves of surrogate pairs too.
ANY_TEXT = st.text(st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=10)
UNFIT = st.one_of(ANY_TEXT, st.floats(), st.binary(max_size=3), st.complex_numbers())
KEYS = st.one_of(ANY_TEXT, st.integers(), st.none())


@given(
    st.recursive(UNFIT, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)))
)
def test_a_value_is_written_as_json_or_refused(value):
    try:
        data = _json.dumps(value, lambda key: None)
    except InvalidArgument:
        return
    assert repr(strictly(data)) == repr(value)


# Numbers and URLs


@given(st.one_of(st.floats(), st.integers(), st.floats(-1000, 1000)), st.integers(0, len(_buffer.POWERS) - 1))
@example(float("nan"), 0)
@example(-0.0, 1)
def test_a_reading_is_written_to_half_its_last_decimal_or_refused(value, decimals):
    buffer = bytearray(64)
    try:
        end = _buffer.put_number(buffer, 0, value, decimals)
    except InvalidArgument:
        assert not abs(value) < 9e15
        return
    text = bytes(buffer[:end])
    assert end < _buffer.NUMBER_WIDTH and buffer[end:] == bytes(64 - end)
    if isinstance(value, int):
        assert text == b"%d" % value
    else:
        assert re.fullmatch(rb"-?(0|[1-9][0-9]*)" + (rb"\.[0-9]{%d}" % decimals if decimals else b""), text)
        assert abs(float(text) - value) <= 0.5 * 10**-decimals + abs(value) * 1e-15


URLS = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            ["https", "http", "://", ":", "/", "?", "#", "[", "]", "::1", "localhost", "a.b", "80", "@", "é", "\n"]
        ),
        max_size=10,
    ).map("".join),
)


@given(URLS, st.booleans())
def test_a_url_is_taken_apart_or_refused(url, insecure):
    try:
        origin, path, query = _url.parse(url, insecure)
    except InvalidArgument:
        return
    assert 0 < origin.port < 65536 and origin.host == origin.host.lower() != ""
    assert origin.tls or insecure or _url.is_loopback(origin.host)
    for text in (_url.host_header(origin), path, query):
        assert re.fullmatch("[!-~]*", text)
    assert path == "" or path.startswith("/")


PATHS = st.one_of(ANY_TEXT, st.lists(ANY_TEXT.filter(bool)).map("/".join), st.text(st.sampled_from("aé/.#$[]\x7f\n")))


@given(PATHS)
def test_a_path_is_quoted_or_refused(path):
    try:
        keys = database_core_path.keys(path)
    except InvalidArgument:
        return
    assert "/".join(keys) == path.strip("/") and (all(keys) or path.strip("/") == "")
    for key in keys:
        quoted = _url.quote(key)
        assert re.fullmatch("([A-Za-z0-9._~-]|%[0-9A-F]{2})*", quoted)
        assert urllib.parse.unquote(quoted, errors="strict") == key
        assert key in (".priority", ".settings", ".info") or not re.search(r"[.#$\[\]/\x00-\x1f\x7f\ud800-\udfff]", key)
