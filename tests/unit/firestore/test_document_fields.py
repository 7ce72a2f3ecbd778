"""The fields of a document, read one by one, are those of the whole document."""

import json

from flamelet.errors import ProtocolError
from flamelet.firestore import document_fields
from flamelet.firestore import fields as _fields

from helpers import raises

NAME = '"name": "projects/p/databases/(default)/documents/c/d"'
VALUES = {
    "": {"stringValue": ""},
    "n": {"integerValue": "-9223372036854775808"},
    'odd, {name}: ["]': {"stringValue": 'a "quoted" } ] , : \\'},
    "fields": {"mapValue": {"fields": {"fields": {"arrayValue": {"values": [{"nullValue": None}, {"mapValue": {}}]}}}}},
    "name": {"booleanValue": False},
    "gr\u00fcn": {"stringValue": "\u6e29 \U0001f525"},
    "half": {"doubleValue": 0.5},
}


def fields_of(text):
    buffer = bytearray(text.encode()) + b"behind"
    return document_fields.fields_of(buffer, len(buffer) - 6)


def test_the_fields_are_those_of_the_whole_document():
    fields = json.dumps(VALUES)
    wanted = _fields.decode_fields(json.loads(fields))
    for text in (
        '{%s,"fields":%s,"createTime":"t"}' % (NAME, fields),
        ' {\n %s , "fields" :\t%s \r\n}\n' % (NAME, fields),
        '{"fields":%s,%s}' % (fields, NAME),
    ):
        assert fields_of(text) == wanted, text


def test_pairs_of_surrogates_in_names_and_values_are_characters():
    text = '{%s,"fields":{"\\ud83d\\udd25":{"stringValue":"a\\ud83d\\udd25b"},"z":{"integerValue":"1"}}}' % NAME
    assert fields_of(text) == {"\U0001f525": "a\U0001f525b", "z": 1}


def test_a_document_without_fields_is_empty():
    for text in ("{%s}", '{%s,"fields":{}}', '{"fields": { } ,%s}', "{ %s }"):
        assert fields_of(text % NAME) == {}


def test_what_is_no_document_is_refused():
    for text in (
        "{}",
        "[]",
        "5",
        '"name"',
        "null",
        "[{%s}]" % NAME,
        '{"name":5}',
        '{"fields":{}}',
        '{"name":{"name":"x"}}',
        '{%s,"fields":5}' % NAME,
        '{%s,"fields":null}' % NAME,
        '{%s,"fields":[{}]}' % NAME,
        '{%s,"fields":"{"}' % NAME,
        '{%s,"fields":{"a":5}}' % NAME,
        '{%s,"fields":{"a":{}}}' % NAME,
        '{%s,"fields":{"a":{"newValue":1}}}' % NAME,
        '{%s,"fields":{"a":{"integerValue":"1"}}' % NAME,
        '{%s,"fields":{"a" {"integerValue":"1"}}}' % NAME,
        "",
    ):
        raises(ProtocolError, fields_of, text)
