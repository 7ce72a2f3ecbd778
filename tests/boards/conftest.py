"""Gives the tests below this folder the fixtures of tests/support/fixtures.py."""

from fixtures import sim  # noqa: F401
