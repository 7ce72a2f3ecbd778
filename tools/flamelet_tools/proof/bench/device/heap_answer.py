"""Sums the `level` of COUNT devices in one answer, in a heap of limited size: `heap_answer READER COUNT URL CA -`.

READER: walk, get (of flamelet), requests. It fails unless the sum is right. It does not use config.py, whose token and
names would share the heap.
"""

import sys

READER = sys.argv[1]
COUNT = int(sys.argv[2])
URL, CA = sys.argv[3:5]


def levels():
    if READER == "requests":
        import requests

        response = requests.get("%s/devices/%d.json" % (URL, COUNT))
        return [device["level"] for device in response.json().values()]
    import flamelet

    database = flamelet.Database(URL, ca=None if CA == "-" else CA)
    if READER == "walk":
        return (level for _, level in database.walk("devices/%d" % COUNT, "*/level"))
    return [device["level"] for device in database.get("devices/%d" % COUNT).values()]


total = sum(levels())
if total != COUNT * (COUNT - 1) // 2:
    raise SystemExit("a sum of %d" % total)
