"""The public names of `flamelet` that few programs use, and where each one is.

Loaded when one is asked for, and unloaded again: each is asked for once, and this takes a kilobyte of a board's heap.
"""

import sys

_PLACES = {
    "Backoff": "_backoff",
    "Budget": "_budget",
    "DELETE": "server_values",
    "Firestore": "firestore",
    "Gateway": "gateway",
    "GeoPoint": "_value_types",
    "Outbox": "outbox",
    "Reference": "_value_types",
    "TIMESTAMP": "server_values",
    "Timestamp": "_value_types",
    "Vector": "_value_types",
    "Timeouts": "_transport",
    "and_": "_filters",
    "array_remove": "server_values",
    "array_union": "server_values",
    "increment": "server_values",
    "maximum": "server_values",
    "minimum": "server_values",
    "or_": "_filters",
}


def find(name: str):
    """What `flamelet` means by `name`; AttributeError where it means nothing."""
    if name not in _PLACES:
        raise AttributeError("flamelet has no %s" % name)
    value = getattr(__import__("flamelet." + _PLACES[name], None, None, ("*",)), name)
    package = sys.modules["flamelet"]
    setattr(package, name, value)
    sys.modules.pop("flamelet._names", None)
    package.__dict__.pop("_names", None)
    return value
