"""Holds what authenticates a request: tokens, their renewal, and their files.

May import net, diagnosis, wire and core.
"""
