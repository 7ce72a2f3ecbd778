"""Handles a board that cannot run its program: it reports why, stores that in LOG, and tries again. See startup.py.

In: the board, and the error. Out: lines for the user, a light, and a restart after a growing delay; or the safe mode
for SAFE_SECONDS: the network and, if webrepl_cfg.py exists, the WebREPL; then the program is started again. A running
watchdog is fed meanwhile. If the board's own functions fail, the rest goes on without them. LOG has LOG_BYTES at most,
and one entry for an error that repeats.
"""

import gc
import io
import sys
import time

import startup

LOG = "boot.log"
LOG_BYTES = 4096
DELAYS = (2, 8, 32)  # seconds until the restart, by how many starts have failed before
SAFE_SECONDS = 600
TELL_SECONDS = 30


def keep(text: str) -> None:
    """Append to LOG what happened; the same text is not written twice in a row, to spare the flash."""
    text = text.strip()[-LOG_BYTES // 2 :] + "\n"
    try:
        log = _read(LOG)
        if log.endswith("\n" + text):
            return
        # If there is no room, the older half is dropped.
        with open(LOG, "w") as file:
            file.write(log[-LOG_BYTES // 2 + 64 :] if len(log) + len(text) + 64 > LOG_BYTES else log)
            file.write("-- %d-%02d-%02d %02d:%02d:%02d\n" % tuple(time.localtime()[:6]))
            file.write(text)
    except (OSError, ValueError, MemoryError) as error:
        print("it cannot be written to %s: %r" % (LOG, error))


def show_error(board, reason: object) -> None:
    """Blink, and report what is wrong with config.json, until the user ends it: a restart would not help."""
    while True:
        board.report("error", "%s. flamelet provision --port PORT makes a new configuration" % reason)
        _wait(board, "error", TELL_SECONDS)


def restart_later(board, error: BaseException) -> None:
    """Print and store an error that ended the program, and restart the board."""
    gc.collect()
    sys.print_exception(error)
    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        keep(text.getvalue())
    except MemoryError:
        print("there is no memory to write that to %s" % LOG)
    delay = DELAYS[min(startup.failures(), len(DELAYS) - 1)]
    print("the board restarts in %d s; Ctrl-C prevents it" % delay)
    _wait(board, "error", delay)
    _restart(board, repr(error))


def stay_safe(board) -> None:
    """Bring the network up without the program, and report why, for SAFE_SECONDS."""
    end = time.ticks_add(time.ticks_ms(), SAFE_SECONDS * 1000)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        reason = _read(LOG) or "nothing; so the watchdog or the firmware restarted the board"
        print("safe mode: %d starts in a row have failed. %s says:\n%s" % (startup.failures(), LOG, reason))
        _go_online(board)
        _wait(board, "safe", TELL_SECONDS)
    startup.started()


def _go_online(board):
    """Connect to the network, for TELL_SECONDS at most."""
    end = time.ticks_add(time.ticks_ms(), TELL_SECONDS * 1000)
    try:
        board.config()
        while not board.connect():
            if time.ticks_diff(end, time.ticks_ms()) < 0:
                return print("the network is not up yet")
            _wait(board, "safe", 0.2)
        print("the network is up")
        _serve_repl()
    except Exception as error:
        print("the network is not up: %r" % error)


def _serve_repl():
    """Start the WebREPL if the owner has set it up: webrepl_cfg.py has its password."""
    if "webrepl" in sys.modules:
        return
    try:
        import webrepl_cfg  # noqa: F401
    except ImportError:
        return
    import webrepl

    webrepl.start()


def _wait(board, state, seconds):
    """Show a state for a while, and feed the watchdog."""
    end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        try:
            board.status(state)
            board.feed_watchdog()
        except Exception as error:
            print("the board cannot show its state: %r" % error)
            time.sleep_ms(1000)
        time.sleep_ms(50)


def _restart(board, reason):
    try:
        board.restart(reason)
    except Exception as error:
        print("the board cannot restart by itself: %r" % error)
        import machine

        machine.reset()


def _read(name):
    # A copy of the one in wifi.py, because that file may be broken.
    try:
        with open(name) as file:
            return file.read()
    except (OSError, ValueError):
        return ""  # it does not exist, or ends inside a character
