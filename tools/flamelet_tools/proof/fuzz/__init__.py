"""Feeds the byte machines with bytes that nobody should send."""
