"""Says what went wrong, as one of our errors: for exchanges, for answers, for TLS. Loaded with the first trouble.

May import wire and core.
"""
