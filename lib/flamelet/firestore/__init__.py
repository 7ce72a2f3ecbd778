"""Talks to Cloud Firestore: documents, queries, values, transactions, administration, and readings as documents.

May import client, outbox, auth, feed, net, diagnosis, wire and core; neither rtdb nor gateway.
"""
