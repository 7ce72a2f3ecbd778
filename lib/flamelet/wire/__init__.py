"""Parses HTTP, server-sent events and JSON: bytes in, small ints out. Never sees a socket.

May import core.
"""
