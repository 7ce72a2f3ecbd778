"""Decides how long to wait before the next attempt.

Exponential back-off with full jitter: a random time below half a second, a second, two, ... up to 30 seconds. If the
server asks for more (Retry-After, in seconds or as a date: RFC 9110, section 10.2.3), it gets that, up to an hour.
If a quota is used up, the wait is the longest. A success starts again at the shortest. Loaded with the first failure.
"""

from .runtime import const, getrandbits

LONGEST = const(30000)  # milliseconds
LONGEST_ASKED = const(3600000)
_BITS = const(9)
_DOUBLED = const(6)


class Backoff:
    """Counts the attempts of a program and says how long to wait.

    retry = flamelet.Backoff()
    while True:
        try:
            feed.flush()
            retry.reset()
        except flamelet.FlameletError as error:
            time.sleep(retry.wait(error) / 1000)
    """

    def __init__(self) -> None:
        self.attempt = 0

    def wait(self, error=None) -> int:
        """Return the milliseconds to wait before the next attempt; `error`: what the last one raised."""
        self.attempt += 1
        return pause(self.attempt, error)

    def reset(self) -> None:
        """Start again at the shortest wait: the attempt succeeded."""
        self.attempt = 0


def pause(attempt: int, error=None) -> int:
    """Return the milliseconds to wait after attempt number `attempt`, which failed with `error`."""
    if getattr(error, "action", "") == "quota":
        return LONGEST
    asked = min(getattr(error, "retry_after", 0) * 1000, LONGEST_ASKED)
    return max(asked, min(LONGEST, getrandbits(_BITS) << min(attempt - 1, _DOUBLED)))


def asked(connection) -> int:
    """Return the seconds that the answer asks to wait, or 0 if it does not ask."""
    headers = connection.response.headers
    wanted = headers.get(b"retry-after", b"")
    date = headers.get(b"date")
    if wanted.isdigit():
        return int(wanted[:6])
    if not wanted or not date:
        return 0
    from .dates import parse

    # The server's own clock counts.
    return max(0, parse(wanted) - parse(date))
