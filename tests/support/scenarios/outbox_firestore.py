"""Readings and writes that wait in an outbox, for Firestore: see outbox.py."""

from scenarios import outbox

SERVICE = "Firestore"


def kept(connect, say, **arguments):
    return outbox.kept(connect, say, **arguments)


def lost(connect, say, **arguments):
    return outbox.lost(connect, say, **arguments)


def refused(connect, say, **arguments):
    return outbox.refused(connect, say, **arguments)
