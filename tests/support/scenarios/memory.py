"""What pushes and keep-alives take from the heap of MicroPython, over real sockets. Small, for a small heap."""

import gc

from flamelet import Database


def measure(function, count):
    """How far the heap and the total of all allocations move in so many calls, and in as many under heap_lock()."""
    import micropython

    gc.collect()
    gc.disable()
    used = gc.mem_alloc()
    total = micropython.mem_total()
    function(count)
    used = gc.mem_alloc() - used
    total = micropython.mem_total() - total
    micropython.heap_lock()
    try:
        function(count)
    finally:
        micropython.heap_unlock()
    gc.enable()
    return [used, total]


def pushes(connect, say, url, ca, count):
    """Push readings whose numbers change sign and length; what that took."""
    db = Database(url, ca=ca)
    feed = db.feed("readings", (("n", 0), ("m", 1)))
    feed.push(0, 0)
    numbers = [0]

    def push(count):
        for i in range(count):
            numbers[0] += 1
            feed.push(-numbers[0] if i & 1 else numbers[0] * numbers[0], i)

    push(3)
    taken = measure(push, count)
    db.close()
    return taken


def keep_alives(connect, say, url, ca, ms):
    """Listen while nothing but keep-alives comes; what that took."""
    db = Database(url, ca=ca)
    with db.listen("a") as stream:
        first = stream.next(10000)
        stream.next(100)
        taken = measure(stream.next, ms)
        return [taken, first.data, stream.reconnects]


def pushes_in_a_small_heap(connect, say, url, ca, count):
    """Push readings with the collector on; how much the heap has grown after a collection."""
    db = Database(url, ca=ca)
    feed = db.feed("readings", (("n", 0), ("m", 1)))
    feed.push(0, 0)
    gc.collect()
    used = gc.mem_alloc()
    for n in range(1, count):
        feed.push(n, n / 2)
    gc.collect()
    return gc.mem_alloc() - used
