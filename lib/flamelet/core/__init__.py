"""Holds what every other package uses: which Python this is, time, keys, paths, URLs, buffers.

May import nothing but flamelet itself and errors.
"""
