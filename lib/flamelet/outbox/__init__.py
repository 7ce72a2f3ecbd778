"""Keeps readings until the server has them: in RAM, on flash, in RTC memory; and sends them in batches.

May import auth, feed, net, diagnosis, wire and core.
"""
