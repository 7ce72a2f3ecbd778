"""Checks the parameters of requests: their names, methods and values; no I/O.

In: a method and the query of a URL, as pairs. Out: nothing, or the parsed value. Refusals that are not documented have
texts of our own. The write speed assumed for `writeSizeLimit` is our choice too: 1 MB a second, counting both the
written and the replaced bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from flamelet_tools.simulator.http.request import METHOD_OVERRIDE
from flamelet_tools.simulator.rtdb import query
from flamelet_tools.simulator.rtdb.tree import InvalidData

SHALLOW_MIXED = "Mixing 'shallow' and querying parameters is not supported"
WRITE_TOO_BIG = (
    "Error: WRITE_TOO_BIG: Data to write exceeds the maximum size that can be modified with a single request."
)
# Bytes: the target in seconds at the speed above; without a limit the maximum size of a payload.
WRITE_SIZE_LIMITS = {
    "tiny": 1_000_000,
    "small": 10_000_000,
    "medium": 30_000_000,
    "large": 60_000_000,
    "unlimited": 256_000_000,
}

# The limit of an answer, in the service's own words "the maximum size that can be accessed".
READ_TOO_BIG = "Data requested exceeds the maximum size that can be accessed with a single request."
MAX_READ_BYTES = 256_000_000

_ALWAYS = {"ac", "access_token", "auth", "auth_variable_override", "ns", "print", "sse", METHOD_OVERRIDE}
_STREAM = _ALWAYS | {"format"} | query.PARAMETERS
_GET = _STREAM | {"callback", "download", "shallow", "timeout"}
_WRITE = _ALWAYS | {"disableTriggers", "writeSizeLimit"}
_SETTINGS = _ALWAYS | {"dryRun", "format", "timeout"}

_TIMEOUT = re.compile(r"(\d{1,9})(ms|s|min)", re.ASCII)
_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000}
_MAX_TIMEOUT_MS = 15 * 60_000
_CALLBACK = re.compile(r"[A-Za-z_$][\w$.\[\]]*", re.ASCII)


def check(method: str, is_stream: bool, is_settings: bool, pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse parameters that do not exist, that the request does not support, or that are invalid.

    Raises: InvalidData.
    """
    known = _SETTINGS if is_settings else _STREAM if is_stream else _GET if method == "GET" else _WRITE
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise InvalidData(f"The request does not support the query parameter {name}.")
        if name in parameters:
            raise InvalidData(f"The query parameter {name} is given twice.")
        parameters[name] = value
    _check_words(parameters, "print", ("pretty", "silent"))
    _check_words(parameters, "shallow", ("true", "false"))
    _check_words(parameters, "format", ("export", "strict") if is_settings else ("export",))
    _check_words(parameters, "writeSizeLimit", tuple(WRITE_SIZE_LIMITS))
    timeout_ms(parameters)
    if not _CALLBACK.fullmatch(parameters.get("callback", "f")):
        raise InvalidData("callback must be the name of a function.")
    if parameters.get("shallow") == "true" and parameters.keys() & (query.PARAMETERS | {"format"}):
        raise InvalidData(SHALLOW_MIXED)


def timeout_ms(parameters: Mapping[str, str]) -> int | None:
    """Return the milliseconds of `timeout`, or None if it is not given. Raises: InvalidData."""
    if "timeout" not in parameters:
        return None
    match = _TIMEOUT.fullmatch(parameters["timeout"])
    milliseconds = int(match.group(1)) * _MILLISECONDS[match.group(2)] if match else 0
    if not 0 < milliseconds <= _MAX_TIMEOUT_MS:
        raise InvalidData("timeout must be a positive number with a unit, such as 3ms, 3s or 3min, of at most 15min.")
    return milliseconds


def _check_words(parameters: Mapping[str, str], name: str, words: tuple[str, ...]) -> None:
    if name in parameters and parameters[name] not in words:
        raise InvalidData(f"{name} must be {' or '.join(words)}.")
