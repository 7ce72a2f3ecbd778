"""machine, for an ESP32 or a Pico W, as their ports behave; what happens is noted in /state."""

import _thread
import time

import micropython
import network
import utime
import world

PWRON_RESET = 1
WDT_RESET = 3
if world.PORT == "esp32":
    HARD_RESET, DEEPSLEEP_RESET, SOFT_RESET = 2, 4, 5
_CAUSES = {"power on": 1, "reset": 2, "watchdog": 3, "deep sleep": 4, "soft reset": 5}
# The pin of the button BOOT.
_BOOT = 9 if "ESP32C" in world.MACHINE else 0
_RADIO_PINS = (23, 24, 25, 29)
_PINS = 40 if world.PORT == "esp32" else 30
outputs = {}


def unique_id():
    return b"\x24\x6f\x28\xaa\xbb\xcc" if world.PORT == "esp32" else b"\xe6\x61\x64\x08\x43\x3b\x21\x2c"


def reset_cause():
    cause = world.read()["cause"]
    if world.PORT == "esp32":
        return _CAUSES[cause]
    return PWRON_RESET if cause == "power on" else WDT_RESET


def reset():
    world.end("reset")


def deepsleep(ms):
    world.end("deep sleep", ms)


def lightsleep(ms):
    # With its chip awake the radio has something to say at once.
    world.log("lightsleep %d" % ms)
    if not network.is_chip_on:
        time.sleep_ms(ms)


class Pin:
    IN, OUT = 0, 1
    PULL_UP = 1

    def __init__(self, pin, mode=-1, pull=-1, value=None):
        is_named = pin == "LED" and world.PORT == "rp2"
        if not is_named and not (isinstance(pin, int) and 0 <= pin < _PINS):
            raise ValueError("invalid pin" if isinstance(pin, int) else "unknown named pin")
        if is_named:
            network.is_chip_on = True
        elif world.PORT == "rp2" and pin in _RADIO_PINS and network.is_chip_on:
            raise AssertionError("pin %d is the radio's" % pin)
        self.pin = pin
        self.init(mode, value)

    def init(self, mode, value=None):
        if mode == self.IN:
            outputs.pop(self.pin, None)
        if value is not None:
            self.value(value)

    def value(self, value=None):
        if value is None:
            is_held = self.pin == _BOOT and world.read().get("button")
            return outputs.get(self.pin, 0 if is_held else 1)
        outputs[self.pin] = 1 if value else 0
        if not world.VIRTUAL:
            world.log("pin %s %d" % (self.pin, outputs[self.pin]))


class ADC:
    def __init__(self, source):
        self._source = source.pin if isinstance(source, Pin) else source

    def read_u16(self):
        if self._source == 29:
            # The divider is connected while the chip select is high.
            return int(world.read().get("supply", 5.0) / 3 / 3.3 * 65535) if outputs.get(25) else 0
        if self._source == 4:
            return int((0.706 - (world.read().get("celsius", 27) - 27) * 0.001721) / 3.3 * 65535)
        raise ValueError("Pin doesn't have ADC capabilities")


if not world.IS_OLD:
    ADC.CORE_TEMP = 4


class I2C:
    """A bus, and on it what the world says: "i2c", the bytes that a device answers."""

    def __init__(self, id, sda=None, scl=None, freq=400000):
        self._written = b""

    def writeto(self, address, data):
        self._written = data

    def readfrom(self, address, count):
        answer = world.read().get("i2c")
        if answer is None or not self._written:
            raise OSError(19)
        return bytes(answer[:count])


class RTC:
    def datetime(self, moment=None):
        if moment is None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime()
            return (year, month, day, weekday, hour, minute, second, 0)
        year, month, day, _, hour, minute, second, _ = moment
        seconds = utime.mktime((year, month, day, hour, minute, second, 0, 0))
        world.keep("clock", seconds - time.true_now())


if world.PORT == "esp32":

    def _memory(self, data=None):
        if data is None:
            return bytes(world.kept("rtc_memory", []))
        if len(data) > 2048:
            raise ValueError("buffer too long")
        world.keep("rtc_memory", list(data))

    RTC.memory = _memory


class _Registers:
    def __getitem__(self, address):
        return world.kept("registers", {}).get(str(address), 0)

    def __setitem__(self, address, value):
        registers = world.kept("registers", {})
        registers[str(address)] = value
        world.keep("registers", registers)


mem32 = _Registers()


class WDT:
    """A watchdog: each feed is a byte in /state/fed, and whoever started this process watches them come."""

    def __init__(self, id=0, timeout=5000):
        if world.PORT == "rp2" and timeout > (16777 if "RP2350" in world.MACHINE else 8388):
            raise ValueError("timeout exceeds 8388")
        self.feeds = 0
        self._file = open("/state/fed", "wb")  # noqa: SIM115  as long as the chip runs
        world.keep("watchdog", timeout)

    def feed(self):
        self.feeds += 1
        self._file.write(b".")


class Timer:
    """A timer, whose callback MicroPython runs between two instructions. In virtual time the test calls it."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id=-1, mode=1, period=-1, callback=None):
        if id != -1 and world.PORT == "rp2":
            raise ValueError("Timer doesn't exist")
        self.period, self.callback, self._is_on = period, callback, True
        if not world.VIRTUAL:
            _thread.start_new_thread(self._run, ())

    def _run(self):
        while self._is_on:
            utime.sleep_ms(self.period)
            try:
                micropython.schedule(self._call, None)
            except RuntimeError:
                world.missed = True  # the queue is full: the next one may find room

    def _call(self, _):
        if self._is_on:
            self.callback(self)

    def deinit(self):
        self._is_on = False
