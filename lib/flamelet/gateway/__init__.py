"""Talks to endpoints of Firebase Express SDK: documents in their envelope, lists, and readings.

May import client, outbox, auth, feed, net, diagnosis, wire and core; neither rtdb nor firestore.
"""
