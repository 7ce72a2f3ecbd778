"""Implements `flamelet bench`: measures what a push, an event and a reconnect cost on MicroPython, beside other
clients.

cli.py is the command and its table, figures.py the rows and their targets, measure.py the measurements, server.py the
server that all clients use. The files in device/ run on MicroPython, compiled to .mpy like the library.
"""
