"""Finds the public names of `flamelet` that few programs use.

Loaded when one is used for the first time, and unloaded again: it takes a kilobyte of a board's heap.
"""

import sys

_PLACES = {
    "Backoff": "core.backoff",
    "Budget": "client.budget",
    "DELETE": "core.server_values",
    "Firestore": "firestore.firestore",
    "Gateway": "gateway.gateway",
    "GeoPoint": "firestore.value_types",
    "Outbox": "outbox.outbox",
    "Reference": "firestore.value_types",
    "TIMESTAMP": "core.server_values",
    "Timestamp": "firestore.timestamp",
    "Vector": "firestore.value_types",
    "Timeouts": "net.transport",
    "and_": "firestore.filters",
    "or_": "firestore.filters",
    "array_remove": "core.server_values",
    "array_union": "core.server_values",
    "increment": "core.server_values",
    "maximum": "core.server_values",
    "minimum": "core.server_values",
}


def find(name: str):
    """Return the object that `flamelet` calls `name`. Raises AttributeError if there is none."""
    if name not in _PLACES:
        raise AttributeError("flamelet has no %s" % name)
    value = getattr(__import__("flamelet." + _PLACES[name], None, None, ("*",)), name)
    package = sys.modules["flamelet"]
    setattr(package, name, value)
    sys.modules.pop("flamelet._exports", None)
    package.__dict__.pop("_exports", None)
    return value
