"""`flamelet faults`: a matrix of faults and operations, on CPython and on MicroPython.

`faults` has the rows, `operations` the columns, `playing` plays a column on one Python, `cli` prints the tables; what
runs on the device is in device/.
"""
