"""Sends readings without allocation: a `Feed` sends, a `Reading` is its request.

May import net, diagnosis, wire and core.
"""
