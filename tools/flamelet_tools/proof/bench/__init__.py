"""`flamelet bench`: what a push, an event and a reconnect cost on MicroPython, beside what others pay for the same.

cli.py is the command and its table, figures.py the rows and their targets, measure.py the measurements, server.py the
server that all clients talk to. The files in device/ are what runs on MicroPython, compiled to .mpy like the library.
"""
