"""flamelet: a lightweight IoT client for Firebase, for MicroPython and CPython.

The names here are the public interface. The errors that every program loads are here, all others in errors.py.
Each part is imported at its first use, so a program pays only for what it uses.
"""

import gc as _gc

__version__ = "0.1.0"


class FlameletError(Exception):
    """The base of every error of flamelet. `retry`: the same call may succeed later without a change."""

    retry = False
    status = 0
    text = ""


class InvalidArgument(FlameletError):
    """A URL, path, value or option is not valid; nothing was sent."""


def _invalid(name: str, *values) -> InvalidArgument:
    """Return the InvalidArgument with the text `_argument_texts.TEXTS[name] % values`. Loads the texts."""
    from ._argument_texts import TEXTS

    return InvalidArgument(TEXTS[name] % values)


def _broken(text: str, *values):
    """Return the ProtocolError with the text `text % values`."""
    return ProtocolError(text % values)


class NetworkError(FlameletError):
    """The server was not reached, or the connection broke. It is safe to repeat the request: if it is not,
    OutcomeUnknown is raised instead."""

    retry = True


class Timeout(NetworkError):
    """A deadline passed."""


_PLACES = {"Database": "rtdb.database", "Token": "auth.token"}
_threshold = getattr(_gc, "threshold", lambda *_: -1)  # CPython has none


def __getattr__(name: str):
    # MicroPython asks here first for `from flamelet import device`: that is how it imports a submodule.
    threshold = _threshold()
    try:
        # An import makes short-lived objects between those that stay. Collecting them all along leaves no holes, which
        # would take a fifth of the smallest heap.
        _threshold(2048)
        value = __import__("flamelet." + _PLACES.get(name, name), None, None, ("*",))
    except ImportError as error:
        # If a part exists but cannot be imported, its own error is raised.
        if name in _PLACES or "'flamelet.%s'" % name not in str(error):
            raise
        from ._exports import find

        return find(name)
    finally:
        _threshold(threshold)
    if threshold >= 0 and _gc.isenabled():
        _gc.collect()
    if name in _PLACES:
        value = getattr(value, name)
    globals()[name] = value
    return value


class ProtocolError(FlameletError):
    """The answer is broken HTTP or JSON, unexpected, or larger than allowed."""
