"""The desktop as a board: this machine's real readings, on CPython (psutil) and on MicroPython's unix port (/proc).

In: a configuration file and what the operating system counts. Out: the functions that `flamelet.device` asks of every
board. A sensor that this machine does not have is not in FIELDS; one that fails later reads None. There is no limit to
keep here: a desktop has memory enough.
"""

import json
import os
import sys
import time

MICROPYTHON = sys.implementation.name == "micropython"

if MICROPYTHON:
    import gc
else:
    import psutil

NAME = "desktop"


def config() -> dict:
    """Read the configuration: the JSON file named by FLAMELET_CONFIG, else config.json beside main.py.

    Returns: url; device (default: unique_id()); interval, seconds (10); count of readings, 0 for no end (0); token,
    None, a string or a file name (None); ca, a file name (None); connections, 1 or 2 (2); service, "database" or
    "gateway" ("database"); of a gateway readings, the path that they go to (None: devices/DEVICE/telemetry), and post,
    True where it has no route for PUT (False).
    Raises: ValueError if the file is missing or broken; the text says what to do.
    """
    name = os.getenv("FLAMELET_CONFIG") or _beside_main("config.json")
    try:
        with open(name) as file:
            given = json.load(file)
    except OSError as error:
        raise ValueError(
            'no configuration: %s cannot be read (%s). Write {"url": "https://..."} into it, or start the simulator '
            "with tools/run" % (name, error)
        )
    except ValueError as error:
        raise ValueError("%s is not JSON (%s): correct it" % (name, error))
    settings = {
        "url": None,
        "device": unique_id(),
        "interval": 10,
        "count": 0,
        "token": None,
        "ca": None,
        "connections": 2,
        "service": "database",
        "readings": None,
        "post": False,
    }
    if not isinstance(given, dict):
        raise ValueError('%s must hold a JSON object such as {"url": "https://..."}' % name)
    for key in given:
        if key not in settings:
            raise ValueError("%s: %s is unknown; known are %s" % (name, key, ", ".join(sorted(settings))))
    settings.update(given)
    _check(settings, name)
    return settings


def _check(settings: dict, name: str) -> None:
    url, interval, count = settings["url"], settings["interval"], settings["count"]
    if not isinstance(url, str) or not url:
        raise ValueError(
            "%s: url is missing; it is the database's, https://NAME.firebaseio.com, or the gateway's" % name
        )
    if settings["service"] not in ("database", "gateway"):
        raise ValueError('%s: service must be "database" or "gateway", not %r' % (name, settings["service"]))
    if not (settings["readings"] is None or isinstance(settings["readings"], str)) or settings["post"] not in (0, 1):
        raise ValueError("%s: readings must be a path, and post true or false" % name)
    if not isinstance(settings["device"], str) or not settings["device"]:
        raise ValueError("%s: device must be a name" % name)
    if not _is_number(interval) or interval <= 0:
        raise ValueError("%s: interval must be a number of seconds above 0, not %r" % (name, interval))
    if not _is_number(count) or count != int(count) or count < 0:
        raise ValueError("%s: count must be a whole number of readings, 0 for no end, not %r" % (name, count))
    if settings["connections"] not in (1, 2):
        raise ValueError("%s: connections must be 1 or 2, not %r" % (name, settings["connections"]))


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _beside_main(name: str) -> str:
    folder = sys.argv[0].rpartition("/")[0]
    return folder + "/" + name if folder else name


def unique_id() -> str:
    """Return a stable name of this machine, made of a-z, 0-9 and `-`."""
    name = ""
    for character in _host_name().lower():
        name += character if "a" <= character <= "z" or "0" <= character <= "9" else "-"
    return ("desktop-" + name).rstrip("-")


def _host_name() -> str:
    if MICROPYTHON:
        return (_read("/proc/sys/kernel/hostname") or os.getenv("HOSTNAME") or "").strip()
    return os.uname().nodename


_STOP = os.getenv("FLAMELET_STOP")


def stop_requested() -> bool:
    """Return True once somebody asks the program to end: the file named by FLAMELET_STOP is there.

    Ctrl-C does as well, but on MicroPython's unix port it can meet the collector, and leave the heap locked.
    """
    if not _STOP:
        return False
    try:
        os.stat(_STOP)
    except OSError:
        return False
    return True


def connect() -> None:
    """Bring the network up: on a desktop the operating system has done it."""


def synchronize_clock() -> bool:
    """Return True if time.time() can be trusted: the operating system keeps the clock of a desktop."""
    return time.gmtime()[0] >= 2024


lit = False


def led(on: bool) -> None:
    """Switch the light: a desktop remembers it and shows it."""
    global lit
    lit = on
    report("led", "on" if on else "off")


def identify() -> None:
    """Show which device this is."""
    report("identify", "* * * this is %s * * *" % unique_id())


def report(what: str, value: object = "") -> None:
    """Tell the person at the desk something, in one line.

    Arguments: what, a word: start, online, offline, reading, command, answer, error, summary, led, identify; value.
    The summary's value begins with "N sent, N not sent, N commands": `flamelet run` reads it.
    """
    try:
        print("%-9s%s" % (what, value))
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # The reader of the pipe went away: that must not stop the device. CPython would complain once more at the end.
        if not MICROPYTHON:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _read(name: str) -> str:
    try:
        with open(name) as file:
            return file.read()
    except OSError:
        return ""


def _cpu_temp_psutil():
    zones = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    for chip in ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal", "acpitz"):
        if zones.get(chip):
            return round(zones[chip][0].current, 1)
    return None


def _cpu_temp_sys():
    text = ""
    for zone in range(16):
        folder = "/sys/class/thermal/thermal_zone%d/" % zone
        kind = _read(folder + "type").strip()
        if not kind:
            break
        if not text or kind in ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal"):
            text = _read(folder + "temp") or text
    return round(int(text) / 1000, 1) if text else None


def _load_proc():
    text = _read("/proc/loadavg")
    return float(text.split()[0]) if text else None


def _mem_free_proc():
    for line in _read("/proc/meminfo").split("\n"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    return None


def _net_proc(column: int):
    """Sum one column of /proc/net/dev over all interfaces: 0 is bytes received, 8 is bytes sent."""
    lines = _read("/proc/net/dev").split("\n")[2:]
    counts = [int(line.split(":")[1].split()[column]) for line in lines if ":" in line]
    return sum(counts) if counts else None


def _since_start(count):
    """Return a function that gives KiB since now of a counter of bytes, or None where there is none."""
    start = count()
    return lambda: None if start is None else (count() - start) // 1024


if MICROPYTHON:
    _SENSORS = (
        ("cpu_temp", 1, _cpu_temp_sys),
        ("load", 2, _load_proc),
        ("mem_free", 0, _mem_free_proc),
        ("net_rx", 0, _since_start(lambda: _net_proc(0))),
        ("net_tx", 0, _since_start(lambda: _net_proc(8))),
        ("heap_free", 0, gc.mem_free),
    )
else:
    _SENSORS = (
        ("cpu_temp", 1, _cpu_temp_psutil),
        ("load", 2, lambda: round(psutil.getloadavg()[0], 2)),
        ("mem_free", 0, lambda: psutil.virtual_memory().available // 1024),
        ("net_rx", 0, _since_start(lambda: psutil.net_io_counters().bytes_recv)),
        ("net_tx", 0, _since_start(lambda: psutil.net_io_counters().bytes_sent)),
    )

# Only what this machine really has.
_present = [sensor for sensor in _SENSORS if sensor[2]() is not None]
FIELDS = tuple([(name, decimals) for name, decimals, _ in _present])


def read_sensors() -> tuple:
    """Return one reading of each of FIELDS, in their order: int where decimals is 0; None where a sensor failed."""
    return tuple([_try(read) for _, _, read in _present])


def _try(read):
    try:
        return read()
    except (OSError, ValueError, IndexError, AttributeError):
        return None
