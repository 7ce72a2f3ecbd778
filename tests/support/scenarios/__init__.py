"""What a client does in a test: functions that CPython and MicroPython run from the same source.

A scenario is a function `scenario(connect, say, ...)`: `connect` is `flamelet.Database`, or what its module calls
SERVICE, as "Firestore"; or that of `flamelet.aio` in the same clothes, an `Awaited`; `say(value)` tells the test
something while the scenario goes on; the other arguments come from the test. What it says and what it returns are
values of JSON.

tests/support/clients.py plays a scenario; `main` here is its other half in a process of MicroPython.
"""

import json
import sys

from flamelet import FlameletError

# What a service makes that is awaited in its turn.
_PARTS = (
    "admin", "batch_get", "collections", "databases", "feed", "fields", "indexes", "list", "listen", "mirror",
    "operations", "query", "query_group", "stream", "walk",
)  # fmt: skip


def connector(module, awaited, through_requests=False):
    """What makes the service that the scenarios of `module` are for; all it sends may go through `requests`."""
    name = getattr(module, "SERVICE", "Database")
    options = {}
    if through_requests:
        # On MicroPython the one of the firmware.
        import requests

        options["transport"] = requests
    if awaited:
        return lambda *arguments, **more: Awaited(name, *arguments, **options, **more)
    service = getattr(__import__("flamelet"), name)
    return (lambda *arguments, **more: service(*arguments, **options, **more)) if options else service


class Awaited:
    """A service of `flamelet.aio`, and what it makes, as if their methods blocked."""

    def __init__(self, service, *arguments, **options):
        # Only here: what blocks is played in a smaller heap.
        import asyncio

        from flamelet import aio

        self._loop = asyncio.new_event_loop()
        self._awaited = getattr(aio, service)(*arguments, **options)

    def __getattr__(self, name):
        value = getattr(self._awaited, name)
        if not callable(value):
            return AwaitedPart(self._loop, value) if name in _PARTS else value

        def call(*arguments, **options):
            result = value(*arguments, **options)
            if hasattr(result, "send"):
                result = self._loop.run_until_complete(result)
            elif name in _PARTS:
                return AwaitedPart(self._loop, result)
            return [self._dressed(one) for one in result] if isinstance(result, list) else self._dressed(result)

        return call

    def _dressed(self, result):
        """What is of the same kind, as a query made of a query, in the same clothes."""
        if result is self._awaited:
            return self
        return AwaitedPart(self._loop, result) if type(result) is type(self._awaited) else result

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
    module = __import__(order["module"], None, None, ("*",))
    connect = connector(module, order["awaited"], order["through_requests"])
    result = getattr(module, order["name"])(connect, lambda value: _tell("said", value), **order["arguments"])
    _tell("result", result)


def _tell(kind, value):
    sys.stdout.write(json.dumps([kind, value]) + "\n")
