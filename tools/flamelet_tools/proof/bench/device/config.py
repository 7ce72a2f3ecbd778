"""Defines what every client of the benchmark pushes, and where: `... URL CA PATH` on the command line, CA - for none.

`ints(push, i)` and `floats(push, i)` call `push` with the i-th reading; they allocate no object. The ints are negative
and positive, short and long, so that the length of the body changes between two and three digits.
"""

import sys

# words32.py has neither a command line nor a network.
URL, CA, PATH = sys.argv[-3:] if len(sys.argv) > 3 else ("http://127.0.0.1:1", "-", "devices/d1/telemetry")
CA = None if CA == "-" else CA
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkMSJ9." + "flamelet" * 124  # as long as an ID token
NAMES = ("temperature_celsius", "humidity_percent", "pressure_pascal", "rssi_dbm")
FLOAT_FIELDS = 2


def ints(push, i):
    if i & 1:
        return push(-100000000 - i, 900000000 + i, 101325, -61)
    return push(i - 500, 40, 101325, -61)


def floats(push, i):
    return push(21.25, 40.5, 101325, -61)
