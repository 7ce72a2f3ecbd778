"""Writing numbers and text into a buffer, against what Python itself writes."""

from flamelet.core import buffer as _buffer
from flamelet.core.copy import copy
from flamelet.errors import InvalidArgument

from helpers import raises

WORDS32 = True

INTEGERS = (0, 1, 9, 10, 11, 99, 100, 101, 12345, 999999999, 1000000000, 1073741823, 1073741824, 2147483647, 2147483648)
INTEGERS += (1763732907123, 9223372036854775807)


def written(put, *values):
    """What put(buffer, 2, *values) writes, after looking that it wrote nowhere else."""
    buffer = bytearray(b"#" * 64)
    end = put(buffer, 2, *values)
    assert buffer[:2] == b"##" and buffer[end:] == b"#" * (64 - end), "bytes beside what was to be written"
    return bytes(buffer[2:end])


def test_integers_are_written_in_decimal():
    for number in INTEGERS:
        assert written(_buffer.put_int, number) == b"%d" % number
        assert written(_buffer.put_int, -number) == b"%d" % -number


def test_text_is_copied():
    assert written(_buffer.put_text, b"") == b""
    assert written(_buffer.put_text, b"hello") == b"hello"


def test_fixed_point_numbers_have_all_their_decimals():
    for number, decimals, text in (
        (215, 1, b"21.5"),
        (-215, 1, b"-21.5"),
        (0, 0, b"0"),
        (0, 2, b"0.00"),
        (5, 1, b"0.5"),
        (-5, 3, b"-0.005"),
        (7, 0, b"7"),
        (-7, 0, b"-7"),
        (1000, 3, b"1.000"),
        (123456789, 9, b"0.123456789"),
        (1999999999, 9, b"1.999999999"),
        (10, 1, b"1.0"),
        (100, 1, b"10.0"),
        (99, 2, b"0.99"),
        (100, 2, b"1.00"),
        (-9000000000000000123456789, 9, b"-9000000000000000.123456789"),
    ):
        assert written(_buffer.put_int, number, decimals) == text


def test_readings_are_written_as_json():
    for value, decimals, text in (
        (None, 1, b"null"),
        (True, 1, b"true"),
        (False, 0, b"false"),
        (42, 3, b"42"),
        (-61, 0, b"-61"),
        (21.5, 1, b"21.5"),
        (21.0, 2, b"21.00"),
        (-0.5, 1, b"-0.5"),
        (1.75, 0, b"2"),
        (0.0, 0, b"0"),
        (-0.25, 2, b"-0.25"),
        (9223372036854775807, 0, b"9223372036854775807"),
        (-9223372036854775808, 0, b"-9223372036854775808"),
    ):
        assert written(_buffer.put_number, value, decimals) == text, value


def test_floats_are_rounded_to_their_decimals():
    for value in (0.04, 0.06, 21.449, 21.451, 99.999, -99.951, 1234.5678, -0.001):
        for decimals in range(4):
            text = written(_buffer.put_number, value, decimals)
            assert abs(float(text) - value) <= 0.5001 * 10**-decimals, (value, decimals, text)
            assert len(text.split(b".")[1]) == decimals if decimals else b"." not in text


def test_the_widest_number_fits_the_width_that_is_counted():
    for decimals in range(len(_buffer.POWERS)):
        for value in (-8.9e15, 8.9e15, -9223372036854775808, 0.000000001, False, None):
            assert len(written(_buffer.put_number, value, decimals)) < _buffer.NUMBER_WIDTH


def test_what_is_no_reading_is_refused():
    for value in (
        float("nan"),
        float("inf"),
        float("-inf"),
        9e15,
        -1e30,
        1 << 63,
        -(1 << 63) - 1,
        "21.5",
        b"1",
        [1],
        {},
        (1,),
        object(),
    ):
        raises(InvalidArgument, _buffer.put_number, bytearray(64), 0, value, 1)


def test_pieces_of_any_size_are_copied():
    source = bytes(range(256)) * 2
    for size in (0, 1, 127, 128, 129, 130, 400):
        for start in (0, 1, 100):
            target = bytearray(512)
            assert copy(target, 3, source, start, start + size) == 3 + size
            assert target == bytes(3) + source[start : start + size] + bytes(509 - size)
            assert len(target) == 512
