"""Pushes on one connection while keep-alives arrive on a stream, with the collector off: `soak COUNT URL CA PATH`.

Prints a line of JSON: the bytes of heap that all of it left and took, and the number of reconnects of the stream.
"""

import gc
import json
import sys

import client_feed
import config
import micropython

PUSHES_BETWEEN_LOOKS = 16
COUNT = int(sys.argv[1])
push = client_feed.push
stream = client_feed.database.listen("events/keep-alive/1000000000")


def soak():
    for i in range(COUNT):
        config.ints(push, i % 100000000)
        if i % PUSHES_BETWEEN_LOOKS == 0 and stream.next(0) is not None:
            raise OSError("an event that was not sent")


for i in range(4):
    config.ints(push, i)
stream.next(60000)  # the snapshot
stream.next(60000)  # a put; from here on there are keep-alives
gc.collect()
gc.disable()
left = gc.mem_alloc()
taken = micropython.mem_total()
soak()
taken = micropython.mem_total() - taken
left = gc.mem_alloc() - left
gc.enable()
print(json.dumps({"left": left, "taken": taken, "reconnects": stream.reconnects}))
