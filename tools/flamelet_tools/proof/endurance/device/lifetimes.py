"""Runs a device that outlives its tokens: the program of flamelet.device and a mirror: `lifetimes URL CA TOKEN`.

It runs on CPython too. It mirrors devices/d1/config. For each value of its `marker` it prints a line of JSON: the
content of the mirror, what was done and what went wrong until then, and the heap after a collection. After the marker
"end" it prints one more line when the last reading has been sent.
"""

import asyncio
import gc
import json
import sys

from flamelet import FlameletError
from flamelet.device.program import Device

from counting_board import CountingBoard

URL, CA, TOKEN = sys.argv[1:]
INTERVAL_SECONDS = 0.2  # eight readings may wait, so that a busy machine does not lose one
MICROPYTHON = sys.implementation.name == "micropython"


class Board(CountingBoard):
    """A board that records what went wrong."""

    NAME = "lifetimes"

    def __init__(self):
        super().__init__()
        self.troubles = []

    def set_clock(self, seconds_since_1970):
        self.troubles.append("the clock of the desktop was wrong")

    def restart_network(self, reason):
        self.troubles.append(reason)

    def restart(self, reason):
        raise SystemExit(reason)

    def report(self, kind, value):
        if kind in ("error", "offline"):
            self.troubles.append(str(value))


def tell(board, program, value):
    heap = None
    if MICROPYTHON:
        gc.collect()
        heap = gc.mem_alloc()
    line = {
        "value": value,
        "readings": board.readings,
        "not_sent": program.readings.not_sent,
        "identified": board.identified,
        "troubles": board.troubles,
        "heap": heap,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    if not MICROPYTHON:
        sys.stdout.flush()


def marker_of(change):
    if change.path == "/" and isinstance(change.value, dict):
        return change.value.get("marker")
    return change.value if change.path == "/marker" else None


async def follow(board, program):
    """Print what the mirror has at each new marker; "end" ends the program when all readings have been sent."""
    async with program.database.mirror("devices/d1/config") as mirror:
        async for change in mirror:
            marker = marker_of(change)
            # The values that came with the marker are already there.
            while marker is not None and await mirror.next(0):
                pass
            if marker is not None:
                tell(board, program, mirror.value)
            if marker == "end":
                program.count = program.measured
                return


async def be_refused(database):
    """Cause a refusal: what the first error loads is then present, and is not counted as growth."""
    try:
        await database.get("devices/another")
    except FlameletError as error:
        if error.status == 401:
            return
    raise OSError("the rules should have refused it")


async def main():
    board = Board()
    settings = {
        "url": URL,
        "device": "d1",
        "interval": INTERVAL_SECONDS,
        "count": 0,
        "token": TOKEN,
        "ca": None if CA == "-" else CA,
        "connections": 3,  # the commands' stream, the mirror's, and that of requests
    }
    program = Device(board, settings)
    # The first error also loads the outbox.
    program.readings.open()
    await be_refused(program.database)
    follower = asyncio.create_task(follow(board, program))
    measuring = asyncio.create_task(program.main())
    try:
        await follower
        await measuring
    finally:
        program.close()
    tell(board, program, None)


asyncio.run(main())
