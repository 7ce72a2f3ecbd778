"""Reads and writes many documents in one request (batchGet, batchWrite), and describes one of them."""

from .. import InvalidArgument
from .document import document, name_of, path_of
from .field_path import field_paths
from .read import read
from .rest import call_object


def batch_write(client, writes):
    """Flow: send each write by itself. Returns (its time, None) or (None, the reason) for each."""
    if not writes.encoded:
        return []
    body = b'{"writes":[%s]}' % b",".join(writes.encoded)
    answer = yield from call_object(client, "POST", client.root + ":batchWrite", body, None, writes.repeatable)
    done = []
    for result, status in zip(answer.get("writeResults", []), answer.get("status", [])):
        code = status.get("code", 0)
        done.append((None, "%d %s" % (code, status.get("message", ""))) if code else (result.get("updateTime"), None))
    return done


def batch_get(client, paths, options):
    """Return an iterator over (path, Document or None)."""
    from .elements import Elements

    names = [name_of(client, path) for path in paths]
    if not names:
        raise InvalidArgument("batch_get takes at least one path")
    body: dict = {"documents": names}
    for key in options:
        if key == "mask":
            body["mask"] = {"fieldPaths": field_paths(options[key])}
        elif key == "read_time":
            body["readTime"] = str(options[key])
        else:
            raise InvalidArgument("batch_get takes mask and read_time, not %s" % key)

    def path_and_document(element):
        if "found" in element:
            found = document(client, element["found"])
            return found.path, found
        return (path_of(client, element["missing"]), None) if "missing" in element else None

    return Elements(client, client.root + ":batchGet", body, path_and_document)


def describe(client, path):
    """Flow: return (the Document at `path` or None, the ids of the collections below it)."""
    from .pages import collections

    found = yield from read(client, path, {})
    pages = collections(client, path)
    ids: list = []
    while True:
        id = yield from pages.next_item()
        if id is None:
            return found, ids
        ids.append(id)
