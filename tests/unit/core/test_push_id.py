"""Push ids: Firebase's alphabet and layout, their order, and a clock that is not set. The clock is played."""

from flamelet.core import push_id, runtime
from flamelet.errors import ClockNotSet

from clock import ALPHABET, NOW, Clock, make_key, milliseconds, number
from helpers import raises

WORDS32 = True


def test_a_key_is_the_time_and_twelve_random_characters():
    with Clock():
        key = make_key()
    assert len(key) == 20
    assert 0 <= milliseconds(key) - NOW <= 1
    assert all(letter in ALPHABET for letter in key)


def test_put_writes_the_key_at_its_place():
    buffer = bytearray(b"#" * 30)
    assert push_id.put(buffer, 4) == 24
    assert buffer[:4] == b"####" and buffer[24:] == b"######"
    assert all(chr(byte) in ALPHABET for byte in buffer[4:24])


def test_the_alphabet_is_in_ascii_order():
    assert list(ALPHABET) == sorted(ALPHABET) and len(ALPHABET) == 64
    assert push_id.ALPHABET.decode() == ALPHABET


def test_keys_sort_by_the_time_they_were_made():
    with Clock() as clock:
        last = make_key()
        for step in [0, 1, 0, 0, 2, 63, 64, 65, 4095, 4096, 1000, 86400000, 0] * 40:
            clock.move(step)
            key = make_key()
            assert key > last, (step, last, key)
            assert 0 <= milliseconds(key) - clock.epoch <= 1
            last = key


def test_keys_of_the_same_millisecond_differ_by_one():
    with Clock():
        first = number(make_key()[8:])
        for i in range(1, 200):
            assert number(make_key()[8:]) == (first + i) % 64**12


def test_keys_of_different_milliseconds_have_other_random_parts():
    with Clock() as clock:
        seen = set()
        for _ in range(100):
            clock.move(1)
            seen.add(make_key()[8:])
    assert len(seen) == 100


def test_a_random_part_that_is_full_carries_into_the_time():
    with Clock() as clock:
        first = make_key()
        push_id._digits[8:] = b"\x3f" * 12
        full = make_key()
        assert full[8:] == "-" * 12 and milliseconds(full) == milliseconds(first) + 1
        clock.move(1)
        assert make_key() > full


def test_the_time_carries_over_all_its_digits():
    with Clock(epoch=64**7 - 2) as clock:
        push_id._ticks[0] = clock.ticks
        push_id._is_known[0] = True
        push_id._digits[:8] = b"\0" + b"\x3f" * 7
        before = make_key()
        clock.move(1)
        after = make_key()
    assert before[:8] == "-zzzzzzz" and after[:8] == "0-------"
    assert after > before


def test_ticks_that_wrap_do_not_move_the_time():
    with Clock() as clock:
        clock.ticks = runtime.ticks_add(0, -5)
        last = make_key()
        for _ in range(10):
            clock.move(1)
            key = make_key()
            assert key > last and 0 <= milliseconds(key) - clock.epoch <= 1
            last = key


def test_after_days_without_a_key_the_clock_is_read_anew():
    for days in (3, 4, 5):
        with Clock() as clock:
            last = make_key()
            clock.move(days * 86400000)
            key = make_key()
            assert key > last and 0 <= milliseconds(key) - clock.epoch <= 1


def test_a_thousand_keys_of_the_real_clock_are_in_order_and_all_different():
    keys = [make_key() for _ in range(1000)]
    assert keys == sorted(set(keys))


def test_without_a_clock_there_is_no_key():
    for epoch in (0, 946684800000, 1704067199999):
        with Clock(epoch=epoch):
            error = raises(ClockNotSet, make_key)
            assert error.retry and "ntptime" in str(error)
    with Clock(epoch=1704067200000):
        assert make_key()


def test_a_clock_that_is_set_later_is_taken():
    with Clock(epoch=5000) as clock:
        raises(ClockNotSet, make_key)
        clock.epoch = NOW
        assert 0 <= milliseconds(make_key()) - NOW <= 1


def test_an_offset_mends_a_clock_that_was_never_set():
    with Clock(epoch=5000):
        push_id.offset[0] = NOW - 5000
        assert 0 <= milliseconds(make_key()) - NOW <= 1


def test_what_was_learnt_before_the_clock_was_set_counts_no_more():
    with Clock(epoch=5000) as clock:
        push_id.offset[0] = NOW - 5000
        make_key()
        clock.epoch = NOW
        push_id.forget()
        assert 0 <= milliseconds(make_key()) - NOW <= 1


def test_an_offset_mends_a_clock_that_is_wrong():
    with Clock(epoch=NOW - 3600000):
        push_id.offset[1] = 3600000
        assert 0 <= milliseconds(make_key()) - NOW <= 1
