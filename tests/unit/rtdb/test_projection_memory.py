"""What the projection of a stream takes from the heap of MicroPython: nothing for what does not match."""

from flamelet.rtdb import projection
from flamelet.wire import sse

from memory import assert_allocates_nothing, bytes_taken

CPYTHON = False
WORDS32 = True

NAMES = (b"put", b"patch", b"keep-alive", b"cancel", b"auth_revoked")
KEEP_ALIVE = bytearray(b"event: keep-alive\ndata: null\n\n")
SKIPPED = bytearray(b'"log":{"a":["text \\u00e9 \xc3\xa9",-1.5e3,true,null,{}],"level":2},')


def test_a_keep_alive_takes_nothing():
    parser = projection.Projection(NAMES, 200, ["*", "level"])

    def keep_alive():
        assert parser.feed(KEEP_ALIVE, 0, len(KEEP_ALIVE)) == sse.EVENT

    assert_allocates_nothing(keep_alive)


def begun(beginning):
    """A parser within an event."""
    parser = projection.Projection(NAMES, 200, ["*", "level"])
    buffer = bytearray(b"event: put\ndata: " + beginning)
    while parser.position < len(buffer):
        parser.feed(buffer, parser.position, len(buffer))
    return parser


def test_what_does_not_match_takes_nothing():
    parser = begun(b'{"path":"/elsewhere/x","data":{')

    def skip():
        assert parser.feed(SKIPPED, 0, len(SKIPPED)) == sse.NEED
        assert parser.position == len(SKIPPED)

    assert_allocates_nothing(skip)


def test_what_is_skipped_beside_a_match_takes_no_more_than_its_key():
    parser = begun(b'{"path":"/","data":{"d1":{')
    # A key that is compared becomes a string; nothing within is looked at.
    assert bytes_taken(lambda: parser.feed(SKIPPED, 0, len(SKIPPED))) <= 300
