"""The program of a device; `main.py` starts it, given a board."""

from .program import run  # noqa: F401
