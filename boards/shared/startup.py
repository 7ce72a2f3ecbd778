"""Starts the program on a board, and counts failed starts. main.py calls `run`.

In: a board, and a function that loads the program. Out: a running program; or, in this order, a REPL if the user holds
the board, a blinking light if config.json is wrong, a restart if the program failed, and the safe mode after LIMIT
failed starts in a row: see rescue.py. Ctrl-C ends all of them, and gives the REPL. This file does not use the library,
because the library may be broken.

A start has failed if the program or the watchdog restarted the board before `started` was called. A loss of power is
not counted, and a sleep is a normal end. FAILED has a byte for each failure, so a power cut leaves a valid count. The
flash is written only after a failure.
"""

import os

FAILED = "boot.failed"
LIMIT = 3
HARMLESS = ("power on", "brownout", "soft reset")  # values of board.reset_cause() after which no start has failed


def run(board, load, notes=()) -> None:
    """Start the program, and handle its end. Returns if the REPL should start.

    Arguments: board; load, a function that returns the board and the program's function `run(board)`, or raises what is
    wrong with them; notes, a list to which load adds texts for the log.
    """
    try:
        if board.hold_requested():
            return board.report("hold", "to go on, mpremote rm :hold or release the button, then reset the board")
        if _count(board.reset_cause()) >= LIMIT:
            import rescue

            rescue.stay_safe(board)
        _start(board, load, notes)
    except KeyboardInterrupt:
        board.report("hold", "Ctrl-C")
    board.report("end", "a reset or a running watchdog starts the program again, unless a file named hold exists")


def started() -> None:
    """Record that this start has not failed: the program has run for a while, or the server has answered."""
    if failures():
        try:
            os.remove(FAILED)
        except OSError as error:
            print("%s cannot be removed: %r" % (FAILED, error))


def failures() -> int:
    """Return how many starts have failed since the last one that did not."""
    try:
        return os.stat(FAILED)[6]
    except OSError:
        return 0


def _count(cause):
    """Count the start that ended by `cause`. Return how many have failed."""
    if cause == "deep sleep":
        started()
    elif cause not in HARMLESS:
        try:
            with open(FAILED, "a") as file:
                file.write("x")
        except OSError as error:
            print("a failed start cannot be counted in %s: %r" % (FAILED, error))
    return failures()


def _start(board, load, notes):
    try:
        wrong = _settings_error(board)
        if not wrong:
            board, program = load()
            if notes:
                import rescue

                rescue.keep("\n".join(notes))
            wrong = _run(board, program)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        import rescue

        rescue.restart_later(board, error)
    if wrong:
        import rescue

        rescue.show_error(board, wrong)


def _settings_error(board):
    try:
        board.config()
    except ValueError as error:
        return error


def _run(board, program):
    try:
        program(board)
    except SystemExit as end:
        if end.args != (2,):
            raise
        return "the program cannot use the configuration; it reported why when it started"
