"""Serves HTTP: the server, its state, faults on demand, control, and the data file."""
