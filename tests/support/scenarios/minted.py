"""What a device does with the token.json that was minted for it."""

import time

from flamelet import Token
from scenarios import outcome


def used(connect, say, url, file, path, seconds):
    """Write at `path` at once, and again after so many seconds; what came of both, and what is there."""
    with connect(url, Token.load(file)) as db:
        first = outcome(db.set, path, {"n": 1})
        time.sleep(seconds)
        second = outcome(db.update, path, {"n": 2})
        return [first, second, outcome(db.get, path)]
