"""Keeps readings until the server has answered for them: in RAM, on flash, in RTC memory; and sends them in batches.

May import auth, feed, net, diagnosis, wire and core.
"""
