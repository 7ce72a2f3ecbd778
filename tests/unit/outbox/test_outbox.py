"""Outboxes in RAM and in the memory of an RTC: what they keep, in which order, what goes, and under which keys."""

import flamelet
from flamelet import InvalidArgument
from flamelet.core import push_id
from flamelet.outbox.record import OVERHEAD, READING, SET, UNDATED

from clock import NOW, milliseconds
from helpers import raises
from outboxes import RTC, Time, feed, fill, keys, numbers, waiting

WORDS32 = True


def each_kind(test):
    """Run `test` with a function that makes an outbox of each kind."""
    test(lambda **options: flamelet.Outbox(memory=2048, **options))
    test(lambda **options: flamelet.Outbox(rtc=RTC(), **options))


def test_what_is_recorded_waits_in_its_order_under_keys_that_sort_by_time():
    def check(outbox):
        box = outbox()
        with Time() as time:
            said = fill(box, range(20), time)
        assert said == ["durable" if box.pending == 0 else "pending"] * 20
        assert (box.waiting, box.pending) in ((20, 20), (20, 0))
        assert numbers(box) == list(range(20))
        found = waiting(box)
        assert [kind for kind, _, _ in found] == [READING] * 20
        assert found[3][2] == b'{"n":3,"t":1.5}'
        assert [milliseconds(key) for key in keys(box)] == [NOW + 1000 * (n + 1) for n in range(20)]

    each_kind(check)


def test_readings_of_one_moment_have_keys_in_order():
    box = flamelet.Outbox()
    with Time():
        fill(box, range(30))
    assert sorted(set(keys(box))) == keys(box)


def test_a_write_is_kept_with_its_path_between_the_readings():
    box = flamelet.Outbox()
    one = feed(box)
    with Time():
        assert one.record(1, 2) == "pending"
        assert one.record_set("a/b", {"c": [1, None, "é"]}) == "pending"
        assert one.record_set("a/d", None) == "pending"
        one.record(2, 3)
    assert [(kind, body) for kind, _, body in waiting(box)] == [
        (READING, b'{"n":1,"t":2}'),
        (SET, '{"c":[1,null,"é"]}'.encode()),
        (SET, b"null"),
        (READING, b'{"n":2,"t":3}'),
    ]
    assert [path for kind, path, _ in waiting(box) if kind == SET] == [b"a/b", b"a/d"]
    assert box.waiting == 4


def test_the_oldest_go_where_there_is_no_room_and_are_counted():
    def check(outbox):
        box = outbox()
        with Time() as time:
            said = fill(box, range(500), time)
            assert "dropped" not in said
            left = numbers(box)
            assert left == list(range(500 - len(left), 500))
            assert box.dropped + box.waiting == 500
            # An eighth goes at once, and no more than that.
            assert len(left) > 0.8 * 2048 / box.reading_size - 2

    each_kind(check)


def test_the_newest_go_where_that_is_asked_for_and_record_says_so():
    def check(outbox):
        box = outbox(drop="newest")
        with Time() as time:
            said = fill(box, range(100), time)
        kept = said.index("dropped")
        assert said[kept:] == ["dropped"] * (100 - kept)
        assert numbers(box) == list(range(kept))
        assert (box.dropped, box.waiting) == (100 - kept, kept)

    each_kind(check)


def test_fits_says_how_many_readings_there_will_be():
    for box in (flamelet.Outbox(memory=1000), flamelet.Outbox(rtc=RTC(), drop="newest")):
        one = feed(box)
        widest = one.fits
        with Time():
            one.record(10, 1)
            fits = one.fits
            assert widest < fits
            for _ in range(fits - 1):
                one.record(10, 1)
            assert (box.waiting, box.dropped) == (fits, 0)
            one.record(10, 1)
            assert box.dropped > 0


def test_a_row_that_cannot_be_a_reading_is_refused_and_nothing_is_damaged():
    def check(outbox):
        box = outbox()
        one = feed(box)
        with Time():
            one.record(1, 1)
            for row in ((float("nan"), 1), (1, float("inf")), (1, "text"), ({}, 1), (1 << 64, 1), (1,), (1, 2, 3)):
                raises(InvalidArgument, one.record_row, row)
            raises(InvalidArgument, one.record_set, "a/$", 1)
            raises(InvalidArgument, one.record_set, "a", float("nan"))
            raises(InvalidArgument, one.record_set, "a", {".sv": {"increment": 1}})
            one.record(2, 2)
        assert numbers(box) == [1, 2]
        assert (box.waiting, box.dropped, box.corrupt) == (2, 0, 0)

    each_kind(check)


def test_a_write_larger_than_the_memory_is_refused():
    box = flamelet.Outbox(memory=256)
    one = feed(box)
    error = raises(InvalidArgument, one.record_set, "a", "x" * 256)
    assert "larger than the memory of the outbox, 256 bytes" in str(error)
    assert one.record_set("a", "x" * 240) == "pending"
    # The largest one that fits makes room for itself.
    assert one.record_set("a", "y" * 240) == "pending"
    assert (box.waiting, box.dropped) == (1, 1)


def test_a_feed_whose_reading_does_not_fit_is_refused():
    many = tuple([("field %d" % n, 0) for n in range(20)])
    error = raises(InvalidArgument, feed, flamelet.Outbox(memory=256), "t", many)
    assert "a reading of this feed takes" in str(error)
    raises(InvalidArgument, feed, object())


def test_an_outbox_is_that_of_one_feed_whose_path_its_readings_go_to():
    box = flamelet.Outbox()
    feed(box, "garden")
    assert "the feed of garden" in str(raises(InvalidArgument, feed, box, "cellar"))
    feed(box, "garden")  # after a restart of its client


def made_with(options):
    return flamelet.Outbox(**options)


def test_arguments_that_cannot_be_are_refused():
    for options in (
        {"drop": "none"},
        {"drop": None},
        {"memory": 255},
        {"memory": 65536},
        {"memory": "2048"},
        {"memory": True},
        {"size": 0},
        {"size": 1.5},
        {"group": 0},
        {"group": -8},
        {"seconds": -1},
        {"seconds": 86401},
        {"seconds": None},
        {"seconds": float("nan")},
        {"folder": 5},
        {"folder": RTC()},
    ):
        raises(InvalidArgument, made_with, options)


def test_a_reading_takes_its_json_and_a_stated_overhead():
    box = flamelet.Outbox()
    with Time():
        fill(box, [5])
    assert box.reading_size == OVERHEAD + len(b'{"n":5,"t":2.5}')


# Without a clock.


def test_readings_from_before_the_clock_get_their_times_in_order_when_it_comes():
    def check(outbox):
        with Time(epoch=0) as time:
            box = outbox()
            fill(box, range(5), time)
            assert [kind for kind, _, _ in waiting(box)] == [UNDATED] * 5
            time.move(60000)
            time.set(NOW)
            fill(box, range(5, 8))
            made = keys(box, date=True)
        assert made == sorted(made)
        assert [milliseconds(key) - NOW for key in made[:5]] == [-64000, -63000, -62000, -61000, -60000]
        assert numbers(box) == list(range(8))

    each_kind(check)


def test_undated_readings_of_one_moment_are_in_order():
    with Time(epoch=0) as time:
        box = flamelet.Outbox()
        fill(box, range(10))
        time.set(NOW)
        made = keys(box, date=True)
    assert made == sorted(set(made))


def test_a_key_that_was_given_stays_the_same():
    with Time(epoch=0) as time:
        box = flamelet.Outbox()
        fill(box, range(5), time)
        time.set(NOW)
        first = keys(box, date=True)
        time.move(3_600_000)
        fill(box, [5], time)
        assert keys(box, date=True)[:5] == first


def test_a_clock_that_is_lost_again_does_not_turn_the_order():
    with Time() as time:
        box = flamelet.Outbox()
        fill(box, range(3), time)
        before = time.epoch
        time.set(0)
        fill(box, range(3, 6), time)
        time.set(before + 3000)
        fill(box, range(6, 9), time)
        made = keys(box, date=True)
    assert made == sorted(made)


def test_undated_readings_that_are_dropped_take_nothing_with_them():
    with Time(epoch=0) as time:
        box = flamelet.Outbox(memory=300)
        fill(box, range(50), time)
        time.set(NOW)
        fill(box, range(50, 53), time)
        made = keys(box, date=True)
        assert numbers(box) == list(range(53 - len(made), 53))
        assert made == sorted(made)


# Deep sleep.


def test_what_is_in_the_rtc_outlives_deep_sleep():
    rtc = RTC()
    with Time() as time:
        made = []
        for n in range(10):
            box = flamelet.Outbox(rtc=rtc)
            assert box.waiting == n
            assert fill(box, [n], time) == ["durable"]
            made.append(keys(box)[-1])
            time.restart()
        box = flamelet.Outbox(rtc=rtc)
        assert (keys(box), numbers(box), box.corrupt) == (made, list(range(10)), 0)


def test_boots_without_a_clock_are_in_order_when_it_comes():
    rtc = RTC()
    with Time(epoch=0) as time:
        for n in range(0, 12, 3):
            fill(flamelet.Outbox(rtc=rtc), range(n, n + 3), time)
            time.forget()
        box = flamelet.Outbox(rtc=rtc)
        time.move(5000)
        time.set(NOW)
        fill(box, [12], time)
        made = keys(box, date=True)
        assert numbers(box) == list(range(13))
        assert made == sorted(set(made))
        assert milliseconds(made[0]) > NOW - 40000
        # Stored before anything is sent: the next boot has the same ones.
        time.restart(NOW + 3_600_000)
        assert keys(flamelet.Outbox(rtc=rtc), date=True) == made


def test_keys_that_were_given_in_the_rtc_outlive_deep_sleep_without_another_reading():
    rtc = RTC()
    with Time(epoch=0) as time:
        fill(flamelet.Outbox(rtc=rtc), range(3), time)
        time.forget()
        box = flamelet.Outbox(rtc=rtc)
        time.set(NOW)
        made = keys(box, date=True)
        time.forget()
        assert keys(flamelet.Outbox(rtc=rtc), date=True) == made


def test_the_count_of_the_dropped_outlives_deep_sleep():
    for drop in ("oldest", "newest"):
        rtc = RTC()
        with Time() as time:
            box = flamelet.Outbox(rtc=rtc, drop=drop)
            fill(box, range(100), time)
            dropped = box.dropped
            assert dropped
            time.restart()
            box = flamelet.Outbox(rtc=rtc, drop=drop)
            assert (box.dropped, box.waiting) == (dropped, 100 - dropped)
            # Also when all was sent.
            box.done(0, box.mark(0), box.batch(0)[1])
            assert (box.waiting, flamelet.Outbox(rtc=rtc).dropped, flamelet.Outbox(rtc=rtc).waiting) == (0, dropped, 0)


def test_what_another_program_left_in_the_rtc_is_no_record():
    for content in (b"x", b"\0" * 2048, bytes(range(256)) * 8, b"\x04\0\x05\0\0\0\0abcd", b"{}"):
        box = flamelet.Outbox(rtc=RTC(content))
        assert (box.waiting, box.dropped) == (0, 0)
        with Time():
            assert fill(box, [1]) == ["durable"]
        assert numbers(box) == [1]


def test_a_flipped_bit_in_the_rtc_loses_one_reading():
    rtc = RTC()
    with Time() as time:
        fill(flamelet.Outbox(rtc=rtc), range(4), time)
    content = rtc.content
    for at in range(len(content)):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at & 7)
        box = flamelet.Outbox(rtc=RTC(bytes(flipped)))
        left = numbers(box)
        # The first eleven bytes are the count.
        assert len(left) >= 3 and set(left) <= {0, 1, 2, 3} and left == sorted(left)
        assert box.corrupt == 1
        assert len(left) == (4 if at < 11 else 3)


# While they are on their way.


def test_what_is_recorded_while_a_batch_is_on_its_way_stays():
    def check(outbox):
        box = outbox()
        with Time() as time:
            fill(box, range(3), time)
            buffer, end = box.batch(0)
            mark = box.mark(0)
            before = bytes(buffer[:end])
            fill(box, range(3, 5), time)
            assert bytes(buffer[:end]) == before
            box.done(0, mark, end)
        assert (numbers(box), box.waiting, box.dropped) == ([3, 4], 2, 0)

    each_kind(check)


def test_what_is_dropped_while_a_batch_is_on_its_way_does_not_shift_it():
    box = flamelet.Outbox(memory=300)
    with Time() as time:
        fill(box, range(5), time)
        buffer, end = box.batch(0)
        mark = box.mark(0)
        before = bytes(buffer[:end])
        for n in range(5, 9):
            fill(box, [n], time)
        assert bytes(buffer[:end]) == before
        assert 0 < box.dropped < 5
        box.done(0, mark, end)
        assert numbers(box) == [5, 6, 7, 8]
        # All of the batch is gone by now.
        mark = box.mark(0)
        end = box.batch(0)[1]
        fill(box, range(9, 20), time)
        left = numbers(box)
        box.done(0, mark, end)
        assert numbers(box) == left


def test_keys_are_ascii_and_of_the_alphabet():
    with Time(epoch=0) as time:
        box = flamelet.Outbox()
        fill(box, range(3), time)
        time.set(NOW)
        for key in keys(box, date=True):
            assert len(key) == push_id.SIZE and all([byte in push_id.ALPHABET for byte in key.encode()])
