"""Provides what is the same on every chip: the settings and their effects, the storage folder, the reports.

In: /config.json. Out: the functions of a board that do not depend on the chip.
"""

import os

import light
import machine
import rtc
import settings
import wifi

_STORAGE = "/data"
_HOLD = "/hold"

_settings: dict = {"ntp": [], "storage": None}


def config(device: str, **radio) -> dict:
    """Read /config.json, and prepare light and radio.

    Arguments: device, the board's unique id; radio, more arguments for WLAN.config() of this board.
    Raises: ValueError that says what to do.
    """
    global _settings
    _settings = settings.read("/config.json", device, True)
    pin = _settings["led_pin"]
    try:
        if pin is not None:
            light.use(machine.Pin(pin, machine.Pin.OUT).value)
        wifi.configure(_settings, storage() + "/network", **radio)
    except ValueError as error:
        raise ValueError("/config.json: the firmware refuses led_pin, country or hostname (%s)" % error)
    return _settings


def storage() -> str:
    """Return the folder for data that is kept across restarts."""
    folder = _settings["storage"] or _STORAGE
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it exists; if not, a write into it fails
    return folder


def synchronize_clock() -> bool:
    """Ask time servers; the next call asks the next ones.

    Returns: True if time.time() can be trusted.
    """
    return rtc.synchronize(_settings["ntp"])


def report(what: str, value: object = "") -> None:
    """Print one line for the user."""
    print("%-9s%s" % (what, value))


def restart_network(reason: object) -> None:
    """Switch the network off, so that connect() starts again."""
    report("restart", "the network: %s" % reason)
    wifi.switch_off()


def stop_requested() -> bool:
    """Return False: a board runs until it is switched off."""
    return False


def has_hold_file() -> bool:
    """Return whether a file named /hold exists."""
    try:
        os.stat(_HOLD)
    except OSError:
        return False
    return True
