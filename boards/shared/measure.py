"""Reads the sensors of a board: its own, and those of the user.

In: (name, decimals, function) for each sensor. Out: a reading of each, None if the sensor failed. A sensor cannot stop
the program, whatever it raises.

The user's sensors are in /sensors.py of the board, as SENSORS; sensors_example.py is an example.
"""

import gc
import sys
import time

import startup


def with_users(own: tuple) -> tuple:
    """Return the board's own sensors, followed by those of the user.

    After several failed starts in a row the user's are left out, because they may be the reason.
    """
    if startup.failures() >= startup.LIMIT:
        return own
    try:
        from sensors import SENSORS

        return own + tuple([(str(name), int(decimals), read) for name, decimals, read in SENSORS])
    except Exception as error:
        # Without sensors.py there are none; an error inside it must not stop the board.
        if not isinstance(error, ImportError) or "'sensors'" not in str(error):
            print("error    sensors.py is left out:")
            sys.print_exception(error)
        return own


def fields(sensors: tuple) -> tuple:
    """Return (name, decimals) of each sensor."""
    return tuple([(name, decimals) for name, decimals, _ in sensors])


def read_all(sensors: tuple) -> tuple:
    """Return a reading of each: int if decimals is 0, else float; None if it failed."""
    return tuple([_read(read, decimals) for _, decimals, read in sensors])


def _read(read, decimals):
    try:
        value = read()
        if value - value != 0:
            return None  # not a number, or infinite
        return round(value, decimals) if decimals else round(value)
    except Exception:
        return None


def heap_free() -> int:
    """Return the free bytes of the heap."""
    return gc.mem_free()


_uptime = 0
_counted = time.ticks_ms()


def uptime() -> int:
    """Return the seconds since the program started. Call it at least once in six days, or it counts wrong."""
    global _uptime, _counted
    seconds = time.ticks_diff(time.ticks_ms(), _counted) // 1000
    _counted = time.ticks_add(_counted, seconds * 1000)
    _uptime += seconds
    return _uptime
