"""The program of a device: picks the board and starts. The same file on a board and on a desktop.

On a board the modules lie in the folders a and b, whole in each, and the file `active` names the one to take. Where
that cannot be imported (it is of another MicroPython, or lacks a part) the other one is taken. Without that file they
lie beside this one or in lib/. On a desktop everything is in the checkout of this file.
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
    """Return where the modules may be, the best first."""
    if not is_there("active"):
        order = ["", "a", "b"]
    else:
        with open("active", "rb") as file:
            order = ["b", "a", ""] if file.read(1) == b"b" else ["a", "b", ""]
    return [folder for folder in order if not folder or is_there(folder)]


def load(*names: str) -> list:
    """Import modules, all of them from the first folder where that succeeds.

    Raises: what came of the first folder, if there is none.
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
    """Start the program on a board, and restart the board if not even that can be done, or the heap is full."""
    import time

    import machine

    try:
        board, startup = load("board", "startup")
        startup.run(board, load_program, notes)
    except Exception as error:
        sys.print_exception(error)
        print("flamelet deploy may mend that. The board restarts in 60 s; Ctrl-C keeps it from that")
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
