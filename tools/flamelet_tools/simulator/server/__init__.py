"""Serves HTTP: the server, its state, faults on demand, control, what is kept in a file."""
