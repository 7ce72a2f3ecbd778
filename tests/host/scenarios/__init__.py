"""What a client does in a test: functions that CPython and MicroPython run from the same source.

A scenario is a function `scenario(connect, say, ...)`: `connect` is `flamelet.Database`, or `Awaited`, which is
`flamelet.aio.Database` in the same clothes; `say(value)` tells the test something while the scenario goes on; the other
arguments come from the test. What it says and what it returns are values of JSON.

tests/host/clients.py plays a scenario; `main` here is its other half in a process of MicroPython.
"""

import json
import sys

from flamelet import FlameletError

# What a database makes that is awaited in its turn.
_PARTS = ("feed", "listen", "mirror", "query", "walk")


class Awaited:
    """`flamelet.aio.Database`, and what it makes, as if their methods blocked."""

    def __init__(self, *arguments, **options):
        # Only here: what blocks is played in a smaller heap.
        import asyncio

        from flamelet import aio

        self._loop = asyncio.new_event_loop()
        self._awaited = aio.Database(*arguments, **options)

    def __getattr__(self, name):
        value = getattr(self._awaited, name)
        if not callable(value):
            return value

        def call(*arguments, **options):
            result = value(*arguments, **options)
            if hasattr(result, "send"):
                return self._loop.run_until_complete(result)
            if result is self._awaited:
                return self
            return AwaitedPart(self._loop, result) if name in _PARTS else result

        return call

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._awaited.close()


class AwaitedPart(Awaited):
    """What an `Awaited` made; iterated over by `async for`."""

    def __init__(self, loop, part):
        self._loop = loop
        self._awaited = part

    def __iter__(self):
        return self

    def __next__(self):
        found = self._loop.run_until_complete(_first(self._awaited))
        if not found:
            raise StopIteration
        return found[0]


async def _first(part):
    """What comes next, in a list; None at the end."""
    async for found in part:
        return [found]


def outcome(function, *arguments, **options):
    """What came of `function(...)`: ["ok", result], or ["error", class, text, retry, status]."""
    try:
        return ["ok", function(*arguments, **options)]
    except FlameletError as error:
        return ["error", type(error).__name__, str(error), error.retry, error.status]


def main(text):
    """Play the scenario that `text` names, in JSON, and print a line of JSON for all that it says."""
    order = json.loads(text)
    scenario = getattr(__import__(order["module"], None, None, ("*",)), order["name"])
    if order["awaited"]:
        connect = Awaited
    else:
        from flamelet import Database as connect
    result = scenario(connect, lambda value: _tell("said", value), **order["arguments"])
    _tell("result", result)


def _tell(kind, value):
    sys.stdout.write(json.dumps([kind, value]) + "\n")
