"""The public names of `flamelet` that few programs use, and where each one is. Loaded with the first of them."""

_PLACES = {
    "Budget": "_budget",
    "TIMESTAMP": "server_values",
    "Timeouts": "_transport",
    "increment": "server_values",
}


def find(name: str):
    """What `flamelet` means by `name`; AttributeError where it means nothing."""
    if name not in _PLACES:
        raise AttributeError("flamelet has no %s" % name)
    return getattr(__import__("flamelet." + _PLACES[name], None, None, ("*",)), name)
