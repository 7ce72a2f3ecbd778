"""Records and flushes until it is killed: `killed.py URL FOLDER FIRST`; with "drain" it ends by itself.

Out: before each reading its number, after it the result of `record`; with "drain" it ends when nothing waits any more.
"""

import os
import sys
import time

import flamelet

_PAUSE = 0.001


def check_of(n):
    return n * 7919 % 100003


def say(*words):
    # In one write without a buffer, so that no line is lost by the kill.
    os.write(1, (" ".join([str(word) for word in words]) + "\n").encode())


def main(url, folder, first, drain=""):
    outbox = flamelet.Outbox(folder, memory=512, group=4, size=1 << 20)
    feed = flamelet.Database(url).feed("t", (("n", 0), ("c", 0)), outbox=outbox)
    n = int(first)
    while not drain:
        n += 1
        say(n)
        say(n, feed.record(n, check_of(n)))
        if n % 7 == 0:
            flush(feed)
        time.sleep(_PAUSE)
    while outbox.waiting:
        flush(feed)
    say("corrupt", outbox.corrupt)


def flush(feed):
    try:
        feed.flush()
    except flamelet.FlameletError as error:
        say("error", type(error).__name__)


if __name__ == "__main__":
    main(*sys.argv[1:])
