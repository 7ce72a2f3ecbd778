"""A board on which all goes well, for programs that run the one of flamelet.device.

In: the sensors' first number. Out: readings that count on from it, so that one that was lost or doubled is seen. What
a program wants to know of its board, or to be otherwise, is in a class of its own on this one.
"""


class CountingBoard:
    """A board whose sensor counts; `readings`: its next number; `identified`: how often it was asked who it is."""

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
