"""Picks the board and starts the program of a device. The same file runs on a board and on a desktop.

On a board each of the folders a and b has all modules, and the file `active` names the one to use. If that one cannot
be imported (it is for another MicroPython, or lacks a part), the other one is used. Without that file the modules are
beside this one or in lib/. On a desktop everything is in the checkout of this file.
"""

import os
import sys

PATH = list(sys.path)
MODULES = list(sys.modules)
notes: list = []


def is_there(name: str) -> bool:
    try:
        os.stat(name)
    except OSError:
        return False
    return True


def folders() -> list:
    """Return the folders where the modules may be, the best first."""
    if not is_there("active"):
        order = ["", "a", "b"]
    else:
        with open("active", "rb") as file:
            order = ["b", "a", ""] if file.read(1) == b"b" else ["a", "b", ""]
    return [folder for folder in order if not folder or is_there(folder)]


def load(*names: str) -> list:
    """Import all these modules from the first folder where that succeeds.

    Raises: the error of the first folder, if it succeeds in none.
    """
    errors = []
    before = list(sys.path)
    for folder in folders():
        sys.path[:] = [folder] + PATH
        try:
            for name in names:
                __import__(name)
            return [sys.modules[name] for name in names]
        except Exception as error:
            errors.append(error)
            notes.append("the modules in /" + folder + " cannot be started: " + repr(error))
            print(notes[-1])
        for name in [name for name in sys.modules if name not in MODULES]:
            del sys.modules[name]
    sys.path[:] = before
    raise errors[0]


def load_program() -> tuple:
    board, device = load("board", "flamelet.device")
    return board, device.run


def start() -> None:
    """Start the program on a board. Restart the board if even that fails, or the heap is full."""
    import time

    import machine

    try:
        board, startup = load("board", "startup")
        startup.run(board, load_program, notes)
    except Exception as error:
        sys.print_exception(error)
        print("flamelet deploy may fix that. The board restarts in 60 s; Ctrl-C prevents it")
        time.sleep(60)
        machine.reset()


checkout = globals().get("__file__", "").rpartition("/")[0] or "."
if is_there(checkout + "/boards/desktop"):
    sys.path[:0] = [checkout + folder for folder in ("/lib", "/boards/desktop", "/boards/shared")]
    from flamelet import device

    import board

    device.run(board)
else:
    start()
