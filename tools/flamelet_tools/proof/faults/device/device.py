"""Runs the device of `flamelet faults`: does one operation under one fault after another, with the same client.

In: lines of JSON: first what to do and where, then for each fault "ready", "act", and "heal" when it is over. Out: a
line of JSON for each. The same file runs on CPython and on MicroPython.

"ready": a read, so that there is an open connection. "act": the operation, once. "heal": a read by the same client and,
if the operation failed, the same call again, as a program would do. If the outcome is unknown, it is not repeated,
because a program would have to look first. A refusal of the token lasts a minute, which is skipped.
"""

import json
import sys

import flamelet
from flamelet.core.runtime import ticks_diff, ticks_ms

import troubles
from acts import LATER


def main():
    order = json.loads(sys.stdin.readline())
    sides = {}
    for line in sys.stdin:
        told = json.loads(line)
        side = "tls" if told["tls"] else "plain"
        if side not in sides:
            sides[side] = Side(order, side)
        answer = getattr(sides[side], told["do"])(told)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Side:
    """A client of one server, and the operation on it."""

    def __init__(self, order, side):
        place = order[side]
        folder = troubles.mounted(order["folder"], side)
        self.service = __import__("on_" + order["service"])
        file = folder + "/token.json"
        with open(file, "w") as written:
            written.write(json.dumps(place["token"]))
        self.token = flamelet.Token.load(file)
        options = {"ca": place["ca"], "timeouts": flamelet.Timeouts(**order["timeouts"])}
        self.client = self.service.connect(place, self.token, options)
        self.operation = self.service.OPERATIONS[order["operation"]](self.client, folder)
        self.folder = folder
        self.last = None

    def ready(self, told):
        self.operation.ready()
        return {"after": outcome(self.service.well, self.client)}

    def act(self, told):
        troubles.strike(told["trouble"], self.folder, told["port"])
        begun = ticks_ms()
        self.last = outcome(self.operation.act, told["n"], told["trouble"])
        return {"outcome": self.last, "ms": ticks_diff(ticks_ms(), begun)}

    def heal(self, told):
        troubles.heal(self.folder)
        if self.token.error:
            self.token.due = ticks_ms()
        answer = {"after": outcome(self.service.well, self.client), "again": None}
        if self.last[0] == "error" and self.last[1] != "OutcomeUnknown" or self.last == ["ok", LATER]:
            answer["again"] = outcome(self.operation.again, told["n"])
        answer["told"] = self.operation.told(told["n"])
        return answer


def outcome(function, *arguments):
    """Return the outcome: ["ok", result], or ["error", class, text, retry]; other errors than flamelet's are marked."""
    try:
        return ["ok", function(*arguments)]
    except flamelet.FlameletError as error:
        return ["error", type(error).__name__, str(error), error.retry]
    except Exception as error:
        return ["error", "not ours: " + type(error).__name__, str(error), False]


main()
