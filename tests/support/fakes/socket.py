"""socket, whose look-ups need the network of the board."""

import network
import usocket
import utime
import world
from usocket import *  # noqa: F403


def getaddrinfo(*arguments):
    # As long as a silent resolver takes. Callbacks of timers run meanwhile, as on both ports.
    utime.sleep_ms(world.read().get("dns_ms", 0))
    if not network.station.isconnected():
        raise OSError(-2)
    return usocket.getaddrinfo(*arguments)
