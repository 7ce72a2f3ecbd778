"""Makes keys that sort by the time they were made, as Firebase's clients do for push().

Twenty characters in ASCII order: eight for the milliseconds since 1970 in base 64, twelve random; two keys of the same
millisecond differ by one in the random part. They are made on the device, so a repeated write is idempotent.

Memory: `put` allocates nothing, on 32-bit words too: the time is kept as digits and moved on by the difference of
ticks, since a timestamp is not a small int there. The random part starts as `os.urandom`; the generator of the
firmware is only added to it. (Source: NextPushId in the Firebase SDKs.)
"""

import os

from .runtime import const, epoch_ms, getrandbits, ticks_diff, ticks_ms

SIZE = const(20)
ALPHABET = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_TIME = const(8)
_LONGEST = const(1 << 28)  # three days: the clock is read again long before the ticks wrap
EARLIEST = 1704067200000  # 2024-01-01: a clock that is before this is not set
_digits = bytearray(_TIME) + bytearray(byte & 63 for byte in os.urandom(SIZE - _TIME))
_ticks = [ticks_ms()]  # of the last key
_is_known = [False]  # whether the time can be moved on by the ticks
offset = [0, 0]  # milliseconds to add to a clock that is not set, and to one that is: see clock.py


def put(buffer: bytearray, at: int) -> int:
    """Write a new key at buffer[at]. Returns the position after it. Raises ClockNotSet if the time is not known."""
    now = ticks_ms()
    elapsed = ticks_diff(now, _ticks[0])
    _ticks[0] = now
    if not _is_known[0] or elapsed < 0 or elapsed > _LONGEST:
        _synchronize(elapsed)
    else:
        _advance(_TIME - 1, elapsed)
    if elapsed:
        _randomize()
    else:
        _advance(SIZE - 1, 1)
    return _write(buffer, at)


def _write(buffer, at):
    for digit in _digits:
        buffer[at] = ALPHABET[digit]
        at += 1
    return at


def forget() -> None:
    """Read the clock for the next key: ticks drift. Called before a connection is opened, which takes longer."""
    _is_known[0] = False


def _synchronize(elapsed):
    now = epoch_ms()
    now += offset[now >= EARLIEST]
    if now < EARLIEST:
        from ..errors import ClockNotSet

        raise ClockNotSet("the clock is not set, and keys begin with the time: call ntptime.settime()")
    _is_known[0] = True
    last = 0
    for i in range(_TIME):
        last = last << 6 | _digits[i]
    # Ticks and clock differ a little, which must not change the order of the keys.
    if 0 < last + elapsed - now < 1000:
        now = last + elapsed
    for i in range(_TIME - 1, -1, -1):
        _digits[i] = now & 63
        now >>= 6


def _advance(i, amount):
    while amount and i >= 0:
        amount += _digits[i]
        _digits[i] = amount & 63
        amount >>= 6
        i -= 1


def _randomize():
    for i in range(_TIME, SIZE):
        _digits[i] = _digits[i] + getrandbits(6) & 63
