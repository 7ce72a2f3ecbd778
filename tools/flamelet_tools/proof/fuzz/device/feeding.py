"""Feeds HTTP answers and event streams to the parsers, cut in every way that a network may cut them.

In: bytes. Out: the result of the parser, as a namedtuple; each cut must give the same. The pieces lie in a buffer
between line ends that are not part of them, or end with the buffer: a parser that reads beyond its piece is detected.
"""

from collections import namedtuple

from flamelet.wire import http1, sse

Answer = namedtuple("Answer", ("code", "status", "keep_alive", "length", "chunked", "headers", "body", "taken"))
Event = namedtuple("Event", ("name", "data"))
Events = namedtuple("Events", ("events", "last_event_id", "retry"))

FENCE = b"\r\n\r\n"
TRAILING = b"HTTP/1.1 500 Not Yours\r\nContent-Length: 3\r\n\r\nabc"
WANTED = (b"location", b"etag", b"date", b"retry-after", b"content-type")
EVENT_NAMES = (b"put", b"patch", b"keep-alive", b"cancel", b"auth_revoked")


def every_cut(data):
    """Yield the ways to cut `data`: whole, byte by byte, in two at every place; each a list of pieces."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    for i in range(1, len(data)):
        yield [data[:i], data[i:]]


def read_answer(pieces, bodiless=False, behind=FENCE):
    """Return the result of one parser for the pieces (any iterable), after which the connection ends.

    Returns: an Answer; `code` is END or the negative code, `taken` the number of bytes that were taken before it.
    `behind` is what lies in the buffer after each piece.
    """
    response = http1.Response()
    response.wanted = WANTED
    response.start(bodiless)
    body = b""
    taken = 0
    heads = 0
    code = http1.NEED
    for piece in pieces:
        buffer = bytearray(FENCE + piece + behind)
        at = len(FENCE)
        end = at + len(piece)
        code = http1.NEED
        while code != http1.END and code >= 0:
            code = response.feed(buffer, at, end)
            assert at <= response.position <= end, "the parser left its piece"
            assert code != http1.NEED or response.position == end, "NEED, with bytes that were not taken"
            taken += response.position - at
            if code == http1.NEED:
                break
            if code == http1.BODY:
                assert at <= response.piece_start < response.piece_end == response.position, "an empty piece of body"
                body += bytes(buffer[response.piece_start : response.piece_end])
            heads += code == http1.HEAD
            at = response.position
        if code != http1.NEED:
            break
    if code == http1.NEED:
        code = response.feed_eof()
    assert heads <= 1 and (code != http1.END or heads == 1), "a head was reported twice or never"
    return Answer(
        code,
        response.status,
        response.keep_alive,
        response.length,
        response.chunked,
        dict(response.headers),
        body,
        taken,
    )


def read_every_way(data, bodiless=False):
    """Return the Answer for `data`, however it is cut, and with the next answer right after it."""
    whole = read_answer([data], bodiless)
    for pieces in every_cut(data):
        assert_same(read_answer(pieces, bodiless), whole, pieces)
        assert_same(read_answer(pieces, bodiless, b""), whole, pieces)
    if ends_by_itself(whole):
        for pieces in ([data + TRAILING], [data, TRAILING]):
            assert_same(read_answer(pieces, bodiless), whole, pieces)
    return whole


def ends_by_itself(answer):
    """Return whether the answer ends by its own bytes, not by the end of the connection."""
    return answer.code == http1.END and (answer.length >= 0 or answer.chunked or answer.keep_alive)


def assert_same(answer, whole, pieces):
    if answer.code < 0 and whole.code < 0:
        # How much was read before the error depends on the cut; the error itself does not.
        assert answer.code == whole.code, f"{answer.code}, not {whole.code}: {pieces!r}"
    else:
        assert answer == whole, f"{answer!r}, not {whole!r}: {pieces!r}"


def read_events(pieces, limit=8192):
    """Return the result of one parser for the pieces (any iterable) of a stream.

    Returns: Events; an event's `data` is None if the event was over the limit.
    """
    parser = sse.EventParser(EVENT_NAMES, limit)
    events = []
    for piece in pieces:
        buffer = bytearray(FENCE + piece + FENCE)
        at = len(FENCE)
        end = at + len(piece)
        while True:
            code = parser.feed(buffer, at, end)
            assert at <= parser.position <= end, "the parser left its piece"
            assert len(parser.data) <= limit, "more memory than the limit"
            if code == sse.NEED:
                assert parser.position == end, "NEED, with bytes that were not taken"
                break
            assert parser.position > at, "an event out of nothing"
            at = parser.position
            events.append(read_event(parser, code))
    return Events(events, parser.last_event_id, parser.retry)


def read_event(parser, code):
    name = parser.other_name if parser.name < 0 else EVENT_NAMES[parser.name]
    if code == sse.TOO_LARGE:
        assert parser.size > parser.limit >= parser.data_length
        return Event(name, None)
    assert code == sse.EVENT and parser.size == parser.data_length
    return Event(name, bytes(parser.data[: parser.data_length]))


def read_stream_every_way(data, limit=8192):
    """Return the Events for `data`, however it is cut, and with an unfinished event after it."""
    whole = read_events([data], limit)
    for pieces in every_cut(data):
        assert read_events(pieces, limit) == whole, f"not {whole!r}: {pieces!r}"
    assert read_events([data, b"\n\ndata: cut"], limit).events[: len(whole.events)] == whole.events
    return whole
