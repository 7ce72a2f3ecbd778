"""Runs flows on asyncio; only the waiting differs from the pump that blocks.

On CPython the event loop watches the socket. On MicroPython that costs 150 bytes each time, so the socket is tried
again after 0, 1, 3, 7, 15, 31 ms of `asyncio.sleep_ms`, which costs nothing.
"""

import asyncio

from ..core.runtime import MICROPYTHON, const

_LONGEST_PAUSE = const(31)


if MICROPYTHON:
    sleep_ms = asyncio.sleep_ms

    # heap: a plain function, since sleep_ms returns the same awaitable each time, and a coroutine would be an object.
    def wait(waited, pause, ms=1 << 29):
        if isinstance(waited, int):
            pause = waited
        elif callable(waited):
            waited()
            pause = 0
        return asyncio.sleep_ms(min(pause, ms))

else:
    from .pump_cpython import sleep_async as sleep_ms  # noqa: F401  for device/
    from .pump_cpython import wait_async as wait


async def run(flow):
    """Run `flow` to its end. Returns its result."""
    pause = 0
    error = None
    try:
        while True:
            waited = flow.throw(error) if error else next(flow)
            error = None
            if isinstance(waited, list):
                # The user's own coroutine: its result replaces it.
                try:
                    waited[0] = await waited[0]
                except Exception as raised:
                    error = raised
                continue
            await wait(waited, pause)
            # After a pause that the flow asked for, the next event may come soon.
            pause = 0 if isinstance(waited, int) else min(2 * pause + 1, _LONGEST_PAUSE)
    except StopIteration as end:
        return end.value
    finally:
        flow.close()
