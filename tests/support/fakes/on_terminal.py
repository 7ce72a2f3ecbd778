"""A board that is played on a terminal: main.py, and afterwards the REPL of `micropython -i`.

From here on Ctrl-C is a signal while a program runs, as on a board; the REPL takes it as a character. BOARD_ISIG is the
terminal's flag for that.
"""

import sys
import termios

import uos


def run() -> None:
    modes = termios.tcgetattr(0)
    modes[3] |= int(uos.getenv("BOARD_ISIG"))
    termios.tcsetattr(0, 0, modes)
    try:
        with open("main.py") as file:
            code = file.read()
    except OSError:
        return
    try:
        exec(code, {"__name__": "__main__"})
    except (Exception, KeyboardInterrupt) as error:
        sys.print_exception(error)
