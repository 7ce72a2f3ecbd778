"""feed.flush awaited, while the same program goes on recording: what is under way is not disturbed, nothing is lost."""

import asyncio

import flamelet
from flamelet import aio
from flamelet.errors import NetworkError

from flushing import FIELDS, Server, is_multiple_of, record, refused_numbers
from outboxes import RTC, Folder, Time, numbers
from scripted import URL, Network, timeouts

HEAP = "8m"
FOREVER = 60000


def feed(box):
    return aio.Database(URL, timeouts=timeouts()).feed("t", FIELDS, outbox=box)


async def each_kind(test, memory):
    await test(flamelet.Outbox(memory=memory))
    await test(flamelet.Outbox(rtc=RTC()))
    with Folder() as folder:
        await test(folder.outbox(memory=memory, group=4, size=2 * 4096))


async def test_what_is_recorded_during_each_request_arrives_too():
    async def check(box):
        server = Server(refuses=is_multiple_of(9))
        one = feed(box)
        with Network() as network, Time() as time:
            network.endless = server.script()
            record(one, range(1, 8), time)
            left = list(range(8, 61))

            def more(_):
                # Within the request, as another task would.
                for _ in range(min(3, len(left))):
                    record(one, [left.pop(0)], time)

            server.hook = more
            while box.waiting or left:
                await one.flush()
        assert server.numbers() == [n for n in range(1, 61) if n % 9]
        assert refused_numbers(box) == [9, 18, 27, 36, 45, 54]
        assert (box.waiting, box.dropped, box.refused) == (0, 0, 6)

    await each_kind(check, 2048)


async def test_a_flood_during_a_flush_drops_the_oldest_and_invents_nothing():
    async def check(box):
        server = Server(refuses=is_multiple_of(9))
        one = feed(box)
        with Network() as network, Time() as time:
            network.endless = server.script()
            count = [0]

            def more(_):
                if count[0] < 500:
                    record(one, range(count[0], count[0] + 50), time)
                    count[0] += 50

            more(None)
            server.hook = more
            while box.waiting:
                await one.flush()
        arrived = server.numbers()
        assert arrived == sorted(set(arrived)) and set(arrived) <= set(range(500)) and arrived[-1] == 499
        assert box.dropped > 0 and not [n for n in arrived if n % 9 == 0]
        # What was dropped while it was on its way has arrived, and is counted all the same.
        assert len(arrived) + box.refused + box.dropped >= 500

    await each_kind(check, 512)


async def test_a_commit_while_a_flush_from_ram_is_on_its_way():
    with Folder() as folder, Network() as network, Time() as time:
        server = Server()
        network.endless = server.script()
        box = folder.outbox(group=100)
        one = feed(box)
        record(one, range(5), time)
        server.hook = lambda _: box.commit()
        await one.flush()
        assert server.numbers() == list(range(5))
        assert (box.waiting, box.pending, folder.segments()) == (0, 0, [])


async def test_two_flushes_at_once_take_their_turns():
    box = flamelet.Outbox()
    server = Server()
    with Network() as network, Time() as time:
        network.endless = server.script()
        one = feed(box)
        record(one, range(20), time)
        taken = await asyncio.gather(one.flush(), one.flush())
        assert sorted(taken) == [0, 20]
    assert set(server.times.values()) == {1}


async def test_a_flush_that_is_cancelled_leaves_all_that_was_not_answered():
    box = flamelet.Outbox()
    server = Server()
    with Network() as network, Time() as time:
        network.endless = server.script()
        one = feed(box)
        record(one, range(5), time)
        server.delay = FOREVER
        task = asyncio.create_task(one.flush())
        while not server.stored:
            assert not task.done()
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        assert not box.flushing and numbers(box) == list(range(5))
        server.delay = None
        assert await one.flush() == 5
    assert server.numbers() == list(range(5))


async def test_requests_go_between_while_a_flush_waits_for_the_server():
    box = flamelet.Outbox()
    server = Server()
    server.trouble = ["lost"] * 3
    with Network() as network, Time() as time:
        network.endless = server.script()
        db = aio.Database(URL, timeouts=timeouts())
        one = db.feed("t", FIELDS, outbox=box)
        record(one, range(5), time)
        try:
            await one.flush()
        except NetworkError:
            pass
        assert box.waiting == 5
        await db.set("state", 1)
        assert await one.flush() == 5
    assert server.numbers() == list(range(5)) and server.written == {"/state": 1}
