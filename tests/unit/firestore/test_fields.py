"""The values of Firestore's documents, both ways, and what has no form there; on 32-bit words and floats too."""

import json

import flamelet
from flamelet.errors import InvalidArgument, ProtocolError
from flamelet.firestore import document_size
from flamelet.firestore import fields as _fields
from flamelet.wire import json as _json

from helpers import raises

HEAP = "1m"
WORDS32 = True

NAME = "projects/p/databases/(default)/documents/"
VECTOR = '{"mapValue":{"fields":{"__type__":{"stringValue":"%s"},"value":{"arrayValue":{"values":[%s]}}}}}'
# A float of 32 bits has 24 for its digits.
FLOATS_ARE_32_BITS = 16777216.0 + 1.0 == 16777216.0

EXACT = [
    (None, '{"nullValue":null}'),
    (True, '{"booleanValue":true}'),
    (False, '{"booleanValue":false}'),
    (0, '{"integerValue":"0"}'),
    (-5, '{"integerValue":"-5"}'),
    # Around the small ints of 32 and of 64 bits, and 2**53, where a float loses digits.
    (1073741823, '{"integerValue":"1073741823"}'),
    (-1073741825, '{"integerValue":"-1073741825"}'),
    (9007199254740993, '{"integerValue":"9007199254740993"}'),
    (4611686018427387904, '{"integerValue":"4611686018427387904"}'),
    (9223372036854775807, '{"integerValue":"9223372036854775807"}'),
    (-9223372036854775808, '{"integerValue":"-9223372036854775808"}'),
    (1.5, '{"doubleValue":1.5}'),
    (-2.0, '{"doubleValue":-2.0}'),
    (float("inf"), '{"doubleValue":"Infinity"}'),
    (float("-inf"), '{"doubleValue":"-Infinity"}'),
    ("", '{"stringValue":""}'),
    ('h\xe9 "\U0001f525"\n', '{"stringValue":"h\xe9 \\"\U0001f525\\"\\n"}'),
    (b"", '{"bytesValue":""}'),
    (b"\0\xff\xfe", '{"bytesValue":"AP/+"}'),
    (b"x" * 100, '{"bytesValue":"%s"}' % ("eHh4" * 33 + "eA==")),
    ([], '{"arrayValue":{"values":[]}}'),
    ([1, "a", None], '{"arrayValue":{"values":[{"integerValue":"1"},{"stringValue":"a"},{"nullValue":null}]}}'),
    ({}, '{"mapValue":{"fields":{}}}'),
    (
        {"a.b": [{"c": True}]},
        '{"mapValue":{"fields":{"a.b":{"arrayValue":{"values":[{"mapValue":{"fields":{"c":{"booleanValue":true}}}}]}}}}}',
    ),
    (flamelet.Timestamp("2026-01-02T03:04:05.123456789Z"), '{"timestampValue":"2026-01-02T03:04:05.123456789Z"}'),
    (flamelet.Reference(NAME + "dev/\xe9 a%b"), '{"referenceValue":"%sdev/\xe9 a%%b"}' % NAME),
    (flamelet.GeoPoint(1.5, -2), '{"geoPointValue":{"latitude":1.5,"longitude":-2.0}}'),
    (flamelet.GeoPoint(-90, 180), '{"geoPointValue":{"latitude":-90.0,"longitude":180.0}}'),
    (flamelet.Vector([1, 2.5]), VECTOR % ("__vector__", '{"doubleValue":1.0},{"doubleValue":2.5}')),
    (flamelet.Vector(), VECTOR % ("__vector__", "")),
]


def parsed(text):
    buffer = bytearray(text if isinstance(text, bytes) else text.encode())
    return _json.loads(buffer, memoryview(buffer), len(buffer))


def decoded(text):
    return _fields.decode(parsed(text))


def test_each_type_both_ways():
    for value, text in EXACT:
        assert _fields.encode(value) == text.encode(), (_fields.encode(value), text)
        back = decoded(text)
        assert type(back) is type(value) and back == value, (back, value)
    fields = {"f%d" % i: EXACT[i][0] for i in range(len(EXACT))}
    data = _fields.encode_fields(fields)
    assert parsed(data) == {"f%d" % i: json.loads(EXACT[i][1]) for i in range(len(EXACT))}
    assert _fields.decode_fields(parsed(data)) == fields


def test_not_a_number_both_ways():
    assert _fields.encode(float("nan")) == b'{"doubleValue":"NaN"}'
    value = decoded('{"doubleValue":"NaN"}')
    assert value != value


def test_what_is_like_a_list_or_bytes_is_stored_as_one():
    assert _fields.encode((1,)) == _fields.encode([1])
    assert _fields.encode(bytearray(b"ab")) == _fields.encode(b"ab")


def test_floats_come_back_as_they_were_to_the_last_bit_of_the_runtime():
    for value in (0.1, -0.1, 1 / 3, 0.1 + 0.2, 123456.789, 1e10, 1e-7, 3.4e38, 1.2e-38, 16777217.0, 5e-324, 1.7e308):
        if value - value == 0:  # 1.7e308 is an infinity where floats have 32 bits
            assert decoded(_fields.encode(value)) == value, value
    assert repr(decoded(_fields.encode(-0.0))) == "-0.0"


def test_doubles_of_the_service_have_the_precision_of_the_runtime():
    for text, value in (("1.0E21", 1e21), ("4.9E-324", 5e-324), ("1.23456789E8", 123456789.0), ("7", 7.0), ("-0", 0.0)):
        back = decoded('{"doubleValue":%s}' % text)
        assert type(back) is float and abs(back - value) <= abs(value) * 1e-6, (text, back)
    # Where floats have 32 bits: 7 digits, infinities beyond 3.4e38.
    assert (decoded('{"doubleValue":1.0E300}') == float("inf")) == FLOATS_ARE_32_BITS
    assert (decoded('{"doubleValue":16777217}') == 16777216) == FLOATS_ARE_32_BITS


def test_a_timestamp_is_exact_to_the_nanosecond():
    for text, seconds, nanos in (
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1969-12-31T23:59:59.000000001Z", -1, 1),
        ("2026-11-21T11:54:48.354025Z", 1795262088, 354025000),
        ("2026-11-21T11:54:48.3Z", 1795262088, 300000000),
        ("2038-01-19T03:14:08Z", 2147483648, 0),
        ("2024-02-29T23:59:59.999999999Z", 1709251199, 999999999),
        ("0001-01-01T00:00:00Z", -62135596800, 0),
        ("9999-12-31T23:59:59.999999999Z", 253402300799, 999999999),
    ):
        time = flamelet.Timestamp(text)
        assert (time.seconds, time.nanos, str(time)) == (seconds, nanos, text)
        made = flamelet.Timestamp.of(seconds, nanos)
        assert made == time and hash(made) == hash(time) and flamelet.Timestamp(str(made)) == time
    assert str(flamelet.Timestamp.of(1795262088)) == "2026-11-21T11:54:48Z"
    assert str(flamelet.Timestamp.of(1795262088, 5000)) == "2026-11-21T11:54:48.000005Z"
    assert repr(flamelet.Timestamp.of(0)) == "Timestamp('1970-01-01T00:00:00Z')"


def test_a_timestamp_with_an_offset_is_the_same_moment():
    utc = flamelet.Timestamp("2026-01-02T01:04:05Z")
    assert utc == flamelet.Timestamp("2026-01-02T03:04:05+02:00") == flamelet.Timestamp("2026-01-01T19:34:05-05:30")
    assert _fields.encode(flamelet.Timestamp("2026-01-02T03:04:05+02:00")) == (
        b'{"timestampValue":"2026-01-02T03:04:05+02:00"}'
    )


def test_timestamps_are_ordered():
    first, second = flamelet.Timestamp.of(5, 1), flamelet.Timestamp.of(5, 2)
    same = flamelet.Timestamp("1970-01-01T00:00:05.000000001Z")
    assert first < second and second > first and first <= second and second >= first
    assert not first < same and not first > same and first <= same and first >= same
    assert first != second and first != 5 and {first: "x"}[same] == "x"
    assert sorted([second, first])[0] is first
    raises(TypeError, lambda: first < 5)


def test_what_is_no_timestamp_is_refused():
    for text in (
        "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02t03:04:05z", "2026-1-2T03:04:05Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00.-1Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00 01:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01", "+026-01-01T00:00:00Z", "2026-01-01T+1:00:00Z", "202\u0666-01-01T00:00:00Z",
        "2026-01-01T00:00:00.0123456789Z", "\ud83d", "Z", " 2026-01-01T00:00:00Z",
        None, 5, b"2026-01-01T00:00:00Z",
    ):
        error = raises(InvalidArgument, flamelet.Timestamp, text)
        assert "2026-01-02T03:04:05.123Z" in str(error)
    for seconds, nanos in ((1.5, 0), (0, -1), (0, 1000000000), (253402300800, 0), (-62135596801, 0), ("0", 0)):
        raises(InvalidArgument, flamelet.Timestamp.of, seconds, nanos)


def test_a_reference_knows_its_path():
    reference = flamelet.Reference(NAME + "cities/LA/districts/d1")
    assert reference.path == "cities/LA/districts/d1"
    same = flamelet.Reference(NAME + "cities/LA/districts/d1")
    assert reference == same and hash(reference) == hash(same)
    assert reference != flamelet.Reference(NAME + "cities/LA") and reference != reference.name
    # Ids that only the service makes.
    assert decoded('{"referenceValue":"%scities/__id7__"}' % NAME).path == "cities/__id7__"
    names = ("cities/LA", "/" + NAME + "a/b", NAME + "a", NAME + "a/b/c", NAME + "a//b/c", NAME, "", None, 5, [NAME])
    for name in names:
        assert "projects/P/databases/D/documents/cities/LA" in str(raises(InvalidArgument, flamelet.Reference, name))


def test_a_geo_point_is_a_tuple_with_names():
    latitude, longitude = point = flamelet.GeoPoint(1.5, -2.5)
    assert (point.latitude, point.longitude) == (latitude, longitude) == point == flamelet.GeoPoint(1.5, -2.5)
    # A member that is 0 may be left out by the service.
    assert decoded('{"geoPointValue":{"longitude":5}}') == (0, 5)
    assert decoded('{"geoPointValue":{}}') == (0, 0)


def test_arrays_and_maps_may_come_without_content():
    assert decoded('{"arrayValue":{}}') == [] and decoded('{"mapValue":{}}') == {}


class Thing:
    pass


def refusal(value):
    """The reason why `value` cannot be the field `a` of a document."""
    return str(raises(InvalidArgument, _fields.encode_fields, {"a": value}))


def test_what_has_no_form_is_refused_by_the_name_of_its_field():
    assert refusal({1}).startswith("the field a: Firestore has no type for set")
    assert "no type for Thing" in refusal(Thing())
    assert "no type for type" in refusal(int)
    assert refusal({"b": [0, {"c": Thing()}]}).startswith("the field a.b[1].c: Firestore has no type for Thing")
    assert refusal([1, {2}]).startswith("the field a[1]: ")
    assert str(raises(InvalidArgument, _fields.encode, {1})).startswith("Firestore has no type for set")
    assert str(raises(InvalidArgument, _fields.encode, {1}, "x.y")).startswith("the field x.y: ")


def test_ints_beyond_64_bits_are_refused():
    for number in (9223372036854775808, -9223372036854775809, 10**30):
        assert "the field a: an int has at most 64 bits" in refusal(number)


def test_an_array_directly_within_an_array_is_refused():
    assert refusal([1, []]).startswith("the field a[1]: Firestore has no array directly within an array")
    assert refusal([(1,)]).startswith("the field a[0]: ")
    assert _fields.encode([{"b": [1]}, flamelet.GeoPoint(0, 0)])


def test_names_that_fields_cannot_have_are_refused():
    for name in ("", "__x__", "____", 5, None, b"a"):
        for fields in ({name: 1}, {"b": {name: 1}}):
            error = raises(InvalidArgument, _fields.encode_fields, fields)
            assert "the name of a field is a str, neither empty nor __x__" in str(error)
            assert str(error).startswith("the field b: ") == ("b" in fields)
    for name in ("_", "__", "___", "__x", "x__", "a.b", "`", "\0", "\xe9" * 750, "\U0001f525" * 375):
        assert _fields.decode_fields(parsed(_fields.encode_fields({name: 1}))) == {name: 1}
    for name in ("x" * 1501, "\xe9" * 751, "\U0001f525" * 376):
        assert "at most 1,500 bytes" in str(raises(InvalidArgument, _fields.encode_fields, {name: 1}))
    raises(InvalidArgument, _fields.encode_fields, {"\ud83d": 1})


def test_half_a_surrogate_pair_is_refused():
    for text in ("\ud83d", "a\udd25b"):
        assert refusal(text).startswith("the field a: ") and "half a surrogate pair" in refusal(text)
        raises(InvalidArgument, _fields.encode, {text: 1})


def test_a_value_that_the_server_makes_has_no_place_in_an_array():
    assert "a server value must be a field" in refusal([flamelet.TIMESTAMP])
    assert "a server value must be a field" in refusal([{"b": flamelet.increment(1)}])


def test_geo_points_and_vectors_that_cannot_be_are_refused():
    points = [(90.1, 0), (-90.1, 0), (0, 180.1), (0, -180.1), (float("nan"), 0), (0, float("inf"))]
    for point in points + [("1", 0), (None, 0), (True, 0)]:
        assert refusal(flamelet.GeoPoint(*point)).startswith("the field a: a GeoPoint has -90 to 90")
    assert "holds only floats, not 'x'" in refusal(flamelet.Vector([1, "x"]))
    raises(InvalidArgument, _fields.encode, flamelet.Vector([True]))
    assert _fields.encode(flamelet.Vector([0.5] * 2048))
    assert "at most 2048 dimensions, not 2049" in refusal(flamelet.Vector([0.5] * 2049))


def nested(levels):
    """A value in that many maps and arrays by turns."""
    value = 1
    for level in range(levels):
        value = [value] if level % 2 else {"m": value}
    return value


def test_twenty_levels_are_stored_and_more_are_refused():
    fields = {"a": nested(20)}
    assert _fields.decode_fields(parsed(_fields.encode_fields(fields))) == fields
    assert "nested at most 20 levels deep" in refusal(nested(21))
    endless = {}
    endless["m"] = endless
    assert "nested at most 20 levels deep" in refusal(endless)


def test_fields_are_a_dict():
    for fields in (None, [], "a", 5):
        assert "the fields of a document are a dict" in str(raises(InvalidArgument, _fields.encode_fields, fields))
        raises(ProtocolError, _fields.decode_fields, fields)


def test_what_the_service_does_not_send_is_no_value():
    for text in (
        '{}', 'null', '5', '"x"', '[]', '{"integerValue":"1","stringValue":"x"}', '{"fancyValue":1}',
        '{"integer_value":"1"}', '{"nullValue":0}', '{"nullValue":"NULL_VALUE"}', '{"booleanValue":"true"}',
        '{"booleanValue":1}', '{"stringValue":5}', '{"stringValue":null}', '{"integerValue":1}',
        '{"integerValue":"1.0"}', '{"integerValue":""}', '{"integerValue":"+1"}', '{"integerValue":" 1"}',
        '{"integerValue":"01"}', '{"integerValue":"-0"}', '{"integerValue":"1_0"}', '{"integerValue":"\u0661"}',
        '{"integerValue":"0x1"}', '{"integerValue":"9223372036854775808"}', '{"integerValue":"-9223372036854775809"}',
        '{"integerValue":null}', '{"integerValue":["1"]}', '{"doubleValue":"1.5"}', '{"doubleValue":"nan"}',
        '{"doubleValue":"inf"}', '{"doubleValue":true}', '{"doubleValue":null}', '{"doubleValue":{}}',
        '{"doubleValue":[]}', '{"timestampValue":"2026-01-02"}', '{"timestampValue":5}', '{"timestampValue":null}',
        '{"bytesValue":"-_8="}', '{"bytesValue":"AAE"}', '{"bytesValue":"!!"}', '{"bytesValue":"A A E="}',
        '{"bytesValue":5}', '{"bytesValue":"\xe9"}', '{"bytesValue":null}', '{"bytesValue":"AAE=AAE="}',
        '{"referenceValue":"dev/a"}', '{"referenceValue":5}', '{"referenceValue":null}',
        '{"geoPointValue":{"latitude":100}}', '{"geoPointValue":{"latitude":"1"}}', '{"geoPointValue":[1,2]}',
        '{"geoPointValue":{"longitude":true}}', '{"geoPointValue":null}', '{"arrayValue":[]}',
        '{"arrayValue":{"values":{}}}', '{"arrayValue":{"values":null}}', '{"arrayValue":{"values":[5]}}',
        '{"arrayValue":null}', '{"mapValue":[]}', '{"mapValue":{"fields":[]}}', '{"mapValue":{"fields":null}}',
        '{"mapValue":{"fields":{"a":1}}}', '{"mapValue":{"fields":{"a":{"b":{}}}}}', '{"mapValue":null}',
        '{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"}}}}', VECTOR % ("__other__", ""),
        VECTOR.replace('"value":', '"x":{"nullValue":null},"value":') % ("__vector__", ""),
        VECTOR % ("__vector__", '{"stringValue":"x"}'), VECTOR % ("__vector__", '{"integerValue":"1"}'),
    ):
        raises(ProtocolError, decoded, text)


def test_what_is_decoded_is_changed_in_place():
    fields = parsed(_fields.encode_fields({"a": {"b": [1, 2]}}))
    values = fields["a"]["mapValue"]["fields"]["b"]["arrayValue"]["values"]
    result = _fields.decode_fields(fields)
    assert result is fields and result["a"]["b"] is values == [1, 2]


def test_the_size_of_a_document_is_counted_as_the_service_does():
    # The example of "Storage size calculations": 44 for the name, 71 for the fields, 32.
    fields = {"type": "Personal", "done": False, "priority": 1, "description": "Learn Cloud Firestore"}
    assert document_size.encoded_size(fields, "users/jeff/tasks/my_task_id") == 44 + 71 + 32 == 147
    for value, size in (
        (None, 1), (True, 1), (5, 8), (1.5, 8), ("", 1), ("h\xe9", 4), (b"abc", 3), (bytearray(2), 2), ([], 0),
        ([1, None], 9), ({}, 32), ({"b": 1}, 32 + 2 + 8), (flamelet.Timestamp.of(0), 8), (flamelet.GeoPoint(1, 2), 16),
        (flamelet.Vector([1, 2, 3]), 24), (flamelet.Reference(NAME + "dev/a"), 16 + 4 + 2),
    ):
        assert document_size.encoded_size({"a": value}) == 32 + 2 + size, value
