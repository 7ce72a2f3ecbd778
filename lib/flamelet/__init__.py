"""flamelet: a lightweight IoT client for Firebase, for MicroPython and CPython.

What is named here is the public interface; all errors are in errors.py, the four that every program loads are here.
Each part is imported when it is first asked for, so that a program pays for what it uses.
"""

import gc as _gc

__version__ = "0.1.0"


class FlameletError(Exception):
    """What every error of flamelet is. `retry`: the same call may succeed later without a change."""

    retry = False
    status = 0
    text = ""


class InvalidArgument(FlameletError):
    """A URL, path, value or option that cannot be; nothing was sent."""


def _invalid(name: str, *values) -> InvalidArgument:
    """The InvalidArgument whose text is `_argument_texts.TEXTS[name] % values`: texts are loaded when one is needed."""
    from ._argument_texts import TEXTS

    return InvalidArgument(TEXTS[name] % values)


def _broken(text: str, *values):
    """The ProtocolError whose text is `text % values`: most errors are loaded when the first one is needed."""


    return ProtocolError(text % values)


class NetworkError(FlameletError):
    """The server was not reached, or the connection broke. Repeating is harmless: what could be done twice is
    told as OutcomeUnknown instead."""

    retry = True


class Timeout(NetworkError):
    """A deadline passed."""


_PLACES = {"Database": "rtdb.database", "Token": "auth.token"}
_threshold = getattr(_gc, "threshold", lambda *_: -1)  # CPython has none


def __getattr__(name: str):
    # MicroPython asks here first for `from flamelet import device`: every other name is that of a submodule.
    threshold = _threshold()
    try:
        # What an import needs for a moment stands between what stays. Collected all along, it leaves no holes: that is
        # a fifth of the smallest heap.
        _threshold(2048)
        value = __import__("flamelet." + _PLACES.get(name, name), None, None, ("*",))
    except ImportError as error:
        # A part that is there and cannot be imported says why itself.
        if name in _PLACES or "'flamelet.%s'" % name not in str(error):
            raise
        from ._exports import find

        return find(name)
    finally:
        _threshold(threshold)
    if name in _PLACES:
        value = getattr(value, name)
    globals()[name] = value
    return value


class ProtocolError(FlameletError):
    """The answer is not what an honest server sends: broken HTTP, broken JSON, or larger than allowed."""
