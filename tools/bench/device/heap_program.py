"""The whole program of a device, with its stream and three readings, in as small a heap as it takes."""

import config

from flamelet import device

import board

SETTINGS = {
    "url": config.URL,
    "device": "d1",
    "interval": 0.05,
    "count": 3,
    "token": config.TOKEN,
    "ca": config.CA,
    "connections": 2,
}
board.config = lambda: SETTINGS
device.run(board)
