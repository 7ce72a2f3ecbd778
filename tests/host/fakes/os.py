"""os, whose rename() works within the board's files: VfsPosix of MicroPython 1.28 confuses two absolute names."""

import uos
from uos import *  # noqa: F403


def rename(old, new):
    # The process's own folder is that of the board's files.
    uos.rename(old.lstrip("/"), new.lstrip("/"))
