"""Feeds event streams to the projection of a stream, in every way that a network may cut them."""

from flamelet.errors import ProtocolError
from flamelet.rtdb import projection as _projection
from flamelet.wire import sse

from feeding import EVENT_NAMES, FENCE, read_event


def projection(pattern, limit=8192):
    return _projection.Projection(EVENT_NAMES, limit, [key for key in pattern.split("/") if key])


def read(parser, pieces):
    """What `parser` makes of the pieces: (type, path, data, snapshot); a text where it was an error; other events."""
    seen = []
    for piece in pieces:
        buffer = bytearray(FENCE + piece + FENCE)
        at = len(FENCE)
        end = at + len(piece)
        while at < end:
            code = parser.feed(buffer, at, end)
            assert at <= parser.position <= end, "the parser left its piece"
            assert code != sse.NEED or parser.position == end, "NEED, with bytes that were not taken"
            assert len(parser._reader.text) <= parser.limit, "more memory than the limit"
            at = parser.position
            if code == sse.PROJECTED:
                told = outcome(parser)
                if told:
                    seen.append(told)
            elif code:
                seen.append(tuple(read_event(parser, code)))
    return seen


def outcome(parser):
    try:
        return parser.event()
    except ProtocolError as error:
        return str(error)
