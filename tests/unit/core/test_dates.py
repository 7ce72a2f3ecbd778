"""The Date header of a verified answer as the clock of a device that has none."""

from collections import namedtuple

from flamelet.core import clock as _date
from flamelet.core import dates, push_id, runtime
from flamelet.core.url import Origin

from clock import NOW, Clock, make_key, milliseconds

WORDS32 = True

Connection = namedtuple("Connection", ("response", "origin"))
Response = namedtuple("Response", ("headers",))


def learn(date, origin):
    headers = {} if date is None else {b"date": date}
    _date.epoch_ms = push_id.epoch_ms
    try:
        _date.take_from_answer(Connection(Response(headers), origin))
    finally:
        _date.epoch_ms = runtime.epoch_ms


def test_dates_are_seconds_since_1970():
    for date, seconds in (
        (b"Thu, 01 Jan 1970 00:00:01 GMT", 1),
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        (b"Tue, 29 Feb 2000 23:59:59 GMT", 951868799),
        (b"Wed, 01 Mar 2000 00:00:00 GMT", 951868800),
        (b"Sun, 31 Dec 2023 23:59:59 GMT", 1704067199),
        (b"Thu, 29 Feb 2024 12:00:00 GMT", 1709208000),
        (b"Sat, 21 Nov 2026 13:48:27 GMT", 1795268907),
        (b"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400),
    ):
        assert dates.parse(date) == seconds, date


def test_what_is_no_date_is_none():
    for date in (
        b"",
        b"0",
        b"Sat, 21 Nov 2026",
        b"Sat, 21 Foo 2026 13:48:27 GMT",
        b"Sat, xx Nov 2026 13:48:27 GMT",
        b"Sat, 21 Nov year 13:48:27 GMT",
        b"Sat, 21 Nov 2026 13:48 GMT",
        b"Sat, 21 Nov 2026 13:48:27:00 GMT",
        b"Sat, 21 Nov 2026 aa:bb:cc GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"\xff\xfe, 21 Nov 2026 13:48:27 GMT",
    ):
        assert dates.parse(date) == 0, date


def test_a_verified_answer_sets_the_clock():
    for origin in (Origin(True, "demo.firebaseio.com", 443), Origin(False, "localhost", 9000)):
        with Clock(epoch=5000):
            learn(b"Sat, 21 Nov 2026 13:48:27 GMT", origin)
            assert 0 <= milliseconds(make_key()) - NOW // 1000 * 1000 <= 1


def test_an_answer_that_could_be_forged_or_has_no_date_sets_nothing():
    secure = Origin(True, "demo.firebaseio.com", 443)
    for date, origin in (
        (b"Sat, 21 Nov 2026 13:48:27 GMT", Origin(False, "10.0.0.1", 80)),
        (b"nonsense", secure),
        (b"", secure),
        (None, secure),
    ):
        with Clock(epoch=5000):
            learn(date, origin)
            assert push_id.offset[0] == 0


def test_a_clock_that_is_set_after_an_answer_is_believed_again():
    with Clock(epoch=5000) as clock:
        learn(b"Sat, 21 Nov 2026 13:48:27 GMT", Origin(True, "example.com", 443))
        assert _date.corrected(clock.epoch) == 1795268907000
        clock.epoch = NOW
        assert _date.corrected(clock.epoch) == NOW
        # One that is wrong by minutes is not.
        learn(b"Sat, 21 Nov 2026 14:48:27 GMT", Origin(True, "example.com", 443))
        assert _date.corrected(clock.epoch) == 1795272507000
