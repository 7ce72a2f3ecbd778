"""Sockets and TLS, and one HTTP exchange after another over them.

May import diagnosis, wire and core.
"""
