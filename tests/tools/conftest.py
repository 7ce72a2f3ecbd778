"""Gives the tests below this folder the fixtures of tests/support/fixtures.py."""

from fixtures import blocking_client, client, micropython_client, sim  # noqa: F401
