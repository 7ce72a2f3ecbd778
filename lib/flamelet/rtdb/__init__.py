"""Talks to the Realtime Database: values, queries, streams, mirrors, transactions, rules, and readings.

May import client, outbox, auth, feed, net, diagnosis, wire and core; neither firestore nor gateway.
"""
