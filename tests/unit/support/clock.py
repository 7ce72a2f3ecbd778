"""A clock for the tests of keys that moves when told, and what a key says."""

from flamelet.core import push_id, runtime

ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
NOW = 1795268907123  # 2026-11-21


class Clock:
    """A clock that moves when told, in place of the one of push_id, whose state is restored at the end."""

    def __init__(self, epoch=NOW, ticks=1000):
        self.epoch = epoch
        self.ticks = ticks

    def move(self, ms):
        self.epoch += ms
        self.ticks = runtime.ticks_add(self.ticks, ms)

    def __enter__(self):
        self.saved = (bytes(push_id._digits), push_id._ticks[0], push_id._is_known[0], list(push_id.offset))
        push_id.ticks_ms = lambda: self.ticks
        push_id.epoch_ms = lambda: self.epoch
        push_id._is_known[0] = False
        push_id.offset[:] = [0, 0]
        return self

    def __exit__(self, *_):
        push_id._digits[:], push_id._ticks[0], push_id._is_known[0], push_id.offset[:] = self.saved
        push_id.ticks_ms = runtime.ticks_ms
        push_id.epoch_ms = runtime.epoch_ms


def make_key():
    key = bytearray(push_id.SIZE)
    assert push_id.put(key, 0) == len(key)
    return key.decode()


def number(text):
    value = 0
    for letter in text:
        value = value * 64 + ALPHABET.index(letter)
    return value


def milliseconds(key):
    return number(key[:8])
