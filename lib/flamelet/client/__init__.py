"""Sends requests and reads their answers, which may be larger than memory.

Holds the client, its pump that blocks, budget, recovery and redirects.

May import auth, feed, net, diagnosis, wire and core.
"""
