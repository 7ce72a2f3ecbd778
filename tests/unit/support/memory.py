"""What a call allocates on MicroPython, seen in three ways that each see what the others miss.

pytest, which collects the tests, imports this on CPython too: hence the imports within the functions.
"""

import gc

ROUNDS = 50


def bytes_taken(function):
    """The bytes of heap that one call of `function` takes, after a first one that may fill what is kept for ever.

    The collector is off, so that nothing is freed; `mem_total` also sees what is taken and given back within a call.
    """
    import micropython

    function()
    gc.collect()
    gc.disable()
    total = micropython.mem_total()
    for _ in range(ROUNDS):
        function()
    total = micropython.mem_total() - total
    gc.enable()
    return total // ROUNDS


def assert_allocates_nothing(function):
    """`function`, without arguments, takes nothing from the heap: heap_lock holds and no count moves."""
    import micropython

    function()
    gc.collect()
    gc.disable()
    total = micropython.mem_total()
    alive = gc.mem_alloc()
    micropython.heap_lock()
    try:
        for _ in range(ROUNDS):
            function()
    finally:
        micropython.heap_unlock()
    alive = gc.mem_alloc() - alive
    total = micropython.mem_total() - total
    gc.enable()
    assert (alive, total) == (0, 0), f"{alive} bytes left, {total} bytes taken in {ROUNDS} calls"
