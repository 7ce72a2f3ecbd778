"""feed.flush against a scripted server: what arrives, in which order, what is refused, and what waits on."""

import flamelet
from flamelet.core import clock
from flamelet.errors import ClockNotSet, NetworkError, PermissionDenied, ResourceExhausted, Unavailable

from clock import NOW, milliseconds
from flushing import Server, feed, is_multiple_of, is_odd, record, refused_numbers
from helpers import raises
from outboxes import RTC, Folder, Time, keys, numbers
from scripted import Network, refused

HEAP = "4m"


def run(server, test):
    """Run `test` with a network in which `server` answers."""
    with Network() as network:
        network.endless = server.script()
        test()


def each_kind(test):
    """Run `test` with an outbox in RAM, one on flash and one in RTC memory."""
    test(flamelet.Outbox())
    test(flamelet.Outbox(rtc=RTC()))
    with Folder() as folder:
        test(folder.outbox(group=4))


def test_what_waits_arrives_in_order_under_the_keys_that_were_made_when_it_was_recorded():
    def check(box):
        server = Server()

        def test():
            one = feed(box)
            with Time() as time:
                record(one, range(30), time)
                made = keys(box)
                assert one.flush() == 30
                assert sorted(server.stored) == made
            assert server.numbers() == list(range(30))
            assert (box.waiting, box.pending, box.refused) == (0, 0, 0)
            assert one.flush() == 0
            assert set(server.times.values()) == {1}

        run(server, test)

    each_kind(check)


def test_one_patch_has_as_many_readings_as_the_memory_holds():
    server = Server()
    with Folder() as folder, Time() as time:
        box = folder.outbox(memory=512)
        one = feed(box)
        record(one, range(100, 200), time)
        assert 3900 // box.reading_size > 512 // box.reading_size > 10

        run(server, one.flush)
        assert server.numbers() == list(range(100, 200))
        assert max([int(request.split(" ")[1]) for request in server.requests]) == 512 // box.reading_size
        assert len(server.requests) < 100 // (512 // box.reading_size) + 6


def test_a_flush_of_so_many_batches_sends_no_more_than_those():
    server = Server()
    with Folder() as folder, Time() as time:
        one = feed(folder.outbox(group=1))
        record(one, range(300), time)

        def test():
            taken = [one.flush(1), one.flush(2)]
            assert 0 < taken[0] < taken[1] < 300
            assert server.numbers() == list(range(sum(taken)))
            assert one.outbox.waiting == 300 - sum(taken)
            assert sum(taken) + one.flush() == 300

        run(server, test)


def test_writes_and_readings_are_sent_in_the_order_in_which_they_were_recorded():
    server = Server()
    box = flamelet.Outbox()
    one = feed(box)
    with Time():
        record(one, [1, 2])
        one.record_set("state/on", True)
        record(one, [3])
        one.record_set("state/on", False)
        one.record_set("state/text", "é")
        one.record_set("state/gone", None)

    def test():
        assert one.flush() == 7

    run(server, test)
    assert server.requests == ["PATCH 2", "PUT 1", "PATCH 1", "PUT 1", "PUT 1", "PUT 1"]
    assert server.written == {"/state/on": False, "/state/text": "é", "/state/gone": None}
    assert server.numbers() == [1, 2, 3]


def test_an_answer_that_is_lost_doubles_nothing():
    def check(box):
        server = Server()
        server.trouble = ["lost"] * 5
        one = feed(box)
        with Time() as time:
            record(one, range(10), time)

        def test():
            raises(NetworkError, one.flush)
            assert box.waiting == 10
            assert one.flush() == 10

        run(server, test)
        assert server.numbers() == list(range(10))
        assert max(server.times.values()) > 3
        assert (box.waiting, box.refused) == (0, 0)

    each_kind(check)


def test_what_is_not_answered_waits_on_and_nothing_is_set_aside():
    for status, error in (
        ("503 Service Unavailable", Unavailable),
        ("500 Internal Server Error", Unavailable),
        ("429 Too Many Requests", ResourceExhausted),
    ):
        box = flamelet.Outbox()
        server = Server()
        server.trouble = [status] * 3
        one = feed(box)
        with Time():
            record(one, range(5))

        def test(one=one, error=error):
            raises(error, one.flush)

        run(server, test)
        assert (box.waiting, box.refused, server.stored) == (5, 0, {})


def test_without_a_network_all_waits():
    box = flamelet.Outbox()
    one = feed(box)
    with Time():
        record(one, range(5))
        with Network() as network:
            network.endless = [refused()]
            raises(NetworkError, one.flush)
        assert numbers(box) == list(range(5))
        assert not box.flushing


# Refused.


def test_one_reading_in_fifty_that_is_refused_is_set_aside_with_the_reason():
    def check(box):
        server = Server(refuses=is_multiple_of(50))
        one = feed(box)
        with Time() as time:
            for n in range(1, 150, 15):
                record(one, range(n, n + 15), time)
                run(server, one.flush)
        assert server.numbers() == [n for n in range(1, 151) if n % 50]
        assert (box.waiting, box.refused, refused_numbers(box)) == (0, 3, [50, 100, 150])
        key, reason, body = box.refusals()[0]
        assert len(key) == 20 and key not in server.stored
        assert "401" in reason and "Permission denied" in reason
        assert body == b'{"n":50}'
        # Two batches at most for each flush, and two requests for each halving of fifteen.
        assert len(server.requests) <= 20 + 3 * 2 * 4

    each_kind(check)


def test_refusals_on_flash_outlive_a_restart():
    with Folder() as folder, Time() as time:
        one = feed(folder.outbox(group=1))
        record(one, range(1, 11), time)
        run(Server(refuses=is_multiple_of(5)), one.flush)
        lines = folder.read("refused.0").split(b"\n")
        assert len(lines) == 3 and b'{"n":5}' in lines[0] and b"Permission denied" in lines[1]
        assert folder.outbox().waiting == 0


def test_every_other_one_refused():
    def check(box):
        server = Server(refuses=is_odd, status="400 Bad Request")
        one = feed(box)
        with Time() as time:
            record(one, range(30), time)
        run(server, one.flush)
        assert server.numbers() == list(range(0, 30, 2))
        assert (box.waiting, box.refused) == (0, 15)

    each_kind(check)


def test_where_all_are_refused_nothing_is_set_aside_and_the_error_is_told():
    def check(box):
        server = Server(refuses=lambda key, value: True)
        one = feed(box)
        with Time() as time:
            record(one, range(20), time)
            before = keys(box)

            def test():
                error = raises(PermissionDenied, one.flush)
                assert error.status == 401
                assert (box.waiting, box.refused, keys(box)) == (20, 0, before)
                # From then on one request asks whether that has changed.
                count = len(server.requests)
                raises(PermissionDenied, one.flush)
                assert len(server.requests) == count + 1 and not box.flushing
                server.refuses = lambda key, value: False
                assert one.flush() == 20
                assert sorted(server.stored) == before and server.numbers() == list(range(20))

            run(server, test)

    each_kind(check)


def test_a_first_batch_that_is_all_refused_is_set_aside_as_soon_as_a_later_one_is_accepted():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        one = feed(box)
        record(one, range(300), time)
        count = folder.read(folder.segments()[0]).count(b'{"n":')
        server = Server(refuses=lambda key, value: value["n"] < count)

        def test():
            assert one.flush() == 300 - count

        run(server, test)
        assert server.numbers() == list(range(count, 300))
        assert (box.refused, box.waiting, folder.segments()) == (count, 0, [])


def test_rules_that_turn_against_all_in_the_middle_set_nothing_aside():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        one = feed(box)
        record(one, range(300), time)
        server = Server()
        server.refuses = lambda key, value: len(server.stored) > 80

        def test():
            raises(PermissionDenied, one.flush)
            accepted = server.numbers()
            assert accepted == list(range(len(accepted))) and 80 < len(accepted) < 300
            assert box.refused == 0 and box.waiting >= 300 - len(accepted)
            server.refuses = lambda key, value: False
            one.flush()
            assert server.numbers() == list(range(300)) and box.waiting == 0

        run(server, test)


def test_a_newest_one_that_is_refused_does_not_hold_up_the_others_for_ever():
    box = flamelet.Outbox()
    one = feed(box)
    server = Server(refuses=lambda key, value: True)
    with Time() as time:
        record(one, range(1, 6), time)

        def test():
            raises(PermissionDenied, one.flush)
            server.refuses = is_multiple_of(5)
            # Five is the newest: it is asked by, and refused.
            raises(PermissionDenied, one.flush)
            assert (box.waiting, box.refused) == (5, 0)
            record(one, [6], time)
            assert one.flush() == 5
            assert server.numbers() == [1, 2, 3, 4, 6]
            assert refused_numbers(box) == [5]

        run(server, test)


def test_a_refused_one_alone_waits_until_another_one_is_accepted():
    box = flamelet.Outbox()
    one = feed(box)
    server = Server(refuses=is_odd)
    with Time() as time:
        record(one, [1], time)

        def test():
            raises(PermissionDenied, one.flush)
            record(one, [2], time)
            assert one.flush() == 1
            assert (server.numbers(), refused_numbers(box), box.waiting) == ([2], [1], 0)

        run(server, test)


def test_a_write_that_is_refused_is_set_aside_with_its_path():
    box = flamelet.Outbox()
    one = feed(box)
    server = Server(refuses=lambda key, value: value == "no")
    with Time():
        record(one, [1])
        one.record_set("state/text", "no")
        record(one, [2])
    run(server, one.flush)
    assert server.numbers() == [1, 2] and server.written == {}
    assert [(path, body) for path, _, body in box.refusals()] == [("state/text", b'"no"')]


def test_a_first_one_that_is_refused_is_set_aside_itself_and_not_what_stands_before_it():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1, size=2 * 4096)
        one = feed(box)
        record(one, range(300), time)
        assert box.dropped
        first = numbers(box)[0]
        # The first record of the first segment says how many were dropped.
        server = Server(refuses=lambda key, value: value["n"] == first)
        run(server, one.flush)
        assert refused_numbers(box) == [first] and server.numbers() == list(range(first + 1, 300))


def test_a_refusal_keeps_its_record_while_the_network_goes_in_the_middle_of_halving():
    def check(box):
        server = Server(refuses=is_multiple_of(7))
        one = feed(box)
        with Time() as time:
            record(one, range(1, 21), time)

        def test():
            for _ in range(30):
                server.trouble = [None, None, "lost", "lost", "lost"]
                try:
                    one.flush()
                except NetworkError:
                    continue
            server.trouble = []
            one.flush()

        run(server, test)
        assert server.numbers() == [n for n in range(1, 21) if n % 7]
        assert refused_numbers(box) == [7, 14] and box.waiting == 0

    each_kind(check)


# Without a clock.


def test_undated_readings_ask_the_server_for_the_time():
    def check(box):
        server = Server()
        with Time(epoch=0) as time:
            one = feed(box)
            record(one, range(5), time)
            time.move(60_000)

            def test():
                # As on a board: nothing but a Date over TLS says what time it is.
                one.reading.client.exchange = learning(one.reading.client)
                assert one.flush() == 5

            run(server, test)
        assert server.requests[0] == "GET 1"
        assert server.numbers() == list(range(5))
        made = sorted(server.stored)
        assert milliseconds(made[-1]) - milliseconds(made[0]) == 4000
        # 13:48:27 of that day, a minute ago.
        assert abs(milliseconds(made[-1]) - (1795268907000 - 60_000)) < 2000

    each_kind(check)


def learning(client):
    """The exchange of `client`, which learns the time from each answer, as on a board without a clock."""
    exchange = client.exchange

    def take_from_answer(*arguments):
        connection = yield from exchange(*arguments)
        clock.take_from_answer(connection)
        return connection

    return take_from_answer


def test_undated_readings_wait_where_nobody_knows_the_time():
    server = Server()
    with Time(epoch=0) as time:
        box = flamelet.Outbox()
        one = feed(box)
        record(one, range(3), time)

        def test():
            error = raises(ClockNotSet, one.flush)
            assert error.retry and "ntptime" in str(error)
            assert box.waiting == 3
            time.set(NOW)
            assert one.flush() == 3

        run(server, test)
    assert server.numbers() == [0, 1, 2]


def test_a_power_cut_between_sending_and_dropping_doubles_no_undated_reading():
    with Folder() as folder, Time(epoch=0) as time:
        server = Server()
        record(feed(folder.outbox(group=1)), range(5), time)
        time.forget()
        one = feed(folder.outbox(group=1))
        record(one, range(5, 10), time)
        time.set(NOW)
        server.trouble = ["lost"] * 3
        run(server, lambda: raises(NetworkError, one.flush))
        assert server.numbers() == list(range(10))
        for later in (1, 2, 3):
            time.forget()
            one = feed(folder.outbox(group=1))
            record(one, [10 * later], time)
            time.set(NOW + later * 86_400_000)
            server.trouble = ["lost"] * 3 if later < 3 else []
            run(server, one.flush if later == 3 else lambda one=one: raises(NetworkError, one.flush))
        assert server.numbers() == list(range(11)) + [20, 30]
        assert folder.outbox().waiting == 0


# Odd moments.


def test_what_is_corrupt_is_neither_sent_nor_in_the_way():
    server = Server()
    with Folder() as folder, Time() as time:
        record(feed(folder.outbox(group=1)), range(10), time)
        [name] = folder.segments()
        content = bytearray(folder.read(name))
        content[len(content) // 2] ^= 255
        folder.write(name, content)
        box = folder.outbox()
        one = feed(box)
        run(server, one.flush)
        left = server.numbers()
        assert len(left) == 9 and set(left) < set(range(10)) and left == sorted(left)
        assert (box.waiting, box.corrupt) == (0, 1)


def test_a_segment_without_any_record_left_is_passed_over():
    server = Server(refuses=lambda key, value: value["n"] < 100)
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        record(feed(box), range(300), time)
        names = folder.segments()
        box = folder.outbox(group=1)
        folder.write(names[1], b"\xff" * 3000)
        run(server, feed(box).flush)
        assert min(server.numbers()) >= 100 and box.waiting == 0 and folder.segments() == []


def test_a_segment_that_cannot_be_removed_is_sent_again_after_the_next_start():
    server = Server()
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        record(feed(box), range(5), time)
        [name] = folder.segments()
        content = folder.read(name)

        run(server, feed(box).flush)
        folder.write(name, content)
        again = folder.outbox(group=1)
        assert again.waiting == 5
        run(server, feed(again).flush)
        assert server.numbers() == list(range(5)) and set(server.times.values()) == {2}
