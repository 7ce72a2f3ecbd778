"""Reads and checks the settings of a device in config.json, on a board and on a desktop.

In: a JSON object. Out: a valid value for each of SETTINGS, or a ValueError that names the file, the setting, and what
it must be. No message shows a value: it may be a password, or one in the wrong place. A board imports this once, for
its `config()`; `flamelet provision` checks what it writes by the same table.
"""

import json

_LONGEST_INTERVAL = 86400
_LARGEST_OUTBOX = 1048576
_NOT_IN_A_KEY = ".#$[]/\x7f"
_TIME_SERVERS = ("pool.ntp.org", "time.google.com", "time.cloudflare.com")


def read(file: str, device: str, is_board: bool) -> dict:
    """Read config.json.

    Arguments: file, its name; device, the board's unique id, the default of `device` and `hostname`; is_board, whether
    it has a radio (and needs `networks`) and a watchdog.
    Returns: a value for each of SETTINGS.
    Raises: ValueError if the file is missing or broken; the text says what to do.
    """
    try:
        with open(file) as stream:
            given = json.load(stream)
    except OSError as error:
        raise ValueError(
            "no configuration: %s cannot be read (%s). flamelet provision makes one; on a desktop "
            'write {"url": "https://..."} into it, or start the simulator with tools/run' % (file, error)
        )
    except ValueError as error:
        raise ValueError("%s is not JSON (%s): correct it" % (file, error))
    return checked(given, file, device, is_board)


def checked(given: object, file: str, device: str, is_board: bool) -> dict:
    """Return a value for each of SETTINGS: the `given` one, else the default. See `read` for the rest."""
    if not isinstance(given, dict):
        raise ValueError('%s must hold a JSON object such as {"url": "https://..."}' % file)
    settings: dict = {name: default for name, default, _, _ in SETTINGS}
    settings.update({"device": device, "hostname": device, "watchdog": is_board, "ntp": list(_TIME_SERVERS)})
    for name in given:
        if name not in settings:
            raise ValueError("%s: %s is unknown; known are %s" % (file, name, ", ".join(sorted(settings))))
    settings.update(given)
    settings["networks"] = settings["networks"] or []
    for name, _, is_valid, meaning in SETTINGS:
        if not is_valid(settings[name]):
            problem = "is missing; it is" if settings[name] is None else "must be"
            raise ValueError("%s: %s %s %s" % (file, name, problem, meaning))
    if is_board and not settings["networks"]:
        raise ValueError('%s: networks is missing; it is %s, as in [["NAME", "PASSWORD"]]' % (file, _NETWORKS))
    return settings


def _is_bool(value) -> bool:
    return isinstance(value, bool)


def _is_within(low: float, high: float, is_whole: bool = False):
    """Return a check for numbers from `low` to `high`; NaN is never valid."""

    def is_valid(value) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            return False
        return not is_whole or value == int(value)

    return is_valid


def _is_one_of(*values: object):
    return lambda value: not isinstance(value, bool) and value in values


def _is_text(value) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_or_none(value) -> bool:
    return value is None or _is_text(value)


def _is_url(value) -> bool:
    return isinstance(value, str) and (value.startswith("https://") or value.startswith("http://"))


def _is_device(value) -> bool:
    return _is_text(value) and all([character >= " " and character not in _NOT_IN_A_KEY for character in value])


def _is_host(value) -> bool:
    """Return whether this is a host name (RFC 952 and 1123) of at most 32 characters, the limit of MicroPython."""
    if not _is_text(value) or len(value) > 32 or value[0] == "-" or value[-1] == "-":
        return False
    return all(["a" <= letter <= "z" or "0" <= letter <= "9" or letter == "-" for letter in value.lower()])


def _is_country(value) -> bool:
    return value == "" or isinstance(value, str) and len(value) == 2 and all(["A" <= letter <= "Z" for letter in value])


def _are_servers(value) -> bool:
    return isinstance(value, list) and all([_is_text(server) for server in value])


def _are_networks(value) -> bool:
    return isinstance(value, list) and all([_is_network(pair) for pair in value])


def _is_network(pair) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or not all([isinstance(text, str) for text in pair]):
        return False
    name, password = pair
    try:
        return 1 <= len(name.encode()) <= 32 and (not password or 8 <= len(password.encode()) <= 64)
    except UnicodeError:
        return False  # half of a surrogate pair


_NETWORKS = (
    "a list of [name, password], at least one for a board: a name has 1 to 32 bytes, a password 8 to 64, "
    'or "" if the network is open'
)
_TRUE_OR_FALSE = "true or false"

# Each setting, its default, its check, and the text that says what it must be.
SETTINGS = (
    ("url", None, _is_url, "that of the database, https://NAME.firebaseio.com, or of the gateway"),
    ("service", "database", _is_one_of("database", "gateway"), '"database" or "gateway"'),
    ("device", None, _is_device, "a name without any of . # $ [ ] /"),
    ("token", None, _is_text_or_none, "a token, or the name of its file, such as token.json"),
    ("ca", None, _is_text_or_none, "the name of a file of certificates"),
    ("mode", "on", _is_one_of("on", "sleep"), '"on" or "sleep"'),
    (
        "interval",
        10,
        _is_within(0.01, _LONGEST_INTERVAL),
        "a number of seconds above 0: from 0.01 to %d" % _LONGEST_INTERVAL,
    ),
    ("wakes", 1, _is_within(1, 1000, True), "the number of wakes for each push, from 1 to 1000"),
    ("count", 0, _is_within(0, 1 << 30, True), "a whole number of readings, 0 for no end"),
    ("connections", 2, _is_one_of(1, 2), "1 or 2"),
    ("readings", None, _is_text_or_none, "a path of the gateway"),
    ("post", False, _is_bool, _TRUE_OR_FALSE),
    ("networks", (), _are_networks, _NETWORKS),
    ("country", "", _is_country, 'two capital letters such as "DE", or ""'),
    ("hostname", None, _is_host, "1 to 32 of a-z, 0-9 and -, without - at the beginning or end"),
    ("power_save", False, _is_bool, _TRUE_OR_FALSE),
    ("ntp", None, _are_servers, "a list of names of time servers"),
    ("outbox", 65536, _is_within(0, _LARGEST_OUTBOX, True), "bytes of flash, 0 (none) to %d" % _LARGEST_OUTBOX),
    ("storage", None, _is_text_or_none, "the name of a folder"),
    ("patience", 600, _is_within(1, _LONGEST_INTERVAL), "seconds, from 1 to %d" % _LONGEST_INTERVAL),
    ("watchdog", None, _is_bool, _TRUE_OR_FALSE),
    ("led_pin", None, lambda pin: pin is None or _is_within(0, 64, True)(pin), "the number of a pin"),
)
