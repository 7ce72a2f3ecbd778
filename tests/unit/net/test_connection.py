"""What a connection does around the write that shakes hands, which computes for seconds on a board."""

import gc

from flamelet.core.runtime import BEFORE_HANDSHAKE
from flamelet.errors import NetworkError

from helpers import raises
from scripted import CONNECTED, NO_CONTENT, REQUEST, Network, database, reset

CPYTHON = False  # a desktop shakes hands before it writes
THRESHOLD = 4096


def with_handshake(*script):
    """Set a value through this script, with a threshold of the collector. Returns the threshold that each write saw."""
    seen = []
    before = gc.threshold()
    BEFORE_HANDSHAKE.append(lambda: seen.append("before"))
    with Network(script) as network:
        network.on_write = lambda: seen.append(gc.threshold())
        try:
            gc.threshold(THRESHOLD)
            db = database()
            try:
                db.set("a", 1)
            finally:
                assert gc.threshold() == THRESHOLD
            db.set("a", 2)
        finally:
            BEFORE_HANDSHAKE.clear()
            gc.threshold(before)
    return seen


def test_a_handshake_computes_without_collections_and_after_the_watchdog_was_fed():
    seen = with_handshake(REQUEST, NO_CONTENT, REQUEST, NO_CONTENT)
    assert seen == ["before", -1, THRESHOLD], seen


def test_each_step_of_a_handshake_is_prepared():
    seen = with_handshake(CONNECTED, None, None, REQUEST, NO_CONTENT, REQUEST, NO_CONTENT)
    assert seen == ["before", -1] * 3 + [THRESHOLD], seen


def test_a_handshake_that_fails_leaves_the_threshold_as_it_was():
    before = gc.threshold()
    with Network([CONNECTED, reset()]):
        gc.threshold(THRESHOLD)
        try:
            raises(NetworkError, database().set, "a", 1)
            assert gc.threshold() == THRESHOLD
        finally:
            gc.threshold(before)


def test_a_connection_that_lwip_has_freed_was_refused():
    with Network([OSError(9)]) as network:
        error = raises(NetworkError, database().get, "a")
        assert "ECONNREFUSED" in str(error) and "EBADF" not in str(error), error
        assert network.closed == [True]


def test_a_write_has_at_most_2048_bytes():
    with Network([REQUEST, NO_CONTENT]) as network:
        database().set("a", "x" * 7000)
        [[sent]] = network.sent
        assert sent.endswith(b'x"') and len(sent) > 7000
        assert network.written == [2048, 2048, 2048, len(sent) - 3 * 2048]
