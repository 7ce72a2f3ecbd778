"""How a board starts the program, and how many starts have failed. main.py hands over to `run`.

In: a board, and what loads the program. Out: a program that runs; or, in this order, a REPL where somebody holds the
board, a light where config.json is wrong, a restart where the program failed, and the safe mode after LIMIT failed
starts in a row: see rescue.py. Ctrl-C ends all of them, and leaves the REPL. No library is needed here, since that may
be what is broken.

A start has failed if the board restarted, by its program or its watchdog, before `started` was called. That it lost its
power says nothing, and a sleep is an end in good order. FAILED has a byte for each: a power cut leaves a whole number
of them. The flash is written after a failure alone: in a healthy life never.
"""

import os

FAILED = "boot.failed"
LIMIT = 3
HARMLESS = ("power on", "brownout", "soft reset")  # what board.reset_cause() says where no start has failed


def run(board, load, notes=()) -> None:
    """Start the program, and see to what comes out of it. It returns where the REPL is to come.

    Arguments: the board; load, a function that returns the board and the program's function `run(board)`, or raises
    what is wrong with them; notes, where that adds what is to be kept.
    """
    try:
        if board.hold_requested():
            return board.report("hold", "to go on, mpremote rm :hold, or let go the button, and reset the board")
        if _count(board.reset_cause()) >= LIMIT:
            import rescue

            rescue.stay_safe(board)
        _start(board, load, notes)
    except KeyboardInterrupt:
        board.report("hold", "Ctrl-C")
    board.report("end", "a reset starts the program again, and so does a running watchdog, but for a file named hold")


def started() -> None:
    """Note that this start has not failed: the program has run for a while, or the server has answered."""
    if failures():
        try:
            os.remove(FAILED)
        except OSError as error:
            print("%s cannot be removed: %r" % (FAILED, error))


def failures() -> int:
    """Return how many starts have failed since one that did not."""
    try:
        return os.stat(FAILED)[6]
    except OSError:
        return 0


def _count(cause):
    """How many starts have failed, after the one that ended by `cause`."""
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
        return "the program cannot use the configuration, and said why at its start"
