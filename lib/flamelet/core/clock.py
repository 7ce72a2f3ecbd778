"""The time from a server's answer, for a device whose clock was never set, or is wrong. Loaded where that is so, and
with the first renewal of a token.

In: the connection of an answer. Out: `_push_id.offset`. Only an answer that cannot be forged is believed: over TLS, or
from this machine itself. (Source: RFC 9110, section 5.6.7, the format that servers must send.)
"""

from . import push_id as _push_id
from .dates import parse
from .runtime import const, epoch_ms
from .url import is_loopback

_TOLERANCE = const(120000)  # milliseconds: an answer tells whole seconds, and takes its time


def take_from_answer(connection) -> None:
    """Take the time from the Date header, b"Sat, 21 Nov 2026 13:48:27 GMT", where the clock is minutes away from it."""
    date = connection.response.headers.get(b"date")
    if date and (connection.origin.tls or is_loopback(connection.origin.host)):
        now = epoch_ms()
        offset = parse(date) * 1000 - now
        # When the clock is set later, what was learnt before that counts no more.
        is_set = now >= _push_id.EARLIEST
        if offset + now > _push_id.EARLIEST and abs(offset - _push_id.offset[is_set]) > _TOLERANCE:
            _push_id.offset[is_set] = offset
            _push_id.forget()


def corrected(ms: int) -> int:
    """The time when the clock of the device says `ms`: as `_push_id` has it for keys."""
    return ms + _push_id.offset[ms >= _push_id.EARLIEST]
