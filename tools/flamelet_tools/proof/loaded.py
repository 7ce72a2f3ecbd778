"""Asks MicroPython which modules of the library a push loads."""

import json

from flamelet_tools.shared.compile import run

PUSH = """
import json
import sys
import flamelet
database = flamelet.Database({url!r})
feed = database.feed("devices/d1/telemetry", (("temp", 1), ("hum", 0)))
feed.push(21.5, 40)
database.close()
print(json.dumps(list(sys.modules)))
"""


def modules_of_a_push(folder: str) -> list[str]:
    from flamelet_tools.simulator import Simulator

    with Simulator() as simulator:
        modules = json.loads(run(PUSH.format(url=simulator.url), folder))
    return [module for module in modules if module.partition(".")[0] == "flamelet"]
