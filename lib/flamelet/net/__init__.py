"""Opens sockets and TLS, and runs one HTTP exchange after another over them.

May import diagnosis, wire and core.
"""
