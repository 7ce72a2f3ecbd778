"""What surrounds a board that is played: the test writes /state/world.json, the fakes of this folder read it.

In: networks in reach, time servers, the button, why the chip started. Out: what the chip leaves behind, in files of
/state: the clock, the memory of the RTC, scratch registers, the light, the feeding of the watchdog, and how it ended.

With `"virtual": true` the clock goes on only where the program sleeps, and a reset is an exception: for tests of single
functions. Else all is in real time, and whoever started this process ends it when /state/end says so.
"""

import json

import utime

_read: dict = {}


def read() -> dict:
    """Return the world as it is now; in virtual time nobody else changes it."""
    if not _read.get("virtual"):
        with open("/state/world.json") as file:
            _read.clear()
            _read.update(json.load(file))
    return _read


def change(**values) -> None:
    """Change the world, from within a test of single functions."""
    read().update(values)


def keep(name: str, value: object) -> None:
    with open("/state/%s.json" % name, "w") as file:
        json.dump(value, file)


def kept(name: str, default=None):
    try:
        with open("/state/%s.json" % name) as file:
            return json.load(file)
    except OSError:
        return default


def log(text: str) -> None:
    """Note what the chip did, and when (milliseconds)."""
    with open("/state/log", "a") as file:
        file.write("%d %s\n" % (utime.ticks_ms(), text))


class Ended(BaseException):
    """The chip has been reset, or sleeps deeply; `args`: which, and how many milliseconds."""


def end(what: str, ms: int = 0) -> None:
    """End all that runs on the chip, at once: no `finally` of the program has its turn."""
    if VIRTUAL:
        raise Ended(what, ms)
    keep("end", [what, ms])
    while True:
        utime.sleep_ms(1000)


_first = read()
PORT = _first["port"]  # "esp32" or "rp2"
MACHINE = _first["machine"]
EPOCH = 946684800 if _first.get("epoch", 2000 if PORT == "esp32" else 1970) == 2000 else 0
VIRTUAL = _first.get("virtual", False)
IS_OLD = _first.get("firmware", "new") == "1.22"
