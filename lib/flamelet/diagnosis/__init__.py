"""Makes the error for what went wrong: in an exchange, an answer, or TLS. Loaded with the first failure.

May import wire and core.
"""
