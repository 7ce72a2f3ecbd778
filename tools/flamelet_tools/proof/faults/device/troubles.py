"""Causes faults in the device itself: its DNS, an impostor instead of a server, its clock, its flash.

`strike` begins one, `heal` ends all of them. On MicroPython the flash is littlefs on a RAM disk; on CPython a folder
whose files accept no byte while it is full.
"""

import os
import socket
import sys
import time

from flamelet.auth import token_file
from flamelet.client import client
from flamelet.core import push_id, runtime
from flamelet.net import transport
from flamelet.outbox import flash
from flamelet.rtdb import stream

_HOUR = 3600000
_MOVES = {"clock ahead": 365 * 24 * _HOUR, "clock back": -365 * 24 * _HOUR}
_BLOCK = 4096
_BLOCKS = 32
_NO_SPACE = 28
_BLOCK_COUNT, _BLOCK_SIZE = 4, 5  # MicroPython, vfs.AbstractBlockDev.ioctl

epoch_ms = runtime.epoch_ms


class Resolver:
    """`socket` with another DNS, which leads to this port of this machine, or nowhere."""

    SOCK_STREAM = socket.SOCK_STREAM
    socket = socket.socket  # last, as it hides the module here

    def __init__(self, port):
        self.port = port

    def getaddrinfo(self, host, port, family, kind):
        if not self.port:
            raise OSError(-2, "Name or service not known")
        return socket.getaddrinfo("127.0.0.1", self.port, family, kind)


class Unset:
    """`time` of a device whose clock was never set."""

    @staticmethod
    def gmtime(*_):
        return (1970, 1, 1, 0, 0, 0, 3, 1, 0)


class Full:
    """A file on flash that is full."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def write(self, data):
        raise OSError(_NO_SPACE, "No space left on device")


def strike(trouble, folder, port):
    """Begin `trouble`, or nothing for None; `port`: that of the impostor."""
    if trouble in ("dns", "impostor"):
        transport.socket = Resolver(port if trouble == "impostor" else 0)
        transport._addresses.clear()
    elif trouble in _MOVES:
        _set_clock(lambda: epoch_ms() + _MOVES[trouble])
    elif trouble == "clock lost":
        _set_clock(lambda: epoch_ms() % (365 * 24 * _HOUR))
        client.time = stream.time = Unset
    elif trouble == "full flash":
        fill(folder)


def heal(folder):
    """End the trouble."""
    if transport.socket is not socket:
        transport.socket = socket
        transport._addresses.clear()
    client.time = stream.time = time
    _set_clock(epoch_ms)
    empty(folder)


def _set_clock(clock):
    for name in ("auth.credential", "auth.refresh", "core.clock", "core.push_id", "outbox.before_clock"):
        module = sys.modules.get("flamelet." + name)
        if module:
            module.epoch_ms = clock
    push_id.forget()


def corrupt(folder):
    """Change one bit in the middle of the last record on flash."""
    name = folder + "/" + sorted([name for name in os.listdir(folder) if name.endswith(".out")])[-1]
    with open(name, "rb") as file:
        content = bytearray(file.read())
    content[len(content) - 12] ^= 4
    with open(name, "wb") as file:
        file.write(content)


if runtime.MICROPYTHON:
    import vfs

    class RamDisk:
        def __init__(self):
            self.data = bytearray(_BLOCK * _BLOCKS)

        def readblocks(self, block, buffer, offset=0):
            at = block * _BLOCK + offset
            buffer[:] = self.data[at : at + len(buffer)]

        def writeblocks(self, block, buffer, offset=0):
            at = block * _BLOCK + offset
            self.data[at : at + len(buffer)] = buffer

        def ioctl(self, operation, argument):
            return {_BLOCK_COUNT: _BLOCKS, _BLOCK_SIZE: _BLOCK}.get(operation, 0)

    def mounted(folder, side):
        """Return the folder of this side."""
        disk = RamDisk()
        vfs.VfsLfs2.mkfs(disk)
        vfs.mount(vfs.VfsLfs2(disk), "/" + side)
        return "/" + side

    def fill(folder):
        """Fill the flash to its last block."""
        try:
            with open(folder + "/filler", "wb") as file:
                while True:
                    file.write(bytes(512))
        except OSError as error:
            if error.errno != _NO_SPACE:
                raise

    def empty(folder):
        """Make room again."""
        if "filler" in os.listdir(folder):
            os.remove(folder + "/filler")

else:

    def mounted(folder, side):
        """Return the folder of this side."""
        os.mkdir(folder + "/" + side)
        return folder + "/" + side

    def fill(folder):
        """Let no file of flamelet accept a byte."""
        flash.open = token_file.open = _opened

    def empty(folder):
        """Make room again."""
        flash.open = token_file.open = open

    def _opened(name, mode="r", **options):
        return open(name, mode, **options) if mode in ("r", "rb") else Full()
