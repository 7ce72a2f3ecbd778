"""The few errors that every program loads; errors.py names them all."""


class FlameletError(Exception):
    """What every error of flamelet is. `retry`: the same call may succeed later without a change."""

    retry = False
    status = 0
    text = ""


class InvalidArgument(FlameletError):
    """A URL, path, value or option that cannot be; nothing was sent."""


class NetworkError(FlameletError):
    """The server was not reached, or the connection broke; nothing was changed by it."""

    retry = True


class Timeout(NetworkError):
    """A deadline passed."""
