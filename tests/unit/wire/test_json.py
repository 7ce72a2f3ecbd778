"""Strict JSON: what RFC 8259 takes is read as Python reads it, and nothing else is (categories of JSONTestSuite)."""

import json
import sys

from flamelet.errors import InvalidArgument, ProtocolError
from flamelet.wire import json as _json

from helpers import raises

WORDS32 = True

MICROPYTHON = sys.implementation.name == "micropython"

# Texts that Python and MicroPython read alike, so that json.loads can say what they mean.
VALID = (
    b"null",
    b"true",
    b"false",
    b"0",
    b"-0",
    b"-1",
    b"1073741824",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"123456789012345678901234567890",
    b"0.5",
    b"-0.0",
    b"0e5",
    b"20e1",
    b"1E2",
    b"1E+2",
    b"125e-3",
    b"1.5e+01",
    b"-2.5E0",
    b'""',
    b'" "',
    b'"a"',
    b'"\\u0061\\u30AF\\u30ea\\u00e9"',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    b'"\\u0000\\u001f\\u007f"',
    b'"\\\\u0000 \\\\ud800"',
    b'"\x7f"',
    b'"[{\'//,:}]"',
    '"\u00e9\u30af\U0001f600\U0010ffff\u2028"'.encode(),
    b'"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"',
    b"[]",
    b"[ ]",
    b"[[]   ]",
    b"[1]",
    b'[null, 1, "1", {}]',
    b"[1,\n2\r,\t3 ]",
    b"{}",
    b"{ }",
    b'{"a":1}',
    b'{"a":{"b":[{"c":null}]}}',
    b'{"":0}',
    b'{"a":1,"a":2}',
    b'{"\\u0061":1 , "b" : [ ] }',
    b" \t\r\n[1] \t\r\n",
    b'{"path":"/","data":"firebase demo"}',
    b"[" * 16 + b"]" * 16,
)

INVALID = (
    b"",
    b" ",
    b"nul",
    b"nulll",
    b"Null",
    b"TRUE",
    b"tru",
    b"fals",
    b"truefalse",
    b"true false",
    b"undefined",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"nan",
    b"inf",
    # numbers
    b"-",
    b"+1",
    b"--1",
    b"- 1",
    b"01",
    b"-01",
    b"00",
    b"1.",
    b".5",
    b"-.5",
    b"1.e1",
    b"1.5.2",
    b"1e",
    b"1e+",
    b"1ee1",
    b"1e1.5",
    b"0x10",
    b"1_000",
    b"1 000",
    b"1a",
    b"0b1",
    b"1L",
    b"\xef\xbc\x91",
    # strings
    b'"',
    b'"a',
    b"'a'",
    b"a",
    b'"a"b',
    b'"\\"',
    b'"\\',
    b'"\\x41"',
    b'"\\a"',
    b'"\\0"',
    b'"\\u"',
    b'"\\u00"',
    b'"\\u00g0"',
    b'"\\u00 0"',
    b'"\\U0061"',
    b'"\\u+061"',
    b'"\n"',
    b'"\t"',
    b'"\0"',
    b'"\x1f"',
    # halves of surrogate pairs
    b'"\\ud800"',
    b'"\\udc00"',
    b'"\\udfff\\ud800"',
    b'"\\ud800\\ud800"',
    b'"\\ud800a"',
    b'"\\ud800\\n"',
    b'"\\ud800\\u0061"',
    b'"\\ud83d \\ude00"',
    b'"\\ud83d\\ude0"',
    b'"\\ud83d\\',
    b'"\\ud83d\\u',
    b'{"\\ud800":1}',
    b'{"a":"\\udc00","a":1}',
    # bytes that are not UTF-8
    b'"\x80"',
    b'"\xbf"',
    b'"\xc0\x80"',
    b'"\xc1\xbf"',
    b'"\xc2"',
    b'"\xc3("',
    b'"\xe0\x80\x80"',
    b'"\xe0\x9f\xbf"',
    b'"\xe2\x82"',
    b'"\xe2\x28\xa1"',
    b'"\xe2\x82\x28"',
    b'"\xed\xa0\x80"',
    b'"\xed\xbf\xbf"',
    b'"\xf0\x80\x80\x80"',
    b'"\xf0\x8f\xbf\xbf"',
    b'"\xf0\x9f\x98"',
    b'"\xf0\x9f\x98\x28"',
    b'"\xf4\x90\x80\x80"',
    b'"\xf5\x80\x80\x80"',
    b'"\xfe\xff"',
    b"\xff\xfe1\x00",
    b"\xef\xbb\xbf{}",
    # arrays and objects
    b"[",
    b"]",
    b"[1",
    b"1]",
    b"[1,]",
    b"[,1]",
    b"[,]",
    b"[1,,2]",
    b"[1 2]",
    b"[1:2]",
    b"[1}",
    b"[[1]",
    b"[1]]",
    b"[1],",
    b"{",
    b"}",
    b"{]",
    b'{"a"}',
    b'{"a":}',
    b'{"a" 1}',
    b'{"a",1}',
    b'{"a":1,}',
    b'{,"a":1}',
    b'{"a":1 "b":2}',
    b'{"a":1,,"b":2}',
    b'{"a"::1}',
    b'{"a":1:2}',
    b"{a:1}",
    b"{'a':1}",
    b"{1:1}",
    b"{null:1}",
    b"{[]:1}",
    b'{"a":1}}',
    b'{"a":1]',
    b'{"a":1',
    b'{"a":',
    b'{"a"',
    b'"a":1',
    b":1",
    b",",
    b"{}{}",
    b"[] []",
    b"1 2",
    b"// comment\n1",
    b"/* comment */1",
    b"# comment\n1",
    b"1 // comment",
    b"[\x0c1]",
    b"\x0b1",
    b"\xc2\xa01",
    b"1\0",
    b"\0",
    b"<html></html>",
    b"credential is no longer valid",
)


def load(data):
    """The value of `data`, which lies in a buffer with more behind it."""
    buffer = bytearray(data + b'}]"0')
    return _json.loads(buffer, memoryview(buffer), len(data))


def same(one, other):
    """Whether two values are equal and of the same types."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(sorted(one)) == list(sorted(other)) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other))
    return one == other


def test_what_is_json_is_read_as_python_reads_it():
    for data in VALID:
        assert same(load(data), json.loads(data.decode())), data


def test_what_is_not_json_is_refused():
    for data in INVALID:
        error = raises(ProtocolError, load, data)
        assert "not JSON" in str(error), data


def test_json_that_is_cut_is_refused_at_every_place():
    data = b'{"a": [1, -2.5e3, "b\\u00e9\\ud83d\\ude00\xc3\xa9"], "c": {"d": true, "e": null}}'
    assert load(data)["c"] == {"d": True, "e": None}
    for end in range(len(data)):
        raises(ProtocolError, load, data[:end])


def test_what_lies_behind_the_end_is_not_looked_at():
    buffer = bytearray(b'12"e5truefalsenull')
    for start, end in ((0, 2), (0, 1), (5, 9), (9, 14), (14, 18)):
        assert _json.check(buffer, start, end) == -1
    for start, end in ((5, 8), (9, 13), (14, 17), (2, 4)):
        assert _json.check(buffer, start, end) >= start


def test_surrogate_pairs_become_characters():
    for data, text in (
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\uD800\\uDC00"', "\U00010000"),
        (b'"\\udbff\\udfff"', "\U0010ffff"),
        (b'"a\\ud83d\\ude00b\\ud83d\\ude01\\u00e9"', "a\U0001f600b\U0001f601\u00e9"),
        (b'"\\\\ud83d\\ude00\\ude00"', None),
        (b'"\\\\\\ud83d\\ude00\\\\"', "\\\U0001f600\\"),
        (b'"\\\\ud83d\\\\ude00\\ud83d\\ude00"', "\\ud83d\\ude00\U0001f600"),
    ):
        if text is None:
            raises(ProtocolError, load, data)
        else:
            assert load(data) == text, data
            assert load(data).encode() == text.encode()
    assert load(b'{"\\ud83d\\ude00":["\\ud83d\\ude00", 1]}') == {"\U0001f600": ["\U0001f600", 1]}


def test_nesting_over_72_levels_is_refused():
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        begin = opening * 71
        assert load(begin + b"[]" + closing * 71) is not None
        raises(ProtocolError, load, begin + b"[[]]" + closing * 71)


def test_the_error_shows_where_json_ended():
    text = str(raises(ProtocolError, load, b"[" + b"1," * 500 + b"nonsense" + b",1" * 500 + b"]"))
    assert "nonsense" in text and len(text) < 200
    assert "<!DOCTYPE html>" in str(raises(ProtocolError, load, b"<!DOCTYPE html><title>Log in</title>" + b" " * 1000))


def test_numbers_beyond_a_float_are_infinite_as_python_has_them():
    assert load(b"1e400") == float("inf") and load(b"-1e400") == float("-inf") and load(b"1e-400") == 0


def test_a_number_of_thousands_of_digits_is_read_or_refused():
    data = b"[" + b"9" * 5000 + b"]"
    try:
        assert load(data)[0] % 1000 == 999
    except ProtocolError as error:
        assert "5002 bytes" in str(error)


# Writing.


def dump(value):
    return _json.dumps(value, lambda key: None)


def test_values_are_written_compactly_and_read_back_the_same():
    for value, data in (
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        (0, b"0"),
        (-1, b"-1"),
        (9223372036854775807, b"9223372036854775807"),
        (-9223372036854775808, b"-9223372036854775808"),
        (0.5, b"0.5"),
        ("", b'""'),
        ("a/b<c>&'", b'"a/b<c>&\'"'),
        ("\u00e9\U0001f600", '"\u00e9\U0001f600"'.encode()),
        ([], b"[]"),
        ([1, [2, "x"]], b'[1,[2,"x"]]'),
        ({}, b"{}"),
        ({"a": {"b": [None, True]}}, b'{"a":{"b":[null,true]}}'),
    ):
        assert dump(value) == data
        assert same(load(data), value), value
    assert dump((1, (2,))) == b"[1,[2]]"


def test_line_breaks_and_control_characters_are_escaped():
    text = "".join(chr(i) for i in range(128))
    data = dump({text: text})
    assert all(byte >= 32 for byte in data)
    assert json.loads(data) == {text: text}


def test_floats_are_read_back_as_they_were():
    for value in (0.1, -21.5, 3.141592653589793, 1e22, 1e300, 1e-300, 123456789.123456789, -0.0):
        assert load(dump(value)) == value or MICROPYTHON and abs(load(dump(value)) / value - 1) < 1e-6, value


def test_what_json_cannot_hold_is_refused():
    for value in (
        float("nan"),
        float("inf"),
        float("-inf"),
        b"bytes",
        bytearray(b"x"),
        object(),
        object,
        1j,
        {1, 2},
        range(3),
        (i for i in range(3)),
        "\ud800",
        "a\udfffb",
        {1: 2},
        {None: 1},
        {b"a": 1},
        {True: 1},
        {"\ud800": 1},
    ):
        for nested in (value, [value], {"a": {"b": [0, value]}}):
            raises(InvalidArgument, dump, nested)


def test_the_error_names_what_json_cannot_hold():
    assert "nan" in str(raises(InvalidArgument, dump, float("nan")))
    assert "bytes" in str(raises(InvalidArgument, dump, [b"secret"]))
    assert "int" in str(raises(InvalidArgument, dump, {5: 1}))


def test_nesting_over_32_levels_is_refused_also_where_it_never_ends():
    value = 1
    for _ in range(32):
        value = [value]
    assert dump(value) == b"[" * 32 + b"1" + b"]" * 32
    raises(InvalidArgument, dump, [value])
    endless = []
    endless.append(endless)
    raises(InvalidArgument, dump, endless)


def test_each_key_is_shown_to_the_check():
    seen = []
    _json.dumps({"a": {"b": [{"c": 1}]}, "d": 2}, seen.append)
    assert sorted(seen) == ["a", "b", "c", "d"]

    def refuse(key):
        raise InvalidArgument("no " + key)

    assert "no b" in str(raises(InvalidArgument, _json.dumps, [{"b": 1}], refuse))
