"""Supports the Pico W and the Pico 2 W.

In: config.json and the chip. Out: the functions that `flamelet.device` needs from every board. The oldest firmware is
MicroPython 1.22.

The watchdog accepts 8,388 ms at most and cannot be stopped; a DNS look-up may take longer. So a timer feeds it until
the time that the program allows itself (WATCHDOG_MS) is over; feed_watchdog() starts that time again. MicroPython runs
the callback of the timer between two instructions, and during waits for the network. Only a single call that computes
for eight seconds would be too long, and there is none.

The supply voltage can be measured only while the radio is off: pin 29 is also the clock of the radio. So it is measured
once at each start, before the radio is on; a board that sleeps starts at each wake.

No memory survives a restart except the scratch registers of the watchdog. One of them stores why this program restarted
the board, because the chip reports every restart as one by the watchdog.
"""

import os
import time

import chip
import light
import machine
import measure
import network
import rp2
import rtc
import startup
import wifi
from micropython import const

NAME = "pico_w"
WATCHDOG_MS = 60000  # the allowance

_HARDWARE_MS = const(8388)
_FEED_MS = const(2000)
_NAP_MS = const(4000)
_VOLTS = 3.3 / 65535

# SCRATCH0: at 0x0c of WATCHDOG_BASE (RP2040 datasheet 4.7, RP2350 datasheet 12.9). The firmware uses 4 to 7.
_SCRATCH = 0x400D800C if "RP2350" in os.uname().machine else 0x4005800C
_RESTARTED = const(0x666C01)
_SLEPT = const(0x666C02)

_watchdog = None
_timer = None
_fed = time.ticks_ms()

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


def _measure_supply() -> float:
    """Return the volts of VSYS: a third of it is at pin 29 while pin 25, the chip select of the radio, is high.

    Nothing is restored: an idle chip select is high, and the driver of the radio sets up the pin of its clock again for
    each transfer (cyw43_bus_pio_spi.c of pico-sdk).
    """
    machine.Pin(25, machine.Pin.OUT, value=1)
    time.sleep_ms(1)
    return machine.ADC(machine.Pin(29)).read_u16() * 3 * _VOLTS


_supply = _measure_supply()
_thermometer = machine.ADC(getattr(machine.ADC, "CORE_TEMP", 4))


def _temperature() -> float:
    """Return degrees Celsius, by the formula of the datasheet (RP2040 4.9.5)."""
    return 27 - (_thermometer.read_u16() * _VOLTS - 0.706) / 0.001721


def _cause() -> str:
    """Return why the board started. Removes the note, so that a restart by the watchdog is not taken for ours."""
    note = machine.mem32[_SCRATCH]
    machine.mem32[_SCRATCH] = 0
    if machine.reset_cause() == machine.PWRON_RESET:
        return "power on"
    return {_RESTARTED: "software", _SLEPT: "deep sleep"}.get(note, "watchdog")


_reset_cause = _cause()

_own_sensors = (
    ("cpu_temp", 1, _temperature),
    ("supply", 2, lambda: _supply),
    ("heap_free", 0, measure.heap_free),
    ("rssi", 0, wifi.signal_strength),
    ("uptime", 0, measure.uptime),
)
_sensors = _own_sensors
FIELDS = measure.fields(_sensors)

light.use(machine.Pin("LED", machine.Pin.OUT).value)


def read_sensors() -> tuple:
    """Return a reading of each of FIELDS, or None if the sensor failed."""
    return measure.read_all(_sensors)


def config() -> dict:
    """Read /config.json, and add the sensors of the user to FIELDS.

    Raises: ValueError that says what to do.
    """
    global _sensors, FIELDS
    settings = chip.config(unique_id())
    _sensors = measure.with_users(_own_sensors)
    FIELDS = measure.fields(_sensors)
    return settings


def unique_id() -> str:
    """Return a stable name of this board, with only a-z, 0-9 and `-`."""
    return "pico-" + machine.unique_id().hex()


def rtc_memory() -> None:
    """Return None: no memory survives deep sleep."""


def restart(reason: object) -> None:
    """Restart the board."""
    report("restart", reason)
    machine.mem32[_SCRATCH] = _RESTARTED
    machine.reset()


def reset_cause() -> str:
    """Return why the board started: "power on", "watchdog", "software" or "deep sleep"."""
    return _reset_cause


def start_watchdog() -> None:
    """Start the watchdog, and the timer that feeds it. It cannot be stopped."""
    global _watchdog, _timer, _fed
    _fed = time.ticks_ms()
    _watchdog = machine.WDT(id=0, timeout=_HARDWARE_MS)
    _timer = machine.Timer(-1, period=_FEED_MS, mode=machine.Timer.PERIODIC, callback=_feed)


def _feed(timer):
    if _watchdog and time.ticks_diff(time.ticks_ms(), _fed) < WATCHDOG_MS:
        _watchdog.feed()


def feed_watchdog() -> None:
    """Feed the watchdog, and move the light on."""
    global _fed
    _fed = time.ticks_ms()
    light.step()


def hold_requested() -> bool:
    """Return whether a file named /hold exists, or the button BOOTSEL is held."""
    return chip.has_hold_file() or rp2.bootsel_button() == 1


def sleep(seconds: float) -> None:
    """Enter deep sleep. The program starts again afterwards.

    A running watchdog goes on while the chip sleeps, so this wakes up to feed it.
    """
    if _timer:
        _timer.deinit()
    wifi.switch_off()
    network.WLAN(network.STA_IF).deinit()  # or the radio stays awake, and keeps the board awake
    begun = time.ticks_ms()
    total = int(seconds * 1000)
    machine.mem32[_SCRATCH] = _SLEPT
    while True:
        if _watchdog:
            _watchdog.feed()
        left = total - time.ticks_diff(time.ticks_ms(), begun)
        if left <= 0:
            break
        machine.lightsleep(min(left, _NAP_MS))
    machine.reset()
