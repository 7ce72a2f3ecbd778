"""Iterates over the COUNT documents of a query: `firestore_query COUNT MANNER URL CA -`.

Prints a line of JSON: the `total` of a field and, with the MANNER "look", how much the heap has grown from the tenth
document to the last, after a collection at each. It does not use config.py, whose token and names would share the heap.
"""

import gc
import sys

import flamelet

COUNT = int(sys.argv[1])
LOOK = sys.argv[2] == "look"
URL, CA = sys.argv[3:5]


def heap():
    gc.collect()
    return gc.mem_alloc()


def main():
    fs = flamelet.Firestore("demo", url=URL + "/v1", ca=None if CA == "-" else CA)
    total = first = most = 0
    for document in fs.query("readings").limit(COUNT):
        total += document.fields["boots"]
        if LOOK:
            most = max(most, heap())
            if document.fields["boots"] < 10:
                first = most
    print('{"total": %d, "growth": %d}' % (total, most - first))


main()
