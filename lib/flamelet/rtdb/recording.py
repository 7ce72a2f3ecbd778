"""TODO: says what is here."""

from ..outbox.recorder import recording


def Feed(base, database, path, fields, outbox):
    """A feed of a Realtime Database, on `base`."""
    from . import records as _record_database

    return recording(base, _record_database, outbox, database, path, fields)
