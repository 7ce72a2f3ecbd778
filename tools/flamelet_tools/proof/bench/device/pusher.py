"""Pushes as often as the lines on its input ask, and prints what that cost: `pusher CLIENT URL CA PATH`.

A line is `MODE READING COUNT`, its answer a line of JSON. READING is a function of config.py, MODE one of
- memory: with the collector off, the bytes of heap that are left (`gc.mem_alloc`) and taken (`micropython.mem_total`);
- lock: whether the pushes succeed while the heap is locked;
- time: microseconds of the clock and of the processor, with the collector on;
- settled: the heap after a collection, every thousand pushes.
"""

import asyncio
import gc
import json
import sys
import time

import config
import micropython

client = __import__(sys.argv[1])
PUSHES_BETWEEN_COLLECTIONS = 1000


async def pushes(reading, first, count):
    if sys.argv[1] == "client_aio":
        for i in range(first, first + count):
            await reading(client.push, i)
    else:
        for i in range(first, first + count):
            reading(client.push, i)


async def memory(reading, count):
    work = pushes(reading, 0, count)  # made outside of the measurement
    gc.collect()
    gc.disable()
    left = gc.mem_alloc()
    taken = micropython.mem_total()
    await work
    taken = micropython.mem_total() - taken
    left = gc.mem_alloc() - left
    gc.enable()
    return {"left": left, "taken": taken}


async def lock(reading, count):
    work = pushes(reading, 0, count)
    failed = None
    micropython.heap_lock()
    try:
        await work
    except MemoryError as error:
        failed = error
    micropython.heap_unlock()
    return {"holds": failed is None}


async def time_(reading, count):
    gc.collect()
    cpu = time.clock()
    start = time.ticks_us()
    await pushes(reading, 0, count)
    elapsed = time.ticks_diff(time.ticks_us(), start)
    return {"elapsed": elapsed, "cpu": (time.clock() - cpu) * 1e6}


async def settled(reading, count):
    heaps = [0] * (count // PUSHES_BETWEEN_COLLECTIONS)  # a growing list would be measured too
    for i in range(len(heaps)):
        await pushes(reading, i * PUSHES_BETWEEN_COLLECTIONS, PUSHES_BETWEEN_COLLECTIONS)
        gc.collect()
        heaps[i] = gc.mem_alloc()
    return {"heaps": heaps}


MODES = {"memory": memory, "lock": lock, "time": time_, "settled": settled}


async def main():
    await pushes(config.ints, 0, 4)  # opens the connection, and allocates what is allocated once
    for line in sys.stdin:
        mode, reading, count = line.split()
        print(json.dumps(await MODES[mode](getattr(config, reading), int(count))))


asyncio.run(main())
