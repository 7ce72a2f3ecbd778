"""time, with a clock that is wrong until somebody sets it, and the epoch of the port."""

import utime
import world
from utime import *  # noqa: F403

_passed = 0  # milliseconds of virtual time


def true_now() -> int:
    """Return the seconds since 1970 that everybody else has."""
    return int(utime.time()) + _passed // 1000


def time():
    return true_now() + world.kept("clock", 0) - world.EPOCH


def time_ns():
    return time() * 1000000000


def gmtime(seconds=None):
    return utime.gmtime((time() if seconds is None else seconds) + world.EPOCH)


localtime = gmtime


def mktime(moment):
    return utime.mktime(moment) - world.EPOCH


if world.VIRTUAL:

    def ticks_ms():
        return _passed

    def sleep_ms(ms):
        global _passed
        _passed += int(ms)

    def sleep(seconds):
        sleep_ms(seconds * 1000)
