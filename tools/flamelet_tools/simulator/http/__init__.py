"""Defines the request and the answer that every service of the simulator uses."""
