"""Waits within a flow for what another task has to do first."""

from .. import Timeout
from .runtime import const, ticks_add, ticks_diff, ticks_ms

_POLL = const(5)


def wait_until(is_free, ms: int, text: str):
    """Flow: wait until `is_free()`. Raises Timeout with `text` after `ms` milliseconds."""
    end = ticks_add(ticks_ms(), ms)
    while not is_free():
        if ticks_diff(end, ticks_ms()) <= 0:
            raise Timeout(text)
        yield _POLL
