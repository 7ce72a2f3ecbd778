"""The sensors of a board: its own, and those of the user.

In: (name, decimals, function) of each. Out: a reading of each, None where a sensor failed. A sensor cannot stop the
program, whatever it raises.

The user's sensors stand in sensors.py beside board.py, as SENSORS; sensors_example.py shows it.
"""

import gc
import sys
import time


def with_users(own: tuple) -> tuple:
    """Return the board's own sensors, and those of the user behind them."""
    try:
        from sensors import SENSORS

        return own + tuple([(str(name), int(decimals), read) for name, decimals, read in SENSORS])
    except Exception as error:
        # Without sensors.py there are none; what is wrong within it must not keep the board from its work.
        if not isinstance(error, ImportError) or "'sensors'" not in str(error):
            print("error    sensors.py is left out:")
            sys.print_exception(error)
        return own


def read_all(sensors: tuple) -> tuple:
    """Return a reading of each: int where decimals is 0, else float; None where it failed."""
    return tuple([_read(read) for _, _, read in sensors])


def _read(read):
    try:
        value = read()
    except Exception:
        return None
    if isinstance(value, bool):
        return int(value)
    # Not a number is not equal to itself.
    is_number = isinstance(value, (int, float)) and value == value and abs(value) < 1e15
    return value if is_number else None


def heap_free() -> int:
    """Return the free bytes of the heap."""
    return gc.mem_free()


_uptime = 0
_counted = time.ticks_ms()


def uptime() -> int:
    """Return the seconds since the program began. It counts right if it is called once in six days at least."""
    global _uptime, _counted
    seconds = time.ticks_diff(time.ticks_ms(), _counted) // 1000
    _counted = time.ticks_add(_counted, seconds * 1000)
    _uptime += seconds
    return _uptime
