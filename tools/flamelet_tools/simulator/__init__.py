"""Simulates Firebase: `Simulator` is a real HTTP server with the services of a project."""

from flamelet_tools.simulator.simulator import Record, Simulator

__all__ = ["Record", "Simulator"]
