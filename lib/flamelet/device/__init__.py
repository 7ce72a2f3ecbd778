"""Runs the program of a device; `main.py` starts it with a board."""

from .program import run  # noqa: F401
