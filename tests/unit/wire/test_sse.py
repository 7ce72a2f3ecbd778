"""The stream machine against the rules of WHATWG HTML, section 9.2.6. Each stream is cut in every way."""

from flamelet.wire import sse

from feeding import EVENT_NAMES, Event, read_events, read_stream_every_way

WORDS32 = True


def events(data, limit=8192):
    return read_stream_every_way(data, limit).events


def messages(*data):
    return [Event(b"message", each) for each in data]


# Lines and fields.


def test_the_events_of_the_live_service_are_read():
    data = b'event: put\ndata: {"path":"/","data":"firebase demo"}\n\nevent: keep-alive\ndata: null\n\n'
    assert events(data) == [
        Event(b"put", b'{"path":"/","data":"firebase demo"}'),
        Event(b"keep-alive", b"null"),
    ]


def test_each_line_end_is_one():
    for end in (b"\n", b"\r", b"\r\n"):
        data = b"event: put" + end + b"data: 1" + end + b"data: 2" + end + end + b"data: 3" + end + end
        assert events(data) == [Event(b"put", b"1\n2"), Event(b"message", b"3")], end


def test_line_ends_may_be_mixed():
    assert events(b"data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\rdata: e\n\n") == messages(b"a\nb\nc", b"d", b"e")


def test_cr_lf_is_one_line_end_and_lf_cr_are_two():
    assert events(b"data: a\r\ndata: b\r\n\r\n") == messages(b"a\nb")
    assert events(b"data: a\n\rdata: b\n\r") == messages(b"a", b"b")
    assert events(b"data\r\ndata\r\nevent\r\n\r\ndata\r\n\r\n") == messages(b"\n", b"")


def test_an_event_is_told_at_a_cr_before_its_lf_comes():
    assert read_events([b"data: a\r\n\r"]).events == messages(b"a")
    assert read_events([b"data: a\r\n\r", b"\ndata: b\n\n"]).events == messages(b"a", b"b")


def test_the_example_of_the_standard_with_empty_data():
    assert events(b"data\n\ndata\ndata\n\ndata:") == messages(b"", b"\n")


def test_one_space_behind_the_colon_is_dropped():
    assert events(b"data:test\n\ndata: test\n\ndata:  test \n\ndata:\ttest\n\n") == messages(
        b"test", b"test", b" test ", b"\ttest"
    )


def test_data_of_several_lines_is_joined_by_line_feeds():
    assert events(b"data: YHOO\ndata: +2\ndata: 10\n\n") == messages(b"YHOO\n+2\n10")
    assert events(b"data:\ndata\ndata: x\ndata:\n\n") == messages(b"\n\nx\n")


def test_a_value_may_hold_colons():
    assert events(b"data: a: b::c\n\n") == messages(b"a: b::c")


def test_comments_are_skipped():
    assert events(b": keep\n:\n:data: no\ndata: yes\n: event: put\n\n:\n\n") == messages(b"yes")


def test_unknown_fields_are_skipped():
    data = b"dat: 1\ndatas: 2\n data: 3\nData: 4\nDATA: 5\nevents: put\nunknown-field: 6\nx\ndata: yes\n\n"
    assert events(data) == messages(b"yes")


def test_an_event_without_data_is_none():
    assert events(b"event: put\n\nid: 7\n\n\n\n\ndata: x\n\n") == messages(b"x")


def test_the_last_name_of_an_event_holds():
    assert events(b"event: put\nevent: patch\ndata: x\n\n") == [Event(b"patch", b"x")]
    assert events(b"event: put\nevent\ndata: x\n\nevent: put\nevent:\ndata: y\n\n") == messages(b"x", b"y")


def test_a_name_that_is_not_known_is_told_by_its_bytes():
    names = (b"puts", b"pu", b"PUT", b"rules_debug", b"put ", b"\xc3\xa9", b"n" * 64)
    for name in names:
        assert events(b"event: " + name + b"\ndata: x\n\n") == [Event(name, b"x")]


def test_each_known_name_is_told_by_its_place():
    for i, name in enumerate(EVENT_NAMES):
        parser = sse.EventParser(EVENT_NAMES)
        buffer = bytearray(b"event: " + name + b"\ndata: x\n\n")
        assert parser.feed(buffer, 0, len(buffer)) == sse.EVENT
        assert parser.name == i


def test_a_name_over_64_bytes_is_ignored():
    assert events(b"event: " + b"n" * 65 + b"\ndata: x\n\n") == messages(b"x")
    assert events(b"event: put\nevent: " + b"n" * 200 + b"\ndata: x\n\n") == [Event(b"put", b"x")]


def test_an_event_that_the_end_cuts_is_none():
    assert events(b"data: a\n\ndata: b\n") == messages(b"a")
    assert events(b"data: a\n\ndata: b") == messages(b"a")


# Ids and retry.


def test_the_last_id_is_kept():
    assert read_stream_every_way(b"id: 1\ndata: a\n\ndata: b\n\n").last_event_id == b"1"
    assert read_stream_every_way(b"id: 1\ndata: a\n\nid: 2\nid: 3\ndata: b\n\n").last_event_id == b"3"
    assert read_stream_every_way(b"id: 1\ndata: a\n\nid\ndata: b\n\n").last_event_id == b""
    assert read_stream_every_way(b"id: 1\n\n").last_event_id == b"1"


def test_an_id_with_a_nul_or_over_64_bytes_is_ignored():
    assert read_stream_every_way(b"id: 1\nid: 2\0\nid: " + b"3" * 65 + b"\ndata: a\n\n").last_event_id == b"1"


def test_the_last_id_outlives_a_new_stream():
    parser = sse.EventParser(EVENT_NAMES)
    buffer = bytearray(b"id: 7\ndata: a\n\n")
    assert parser.feed(buffer, 0, len(buffer)) == sse.EVENT
    parser.start()
    assert parser.last_event_id == b"7"


def test_retry_is_read_where_it_is_a_number():
    assert read_stream_every_way(b"retry: 2500\n").retry == 2500
    assert read_stream_every_way(b"retry:0\n").retry == 0
    for value in (b"", b" ", b"-1", b"1.5", b"1s", b" 5", b"5 ", b"+5", b"1_0", b"0x5", b"\xb2", b"1234567890123"):
        assert read_stream_every_way(b"retry: 3\nretry: " + value + b"\n").retry == 3, value
    assert read_stream_every_way(b"retry\n").retry == -1


# The byte order mark.


def test_a_byte_order_mark_is_dropped_once():
    mark = b"\xef\xbb\xbf"
    assert events(mark + b"data: a\n\n") == messages(b"a")
    assert events(mark + mark + b"data: a\n\ndata: b\n\n") == messages(b"b")
    assert events(b"data: a\n\n" + mark + b"data: b\n\ndata: c\n\n") == messages(b"a", b"c")
    assert events(b"data: " + mark + b"\n\n") == messages(mark)


def test_half_a_byte_order_mark_is_a_field_that_nobody_knows():
    for half in (b"\xef", b"\xef\xbb", b"\xef\xbb\xbe", b"\xefdata", b"\xef\xbbta"):
        assert events(half + b"data: a\n\ndata: b\n\n") == messages(b"b"), half
        assert events(half + b"\ndata: b\n\n") == messages(b"b"), half


def test_a_new_stream_may_begin_with_a_mark_again():
    parser = sse.EventParser(EVENT_NAMES)
    buffer = bytearray(b"\xef\xbb\xbfdata: a\n\n")
    for _ in range(2):
        assert parser.feed(buffer, 0, len(buffer)) == sse.EVENT
        parser.start()


# A new stream.


def test_what_was_cut_is_forgotten_by_a_new_stream():
    for cut in (
        b"event: put\ndata: old",
        b"event: put\ndata: old\n",
        b"dat",
        b"data",
        b"data:",
        b"data: x\r",
        b"\xef\xbb",
    ):
        parser = sse.EventParser(EVENT_NAMES)
        buffer = bytearray(cut)
        assert parser.feed(buffer, 0, len(buffer)) == sse.NEED
        parser.start()
        buffer = bytearray(b"\ndata: new\n\n")
        assert parser.feed(buffer, 0, len(buffer)) == sse.EVENT
        assert (parser.name, parser.other_name) == (-1, b"message")
        assert bytes(parser.data[: parser.data_length]) == b"new"


# The limit.


def test_an_event_at_the_limit_arrives_and_one_over_it_is_told_once():
    data = b"event: put\ndata: " + b"x" * 20 + b"\n\nevent: patch\ndata: " + b"y" * 21 + b"\n\ndata: z\n\n"
    assert events(data, limit=20) == [Event(b"put", b"x" * 20), Event(b"patch", None), Event(b"message", b"z")]


def test_the_limit_counts_the_line_feeds_between_lines_of_data():
    assert events(b"data: 123\ndata: 567\n\n", limit=7) == messages(b"123\n567")
    assert events(b"data: 123\ndata: 567\n\ndata: a\n\n", limit=6) == messages(None, b"a")


def test_an_event_over_the_limit_is_skipped_to_its_end():
    data = b"data: " + b"x" * 50 + b"\ndata: more\nid: 3\nevent: put\ndata: " + b"y" * 50 + b"\r\n\r\ndata: next\n\n"
    read = read_stream_every_way(data, limit=10)
    assert read.events == [Event(b"put", None), Event(b"message", b"next")]
    assert read.last_event_id == b"3"


def test_the_size_that_came_is_told_of_an_event_over_the_limit():
    parser = sse.EventParser(EVENT_NAMES, 100)
    buffer = bytearray(b"data: " + b"x" * 5000 + b"\n\n")
    assert parser.feed(buffer, 0, len(buffer)) == sse.TOO_LARGE
    assert parser.size == 5000
    assert len(parser.data) <= 100


def test_the_buffer_grows_with_the_events_and_keeps_what_came_first():
    for size in (255, 256, 257, 511, 512, 513, 3000, 8191, 8192):
        value = bytes(i % 241 + 14 for i in range(size))
        stream = b"data: " + value + b"\n\ndata: next\n\n"
        for step in (1, 7, 100, 300, len(stream)):
            pieces = (stream[i : i + step] for i in range(0, len(stream), step))
            assert read_events(pieces).events == messages(value, b"next"), (size, step)


def test_an_event_that_memory_does_not_hold_is_told_as_too_large():
    parser = sse.EventParser(EVENT_NAMES)
    buffer = bytearray(b"data: " + b"x" * 300 + b"\ndata: more\n\ndata: next\n\n")
    sse.bytearray = refuse_memory
    try:
        assert parser.feed(buffer, 0, len(buffer)) == sse.TOO_LARGE
        assert parser.feed(buffer, parser.position, len(buffer)) == sse.EVENT
    finally:
        del sse.bytearray
    assert bytes(parser.data[: parser.data_length]) == b"next"


def refuse_memory(size):
    raise MemoryError
