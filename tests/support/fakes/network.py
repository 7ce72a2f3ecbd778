"""network, with the station of an ESP32 or of a Pico W, as their drivers behave.

In: the networks of the world, by name: password (absent: open), join_ms, dhcp_ms (None: never an address), rssi, down
(True: out of reach), refuses (True), flaky (so many tries of an ESP32 fail first). Out: the status codes of each port.

- ESP32: the reason of the last failure is shown until the next success, also while another attempt is under way;
  connect() amid an attempt raises; the driver tries again by itself, as often as `reconnects` says.
- Pico W: a failure ends the attempt, a lost link shows as idle, nothing is tried again.
"""

import time

import world

STA_IF = 0
AP_IF = 1
_country = "XX"
_hostname = "board"
is_chip_on = False  # of a Pico W: then two of the pins are the radio's

if world.PORT == "esp32":
    STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
    STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD, STAT_CONNECT_FAIL = 201, 202, 203
    if world.IS_OLD:
        del STAT_CONNECT_FAIL
    STAT_BEACON_TIMEOUT, STAT_ASSOC_FAIL, STAT_HANDSHAKE_TIMEOUT = 200, 203, 204
else:
    STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 3
    STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD, STAT_CONNECT_FAIL = -2, -3, -1

_SCAN_MS = 2400
_ASSOC_LEAVE = 8
_HANDSHAKE = 15
_SETTINGS = {
    "esp32": ("mac", "ssid", "channel", "hidden", "security", "key", "hostname", "reconnects", "txpower", "pm"),
    "rp2": ("antenna", "channel", "ssid", "monitor", "security", "key", "pm", "txpower", "hostname"),
}


def country(code=None):
    global _country
    if code is None:
        return _country
    if len(code) != 2:
        raise ValueError("invalid country code")
    _country = code


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError
    _hostname = name


class _Station:
    def __init__(self):
        self._is_active = self._is_up = self._is_requested = False
        self._since = None  # when the attempt began that is under way
        self._status = STAT_IDLE if world.PORT == "rp2" else 0  # of an ESP32: the reason
        self._tries = 0
        self._limit = 0
        self._options = {}
        self.attempts = []
        self.times_off = 0

    def active(self, on=None):
        global is_chip_on
        if on is None:
            return self._is_active
        if on and not self._is_active:
            time.sleep_ms(world.read().get("radio_ms", 20))
            is_chip_on = True
        if not on:
            self.times_off += 1
            self._is_up, self._since = False, None
        self._is_active = bool(on)

    def deinit(self):
        global is_chip_on
        self.active(False)
        is_chip_on = False

    def config(self, name=None, **options):
        if name:
            return self._options[name]
        for key in options:
            if key not in _SETTINGS[world.PORT]:
                raise ValueError("unknown config param")
        if not self._is_active:
            raise OSError("Wifi Not Started")
        self._options.update(options)
        reconnects = self._options.get("reconnects", -1)
        self._limit = 0 if reconnects == -1 else reconnects + 1

    def connect(self, ssid, key=None):
        if not self._is_active:
            raise OSError("Wifi Not Started" if world.PORT == "esp32" else 1)
        self._update()
        if world.PORT == "esp32" and self._since is not None:
            raise OSError("Wifi Internal State Error")
        self._ssid, self._key = ssid, key
        self._is_up, self._is_requested, self._tries = False, True, 0
        self._since = time.ticks_ms()
        if world.PORT == "rp2":
            self._status = STAT_CONNECTING
        self.attempts.append(ssid)

    def disconnect(self):
        if world.PORT == "esp32":
            if not self._is_active:
                raise OSError("Wifi Not Started")
            if self._is_up or self._since is not None:
                self._status = _ASSOC_LEAVE
        else:
            self._status = STAT_IDLE
        self._is_up, self._is_requested, self._since = False, False, None

    def isconnected(self):
        self._update()
        return self._is_up

    def status(self, what=None):
        self._update()
        if what == "rssi":
            if not self._is_up:
                raise OSError("Wifi Not Connected")
            return self._network().get("rssi", -60)
        if what:
            raise ValueError("unknown status param")
        if self._is_up:
            return STAT_GOT_IP
        if world.PORT == "rp2":
            return self._status
        if self._status in (201, 202, 210, 211, 212):
            return self._status
        if self._status == _ASSOC_LEAVE:
            return STAT_IDLE
        if self._is_requested and (self._limit == 0 or self._tries < self._limit):
            return STAT_CONNECTING
        return self._status or STAT_IDLE

    def _network(self):
        network = world.read()["networks"].get(self._ssid)
        return None if network is None or network.get("down") else network

    def _update(self):
        """Let happen what has happened meanwhile."""
        if self._is_up:
            if self._network():
                return
            self._is_up = False
            if world.PORT == "rp2":
                self._status = STAT_IDLE
            else:
                self._fail(STAT_BEACON_TIMEOUT)
        if self._since is None:
            return
        network = self._network()
        waited = time.ticks_diff(time.ticks_ms(), self._since)
        join_ms = network.get("join_ms", 50) if network else _SCAN_MS
        if waited < join_ms:
            return
        if not network:
            return self._fail(STAT_NO_AP_FOUND)
        if network.get("password") != self._key:
            return self._fail(STAT_WRONG_PASSWORD if world.PORT == "rp2" else network.get("reason", _HANDSHAKE))
        if self._tries < network.get("flaky", 0):
            return self._fail(202)
        if network.get("refuses"):
            return self._fail(203 if world.PORT == "esp32" else -1)
        dhcp_ms = network.get("dhcp_ms", 20)
        if dhcp_ms is None or waited < join_ms + dhcp_ms:
            if world.PORT == "rp2":
                self._status = 2
            return
        self._is_up, self._since = True, None
        if world.PORT == "esp32":
            self._status = self._tries = 0

    def _fail(self, status):
        self._status = status
        self._tries += 1
        goes_on = world.PORT == "esp32" and self._is_requested and (self._limit == 0 or self._tries < self._limit)
        self._since = time.ticks_ms() if goes_on else None


if not world.IS_OLD:
    _Station.PM_NONE = 0 if world.PORT == "esp32" else 0x10
    _Station.PM_PERFORMANCE = 1 if world.PORT == "esp32" else 0xA11142
    _Station.PM_POWERSAVE = 2 if world.PORT == "esp32" else 0x11

station = _Station()


def WLAN(interface=STA_IF):
    if interface != STA_IF:
        raise ValueError("invalid WLAN interface identifier")
    return station
