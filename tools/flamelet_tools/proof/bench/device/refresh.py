"""Renews a token during a push, and prints what that took from the heap: `refresh TOKEN FREE URL CA`.

It is done twice, and the second time counts, because one-time loads are over by then. With FREE "-" it prints a line of
JSON, in bytes: `peak` above the heap before, after a collection at each wait (the server should send byte by byte, so
that there are many); `left` behind it; and `text`, the size of the new token itself. Otherwise FREE is the size of the
only free piece of the heap, and the program fails unless the push and the refresh succeed in it.
"""

import gc
import json
import sys

import flamelet
from flamelet.client import client
from flamelet.core.runtime import ticks_ms

TOKEN, FREE, URL, CA = sys.argv[1:5]

with open(TOKEN) as file:
    token = flamelet.Token(json.load(file))
database = flamelet.Database(URL, token, ca=None if CA == "-" else CA)
feed = database.feed("devices/d1/readings", (("n", 0),))


def heap():
    gc.collect()
    return gc.mem_alloc()


def push_over_refresh():
    """Push with a token that is due; return the peak of the samples above the first, and what is left."""
    before = peak = heap()
    flow = feed.reading.push((1,))
    try:
        while True:
            waited = next(flow)
            peak = max(peak, heap())
            client.wait(waited)
    except StopIteration:
        flow = None
    return {"peak": peak - before, "left": heap() - before}


def leave_free(size):
    """Fill the heap except for one piece of `size`; return what fills it."""
    taken = [bytearray(size)]
    size = 1 << 20
    while size > 16:
        try:
            taken.append(bytearray(size))
        except MemoryError:
            size //= 2
    taken[0] = None
    gc.collect()
    return taken


def over_refresh(push):
    token.due = ticks_ms()
    result = push()
    if token.is_due():
        raise OSError("the token was not renewed")
    return result


def push():
    feed.push(1)


push()
over_refresh(push_over_refresh)
if FREE == "-":
    result = over_refresh(push_over_refresh)
    result["text"] = len(token.text) + len(token.refresh_token)
    print(json.dumps(result))
else:
    taken = leave_free(int(FREE))
    over_refresh(push)
