"""Holds what several tools need: the checkout, MicroPython, compiled modules, tables."""
