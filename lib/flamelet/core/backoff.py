"""How long to wait before the next try: the one place that decides it.

Exponential back-off with full jitter: any time below half a second, a second, two, ... up to 30 seconds. Where the
server asks for more (Retry-After, in seconds or as a date: RFC 9110, section 10.2.3) it is given that, up to an hour;
where a quota is used up the longest wait is taken. Success begins anew. Loaded with the first trouble.
"""

from .runtime import const, getrandbits

LONGEST = const(30000)  # milliseconds
LONGEST_ASKED = const(3600000)
_BITS = const(9)
_DOUBLED = const(6)


class Backoff:
    """The waits of a program that tries again and again.

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
        """Milliseconds before the next try, after `error`."""
        self.attempt += 1
        return pause(self.attempt, error)

    def reset(self) -> None:
        """It succeeded: the next wait is a short one again."""
        self.attempt = 0


def pause(attempt: int, error=None) -> int:
    """Milliseconds to wait after the `attempt`th try, which failed by `error`."""
    if getattr(error, "action", "") == "quota":
        return LONGEST
    asked = min(getattr(error, "retry_after", 0) * 1000, LONGEST_ASKED)
    return max(asked, min(LONGEST, getrandbits(_BITS) << min(attempt - 1, _DOUBLED)))


def asked(connection) -> int:
    """Seconds that the answer asks to wait; 0 where it says nothing."""
    headers = connection.response.headers
    wanted = headers.get(b"retry-after", b"")
    date = headers.get(b"date")
    if wanted.isdigit():
        return int(wanted[:6])
    if not wanted or not date:
        return 0
    from .dates import parse

    # By the server's own clock.
    return max(0, parse(wanted) - parse(date))
