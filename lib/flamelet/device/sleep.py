"""Runs the mode "sleep": wake, measure, push if it is time, execute the waiting commands, sleep.

A reading is put into the outbox (RTC memory, else flash) before anything else. With `wakes` above 1 the network is only
brought up if that many readings wait. The device is awake for `_AWAKE` at most, whatever the network does.
"""

import asyncio

from ..core.runtime import const, ticks_diff, ticks_ms

_AWAKE = const(60)  # seconds


async def run(device, config: dict) -> None:
    """Run once, up to `board.sleep`."""
    board = device.board
    readings = device.readings
    start = ticks_ms()
    readings.open(board.rtc_memory()).record_row(board.read_sensors())
    outbox = readings.outbox
    outbox.commit()
    if outbox.waiting >= config.get("wakes", 1):
        try:
            await asyncio.wait_for(_push(device), _AWAKE)
        except asyncio.TimeoutError:
            board.report("offline", "not done within %d s: the readings wait" % _AWAKE)
        except device.TROUBLE as error:
            device.note(error)
    board.report("reading", "%d sent, %d waiting" % (readings.sent, outbox.waiting))
    device.close()
    board.status("off")
    board.sleep(max(1, device.interval_ms / 1000 - ticks_diff(ticks_ms(), start) / 1000))


async def _push(device):
    await device.connect()
    if not device.has_state:
        await device.write_state()
    await device.readings.flush()
    device.note(None)
    if not device.is_gateway:
        await device.commands.obey_once()
