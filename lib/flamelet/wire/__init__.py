"""Bytes in, small ints out: HTTP, server-sent events, JSON. Never sees a socket.

May import core.
"""
