"""Makes inputs of `flamelet fuzz` that are nearly valid.

In: seeds, which are valid, and words that often matter in them. Out: one of the seeds with a few changes, by a
generator of random numbers, so that the same numbers give the same bytes. Such inputs reach deeper than random bytes.
"""

import random
from collections.abc import Callable, Sequence

LONGEST = 4096
_COPIES = 40
_COUNTS = (1, 1, 1, 1, 2, 2, 3, 4)

Change = Callable[[bytearray, int, random.Random], None]


def mutated(seeds: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> bytes:
    """Return one of `seeds` with some changes, mostly few; `words` are put into it. At most LONGEST bytes."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice(_COUNTS)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(8)
        if kind < len(_CHANGES):
            _CHANGES[kind](data, at, chance)
        elif kind == 6:
            data[at:at] = chance.choice(words)
        else:
            other = chance.choice(seeds)
            data[at:] = other[chance.randrange(len(other) + 1) :]
    return bytes(data[:LONGEST])


def _flip(data: bytearray, at: int, chance: random.Random) -> None:
    if at < len(data):
        data[at] ^= 1 << chance.randrange(8)


def _replace(data: bytearray, at: int, chance: random.Random) -> None:
    data[at : at + 1] = bytes([chance.randrange(256)])


def _drop(data: bytearray, at: int, chance: random.Random) -> None:
    del data[at : at + chance.randrange(1, 9)]


def _cut(data: bytearray, at: int, chance: random.Random) -> None:
    del data[at:]


def _double(data: bytearray, at: int, chance: random.Random) -> None:
    data[at:at] = data[at : at + chance.randrange(1, 65)]


def _repeat(data: bytearray, at: int, chance: random.Random) -> None:
    data[at:at] = data[at : at + chance.randrange(1, 9)] * chance.randrange(2, _COPIES)


_CHANGES: tuple[Change, ...] = (_flip, _replace, _drop, _cut, _double, _repeat)
