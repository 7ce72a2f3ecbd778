"""sys as a board has it; start.py puts an object of this class in the place of the module."""

import world


class Sys:
    def __init__(self, real):
        self._real = real
        self.platform = world.PORT
        self.implementation = Implementation(real.implementation)

    def __getattr__(self, name):
        return getattr(self._real, name)


class Implementation:
    def __init__(self, real):
        self._real = real
        self._machine = world.MACHINE

    def __getattr__(self, name):
        return getattr(self._real, name)
