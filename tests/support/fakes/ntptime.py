"""ntptime, with servers that the world describes, by name.

A server is a number: how many seconds it is ahead of the truth; or {"raw": SECONDS}: what it says, since 1900; or
"silent". The arithmetic is that of MicroPython's own module: a time before 2024 is taken for one after 2036.
"""

import time as _clock

import network
import world

host = "pool.ntp.org"
timeout = 1

_FROM_1900 = 2208988800
_LEAST = 3913056000
asked = []


def time_of(server) -> int:
    if server == "silent":
        _clock.sleep_ms(timeout * 1000)
        raise OSError(110)
    seconds = server["raw"] if isinstance(server, dict) else _clock.true_now() + server + _FROM_1900
    seconds &= 0xFFFFFFFF
    if seconds < _LEAST:
        seconds += 0x100000000
    return seconds - _FROM_1900 - world.EPOCH


def time():
    asked.append(host)
    servers = world.read().get("ntp", {})
    if not network.station.isconnected() or host not in servers:
        raise OSError(-2)
    return time_of(servers[host])


def settime():
    raise AssertionError("settime() takes whatever a server says")
