"""Gives the tests below this folder the fixtures of tests/support/fixtures.py."""

from fixtures import blocking_client, client, firestore, firestore_emulator, on_emulator, on_simulator, sim  # noqa: F401
