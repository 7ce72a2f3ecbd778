"""Splits paths into lists of keys, and finds one of several that holds another."""


def split(path):
    """Return the keys of a path that the server sent, [] of "/"."""
    path = path.strip("/")
    return path.split("/") if path else []


def overlap(paths):
    """Return (path, path below it) for the first of `paths`, lists of keys, that holds another; None if none does.

    It sorts `paths`.
    """
    paths.sort()
    for above, below in zip(paths, paths[1:]):
        if below[: len(above)] == above:
            return above, below
    return None
