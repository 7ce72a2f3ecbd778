"""What a request carries to prove who asks: tokens, what renews them, and the files that keep them.

May import net, diagnosis, wire and core.
"""
