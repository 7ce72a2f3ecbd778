"""What recording takes from the heap of MicroPython: in RAM nothing, on flash and in RTC memory a stated few bytes."""

import gc

import flamelet

from memory import assert_allocates_nothing, bytes_taken
from outboxes import RTC, feed

CPYTHON = False
WORDS32 = True
HEAP = "512k"

# The collector of the 32-bit MicroPython does not see what only the frames of running functions hold.
kept: list = []


def recording(box, fields=(("a", 0), ("b", 0))):
    one = feed(box, "t", fields)
    kept.append(one)
    numbers = [0]

    def record():
        numbers[0] = 12345 - numbers[0]
        one.record(numbers[0], -numbers[0])

    return record


def test_a_record_in_ram_allocates_nothing():
    assert_allocates_nothing(recording(flamelet.Outbox(memory=8192)))


def test_a_row_allocates_nothing():
    one = feed(flamelet.Outbox(memory=16384), "t", tuple([("field%d" % n, 0) for n in range(8)]))
    row = list(range(8))
    assert_allocates_nothing(lambda: one.record_row(row))


def test_a_record_that_is_dropped_for_want_of_room_allocates_nothing():
    box = flamelet.Outbox(memory=256, drop="newest")
    record = recording(box)
    for _ in range(20):
        record()
    assert box.dropped
    assert_allocates_nothing(record)


def test_dropping_the_oldest_takes_little_and_gives_it_back():
    box = flamelet.Outbox()
    record = recording(box)
    for _ in range(200):
        record()
    taken = bytes_taken(record)
    print("a record where the oldest are dropped: %d bytes" % taken)
    assert box.dropped and taken <= 96


def test_recording_for_a_day_leaves_nothing_on_the_heap():
    record = recording(flamelet.Outbox())
    for _ in range(100):
        record()
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(1440):
        record()
    gc.collect()
    assert gc.mem_alloc() - before <= 0


def test_a_record_for_firestore_in_ram_allocates_nothing():
    one = flamelet.Firestore("demo-iot").feed("t", (("a", 0), ("b", 0)), outbox=flamelet.Outbox(memory=8192))
    kept.append(one)
    assert_allocates_nothing(lambda: one.record(5, -7))


def test_a_record_for_a_gateway_in_ram_allocates_nothing():
    one = flamelet.Gateway("https://gateway.example").feed("t", (("a", 0),), outbox=flamelet.Outbox(memory=8192))
    kept.append(one)
    assert_allocates_nothing(lambda: one.record(5))


def test_a_record_in_rtc_memory_takes_a_few_bytes():
    record = recording(flamelet.Outbox(rtc=RTC(), drop="newest"))
    record()
    taken = bytes_taken(record)
    print("a record in RTC memory, 20 to 40 of them there: %d bytes" % taken)
    # With the copy of all that the stand-in for the RTC makes.
    assert taken <= 2600
