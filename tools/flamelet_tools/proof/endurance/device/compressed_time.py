"""Replaces MicroPython's module `time` by a clock that skips the time in which nothing happens.

In: `jump(ms)`. Out: the functions of `time`, by a clock that also runs by itself. Import it before anything that
imports `time`, and call `take_over()`: asyncio then calls `idle(ms)` when no task is ready. The library runs unchanged.
Ticks wrap at 2**30 ms, as on the boards. The names are those of `time`.
"""

import sys
import time as real
from asyncio import core

_PERIOD = 1 << 30
_FIRST = _PERIOD - 3600000  # ticks wrap an hour after the start

_jumped = 0
_began = real.ticks_ms()
_epoch = 0  # milliseconds since 1970 when this program began
_behind = 0  # milliseconds that the clock of the machine is behind the true one


def take_over(idle, epoch_ms: int, told_ms: int) -> None:
    """Replace the time of this program, which began at `epoch_ms`; if its clock is not set, it says `told_ms`."""
    global _epoch, _behind
    _epoch = epoch_ms
    _behind = epoch_ms - told_ms
    sys.modules["time"] = sys.modules[__name__]
    # The queue of asyncio is in C and compares the ticks of this port, which do not wrap.
    core.ticks = lambda: real.ticks_ms() + _jumped
    core._io_queue = _Idle(idle)


class _Idle:
    """What asyncio calls if no task is ready. (None of flamelet's tasks waits for a socket there.)"""

    map = {}

    def __init__(self, idle):
        self._idle = idle

    def wait_io_event(self, ms):
        if ms:
            self._idle(ms)

    def remove(self, task):
        """Do nothing: no task is kept here."""


def jump(ms: int) -> None:
    """Skip this number of milliseconds."""
    global _jumped
    _jumped += ms


def since_start() -> int:
    """Return the milliseconds since this program began."""
    return real.ticks_ms() - _began + _jumped


def true_ms() -> int:
    """Return the milliseconds since 1970, whatever the clock of the machine says."""
    return _epoch + since_start()


def is_right() -> bool:
    """Return whether the clock of the machine is set."""
    return abs(_behind) < 1000


def set_clock(seconds: int) -> None:
    """Set the clock of the machine to this number of seconds since 1970."""
    global _behind
    _behind = true_ms() - seconds * 1000


def ahead_ms() -> int:
    """Return how far this time is ahead of the real one, in milliseconds."""
    return true_ms() - real.time_ns() // 1000000


def ticks_ms():
    return (_FIRST + since_start()) & (_PERIOD - 1)


def ticks_add(ticks, delta):
    return (ticks + delta) & (_PERIOD - 1)


def ticks_diff(end, start):
    return ((end - start + _PERIOD // 2) & (_PERIOD - 1)) - _PERIOD // 2


def sleep_ms(ms):
    jump(max(0, ms))


def sleep(seconds):
    jump(max(0, int(seconds * 1000)))


def time_ns():
    return (true_ms() - _behind) * 1000000


def time():
    return (true_ms() - _behind) // 1000


def gmtime(seconds=None):
    return real.gmtime(time() if seconds is None else seconds)


localtime = gmtime
