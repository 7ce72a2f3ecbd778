"""Defines the operations on Cloud Firestore: each has its own collection, with the document c`n`."""

import flamelet

from acts import Push, PushMany, Record, calls

_FIELDS = (("n", 0), ("ok", 0))


def connect(place, token, options):
    return flamelet.Firestore("demo", token, url=place["url"] + "/v1", **options)


def well(fs):
    return fs.get("well/well")["value"]


def _query(fs, n):
    return [found.fields["n"] for found in fs.query("read").where("n", "==", n)]


def _transaction(fs, n):
    def add(tx):
        found = tx.get("add/c%d" % n)
        tx.set("add/c%d" % n, {"n": found["n"] + 1})

    return fs.transaction(add)


OPERATIONS = calls(
    {
        "create": lambda fs, n: fs.create("create", {"n": n}),
        "set": lambda fs, n: fs.set("set/c%d" % n, {"n": n}) and True,
        "update": lambda fs, n: fs.update("update/c%d" % n, {"n": n}) and True,
        "delete": lambda fs, n: fs.delete("delete/c%d" % n) and True,
        "update an increment": lambda fs, n: fs.update("add/c%d" % n, {"n": flamelet.increment(1)}) and True,
        "transaction": _transaction,
        "get": lambda fs, n: fs.get("read/c%d" % n),
        "query": _query,
    }
)
OPERATIONS["feed.push"] = lambda fs, folder: Push(fs, fs.feed("feed", _FIELDS))
OPERATIONS["feed.push_many"] = lambda fs, folder: PushMany(fs, fs.feed("feed", _FIELDS))
OPERATIONS["record, flush"] = lambda fs, folder: Record(lambda box: fs.feed("feed", _FIELDS, outbox=box), folder)
