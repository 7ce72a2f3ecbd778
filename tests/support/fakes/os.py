"""os, with uname(); and rename() works, where VfsPosix of MicroPython 1.28 confuses two absolute names."""

from collections import namedtuple

import uos
import world
from uos import *  # noqa: F403

Uname = namedtuple("Uname", ("sysname", "nodename", "release", "version", "machine"))


def uname():
    return Uname(world.PORT, world.PORT, "1.29.0", "v1.29.0", world.MACHINE)


def rename(old, new):
    # The process's own folder is that of the board's files.
    uos.rename(old.lstrip("/"), new.lstrip("/"))
