"""Runs the whole program of a device, with its stream and READINGS, in a heap of limited size.

It fails unless every reading arrived, and the device never reported the server as lost.
"""

import config

from flamelet import device

import board

READINGS = 10
SETTINGS = {
    "url": config.URL,
    "device": "d1",
    "interval": 0.05,
    "count": READINGS,
    "token": config.TOKEN,
    "ca": config.CA,
    "connections": 2,
}
said = {}


def report(kind, text):
    said[kind] = str(text)


board.config = lambda: SETTINGS
board.report = report
device.run(board)
if "error" in said or "offline" in said or not said["summary"].startswith("%d sent, 0 not sent" % READINGS):
    raise SystemExit(str(said))
