"""Holds one request and one answer, for every service of the simulator."""
