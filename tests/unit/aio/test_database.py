"""flamelet.aio against a scripted server: the answers of the blocking client, tasks that share it, and cancelling."""

import asyncio

from flamelet import aio
from flamelet.errors import (
    InvalidArgument,
    NetworkError,
    OutcomeUnknown,
    PermissionDenied,
    StreamCancelled,
    Timeout,
    Unavailable,
)

from scripted import HOST, NO_CONTENT, REQUEST, URL, Network, answer, get, put, redirect, refused, timeouts

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
INCREMENT = {".sv": {"increment": 1}}


def database(token=None, **options):
    options.setdefault("timeouts", timeouts())
    return aio.Database(URL, token, **options)


def event(data, path="/"):
    return ('event: put\ndata: {"path":"%s","data":%s}\n\n' % (path, data)).encode()


async def raises(error, awaitable):
    try:
        result = await awaitable
    except error as raised:
        return raised
    raise AssertionError("%s was not raised; the result was %r" % (error.__name__, result))


def reading(feed_path, key, body):
    head = "PUT /%s/%s.json?print=silent HTTP/1.1\r\nHost: %s\r\nContent-Length:%-6d\r\n\r\n"
    return (head % (feed_path, key, HOST, len(body)) + body).encode()


def body_of(request):
    return request.split(b"\r\n\r\n", 1)[1].decode()


async def test_each_verb_is_awaited_and_sends_the_same_bytes():
    script = [REQUEST, None, answer('{"b":1}')] + [REQUEST, None, NO_CONTENT] * 5
    with Network(script) as network:
        async with database(token={"database_secret": "secret"}) as db:
            assert await db.get("a") == {"b": 1}
            await db.set("a", [1])
            await db.update("a", {"b/c": None})
            key = await db.push("log", True)
            await db.delete("a")
            feed = db.feed("t", (("x", 0), ("y", 1)))
            assert await feed.push_many([(1, 2.5)]) == 1
        assert network.closed == [True]
    [requests] = network.sent
    assert requests[:5] == [
        get("/a.json?auth=secret"),
        put("/a.json?print=silent&auth=secret", "[1]"),
        put("/a.json?print=silent&auth=secret", '{"b/c":null}', method="PATCH"),
        put("/log/%s.json?print=silent&auth=secret" % key, "true"),
        ("DELETE /a.json?auth=secret HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST).encode(),
    ]
    assert body_of(requests[5])[23:] == ':{"x":1,"y":2.5}}'


async def test_errors_are_those_of_the_blocking_client():
    denied = answer('{"error":"Permission denied"}', "401 Unauthorized")
    lost, late = [REQUEST, b""], [REQUEST, 60000]
    # Refused twice: where a remembered address fails, DNS is asked for another.
    with Network([REQUEST, denied], [refused()], [refused()], lost, late, [REQUEST, answer("1")]) as network:
        db = database(timeouts=timeouts(first_byte=60))
        error = await raises(PermissionDenied, db.get("a"))
        assert (error.status, error.text) == (401, "Permission denied")
        db.close()
        await raises(NetworkError, db.get("a"))
        await raises(OutcomeUnknown, db.set("n", INCREMENT))
        await raises(Timeout, db.get("a"))
        await raises(InvalidArgument, _call(db.get, "a.b"))
        await raises(InvalidArgument, _call(db.set, "a", float("nan")))
        assert await db.get("a") == 1
    assert network.closed == [True, True, True, True, True, False]


async def _call(function, *arguments):
    """Whether it is refused at the call or when awaited is all the same."""
    return await function(*arguments)


async def test_a_503_is_repeated_after_the_time_that_the_server_names():
    busy = answer("", "503 Service Unavailable", "Retry-After: 0\r\n")
    with Network([REQUEST, busy, REQUEST, busy, REQUEST, answer("1")]):
        assert await database().get("a") == 1
    with Network([REQUEST, busy] * 3):
        await raises(Unavailable, database().get("a"))


async def test_a_redirect_is_followed():
    node = "s-usc1c-nss-1.firebaseio.com"
    with Network([REQUEST, redirect("https://%s/a.json" % node)], [REQUEST, answer("1")]) as network:
        assert await database(token={"database_secret": "secret"}).get("a") == 1
    assert network.sent[1] == [get("/a.json?auth=secret", node)]


async def test_tasks_that_share_a_client_do_not_mix_their_answers():
    count = 12
    script = []
    for i in range(count):
        script += [REQUEST, None, 3, answer(str(i))[:20], None, answer(str(i))[20:]]
    with Network(script) as network:
        db = database()

        async def ask(i):
            return await db.get("a%d" % i)

        results = await asyncio.gather(*[ask(i) for i in range(count)])
    assert network.connected == [(HOST, 443)]
    # Whoever asked first was answered first; each got the answer to its own request.
    order = [int(request.split(b".json")[0].split(b"/a")[1]) for request in network.sent[0]]
    assert sorted(order) == list(range(count))
    assert [results[i] for i in order] == list(range(count))


async def test_a_cancelled_task_leaves_the_client_usable():
    for script in ([60000], [REQUEST, 60000], [REQUEST, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1", 60000]):
        with Network(script, [REQUEST, answer("2"), REQUEST, answer("3")]) as network:
            db = database()
            task = asyncio.create_task(db.get("a"))
            await aio.sleep_ms(40)
            task.cancel()
            await raises(asyncio.CancelledError, task)
            assert network.closed == [True]
            assert await db.get("b") == 2
            assert await db.get("b") == 3


async def test_a_task_that_is_cancelled_before_it_began_leaves_the_client_usable():
    more = [REQUEST, NO_CONTENT, REQUEST, answer("2")]
    with Network([REQUEST, NO_CONTENT] + more, more) as network:
        db = database()
        feed = db.feed("t", (("a", 0),))
        await feed.push(1)
        for call in (feed.push, feed.push):
            task = asyncio.create_task(call(2))
            task.cancel()
            await raises(asyncio.CancelledError, task)
        await feed.push(3)
        assert await db.get("a") == 2
        # On MicroPython the request had begun, and its connection went with it.
        network.scripts[:] = []
    assert body_of(network.sent[-1][-2]) == '{"a":3}'


async def test_a_cancelled_push_leaves_the_feed_usable():
    for script in ([REQUEST, NO_CONTENT, REQUEST, 60000], [REQUEST, NO_CONTENT, REQUEST, NO_CONTENT[:9], 60000]):
        with Network(script, [REQUEST, NO_CONTENT]) as network:
            feed = database().feed("t", (("a", 0),))
            await feed.push(1)
            task = asyncio.create_task(_call(feed.push, 2))
            await aio.sleep_ms(40)
            task.cancel()
            await raises(asyncio.CancelledError, task)
            assert feed.pending
            await feed.push(3)
            assert not feed.pending
            assert network.sent[1] == [reading("t", feed.key, '{"a":3}')]


async def test_two_pushes_at_once_keep_their_own_readings():
    for before in (0, 1):
        script = [REQUEST, NO_CONTENT] * before
        for _ in range(6):
            script += [REQUEST, None, 3, NO_CONTENT]
        with Network(script) as network:
            feed = database().feed("t", (("a", 0), ("b", 0)))
            if before:
                await feed.push(0, 0)
            await asyncio.gather(*[_call(feed.push, i, 10 * i) for i in range(1, 7)])
            assert not feed.pending
        bodies = sorted([body_of(request) for request in network.sent[0][before:]])
        assert bodies == ['{"a":%d,"b":%d}' % (i, 10 * i) for i in range(1, 7)]
        keys = [request.split(b"/t/")[1][:20] for request in network.sent[0]]
        assert len(set(keys)) == len(keys)


async def test_a_push_that_is_repeated_is_not_overwritten_by_another():
    with Network([REQUEST, NO_CONTENT, REQUEST, 20, b""], [REQUEST, 20, NO_CONTENT, REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        await feed.push(1)
        await asyncio.gather(_call(feed.push, 2), _call(feed.push, 3))
    first = network.sent[0][1]
    assert body_of(first) == '{"a":2}' and network.sent[1][0] == first
    assert body_of(network.sent[1][1]) == '{"a":3}'


async def test_many_readings_do_not_touch_a_push_that_is_under_way():
    with Network([REQUEST, NO_CONTENT, REQUEST, 20, b""], [REQUEST, NO_CONTENT, REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        await feed.push(1)
        await asyncio.gather(_call(feed.push, 2), _call(feed.push_many, [(33333,), (44444,)]))
    assert network.sent[0][1] == network.sent[1][0]
    assert body_of(network.sent[1][0]) == '{"a":2}'


async def test_a_push_and_a_request_take_turns():
    with Network([REQUEST, NO_CONTENT, REQUEST, 5, NO_CONTENT, REQUEST, 5, answer("7")]) as network:
        db = database()
        feed = db.feed("t", (("a", 0),))
        await feed.push(1)
        _, value = await asyncio.gather(_call(feed.push, 2), _call(db.get, "b"))
        assert value == 7
    assert network.connected == [(HOST, 443)]


async def test_a_pending_reading_is_repeated_under_its_key():
    with Network([refused()], [REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        await raises(NetworkError, _call(feed.push, 7))
        assert feed.pending
        key = feed.key
        await feed.repeat()
        assert not feed.pending
        assert network.sent[1] == [reading("t", key, '{"a":7}')]


async def test_a_stream_is_iterated_beside_requests():
    script = [REQUEST, STREAM, event("1"), 20, event("2", "/b"), b""]
    with Network(script, [REQUEST, STREAM, event("3")]) as network:
        async with database().listen("c") as stream:
            seen = []
            async for one in stream:
                seen.append((one.path, one.data, one.snapshot))
                if len(seen) == 3:
                    break
        assert seen == [("/", 1, True), ("/b", 2, False), ("/", 3, True)]
        assert network.closed == [True, True]


async def test_a_stream_does_not_keep_requests_waiting():
    with Network([REQUEST, STREAM, event("1"), 300, event("2")], [REQUEST, answer("9")]):
        db = database()
        async with db.listen("c") as stream:
            assert (await stream.next()).data == 1
            waiting = asyncio.create_task(_call(stream.next, 2000))
            assert await db.get("a") == 9
            assert not waiting.done()
            assert (await waiting).data == 2


async def test_next_with_a_time_gives_none_when_it_is_over():
    with Network([REQUEST, STREAM, 200, event("1")]):
        async with database().listen("c") as stream:
            assert await stream.next(0) is None
            assert await stream.next(30) is None
            assert (await stream.next(2000)).data == 1


async def test_a_stream_that_is_closed_by_another_task_ends():
    with Network([REQUEST, STREAM, event("1"), 60000]) as network:
        db = database()
        stream = db.listen("c")
        assert (await stream.next()).data == 1
        waiting = asyncio.create_task(_call(stream.next))
        await aio.sleep_ms(20)
        db.close()
        assert await asyncio.wait_for(waiting, 1) is None
        assert network.closed == [True]


async def test_a_cancelled_wait_for_an_event_loses_nothing():
    with Network([REQUEST, STREAM, event("1"), 80, event("2")]):
        async with database().listen("c") as stream:
            assert (await stream.next()).data == 1
            await raises(asyncio.TimeoutError, asyncio.wait_for(stream.next(), 0.03))
            assert (await stream.next()).data == 2
            assert stream.reconnects == 0


async def test_cancel_of_the_server_ends_the_stream():
    with Network([REQUEST, STREAM, b"event: cancel\ndata: null\n\n"]):
        stream = database().listen("c")
        await raises(StreamCancelled, stream.next())
        assert stream.closed


async def test_with_a_budget_of_one_stream_and_requests_take_turns():
    with Network(
        [REQUEST, STREAM, event("1")], [REQUEST, answer("2")], [REQUEST, STREAM, event("3")], [REQUEST, answer("4")]
    ) as network:
        db = database(budget=1)
        async with db.listen("c") as stream:
            assert (await stream.next()).data == 1
            assert await db.get("a") == 2
            assert (await stream.next(1500)).data == 3
            assert await db.get("a") == 4
            assert network.closed.count(False) == 1
