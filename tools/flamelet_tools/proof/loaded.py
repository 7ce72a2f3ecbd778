"""Asks MicroPython which modules of the library a push loads, and what the import of one takes of the heap."""

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

MEMORY = """
import gc
import sys
gc.collect()
before = gc.mem_alloc()
import {module}
gc.collect()
print(gc.mem_alloc() - before)
"""


def memory_after_import(module: str, folder: str) -> int:
    """Return the bytes of the heap (64-bit words) that a module takes, with all that it imports."""
    return int(run(MEMORY.format(module=module), folder))


def modules_of_a_push(folder: str) -> list[str]:
    """Return the names of the modules of flamelet that are loaded after a push to the simulator."""
    from flamelet_tools.simulator import Simulator

    with Simulator() as simulator:
        modules = json.loads(run(PUSH.format(url=simulator.url), folder))
    return [module for module in modules if module.partition(".")[0] == "flamelet"]
