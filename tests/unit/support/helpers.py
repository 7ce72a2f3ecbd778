"""Small helpers for the tests in this folder, on CPython and on MicroPython.

A unit test is a plain function (or coroutine function) with plain asserts and without arguments; tests/conftest.py runs
it on each Python. A test file says more in module-level names: HEAP = "64k" (MicroPython's heap, 256k by default);
WORDS32 = True (run it on the 32-bit MicroPython too, which has no asyncio); CPYTHON = False (MicroPython only).
"""


def raises(error, function, *args):
    """Call function(*args), which must raise `error`.

    Returns: the error, so that the test can look at it.
    Raises: AssertionError if nothing was raised; any other error goes through.
    """
    try:
        result = function(*args)
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised; the result was {result!r}")
