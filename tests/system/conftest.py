"""Gives the tests below this folder the fixtures of tests/support/fixtures.py."""

from fixtures import (  # noqa: F401
    blocking_client,
    client,
    firestore,
    firestore_emulator,
    micropython_client,
    on_emulator,
    on_simulator,
    sim,
)
