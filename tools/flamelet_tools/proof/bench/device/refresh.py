"""Renews a token in the flow of a push, and prints what that took from the heap: `refresh TOKEN FREE URL CA`.

It is done twice, and the second time counts: what is loaded once is there by then. With FREE "-" a line of JSON tells,
in bytes: `peak` above the heap before, after a collection at each wait of the flow (the server should dribble, so that
there are many); `left` behind it; and `text`, which the new token itself takes. Else FREE is the size of the one piece
that is left free of the heap, and the end is an error unless the push and the refresh succeed in it.
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
    """Push with a token that is due; the peak of the samples above the first, and what is left."""
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
    """Take all of the heap but one piece of `size`; what it is taken by."""
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
