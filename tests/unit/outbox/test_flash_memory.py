"""What an outbox on flash takes from the heap of MicroPython, measured on a real file system."""

import gc

from memory import assert_allocates_nothing, bytes_taken
from outboxes import Folder, feed

CPYTHON = False
HEAP = "512k"


def test_a_record_until_its_group_is_written_allocates_nothing():
    with Folder() as folder:
        one = feed(folder.outbox(memory=8192, group=1000))
        assert_allocates_nothing(lambda: one.record(5, -7))


def test_a_record_on_flash_takes_the_bytes_that_are_stated():
    for group, most in ((8, 400), (1, 2200)):
        with Folder() as folder:
            box = folder.outbox(group=group)
            one = feed(box)
            taken = bytes_taken(lambda one=one: one.record(5, -7))
            print("a record on flash, %d together: %d bytes, given back" % (group, taken))
            assert taken <= most


def test_recording_on_flash_for_days_leaves_nothing_on_the_heap():
    with Folder() as folder:
        one = feed(folder.outbox(size=4 * 4096))
        for _ in range(1000):
            one.record(5, -7)
        gc.collect()
        before = gc.mem_alloc()
        for _ in range(2000):
            one.record(5, -7)
        gc.collect()
        assert gc.mem_alloc() - before <= 128
