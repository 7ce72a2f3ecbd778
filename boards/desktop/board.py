"""Makes the desktop a board: reads this machine's sensors, on CPython (psutil) and MicroPython's unix port (/proc).

In: a configuration file and the counters of the operating system. Out: the functions that `flamelet.device` needs from
every board. A sensor that this machine does not have is not in FIELDS; one that fails later reads None. There are no
limits here: a desktop has enough memory.
"""

import os
import sys
import time

MICROPYTHON = sys.implementation.name == "micropython"

if MICROPYTHON:
    import gc
else:
    import psutil

NAME = "desktop"

_config: dict = {}


def config() -> dict:
    """Read the configuration: the JSON file named by FLAMELET_CONFIG, else config.json beside main.py.

    Returns: a value for each setting of boards/shared/settings.py.
    Raises: ValueError if the file is missing or broken; the text says what to do.
    """
    import settings  # here, because a program with its own configuration does not need it

    _config.update(settings.read(os.getenv("FLAMELET_CONFIG") or _beside_main("config.json"), unique_id(), False))
    return _config


def _beside_main(name: str) -> str:
    folder = sys.argv[0].rpartition("/")[0]
    return folder + "/" + name if folder else name


def unique_id() -> str:
    """Return a stable name of this machine, with only a-z, 0-9 and `-`."""
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
    """Return True if the program is asked to end: the file named by FLAMELET_STOP exists.

    Ctrl-C ends it too, but on MicroPython's unix port that can interrupt the collector, and leave the heap locked.
    """
    return _STOP is not None and _is_there(_STOP)


def connect() -> bool:
    """Return True: the operating system keeps the network of a desktop."""
    return True


def is_up() -> bool:
    """Return whether the network is up."""
    return True


def restart_network(reason: str) -> None:
    """Do nothing: a program must not restart the network of a desktop."""


def signal_strength() -> "int | None":
    """Return None: no radio is known here."""
    return None


def synchronize_clock() -> bool:
    """Return True if time.time() can be trusted: the operating system keeps the clock of a desktop."""
    return 2024 <= time.gmtime()[0] <= 2100


def set_clock(seconds_since_1970: int) -> None:
    """Do nothing: a program must not set the clock of a desktop."""


def storage() -> "str | None":
    """Return the folder for data that is kept across restarts: FLAMELET_STORAGE, else the setting `storage`.

    Creates the folder if needed. Returns None and reports it if there is no folder.
    """
    folder = os.getenv("FLAMELET_STORAGE") or _config.get("storage")
    if not folder:
        report("storage", "none: waiting readings are lost at the end (set a folder by storage or FLAMELET_STORAGE)")
        return None
    if _makes(folder):
        return folder
    report("error", "the folder %s, for storage, cannot be made: waiting readings are lost at the end" % folder)
    return None


def _makes(folder: str) -> bool:
    try:
        os.mkdir(folder)
    except OSError:
        return _is_there(folder)
    return True


def _is_there(name: str) -> bool:
    try:
        os.stat(name)
    except OSError:
        return False
    return True


def rtc_memory() -> object:
    """Return None: a desktop has no memory that survives a sleep."""
    return None


def hold_requested() -> bool:
    """Return False: a program on a desktop can be ended at any time."""
    return False


def started() -> None:
    """Do nothing: failed starts of a desktop are not counted."""


def restart(reason: str) -> None:
    """End the program with exit code 75, which asks the caller to start it again."""
    report("restart", reason)
    raise SystemExit(75)


def sleep(seconds: float) -> None:
    """End the program with exit code 0, like a board that goes to sleep."""
    report("sleep", "%s s" % seconds)
    raise SystemExit(0)


def reset_cause() -> str:
    """Return the reason of this start, which on a desktop is always "power on"."""
    return "power on"


WATCHDOG_MS = 120000


def start_watchdog() -> None:
    """Do nothing: a desktop has no watchdog."""


def feed_watchdog() -> None:
    """Do nothing: a desktop has no watchdog."""


state = "off"


def status(new: str) -> None:
    """Remember the state of the device: connecting, online, offline, waiting, error, safe, off."""
    global state
    state = new


def led(on: bool) -> None:
    """Report that the light is switched: a desktop has none."""
    report("led", "on" if on else "off")


def identify() -> None:
    """Show which device this is."""
    report("identify", "* * * this is %s * * *" % unique_id())


def report(what: str, value: object = "") -> None:
    """Print one line for the user.

    Arguments: what, a word: start, online, offline, reading, command, answer, error, summary, led,
        identify, storage, sleep, restart; value.
    The summary's value begins with "N sent, N not sent, N commands": `flamelet run` reads it.
    """
    try:
        print("%-9s%s" % (what, value))
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # The reader of the pipe is gone: this must not stop the device. CPython would report it again at the end.
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
    # Line by line: in one piece it would be the largest object on a small heap.
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1])
    except OSError:
        return None
    return None


def _net_proc(column: int):
    """Sum one column of /proc/net/dev over all interfaces: 0 is bytes received, 8 is bytes sent."""
    lines = _read("/proc/net/dev").split("\n")[2:]
    counts = [int(line.split(":")[1].split()[column]) for line in lines if ":" in line]
    return sum(counts) if counts else None


def _since_start(count):
    """Return a function that returns the KiB that `count` has counted since now, or None if there is no counter."""
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

# Only the sensors that this machine has.
_present = [sensor for sensor in _SENSORS if sensor[2]() is not None]
FIELDS = tuple([(name, decimals) for name, decimals, _ in _present])


def read_sensors() -> tuple:
    """Return a reading of each of FIELDS, in order: an int if decimals is 0; None if the sensor failed."""
    return tuple([_try(read) for _, _, read in _present])


def _try(read):
    try:
        return read()
    except (OSError, ValueError, IndexError, AttributeError):
        return None
