"""Shows how to add your own sensors: change this file, and copy it to the board as /sensors.py.

SENSORS holds (name, decimals, function) for each sensor: its name in the database, its decimals (0 for an integer), and
the function that reads it. A function may take milliseconds, not seconds. If it raises, the reading is None, and the
other sensors are read.

This example reads temperature and humidity of an SHT31 on I2C, at address 0x44.
"""

import time

from machine import I2C, Pin

_ADDRESS = 0x44

# ESP32: any two pins, by their numbers. Pico W: bus 0 has GP4 (SDA) and GP5 (SCL).
_i2c = I2C(0, sda=Pin(4), scl=Pin(5), freq=100_000)


def _measure(at: int) -> int:
    """Measure once. Return the 16 bits that begin at this byte of the answer."""
    _i2c.writeto(_ADDRESS, b"\x24\x00")
    time.sleep_ms(16)
    answer = _i2c.readfrom(_ADDRESS, 6)
    return answer[at] << 8 | answer[at + 1]


def temperature() -> float:
    """Return degrees Celsius."""
    return _measure(0) * 175 / 65535 - 45


def humidity() -> float:
    """Return per cent."""
    return _measure(3) * 100 / 65535


SENSORS = (("temperature", 1, temperature), ("humidity", 1, humidity))
