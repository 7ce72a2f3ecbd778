"""The projection of a stream: what matches is told however the bytes are cut, and adds up to what is on the server."""

from random import getrandbits

from projecting import projection, read

from flamelet.wire import json_reader, sse

from feeding import every_cut

WORDS32 = True
HEAP = "1m"


def server(data, path="/", kind="put"):
    return ('event: %s\ndata: {"path":"%s","data":%s}\n\n' % (kind, path, data)).encode()


def every_way(pattern, data, limit=8192):
    """What is told of `data`, the same however it is cut, and with an unfinished event behind it."""
    whole = read(projection(pattern, limit), [data])
    for pieces in every_cut(data):
        assert read(projection(pattern, limit), pieces) == whole, f"not {whole!r}: {pieces!r}"
    assert read(projection(pattern, limit), [data, b'event: put\ndata: {"path":"/",']) == whole
    return whole


def firsts(*events):
    """Those events as puts of the snapshot."""
    return [("put", path, data, True) for path, data in events]


# Each kind of place.


def test_a_place_above_the_pattern_is_emptied_and_its_matches_are_put():
    tree = '{"d1": {"level": 3, "x": [1, {"level": 2}]}, "d2": 5, "d3": {"level": {"a": "\\u00e9\\ud83d\\ude00é"}}}'
    assert every_way("*/level", server(tree)) == firsts(
        ("/", None), ("/d1/level", 3), ("/d3/level", {"a": "\u00e9\U0001f600\u00e9"})
    )
    assert every_way("*/level", server('{"level":3,"x":4}', "/d1")) == firsts(("/d1", None), ("/d1/level", 3))
    assert every_way("*/level", server("null", "/d1")) == firsts(("/d1", None))
    assert every_way("*/level", server("7", "/d1")) == firsts(("/d1", None))
    assert every_way("*/level", server("null")) == firsts(("/", None))
    assert every_way("*/level/x", server("7", "/d1/level")) == firsts(("/d1/level", None))


def test_a_place_at_the_pattern_or_below_is_put_with_its_value():
    assert every_way("*/level", server("4", "/d1/level")) == firsts(("/d1/level", 4))
    assert every_way("*/level", server("null", "/d1/level")) == firsts(("/d1/level", None))
    assert every_way("*/level", server('{"b":[1,null]}', "/d1/level/a")) == firsts(("/d1/level/a", {"b": [1, None]}))
    assert every_way("*", server('"x"', "/d1")) == firsts(("/d1", "x"))
    assert every_way("", server('{"a":1}')) == firsts(("/", {"a": 1}))


def test_another_place_is_skipped():
    for path in ("/d1/x", "/d1/x/level", "/d1/levels", "/d1/.priority"):
        assert every_way("*/level", server('{"level":1}', path)) == [], path
    assert every_way("a/*", server('{"level":1}', "/b")) == []


def test_each_key_of_a_patch_is_a_place_and_may_be_a_path():
    data = '{"d1/level":1,"d2":{"level":2,"x":{"level":0}},"d3":null,"d4/x":{"level":9},"d5/level":null,"d6/level/a":3}'
    assert every_way("*/level", server(data, "/", "patch")) == firsts(
        ("/d1/level", 1),
        ("/d2", None),
        ("/d2/level", 2),
        ("/d3", None),
        ("/d5/level", None),
        ("/d6/level/a", 3),
    )
    assert every_way("*/level", server('{"level":1,"x":2}', "/d1", "patch")) == firsts(("/d1/level", 1))
    assert every_way("*/level", server('{"a":1,"b":null}', "/d1/level", "patch")) == firsts(
        ("/d1/level/a", 1), ("/d1/level/b", None)
    )
    assert every_way("*/level", server('{"a":1}', "/d1/x", "patch")) == []
    assert every_way("a/*/c/*", server('{"a/b":{"c":{"d":1},"d":2},"b":{}}', "/", "patch")) == firsts(
        ("/a/b", None), ("/a/b/c/d", 1)
    )


def test_a_patch_of_what_is_no_object_is_nothing():
    for data in ("[1,[2]]", '"x"', "null"):
        for pattern in ("*", "*/0", "0/*", ""):
            assert every_way(pattern, server(data, "/", "patch")) == [], (data, pattern)


def test_an_index_is_a_key():
    data = server('[null,{"level":1},{"level":null},[{"level":2}]]')
    assert every_way("*/level", data) == firsts(("/", None), ("/1/level", 1))
    assert every_way("3/*/level", data) == firsts(("/", None), ("/3/0/level", 2))


def test_keys_of_the_envelope_within_the_data_mean_nothing():
    data = server('{"path":"x","data":{"path":"y","data":1}}')
    assert every_way("data/data", data) == firsts(("/", None), ("/data/data", 1))
    data = server('{"path":{"path":3}}', "/", "patch")
    assert every_way("*/path", data) == firsts(("/path", None), ("/path/path", 3))


def test_other_keys_of_the_envelope_are_skipped():
    data = b'event: put\ndata: {"x":{"data":1},"path":"/d1\\u002flevel","y":[2],"data":5,"z":3}\n\n'
    assert every_way("*/level", data) == firsts(("/d1/level", 5))


# The events of a stream.


def test_only_what_comes_of_the_first_event_is_the_snapshot():
    data = b"event: keep-alive\ndata: null\n\n" + server('{"a":1,"b":2}') + server("3", "/a") + server("4", "/b")
    parser = projection("*")
    first = [event for event in read(parser, [data]) if event[0] == "put"]
    assert [event[3] for event in first] == [True, True, True, False, False]
    parser.start()
    assert read(parser, [server("1", "/a") + server("2", "/a")]) == [("put", "/a", 1, True), ("put", "/a", 2, False)]


def test_a_first_event_that_does_not_match_was_the_snapshot():
    assert every_way("*/level", server("1", "/d1/x") + server("2", "/d1/level")) == [("put", "/d1/level", 2, False)]


def test_the_other_events_are_those_of_every_stream():
    data = b"event: cancel\ndata: Permission\ndata: denied\n\nevent: novelty\ndata: ?\n\n"
    data += b"event: keep-alive\ndata: null\n\n"
    data += b"event: auth_revoked\ndata: no longer valid\n\n" + server("1", "/a")
    assert every_way("*", data) == [
        (b"cancel", b"Permission\ndenied"),
        (b"novelty", b"?"),
        (b"keep-alive", b"null"),
        (b"auth_revoked", b"no longer valid"),
        ("put", "/a", 1, True),
    ]


def test_the_data_may_be_on_several_lines():
    lines = (
        b"event: put",
        b'data: {"path":',
        b'data:"/",',
        b"data",
        b'data: "data":{"a":1',
        b'data:,"b":3',
        b"data:}}",
    )
    for end in (b"\n", b"\r", b"\r\n"):
        assert every_way("*", end.join(lines + (b"", b""))) == firsts(("/", None), ("/a", 1), ("/b", 3)), end
    for broken in (b'{"path":"/","data":1\ndata: 2}', b'{"path":"/\ndata: a"}'):
        assert "not JSON" in every_way("a", b"event: put\ndata: " + broken + b"\n\n")[-1]


# Limits.


def test_a_value_over_the_limit_is_told_with_its_size_and_the_next_one_comes():
    value = '"%s"' % ("x" * 98)
    data = server('{"a":{"v":%s},"b":{"v":%s},"c":{"v":2}}' % (value, value[:-1] + 'x"'))
    assert every_way("*/v", data, limit=100) == [
        ("put", "/", None, True),
        ("put", "/a/v", "x" * 98, True),
        ("too-large", "/b/v", 101, True),
        ("put", "/c/v", 2, True),
    ]
    large = server("[%s]" % ",".join(["12345"] * 50), "/a/v")
    assert every_way("*/v", large, limit=100) == [("too-large", "/a/v", 301, True)]


def test_a_key_or_path_over_the_limit_is_an_error_and_the_stream_goes_on():
    for wrong in (server('{"%s":{"v":1},"b":{"v":3}}' % ("k" * 60)), server("1", "/" + "k" * 60)):
        seen = every_way("*/v", wrong + server("2", "/a/v"), limit=60)
        assert "event_bytes" in seen[-2] and seen[-1] == ("put", "/a/v", 2, False)


def test_an_event_of_a_megabyte_takes_the_memory_of_its_largest_match():
    parser = projection("*/level", 200)
    count = 0

    def pieces():
        yield b'event: put\ndata: {"path":"/","data":{'
        for i in range(1000):
            yield b'"device%d":{"log":"%s","on":true,"level":%d},' % (i, b"x" * 1000, i)
        yield b'"last":{"level":1000}}}\n\n'

    # One by one: all at once would be a list of a thousand.
    for piece in pieces():
        for told in read(parser, [piece]):
            assert told[2] in (None, count), told
            count += told[2] is not None
    assert count == 1001
    assert len(parser.data) <= 200 and len(parser._reader.text) <= 200


def test_a_value_that_memory_does_not_hold_is_told_as_too_large():
    data = server('{"a":"%s","b":1}' % ("x" * 300))
    parser = projection("*")
    json_reader.bytearray = refuse_memory
    try:
        assert read(parser, [data]) == [
            ("put", "/", None, True),
            ("too-large", "/a", 302, True),
            ("put", "/b", 1, True),
        ]
    finally:
        del json_reader.bytearray


def refuse_memory(size):
    raise MemoryError


# What is broken.


def test_a_broken_event_is_an_error_and_the_stream_goes_on():
    for wrong, reason in (
        (b"", "without path and data"),
        (b"null", "without path and data"),
        (b"[1]", "without path and data"),
        (b'{"path":"/"}', "without path and data"),
        (b'{"path":1,"data":1}', "without path and data"),
        (b'{"path":{"path":"/"},"data":1}', "without path and data"),
        (b'{"path":"/","data":1}', ""),
        (b'{"data":1,"path":"/"}', "data before its path"),
        (b'{"data":{"a":1}}', "data before its path"),
        (b'{"path":"/" "data":1}', "not JSON"),
        (b'{"path":"/","data":', "not JSON"),
        (b'{"path":"/","data":1', "not JSON"),
        (b'{"path":"/","data":{"a":01}}', "not JSON"),
        (b'{"path":"/","data":{"b":[,]}}', "not JSON"),
        (b'{"path":"/","data":1}}', "not JSON"),
        (b'{"path":"/","data":1} 1', "not JSON"),
        (b'{"path":"/\xff","data":1}', "not JSON"),
        (b"<html>", "not JSON"),
    ):
        for kind in (b"put", b"patch"):
            data = b"event: %s\ndata: %s\n\n" % (kind, wrong)
            told = every_way("b", data + server("2", "/b"))
            assert told[-1] == ("put", "/b", 2, False), told
            errors = [text for text in told if isinstance(text, str)]
            assert len(errors) == (reason != ""), told
            assert not errors or reason in errors[0] and kind.decode() in errors[0], told


def test_a_type_that_comes_after_its_data_is_an_error():
    told = every_way("*", b'data: {"path":"/","data":1}\nevent: put\n\n' + server("2", "/b"))
    assert told == ["the stream sent a put without path and data", ("put", "/b", 2, False)]


def test_what_was_cut_is_forgotten_by_a_new_stream():
    whole = server('{"a":{"v":[1,2]},"b":{"v":"x"}}')
    for cut in range(1, len(whole)):
        parser = projection("*/v")
        read(parser, [whole[:cut]])
        parser.start()
        assert read(parser, [server("1", "/c/v")]) == [("put", "/c/v", 1, True)], cut


def test_a_piece_that_was_not_read_to_its_end_is_forgotten_too():
    parser = projection("*/v")
    buffer = bytearray(server('{"a":{"v":1},"b":{"v":2}}'))
    assert parser.feed(buffer, 0, len(buffer)) == sse.PROJECTED and parser.position < len(buffer)
    parser.start()
    assert read(parser, [server("1", "/c/v")]) == [("put", "/c/v", 1, True)]


# What the events add up to. The model is flat, {path as a tuple: leaf}, and knows the whole tree.

KEYS = ("a", "b", "0", "1")
PATTERNS = ("*", "a", "*/a", "a/*", "*/*/b", "a/b/0", "*/0/*/1")


def write(model, path, value):
    """Put `value` at `path`, as the service does."""
    added = {path + below: leaf for below, leaf in leaves(value)}
    for place in list(model):
        if place[: len(path)] == path or added and place == path[: len(place)]:
            del model[place]
    model.update(added)


def leaves(value):
    if isinstance(value, list):
        value = {str(i): value[i] for i in range(len(value))}
    if not isinstance(value, dict):
        return [] if value is None else [((), value)]
    found = []
    for key in value:
        found += [((key,) + below, leaf) for below, leaf in leaves(value[key])]
    return found


def tree(model, path=()):
    if path in model:
        return model[path]
    children = {place[len(path)]: None for place in model if place[: len(path)] == path}
    if all(key in "01" for key in children) and len(children) == 2:
        return [tree(model, path + ("0",)), tree(model, path + ("1",))]
    return {key: tree(model, path + (key,)) for key in children} or None


def projected(model, pattern):
    return {
        path: model[path]
        for path in model
        if len(path) >= len(pattern) and all([wanted in ("*", key) for wanted, key in zip(pattern, path)])
    }


def some_path(longest):
    return tuple([KEYS[getrandbits(8) % len(KEYS)] for _ in range(getrandbits(8) % (longest + 1))])


def some_value(depth=0):
    kind = getrandbits(8) % (9 if depth < 4 else 5)
    if kind < 5:
        return (None, True, 1, "x\u00e9", getrandbits(4))[kind]
    if kind == 5:
        return [some_value(depth + 1) for _ in range(getrandbits(1) + 1)]
    return {KEYS[getrandbits(8) % len(KEYS)]: some_value(depth + 1) for _ in range(getrandbits(2))}


def some_event(model):
    """(kind, path, data) of an event, which is done to the model as well."""
    kind = getrandbits(8) % 6
    path = some_path(3)
    if kind == 0:
        write(model, path, some_value())
        return "put", (), tree(model)
    if kind < 4:
        value = some_value()
        write(model, path, value)
        return "put", path, value
    data = {}
    for key in KEYS:
        # Paths of a patch do not overlap.
        if getrandbits(1):
            below = (key,) + some_path(3)
            data["/".join(below)] = value = some_value()
            write(model, path + below, value)
    return "patch", path, data


def test_the_events_add_up_to_the_projection_of_the_tree():
    from flamelet.wire import json as _json

    told = 0
    for pattern in PATTERNS:
        for _ in range(4):
            model = {}
            mine = {}
            parser = projection(pattern)
            for _ in range(25):
                kind, path, data = some_event(model)
                event = server(_json.dumps(data, lambda key: None).decode(), "/" + "/".join(path), kind)
                size = 1 + getrandbits(5)
                for kind, path, data, _ in read(parser, [event[i : i + size] for i in range(0, len(event), size)]):
                    assert kind == "put"
                    told += 1
                    write(mine, tuple([key for key in path.split("/") if key]), data)
                assert mine == projected(model, pattern.split("/")), (pattern, event)
    assert told > 500
