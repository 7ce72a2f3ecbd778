"""Waits on asyncio for what a flow yields: the CPython half of pump.py."""

from select import POLLIN as READ


def sleep_async(ms):
    import asyncio

    return asyncio.sleep(ms / 1000)


async def wait_async(waited, pause, ms=1 << 29):
    import asyncio

    if isinstance(waited, int):
        await sleep_async(min(waited, ms))
    elif callable(waited):
        await asyncio.get_running_loop().run_in_executor(None, waited)
    else:
        await _until_ready(waited, min(waited.remaining(), ms), asyncio.get_running_loop())


async def _until_ready(transport, ms, loop):
    """Wait until the socket is ready, the time is up, or the socket is closed."""
    if not transport.sock:
        return
    ready = loop.create_future()
    number = transport.sock.fileno()
    reads = transport.events == READ
    watch, forget = (loop.add_reader, loop.remove_reader) if reads else (loop.add_writer, loop.remove_writer)

    def wake():
        # Now, before another socket can get the number.
        forget(number)
        transport.wake = None
        if not ready.done():
            ready.set_result(None)

    watch(number, wake)
    transport.wake = wake
    timer = loop.call_later(ms / 1000, wake)
    try:
        await ready
    finally:
        timer.cancel()
        if transport.wake is wake:
            wake()
