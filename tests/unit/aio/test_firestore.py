"""flamelet.aio.Firestore against a scripted server: the bytes of the blocking one, and tasks that share it."""

import asyncio

import flamelet
from flamelet import aio
from flamelet.errors import NotFound, OutcomeUnknown, PermissionDenied

from firestoring import ACCESS_TOKEN, BEARER, ROOT, TIME, WRITTEN, commit, document, error, request, update
from scripted import REQUEST, Network, answer, timeouts
from tokens import id_token, question, renewal, token

HEAP = "512k"
FOUND = answer(document("c/d", '{"n":{"integerValue":"5"}}'))
ABSENT = error("404 Not Found", "NOT_FOUND", "Document (x) not found.")


def firestore(given=None, **options):
    options.setdefault("timeouts", timeouts())
    return aio.Firestore("demo-iot", given, **options)


async def raises(error, awaitable):
    try:
        result = await awaitable
    except error as raised:
        return raised
    raise AssertionError("%s was not raised; the result was %r" % (error.__name__, result))


async def listed(items):
    found = []
    async for item in items:
        found.append(item)
    return found


async def test_each_method_is_awaited_and_sends_the_same_bytes():
    script = [REQUEST, None, FOUND, REQUEST, ABSENT] + [REQUEST, None, WRITTEN] * 4
    with Network(script) as network:
        async with firestore(ACCESS_TOKEN) as fs:
            assert await fs.get("c/d", mask=("n",)) == {"n": 5}
            assert await fs.read("c/e") is None
            assert await fs.set("c/d", {}) == TIME
            await fs.update("c/d", {"n": flamelet.increment(1)}, update_time=TIME)
            await fs.delete("c/d")
            assert await fs.create("c", {}, "e") == "e"
    lines = (BEARER,)
    transform = ',"updateTransforms":[{"fieldPath":"n","increment":{"integerValue":"1"}}]'
    more = ',"updateMask":{"fieldPaths":[]}%s,"currentDocument":{"updateTime":"%s"}' % (transform, TIME)
    assert network.closed == [True] and network.sent == [
        [
            request("GET", "/c/d?mask.fieldPaths=n", lines=lines),
            request("GET", "/c/e", lines=lines),
            commit(update("c/d"), lines=lines),
            commit(update("c/d", "{}", more), lines=lines),
            commit('{"delete":"%s/c/d"}' % ROOT, lines=lines),
            commit(update("c/e", more=',"currentDocument":{"exists":false}'), lines=lines),
        ]
    ]


async def test_lists_are_iterated_by_async_for():
    first = '{"documents":[%s],"nextPageToken":"t"}' % document("c/1")
    second = '{"documents":[%s]}' % document("c/2")
    script = [REQUEST, answer(first), REQUEST, answer(second), REQUEST, answer('{"collectionIds":["a"]}')]
    script += [REQUEST, FOUND, REQUEST, answer("{}")]
    with Network(script, [REQUEST, answer('[{"found":%s}]' % document("c/1"))]):
        fs = firestore()
        assert [one.path for one in await listed(fs.list("c"))] == ["c/1", "c/2"]
        assert await listed(fs.collections()) == ["a"]
        assert (await fs.describe("c/d"))[1] == []
        assert [(path, one.fields) for path, one in await listed(fs.batch_get(["c/1"]))] == [("c/1", {})]


async def test_tasks_that_share_a_firestore_wait_for_each_other():
    script = []
    for _ in range(6):
        script += [REQUEST, None, FOUND]
    with Network(script) as network:
        fs = firestore()
        assert await asyncio.gather(*[fs.get("c/%d" % i) for i in range(6)]) == [{"n": 5}] * 6
    assert sorted(network.sent[0]) == [request("GET", "/c/%d" % i) for i in range(6)]


async def test_errors_are_those_of_the_blocking_one():
    denied = error("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient permissions.")
    absent = error("404 Not Found", "NOT_FOUND", "The database x does not exist")
    with Network([REQUEST, denied, REQUEST, absent, REQUEST, b""]):
        fs = firestore()
        await raises(PermissionDenied, fs.get("c/d"))
        await raises(NotFound, fs.get("c/d"))
        await raises(OutcomeUnknown, fs.update("c/d", {"n": flamelet.increment(1)}))


async def test_a_create_whose_answer_was_lost_knows_its_document():
    exists = error("409 Conflict", "ALREADY_EXISTS", "Document already exists")
    with Network([REQUEST, b""], [REQUEST, exists]) as network:
        assert len(await firestore().create("c", {})) == 20
    assert network.sent[0] == network.sent[1]


async def test_one_renewal_heals_all_tasks():
    expired = error("401 Unauthorized", "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    # The second request was made before the renewal, and is refused too.
    script = [REQUEST, FOUND, REQUEST, expired, REQUEST, FOUND]
    with Network([REQUEST, expired], [REQUEST, renewal(2)], script) as network:
        mine = token()
        old = "Authorization: Bearer " + mine.text
        fs = firestore(mine)
        assert await asyncio.gather(fs.get("c/d"), fs.get("c/d")) == [{"n": 5}] * 2
    healed = request("GET", "/c/d", lines=("Authorization: Bearer " + id_token(2),))
    assert network.sent[1] == [question()]
    assert network.sent[2] == [healed, request("GET", "/c/d", lines=(old,)), healed]


async def test_the_pause_between_two_tries_is_awaited():
    late = error("504 Gateway Timeout", "DEADLINE_EXCEEDED", "late")
    turns = []

    async def count():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    with Network([REQUEST, late, REQUEST, FOUND]):
        counting = asyncio.create_task(count())
        fs = firestore(timeouts=timeouts(answer=20000))
        assert await fs.get("c/d") == {"n": 5}
        counting.cancel()
    assert len(turns) > 3
