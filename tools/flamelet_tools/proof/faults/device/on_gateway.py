"""Defines the operations on endpoints of Firebase Express SDK: each has its own route, with the document c`n`."""

import flamelet

from acts import Push, Record, calls

_FIELDS = (("n", 0), ("ok", 0))


def connect(place, token, options):
    return flamelet.Gateway(place["url"] + "/api", token, **options)


def well(gw):
    return gw.get("well/well")["value"]


def _document(n):
    return {"n": n, "ok": 1}


OPERATIONS = calls(
    {
        "create": lambda gw, n: gw.create("create", _document(n)),
        "replace": lambda gw, n: gw.replace("replace/c%d" % n, _document(n)),
        "update": lambda gw, n: gw.update("update/c%d" % n, {"n": n}),
        "delete": lambda gw, n: gw.delete("delete/c%d" % n),
        "get": lambda gw, n: gw.get("read/c%d" % n)["n"],
        "list": lambda gw, n: [found["n"] for found in gw.list("listed/%d" % n)],
    }
)
OPERATIONS["feed.push"] = lambda gw, folder: Push(gw, gw.feed("feed", _FIELDS))
OPERATIONS["record, flush"] = lambda gw, folder: Record(lambda box: gw.feed("feed", _FIELDS, outbox=box), folder)
