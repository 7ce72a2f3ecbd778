"""Makes keys for POST by the algorithm of Google's SDKs, and reads the time in a key.

In: the time in milliseconds. Out: 20 characters that sort by time: 8 for the time, 12 random ones. Within one
millisecond the random part is the previous one plus 1, so that consecutive keys also sort in that order.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_TIME_LENGTH = 8
_RANDOM_VALUES = 64**12


def push_ids(random_below: Callable[[int], int] = secrets.randbelow) -> Callable[[int], str]:
    """Return a function that makes a key from a time in milliseconds; keys of the same time sort in the order of the
    calls.
    """
    last_ms, last_random = -1, 0

    def push_id(now_ms: int) -> str:
        nonlocal last_ms, last_random
        last_random = (last_random + 1) % _RANDOM_VALUES if now_ms == last_ms else random_below(_RANDOM_VALUES)
        last_ms = now_ms
        return _encode(now_ms, _TIME_LENGTH) + _encode(last_random, 12)

    return push_id


def milliseconds(key: str) -> int:
    """Return the time in a key, in milliseconds since 1970."""
    value = 0
    for letter in key[:_TIME_LENGTH]:
        value = value * 64 + ALPHABET.index(letter)
    return value


def _encode(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 64)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
