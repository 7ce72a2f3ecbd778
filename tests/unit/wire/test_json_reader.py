"""The pull reader: what it finds however the text is cut, what it skips, and that it takes no garbage."""

from flamelet.wire import json as _json
from flamelet.wire import json_reader

TEXT = '"\\u00e9\\ud83d\\ude00\u00e9\U0001f525"'
TREE = (
    '{"a": {"x": 1, "y": [10, {"z": ' + TEXT + '}, null, -0.5e+3]}, "b": {"x": {"y": []}}, '
    '"\\u0063": {"x": true}, "d": "x", "e": [], "f": {"y": {}, "x": false}}'
)
CASES = (
    ("*/x", [("a/x", "1"), ("b/x", '{"y": []}'), ("c/x", "true"), ("f/x", "false")]),
    ("a/y/*", [("a/y/0", "10"), ("a/y/1", '{"z": ' + TEXT + '}'), ("a/y/2", "null"), ("a/y/3", "-0.5e+3")]),
    ("a/y/1/z", [("a/y/1/z", TEXT)]),
    ("d", [("d", '"x"')]),
    ("", [("", TREE)]),
    ("*/y/0", [("a/y/0", "10")]),
    ("*/*/y", [("b/x/y", "[]")]),
    ("x", []),
    ("a/x/1", []),
)
BAD = (
    "", " ", "{", "[1", '{"a"', '{"a":', '{"a" 1}', "[1,,2]", "[1,]", '{"a":1,}', "{,}", "]", "[}", '{"a":1]', "1 2",
    "01", "1.", ".5", "+1", "-", "1e", "1e+", "--1", "1.e5", "NaN", "Infinity", "tru", "truE", "nul", "nulll", "'a'",
    '"a', '"\\x"', '"\\u12"', '"\\u12g4"', '"\\ud83d"', '"\\ude00"', '"\\ud83d\\n"', '"\\ud83dx"', '"\\ud83d\\u0041"',
    '"\n"', "{1:2}", "{null:1}", '[{"a":1}}', "[[]", "\ufeff1", '{"a":{"b":01}}', '{"b":"\\ud83d"}', "[1]]",
)  # fmt: skip
BAD_UTF8 = (b'"\x80"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"', b'"\xe0\x80\x80"', b'"\xc3"')


def found(text, pattern, size=1 << 20, limit=1 << 20):
    """[(path, text), ...] of what is found in `text`, fed in pieces of `size`; a code where it ends in one."""
    reader = json_reader.Reader([key for key in pattern.split("/") if key], limit)
    data = bytearray(text if isinstance(text, bytes) else text.encode())
    result = []
    at = 0
    end = min(size, len(data))
    while at < len(data):
        code = reader.feed(data, at, end)
        at = reader.position
        if code == json_reader.FOUND:
            result.append(("/".join(reader.keys), bytes(reader.text[: reader.size]).decode()))
        elif code < 0:
            return code
        else:
            assert at == end
            end = min(end + size, len(data))
    code = reader.feed_eof()
    if code == json_reader.FOUND:
        result.append(("/".join(reader.keys), bytes(reader.text[: reader.size]).decode()))
    return code if code < 0 else result


def test_what_matches_is_found_however_the_text_is_cut():
    for pattern, expected in CASES:
        for size in (1 << 20, 1, 2, 3, 7, 50):
            assert found(TREE, pattern, size) == expected, (pattern, size)


def test_every_cut_in_two_gives_the_same():
    data = TREE.encode()
    for cut in range(len(data)):
        reader = json_reader.Reader(["*", "x"], 100)
        seen = []
        for part in (bytearray(data[:cut]), bytearray(data[cut:])):
            at = 0
            while at < len(part):
                if reader.feed(part, at, len(part)) == json_reader.FOUND:
                    seen.append((reader.keys[0], bytes(reader.text[: reader.size]).decode()))
                at = reader.position
        assert reader.feed_eof() == json_reader.NEED
        assert [("%s/x" % key, text) for key, text in seen] == CASES[0][1], cut


def test_scalars_are_texts_too():
    for text in ("0", "-1", "1.5e-7", '"x"', "true", "false", "null", " 12 ", "123456789012345678901234567890"):
        for size in (1, 100):
            assert found(text, "", size) == [("", text.strip())], text
            assert found(text, "a", size) == [], text


def test_no_garbage_is_taken_in_what_is_found_or_skipped():
    for text in BAD:
        for pattern in ("", "a", "*/b", "zzz"):
            for size in (1, 100):
                assert found(text, pattern, size) == json_reader.NOT_JSON, (text, pattern, size)
    for text in BAD_UTF8:
        for pattern in ("", "a"):
            for size in (1, 100):
                assert found(text, pattern, size) == json_reader.NOT_JSON, (text, pattern, size)


def test_it_takes_what_the_checker_of_whole_texts_takes():
    from random import getrandbits

    letters = '{}[]:,"\\u0123dé 1.5e-+true false null a'
    taken = 0
    for _ in range(3000):
        text = "".join([letters[getrandbits(16) % len(letters)] for _ in range(1 + getrandbits(3))])
        data = bytearray(text.encode())
        right = _json.check(data, 0, len(data)) < 0
        taken += right
        assert isinstance(found(text, "a", 1 + getrandbits(2)), list) == right, text
    assert taken > 10


def test_sixty_four_levels_are_taken_and_no_more():
    assert found("[" * 64 + "]" * 64, "a") == []
    assert found("[" * 65 + "]" * 65, "a") == json_reader.NOT_JSON


def test_a_value_over_the_limit_is_told():
    assert found('{"a":"12345678","b":1}', "b", limit=8) == [("b", "1")]
    assert found('{"a":"12345678","b":1}', "a", limit=10) == [("a", '"12345678"')]
    assert found('{"a":"12345678","b":1}', "a", limit=9) == json_reader.TOO_LARGE


def test_it_knows_whether_the_text_has_begun_as_an_array():
    for text, expected in (("[1, {}]", True), (" []", True), ('{"a": []}', False), ("1 ", False), ("", False)):
        reader = json_reader.Reader(["*"], 100)
        for _ in range(2):
            data = bytearray(text.encode())
            at = 0
            while at < len(data):
                reader.feed(data, at, len(data))
                at = reader.position
            assert reader.is_array() == expected, text
            reader.start()
            assert not reader.is_array()
