"""Keeps accounts, their tokens and credentials."""
