"""A request from its first byte to its answer, and answers that are larger than memory.

Holds the client, its pump that blocks, budget, recovery and redirects.

May import auth, feed, net, diagnosis, wire and core.
"""
