"""Implements `flamelet faults`: tests each operation under each fault, on CPython and on MicroPython.

`faults` has the rows, `operations` the columns, `playing` plays a column on one Python, `cli` prints the tables;
device/ has the programs for the device.
"""
