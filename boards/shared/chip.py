"""What is the same on every chip: the settings and what follows from them, the folder that is kept, the desk.

In: /config.json. Out: those functions of a board that need nothing of one chip alone.
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

    Arguments: the board's unique id; what else WLAN.config() of this board takes.
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
    """Return the folder for what is kept across restarts."""
    folder = _settings["storage"] or _STORAGE
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there; whoever writes into it learns if it is not
    return folder


def synchronize_clock() -> bool:
    """Ask time servers, the next ones at the next call.

    Returns: True if time.time() can be trusted.
    """
    return rtc.synchronize(_settings["ntp"])


def report(what: str, value: object = "") -> None:
    """Tell the person at the desk something, in one line."""
    print("%-9s%s" % (what, value))


def restart_network(reason: object) -> None:
    """Switch the network off, so that connect() begins anew."""
    report("restart", "the network: %s" % reason)
    wifi.switch_off()


def stop_requested() -> bool:
    """Return False: a board runs until it is switched off."""
    return False


def has_hold_file() -> bool:
    """Return whether a file named /hold is there."""
    try:
        os.stat(_HOLD)
    except OSError:
        return False
    return True
