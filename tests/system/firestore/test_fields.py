"""Firestore's values against what Google wrote: the emulator's recorded answers, and the encoder of its Python client.

Hypothesis makes the values; the recordings are those of tests/recordings/firestore.
"""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import method_of

from flamelet import GeoPoint, Reference, Timestamp, Vector
from flamelet.errors import InvalidArgument, ProtocolError
from flamelet.firestore import document_size, field_path
from flamelet.firestore import fields as _fields
from flamelet.firestore import path as _document_path
from flamelet.wire import json as _json

from feeding import read_answer

RESPONSES = sorted((Path(__file__).resolve().parents[2] / "recordings/firestore").glob("*.response"))
KINDS = {
    "nullValue", "booleanValue", "integerValue", "doubleValue", "timestampValue", "stringValue", "bytesValue",
    "referenceValue", "geoPointValue", "arrayValue", "mapValue",
}
ROOT = "projects/p/databases/(default)/documents/"
MIB = 1 << 20

TEXT = st.text(max_size=20)  # without surrogates: hypothesis makes none unless asked
NAMES = TEXT.filter(lambda name: name and name != ".sv" and not _document_path.is_reserved(name))
FLOATS = st.floats(allow_nan=False) | st.just(math.nan)  # one NaN: JSON has no others
INTS = st.integers(-(2**63), 2**63 - 1)
TIMESTAMPS = st.builds(Timestamp.of, st.integers(-62135596800, 253402300799), st.integers(0, 10**9 - 1))
REFERENCES = st.sampled_from(["a/b", "\xe9 %/x:y", 'q"\\/\n']).map(lambda path: Reference(ROOT + path))
POINTS = st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180))
VECTORS = st.lists(FLOATS, max_size=5).map(Vector)
PLAIN = st.one_of(st.none(), st.booleans(), INTS, FLOATS, TEXT, st.binary(max_size=50))
SCALARS = st.one_of(PLAIN, TIMESTAMPS, REFERENCES, POINTS, VECTORS)


def maps(values):
    return st.dictionaries(NAMES, values, max_size=4)


def values_above(values):
    return maps(values) | st.lists(values.filter(lambda value: type(value) is not list), max_size=4)


VALUES = st.recursive(SCALARS, values_above, max_leaves=20)
FIELDS = maps(VALUES)


def parsed(data):
    buffer = bytearray(data)
    return _json.loads(buffer, memoryview(buffer), len(buffer))


# Recorded answers


def answers():
    """(name, parsed JSON) of each recording that holds JSON."""
    for path in RESPONSES:
        answer = read_answer([path.read_bytes()], method_of(path) == "HEAD")
        if answer.headers.get(b"content-type", b"").startswith(b"application/json") and answer.body:
            yield path.stem, json.loads(answer.body)


def values_in(content):
    """Each `Value` in an answer that is not itself part of one."""
    for each in content if isinstance(content, list) else content.values():
        if isinstance(each, (dict, list)):
            yield from values_in(each) if not is_fields(content, each) else each.values()
    if isinstance(content, dict):
        yield from content.get("transformResults", ())


def is_fields(content, each):
    return isinstance(content, dict) and (
        each is content.get("aggregateFields") or each is content.get("fields") and "createTime" in content
    )


def normal(value):
    """A `Value` with the members that the service leaves out."""
    [(kind, content)] = value.items()
    if kind == "arrayValue":
        return {kind: {"values": [normal(each) for each in content.get("values", [])]}}
    if kind == "mapValue":
        return {kind: {"fields": {name: normal(each) for name, each in content.get("fields", {}).items()}}}
    return value


RECORDED = [(name, value) for name, content in answers() for value in values_in(content) if len(value) == 1]


def test_the_recordings_hold_values_of_every_kind():
    kinds = {kind for _, value in RECORDED for kind in value}
    assert kinds == KINDS
    assert len(RECORDED) > 200


def test_recorded_values_are_decoded_and_encoded_as_they_came():
    for name, value in RECORDED:
        again = _fields.encode(_fields.decode(parsed(json.dumps(value).encode())))
        assert json.loads(again) == normal(value), name


def test_recorded_documents_are_decoded():
    by_name = dict(answers())
    fields = _fields.decode_fields(by_name["a002_create_withid"]["fields"])
    assert math.isnan(fields.pop("dnan"))
    assert fields == {
        "s": "h\xe9llo", "i": 2**63 - 1, "inum": 42, "d": 0.1, "dinf": -math.inf, "b": True, "n": None,
        "t": Timestamp("2026-01-02T03:04:05.123456Z"), "by": b"\0\1\2\3", "g": (1.5, -2.5),
        "ref": Reference("projects/demo-iot/databases/(default)/documents/dev/a"),
        "a": [1, "x"], "ea": [], "m": {"k": "v"}, "em": {},
    }
    doubles = _fields.decode_fields(by_name["e_036_doubles"]["fields"])
    assert doubles == {
        "a": 1e21, "b": 1e-7, "c": 0, "d": 123456789.0, "e": 0.30000000000000004, "f": 1e300, "g": 5e-324
    }


# Round trips


@given(FIELDS)
def test_fields_come_back_as_they_were(fields):
    # repr tells 1 from 1.0 from True, and NaN is as good as another.
    assert repr(_fields.decode_fields(parsed(_fields.encode_fields(fields)))) == repr(fields)


@given(FIELDS)
def test_no_document_has_more_storage_than_a_fifth_above_its_json(fields):
    assert document_size.encoded_size(fields) <= 32 + 1.2 * len(_fields.encode_fields(fields))


@given(st.text(st.characters(min_codepoint=0xD000, max_codepoint=0xE000)))
def test_text_is_stored_or_refused_as_python_can_encode_it(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(InvalidArgument):
            _fields.encode(text)
    else:
        assert _fields.decode(parsed(_fields.encode(text))) == text


MEMBERS = st.sampled_from(sorted(KINDS) + ["fields", "values", "latitude", "longitude", "__type__", "value", "x"])
JSON = st.recursive(
    PLAIN.filter(lambda value: not isinstance(value, bytes)) | st.sampled_from(["1", "NaN", "AAE=", "__vector__"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(MEMBERS, values, max_size=3),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_a_value_or_a_protocol_error(content):
    try:
        value = _fields.decode(content)
    except ProtocolError:
        return
    assert repr(_fields.decode(parsed(_fields.encode(value)))) == repr(value)


def test_numbers_that_no_double_holds_are_refused():
    for number in (10**400, -(10**400)):
        with pytest.raises(ProtocolError):
            _fields.decode({"doubleValue": number})
    with pytest.raises(ProtocolError):
        _fields.decode({"integerValue": "9" * 5000})  # CPython turns at most 4,300 digits into an int


def test_a_document_over_1_mib_is_refused():
    # "cities/LA" takes 7 + 3 + 16, the document 32, the name of the field 2, the end of its text 1.
    largest = MIB - 26 - 32 - 2 - 1
    assert _fields.encode_fields({"a": "x" * largest}, "cities/LA")
    with pytest.raises(InvalidArgument, match="cities/LA would take 1048577 bytes of storage, and 1048576"):
        _fields.encode_fields({"a": "x" * (largest + 1)}, "cities/LA")
    assert len(_fields.encode_fields({"a": [1] * 100_000}, "cities/LA")) > MIB, "JSON is larger than storage"
    with pytest.raises(InvalidArgument, match="bytes of storage"):
        _fields.encode_fields({"a": [{}] * 33_000}, "cities/LA")


# Google's own client


@pytest.fixture(scope="module")
def google():
    """Google's helpers, which make messages of protocol buffers, and their JSON."""
    reason = "google-cloud-firestore, which firebase-admin brings along, is not installed here"
    helpers = pytest.importorskip("google.cloud.firestore_v1._helpers", reason=reason)
    from google.api_core.datetime_helpers import DatetimeWithNanoseconds
    from google.cloud.firestore_v1 import field_path, types, vector
    from google.protobuf import json_format

    class Google:
        @staticmethod
        def encode(value):
            return helpers.encode_value(Google.own(value))._pb

        @staticmethod
        def parse(data):
            return json_format.Parse(data, types.Value.pb(types.Value()))

        @staticmethod
        def json(message):
            return json_format.MessageToJson(message).encode()

        @staticmethod
        def own(value):
            """The value with Google's types in it."""
            if isinstance(value, Timestamp):
                return DatetimeWithNanoseconds.from_rfc3339(str(value))
            if isinstance(value, GeoPoint):
                return helpers.GeoPoint(*value)
            if isinstance(value, Vector):
                return vector.Vector(value)
            if isinstance(value, list):
                return [Google.own(each) for each in value]
            if isinstance(value, dict):
                return {name: Google.own(each) for name, each in value.items()}
            return value

    Google.FieldPath = field_path.FieldPath
    return Google


# Without references, for which it needs a client, and times before 1970, which it turns into others.
COMMON = st.recursive(
    PLAIN | POINTS | VECTORS | st.builds(Timestamp.of, st.integers(0, 253402300799), st.integers(0, 10**9 - 1)),
    values_above,
    max_leaves=20,
)


@given(value=COMMON)
def test_values_are_encoded_as_google_encodes_them(google, value):
    theirs = google.encode(value)
    ours = google.parse(_fields.encode(value))
    # As bytes, since NaN equals nothing.
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


@given(value=COMMON)
def test_what_google_encodes_is_decoded(google, value):
    decoded = _fields.decode(parsed(google.json(google.encode(value))))
    again = google.parse(_fields.encode(decoded))
    assert again.SerializeToString(deterministic=True) == google.encode(value).SerializeToString(deterministic=True)


@given(names=st.lists(TEXT.filter(bool), min_size=1, max_size=4))
def test_paths_of_fields_are_written_as_google_writes_them(google, names):
    path = field_path.join(names)
    assert field_path.split(path) == names
    assert google.FieldPath(*names).to_api_repr() == path
    # Its reader stumbles over a backslash before the closing backtick; the service's own pattern allows it.
    if "\\" not in path:
        assert list(google.FieldPath.from_api_repr(path).parts) == names


# The pattern that the service tells where a path is refused: recording a021.
PATTERN = r"[a-zA-Z_][a-zA-Z_0-9]*|`(?:[^`\\]|(?:\\.))+`"


@given(st.text("ab.`\\1_-\xe9\n", max_size=10))
def test_paths_of_fields_are_those_that_the_service_takes(path):
    try:
        names = field_path.split(path)
    except InvalidArgument:
        names = []
    assert bool(names) == bool(re.fullmatch(rf"(?:{PATTERN})(?:\.(?:{PATTERN}))*", path, re.DOTALL))
    assert not names or field_path.split(field_path.join(names)) == names
