"""Connects a board to Wi-Fi: tries the known networks in turn, first the one that worked last.

In: the settings, then repeated calls of step(). Out: a network that is up, or OSError with the reason why an attempt
failed; the next step starts the next attempt. A lost network is simply no longer up, so step() connects again. The
driver's own retries are limited, because the driver and this file would disturb each other.

A step takes milliseconds; only switching the radio on takes longer (on a Pico W about a second, to load its firmware).
There is no scan, because a scan blocks for seconds and does not find hidden networks. The channels of a country are
used only if `country` is set.
"""

import time

import network
from micropython import const

_ATTEMPT_MS = const(20000)  # to join, and to get an address by DHCP
_SETTLE_MS = const(5000)  # ESP32 reports the failure of the last attempt until this one has a result

_TEXTS = {
    network.STAT_WRONG_PASSWORD: "the password is wrong",
    network.STAT_NO_AP_FOUND: "no such network is in reach",
    -1: "the network refuses this board",  # a Pico W's STAT_CONNECT_FAIL
    # ESP32 has no names for these in 1.22, or in any version: numbers of ESP-IDF (esp_wifi_types.h).
    2: "the authentication has expired: is the password right?",
    15: "the handshake failed: is the password right?",
    200: "the network is too weak",
    203: "the network refuses this board",
    204: "the handshake failed: is the password right?",
    210: "the network's kind of security is unknown",
    211: "the network's kind of security is not accepted",
    212: "the network is too weak",
}
_UNDER_WAY = [network.STAT_IDLE, network.STAT_CONNECTING, network.STAT_GOT_IP]
_NO_ADDRESS = 2 if network.STAT_IDLE == 0 else -1000  # only a Pico W reports this
_UNDER_WAY.append(_NO_ADDRESS)

_OFF = const(0)
_IDLE = const(1)  # the radio is on, and joins nothing
_JOINING = const(2)
_UP = const(3)

_wlan = network.WLAN(network.STA_IF)
_networks: list = []
_options: dict = {}
_file = ""  # keeps the name of the network that worked last
_state = _OFF
_current = 0
_tried = 0  # attempts that failed since the radio was switched on
_since = time.ticks_ms()  # when the current attempt started
_joining = ""  # the network of the current attempt


def configure(settings: dict, file: str, **options) -> None:
    """Set the known networks; nothing is switched on yet.

    Arguments: settings, with `networks`, `country`, `hostname` and `power_save`; file, which stores the name of the
    network that worked last; options, more arguments for WLAN.config() of this board.
    Raises: ValueError for a country or a host name that the firmware refuses.
    """
    global _networks, _options, _file, _current
    if settings["country"]:
        network.country(settings["country"])
    network.hostname(settings["hostname"])
    # Firmware without names for the modes keeps its default.
    mode = getattr(_wlan, "PM_PERFORMANCE" if settings["power_save"] else "PM_NONE", None)
    _options = options if mode is None else dict(options, pm=mode)
    _networks, _file = settings["networks"], file
    last = _read(file)
    names = [name for name, _ in _networks]
    _current = names.index(last) if last in names else 0


def step() -> bool:
    """Move the connection to a network on.

    Returns: True if it is up.
    Raises: OSError with the reason if this attempt failed.
    """
    global _state, _tried
    if _wlan.isconnected():
        if _state == _JOINING:
            _remember(_joining)
        _state, _tried = _UP, 0
        return True
    if not _networks:
        raise OSError("no network is known: set `networks` in config.json")
    name, password = _networks[_current]
    try:
        if _state != _JOINING:
            _begin(name, password)
            return False
    except OSError as error:
        # The driver is in a bad state: only switching it off helps.
        _give_up(True)
        raise OSError("%s: the radio does not start an attempt (%s)" % (name, error))
    reason = _failure(time.ticks_diff(time.ticks_ms(), _since))
    if reason:
        _give_up(_tried + 1 >= len(_networks))
        raise OSError("%s: %s" % (name, reason))
    return False


def _begin(name, password):
    """Start an attempt. After a network was lost, leave it first; the next step then starts the attempt."""
    global _state, _since, _joining
    if _state == _UP:
        _wlan.disconnect()
        _state = _IDLE
        return
    if _state == _OFF:
        _wlan.active(True)
        _wlan.config(**_options)
    _wlan.connect(name, password or None)
    _state, _since, _joining = _JOINING, time.ticks_ms(), name


def _failure(waited):
    """Return why the attempt has failed, or None if it may still succeed."""
    status = _wlan.status()
    if status not in _UNDER_WAY and waited >= _SETTLE_MS:
        return _TEXTS.get(status, "the network refuses this board (status %d)" % status)
    if waited >= _ATTEMPT_MS:
        joined = "no address came" if status == _NO_ADDRESS else "no connection: is the password right?"
        return "%s (%d s)" % (joined, _ATTEMPT_MS // 1000)
    return None


def _give_up(is_off):
    """End this attempt; the next one tries the next network. With `is_off` the radio is switched off before."""
    global _state, _current, _tried
    _current = (_current + 1) % len(_networks)
    if is_off or not _leave():
        switch_off()
    else:
        _state = _IDLE
        _tried += 1


def _leave():
    """Leave the network, or end the attempt. Return whether the radio could do that."""
    try:
        _wlan.disconnect()
    except OSError:
        return False
    return True


def switch_off() -> None:
    """Switch the radio off."""
    global _state, _tried
    _leave()
    _wlan.active(False)
    _state, _tried = _OFF, 0


def is_up() -> bool:
    """Return whether the network is up: joined, with an address."""
    return _wlan.isconnected()


def signal_strength():
    """Return the strength of the signal in dBm, or None without a network."""
    try:
        return _wlan.status("rssi") if _wlan.isconnected() else None
    except OSError:
        return None


def _remember(name):
    try:
        if _read(_file) != name:
            with open(_file, "w") as file:
                file.write(name)
    except OSError:
        pass  # the flash is full: then the order is that of the settings


def _read(name):
    try:
        with open(name) as file:
            return file.read()
    except (OSError, ValueError):
        return ""
