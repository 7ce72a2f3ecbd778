"""Takes the time from a server's answer, for a device whose clock is not set or wrong. Loaded on such a device, and
with the first renewal of a token.

In: the connection of an answer. Out: `_push_id.offset`. Only an answer that cannot be forged is used: one over TLS, or
from this machine itself. (Source: RFC 9110, section 5.6.7, the format that servers must send.)
"""

from . import push_id as _push_id
from .dates import parse
from .runtime import const, epoch_ms
from .url import is_loopback

_TOLERANCE = const(120000)  # milliseconds: an answer has whole seconds, and takes time to arrive


def take_from_answer(connection) -> None:
    """Take the time from the Date header, b"Sat, 21 Nov 2026 13:48:27 GMT", if the clock is more than minutes off."""
    date = connection.response.headers.get(b"date")
    if date and (connection.origin.tls or is_loopback(connection.origin.host)):
        now = epoch_ms()
        offset = parse(date) * 1000 - now
        # The two offsets are apart: when the clock is set later, the one for a clock that is not set no longer counts.
        is_set = now >= _push_id.EARLIEST
        if offset + now > _push_id.EARLIEST and abs(offset - _push_id.offset[is_set]) > _TOLERANCE:
            _push_id.offset[is_set] = offset
            _push_id.forget()


def corrected(ms: int) -> int:
    """Return the true time, in milliseconds since 1970, when the clock of the device says `ms`."""
    return ms + _push_id.offset[ms >= _push_id.EARLIEST]
