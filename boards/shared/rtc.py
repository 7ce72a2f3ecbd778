"""Sets the clock of a board by NTP, and corrects it by the time of a verified answer.

In: names of time servers, or seconds since 1970. Out: the RTC, and with it time.time(), whose epoch is 1970 on a Pico W
and 2000 on an ESP32.

NTP is not protected: anyone on the way can lie. So the clock is set as soon as two servers agree within a minute. If no
two agree, it is set from one that answered, each time from another. A time before 2024 or after 2099 is ignored. A
clock that kept running during deep sleep or a restart is trusted first.
"""

import time

import machine
import ntptime
from micropython import const

_FIRST = const(1704067200)  # 2024-01-01
_LAST = 4102444800  # 2100-01-01
_AGREED = const(60)
_EXACT = const(2)  # seconds: the time that a packet may take
_AWAY = const(120)
_BUDGET_MS = const(300)
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0

_is_kept = False  # whether the clock at the start has been checked
_is_trusted = False
_asked = 0
_asked_now = 0  # in this round, which ends when all were asked, or two agree
_ahead: list = []  # seconds that the servers of this round are ahead of our clock


def now() -> int:
    """Return the seconds since 1970 by the clock of this board, right or wrong."""
    return int(time.time()) + _EPOCH


def is_set() -> bool:
    """Return whether the clock shows a possible time."""
    return _FIRST <= now() < _LAST


def set_clock(seconds_since_1970: int) -> None:
    """Set the clock to the time of a verified answer, if it is not set, or minutes away."""
    global _is_trusted
    _is_trusted = True
    _adjust(seconds_since_1970 - now(), _AWAY)


def synchronize(servers: list) -> bool:
    """Ask the next servers until two agree, each for at most a second; stop after _BUDGET_MS.

    Returns: True if time.time() can be trusted.
    """
    global _is_kept, _is_trusted
    if not _is_kept:
        _is_kept = True
        _is_trusted = is_set()
        if _is_trusted:
            return True
    begun = time.ticks_ms()
    while servers and not _is_decided(servers) and time.ticks_diff(time.ticks_ms(), begun) < _BUDGET_MS:
        pass
    return _is_trusted


def _is_decided(servers):
    """Ask one server. Return whether that ends the round: two agree, or all were asked."""
    global _asked, _asked_now
    ahead = _ask(servers[_asked % len(servers)])
    _asked += 1
    _asked_now += 1
    agreed = ahead is not None and any([abs(other - ahead) <= _AGREED for other in _ahead])
    if ahead is not None:
        _ahead.append(ahead)
    if not agreed and _asked_now < len(servers):
        return False
    if _ahead:
        _believe(_ahead[-1 if agreed else _asked // len(servers) % len(_ahead)])
    _ahead.clear()
    _asked_now = 0
    return True


def _ask(server):
    """Return how many seconds this server is ahead of our clock, or None if it gave no time."""
    ntptime.host = server
    ntptime.timeout = 1
    try:
        seconds = ntptime.time() + _EPOCH
    except (OSError, ValueError, IndexError):
        return None
    return seconds - now() if _FIRST <= seconds < _LAST else None


def _believe(ahead):
    global _is_trusted
    _is_trusted = True
    _adjust(ahead, _EXACT)


def _adjust(ahead, tolerance):
    if abs(ahead) > tolerance or not is_set():
        year, month, day, hour, minute, second = time.gmtime(int(time.time()) + ahead)[:6]
        machine.RTC().datetime((year, month, day, 0, hour, minute, second, 0))
