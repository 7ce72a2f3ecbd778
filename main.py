"""The program of a device: picks the board and starts. The same file on a board and on a desktop.

On a board, board.py and the folder flamelet lie beside this file or in lib/; on a desktop both are in the checkout.
"""

import sys

if sys.platform in ("linux", "darwin"):
    checkout = __file__.rpartition("/")[0] or "."
    sys.path[:0] = [checkout + folder for folder in ("/lib", "/boards/desktop", "/boards/shared")]

from flamelet import device  # noqa: E402

import board  # noqa: E402  the path comes first

device.run(board)
