"""Flows, and the pump that runs one to its end while blocking.

Every operation is written once, as a flow: a generator that moves on without blocking and yields what it waits for:
- a `Transport`: until its socket is ready for its `events`, or its deadline has passed;
- an int: that many milliseconds;
- a function: work that blocks (DNS) and raises nothing; a pump may run it in a thread.

What the flow returns is the result; what it raises reaches the caller. aio.py has the other pump.
"""

from ._runtime import sleep_ms


def wait(waited, ms: int = 1 << 29) -> None:
    """Block for what a flow yielded, at most `ms` milliseconds."""
    if isinstance(waited, int):
        sleep_ms(min(waited, ms))
    elif callable(waited):
        waited()
    else:
        waited.wait(min(waited.remaining(), ms))


def run(flow) -> object:
    """Run `flow` to its end; what it returned."""
    try:
        while True:
            wait(next(flow))
    except StopIteration as end:
        return end.value
    finally:
        # Where it was interrupted (Ctrl-C), it gives back what it holds.
        flow.close()
