"""Gets a document of ten fields: `firestore_get FREE TOKEN URL CA -`. TOKEN: its length in bytes, 0 for none.

With FREE "-" it prints a line of JSON with the bytes of heap of the dict that a get returns. Otherwise FREE is the size
of the only free piece of the heap, and the program fails unless a get succeeds in it.
"""

import gc
import sys

import flamelet

COUNT = 20
PATH = "readings/r00000"
FREE, TOKEN, URL, CA = sys.argv[1:5]

token = {"access_token": "a" * int(TOKEN)} if TOKEN != "0" else None
fs = flamelet.Firestore("demo", token, url=URL + "/v1", ca=None if CA == "-" else CA)


def heap():
    gc.collect()
    return gc.mem_alloc()


def leave_free(size):
    """Fill the heap except for one piece of `size`; return what fills it, and how much is free."""
    piece = bytearray(size)
    taken = None
    for _ in range(3):  # each collection finds garbage of the filling before it
        gc.collect()
        room = 1 << 20
        while room >= 16:
            try:
                taken = [bytearray(room), taken]
            except MemoryError:
                room //= 2
    del piece
    gc.collect()
    return taken, gc.mem_free()


def get():
    fields = fs.get(PATH)
    if len(fields) != 10 or fields["boots"] != 0:
        raise OSError("not the document that was sent: %r" % (fields,))
    return fields


for _ in range(4):
    get()
if FREE == "-":
    before = heap()
    held = [get() for _ in range(COUNT)]
    print('{"dict": %d}' % ((heap() - before) // COUNT))
else:
    taken, free = leave_free(int(FREE))
    get()
    taken = None
    print('{"free": %d}' % free)
