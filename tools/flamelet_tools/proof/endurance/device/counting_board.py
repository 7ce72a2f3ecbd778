"""Provides a board without problems, for programs that run the program of flamelet.device.

In: the first number of the sensor. Out: readings that count up from it, so that a lost or doubled one is visible. A
program that needs other behaviour derives a class from this board.
"""


class CountingBoard:
    """A board whose sensor counts; `readings`: its next number; `identified`: how often it was asked to identify
    itself.
    """

    FIELDS: tuple = (("n", 0),)

    def __init__(self, readings=0):
        self.readings = readings
        self.identified = 0

    def storage(self):
        return None

    def connect(self):
        return True

    def signal_strength(self):
        return None

    def synchronize_clock(self):
        return True

    def reset_cause(self):
        return "power on"

    def started(self):
        pass

    def feed_watchdog(self):
        pass

    def status(self, new):
        pass

    def stop_requested(self):
        return False

    def read_sensors(self):
        self.readings += 1
        return (self.readings - 1,)

    def identify(self):
        self.identified += 1
