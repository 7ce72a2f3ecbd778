"""The budget of connections: requests and streams together never have more open than it says."""

import asyncio

import flamelet
from flamelet.errors import InvalidArgument, Timeout

from helpers import raises
from scripted import HOST, NO_CONTENT, REQUEST, URL, Network, answer, database, get, timeouts

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
PUT = b'event: put\ndata: {"path":"/","data":%d}\n\n'


def open_connections(network):
    return network.closed.count(False)


def test_a_budget_is_a_number_from_one():
    for budget in (0, -1, 1.5, "2", None):
        raises(InvalidArgument, lambda budget=budget: database(budget=budget))


def test_with_two_a_stream_and_requests_are_open_together():
    with Network([REQUEST, STREAM + PUT % 1], [REQUEST, answer("2"), REQUEST, NO_CONTENT]) as network:
        db = database()
        stream = db.listen("a")
        assert stream.next().data == 1
        assert db.get("b") == 2
        db.set("b", 3)
        assert network.closed == [False, False]
        db.close()
        assert network.closed == [True, True]
        assert stream.closed


def test_with_one_the_stream_is_parked_for_a_request_and_resumes():
    with Network(
        [REQUEST, STREAM + PUT % 1],
        [REQUEST, answer("2"), REQUEST, answer("3")],
        [REQUEST, STREAM + PUT % 4],
        [REQUEST, NO_CONTENT],
        [REQUEST, STREAM + PUT % 5],
    ) as network:
        db = database(budget=1)
        with db.listen("a") as stream:
            assert stream.next().data == 1
            assert db.get("b") == 2
            assert network.closed == [True, False]
            assert stream.next(0) is None
            assert db.get("b") == 3
            event = stream.next(1500)
            assert event.data == 4 and event.snapshot
            assert network.closed == [True, True, False]
            db.delete("b")
            assert open_connections(network) == 1
            assert stream.next(1500).data == 5
            assert open_connections(network) == 1
            assert stream.reconnects == 2
    assert network.sent[1] == [get("/b.json"), get("/b.json")]


def test_a_parked_stream_waits_until_no_request_has_come_for_a_moment():
    with Network([REQUEST, STREAM + PUT % 1], [REQUEST, answer("2")] + [REQUEST, answer("3")] * 9) as network:
        db = database(budget=1)
        with db.listen("a") as stream:
            assert stream.next().data == 1
            for _ in range(10):
                db.get("b")
                assert stream.next(5) is None
            assert open_connections(network) == 1


def test_a_request_is_never_interrupted_by_the_stream():
    with Network([REQUEST, STREAM + PUT % 1], [REQUEST, 400, answer("2")], [REQUEST, STREAM + PUT % 3]) as network:
        db = database(budget=1)
        with db.listen("a") as stream:
            stream.next()
            assert db.get("b") == 2
            assert stream.next(1500).data == 3
        assert network.closed == [True, True, True]


def test_more_streams_than_the_budget_are_refused_until_one_is_closed():
    for budget in (1, 2):
        db = database(budget=budget)
        streams = [db.listen("a") for _ in range(budget)]
        error = raises(InvalidArgument, db.listen, "b")
        assert str(budget) in str(error)
        streams[0].close()
        db.listen("b").close()
        db.close()


def test_two_streams_leave_room_for_a_request():
    with Network([REQUEST, STREAM + PUT % 1], [REQUEST, STREAM + PUT % 2], [REQUEST, answer("3")]) as network:
        db = database(budget=2)
        with db.listen("a") as one, db.listen("b") as other:
            assert one.next().data == 1
            assert other.next().data == 2
            assert db.get("c") == 3
            assert open_connections(network) == 2


def test_two_clients_share_one_budget():
    budget = flamelet.Budget(1)
    with Network(*[[REQUEST, answer(str(i))] for i in range(4)]) as network:
        one = database(budget=budget)
        other = flamelet.Database("https://other.firebaseio.com", budget=budget, timeouts=timeouts())
        assert [db.get("a") for db in (one, other, one, other)] == [0, 1, 2, 3]
        assert network.closed == [True, True, True, False]
    assert [host for host, _ in network.connected] == [HOST, "other.firebaseio.com"] * 2


def test_streams_of_two_clients_share_one_budget():
    budget = flamelet.Budget(1)
    one, other = database(budget=budget), database(budget=budget)
    stream = one.listen("a")
    raises(InvalidArgument, other.listen, "a")
    stream.close()
    other.listen("a").close()


def test_a_budget_of_three_opens_three():
    with Network([REQUEST, STREAM + PUT % 1], [REQUEST, STREAM + PUT % 2], [REQUEST, answer("3")]) as network:
        db = database(budget=3)
        with db.listen("a") as one, db.listen("b") as other:
            assert (one.next().data, other.next().data, db.get("c")) == (1, 2, 3)
            assert open_connections(network) == 3


def test_a_redirected_request_keeps_to_a_budget_of_one():
    from scripted import redirect

    script = redirect("https://s-usc1c-nss-1.firebaseio.com/a.json")
    with Network([REQUEST, script], [REQUEST, answer("1")], [REQUEST, script], [REQUEST, answer("2")]) as network:
        db = database(budget=1)
        for expected in (1, 2):
            assert db.get("a") == expected
            assert open_connections(network) == 0


async def test_where_no_connection_becomes_free_the_request_times_out():
    from flamelet import aio

    budget = flamelet.Budget(1)
    with Network([REQUEST, 300, answer("1")]) as network:
        one = aio.Database(URL, budget=budget, timeouts=timeouts())
        other = aio.Database(URL, budget=budget, timeouts=timeouts(answer=50))
        task = asyncio.create_task(one.get("a"))
        while not network.sent or not network.sent[0]:
            await aio.sleep_ms(1)
        try:
            await other.get("a")
            raise AssertionError("it opened a second connection")
        except Timeout as error:
            assert "budget" in str(error), error
        assert await task == 1
