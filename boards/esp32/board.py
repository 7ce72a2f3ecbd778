"""Supports the ESP32: also S2, S3, C3, C6 and every other chip of MicroPython's esp32 port.

In: config.json and the chip. Out: the functions that `flamelet.device` needs from every board. Features that only some
chips or newer firmware have are detected; the oldest firmware is MicroPython 1.22.

The watchdog accepts any time, so it is fed directly: 120 s are longer than a DNS look-up and a handshake. The clock and
2,048 bytes of memory survive deep sleep and a restart.
"""

import os

import chip
import esp32
import light
import machine
import measure
import rtc
import startup
import wifi
from micropython import const

NAME = "esp32"
WATCHDOG_MS = const(120000)

_CHIP = os.uname().machine  # "ESP32C3 module with ESP32C3"
# The button BOOT pulls down the pin that the chip reads at its start.
_BUTTON = 9 if any([name in _CHIP for name in ("ESP32C3", "ESP32C6", "ESP32C2", "ESP32H2")]) else 0
_CAUSES = {
    machine.PWRON_RESET: "power on",
    machine.HARD_RESET: "software",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "soft reset",
}

_watchdog = None

report = chip.report
restart_network = chip.restart_network
stop_requested = chip.stop_requested
storage = chip.storage
synchronize_clock = chip.synchronize_clock
identify = light.identify
led = light.led
status = light.status
set_clock = rtc.set_clock
started = startup.started
connect = wifi.step
is_up = wifi.is_up
signal_strength = wifi.signal_strength


def _celsius_of_fahrenheit() -> float:
    return (esp32.raw_temperature() - 32) / 1.8


def _temperature() -> tuple:
    """Return the sensor of the chip: the first ESP32 measures roughly, in Fahrenheit; later ones in Celsius."""
    if hasattr(esp32, "mcu_temperature"):
        return (("cpu_temp", 0, esp32.mcu_temperature),)
    return (("cpu_temp", 1, _celsius_of_fahrenheit),) if hasattr(esp32, "raw_temperature") else ()


_own_sensors = _temperature() + (
    ("heap_free", 0, measure.heap_free),
    ("rssi", 0, wifi.signal_strength),
    ("uptime", 0, measure.uptime),
)
_sensors = _own_sensors
FIELDS = measure.fields(_sensors)


def read_sensors() -> tuple:
    """Return a reading of each of FIELDS, or None if the sensor failed."""
    return measure.read_all(_sensors)


try:
    light.use(machine.Pin("LED", machine.Pin.OUT).value)
except ValueError:
    pass  # most boards do not name the pin: then the setting led_pin has it


def config() -> dict:
    """Read /config.json, and add the sensors of the user to FIELDS.

    Raises: ValueError that says what to do.
    """
    global _sensors, FIELDS
    settings = chip.config(unique_id(), reconnects=2)
    _sensors = measure.with_users(_own_sensors)
    FIELDS = measure.fields(_sensors)
    return settings


def unique_id() -> str:
    """Return a stable name of this board, with only a-z, 0-9 and `-`."""
    return "esp32-" + machine.unique_id().hex()


def rtc_memory():
    """Return the RTC, whose memory() has 2,048 bytes that survive deep sleep and restarts, but no power cut."""
    return machine.RTC()


def restart(reason: object) -> None:
    """Restart the board."""
    report("restart", reason)
    machine.reset()


def reset_cause() -> str:
    """Return why the board started. The chip reports a brownout as power on, a crash of the firmware as software."""
    return _CAUSES.get(machine.reset_cause(), "unknown")


def start_watchdog() -> None:
    """Start the watchdog. It cannot be stopped."""
    global _watchdog
    _watchdog = machine.WDT(id=0, timeout=WATCHDOG_MS)


def feed_watchdog() -> None:
    """Feed the watchdog, and move the light on."""
    if _watchdog:
        _watchdog.feed()
    light.step()


def hold_requested() -> bool:
    """Return whether a file named /hold exists, or the button BOOT is held."""
    return chip.has_hold_file() or machine.Pin(_BUTTON, machine.Pin.IN, machine.Pin.PULL_UP).value() == 0


def sleep(seconds: float) -> None:
    """Enter deep sleep. The program starts again afterwards."""
    wifi.switch_off()
    machine.deepsleep(max(1, int(seconds * 1000)))
