"""A machine's time that jumps over what nobody waits for: stands in the place of MicroPython's module `time`.

In: `jump(ms)`. Out: the functions of `time`, by a clock that also goes on by itself. Import it before anything that
imports `time`, and call `take_over()`: asyncio then waits by `idle(ms)` where no task is ready. So all of the library
runs as it is. Ticks wrap at 2**30 ms, as on the boards. The names are those of `time`.
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
    """Be the time of this program, which began at `epoch_ms`; where its clock is not set, `told_ms` is what it says."""
    global _epoch, _behind
    _epoch = epoch_ms
    _behind = epoch_ms - told_ms
    sys.modules["time"] = sys.modules[__name__]
    # Its queue is in C, and compares by the ticks of this port, which do not wrap; it is never behind them.
    core.ticks = lambda: real.ticks_ms() + _jumped
    core._io_queue = _Idle(idle)


class _Idle:
    """What asyncio calls where no task is ready. (No task of flamelet's waits for a socket there.)"""

    map = {}

    def __init__(self, idle):
        self._idle = idle

    def wait_io_event(self, ms):
        if ms:
            self._idle(ms)

    def remove(self, task):
        """No task is kept here."""


def jump(ms: int) -> None:
    """So much time has passed."""
    global _jumped
    _jumped += ms


def since_start() -> int:
    """Milliseconds since this program began."""
    return real.ticks_ms() - _began + _jumped


def true_ms() -> int:
    """Milliseconds since 1970, whatever the clock of the machine says."""
    return _epoch + since_start()


def is_right() -> bool:
    """Whether the clock of the machine is set."""
    return abs(_behind) < 1000


def set_clock(seconds: int) -> None:
    """Set the clock of the machine to so many seconds since 1970."""
    global _behind
    _behind = true_ms() - seconds * 1000


def ahead_ms() -> int:
    """How far this time is ahead of that of the machine below."""
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
