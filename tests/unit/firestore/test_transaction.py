"""Transactions of Firestore against a scripted server: what each kind of token sends, when it begins again."""

import json

from flamelet import TIMESTAMP, aio, increment
from flamelet.errors import (
    Aborted,
    AlreadyExists,
    BadRequest,
    InvalidArgument,
    NetworkError,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    ProtocolError,
    TransactionAborted,
)

from firestoring import (
    ACCESS_TOKEN,
    BEARER,
    LATER,
    ROOT,
    TIME,
    WRITTEN,
    Dice,
    body_of,
    commit,
    document,
    error,
    firestore,
    request,
    target_of,
    update,
)
from helpers import raises
from scripted import REQUEST, Network, answer, reset, timeouts
from tokens import id_token

HEAP = "512k"
ABORTED = error("409 Conflict", "ABORTED", "Too much contention on these documents. Please try again.")
STALE = error("400 Bad Request", "FAILED_PRECONDITION", "the stored version does not match")
DENIED = error("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient permissions.")
ROLLED_BACK = answer("{}")


def begun(id):
    return answer('{"transaction":"%s"}' % id)


def found(n, update_time=TIME, path="c/d"):
    """The answer to the read of a document, with `n` in it."""
    text = '[{"found":%s,"readTime":"%s"}]'
    return answer(text % (document(path, '{"n":{"integerValue":"%d"}}' % n, update_time), LATER))


def missing(path="c/d"):
    return answer('[{"missing":"%s/%s","readTime":"%s"}]' % (ROOT, path, LATER))


def fields(n):
    return '{"n":{"integerValue":"%d"}}' % n


def masked(n, condition):
    """The JSON of the write that sets n, if the document is as `condition` says."""
    return update("c/d", fields(n), ',"updateMask":{"fieldPaths":["n"]},"currentDocument":{%s}' % condition)


def unchanged(time=TIME):
    return '"updateTime":"%s"' % time


def add_one(tx):
    n = tx.get("c/d")["n"] + 1
    tx.update("c/d", {"n": n})
    return n


def methods(network):
    """What was asked for, without what is the same of all: "commit", "batchGet"."""
    return [target_of(data).split(":")[-1] for connection in network.sent for data in connection]


class Enough(Exception):
    """What a function raises."""


# With an OAuth2 token: the service keeps the transaction.


def test_with_oauth_the_reads_and_the_commit_carry_the_transaction():
    with Network([REQUEST, begun("t1="), REQUEST, found(4), REQUEST, WRITTEN]) as network:
        assert firestore(ACCESS_TOKEN).transaction(add_one) == 5
    begin = request("POST", ":beginTransaction", '{"options":{"readWrite":{}}}', (BEARER,))
    [[first, second, third]] = network.sent
    assert first == begin
    assert target_of(second) == ":batchGet" and BEARER.encode() in second
    assert body_of(second) == {"documents": [ROOT + "/c/d"], "transaction": "t1="}
    assert third == commit(masked(5, '"exists":true'), transaction="t1=", lines=(BEARER,))


def test_with_oauth_all_of_it_is_done_again_with_the_id_of_the_one_before():
    script = []
    for id, n in (("t1", 4), ("t2", 6)):
        script += [REQUEST, begun(id), REQUEST, found(n), REQUEST, ABORTED]
    with Dice(), Network(script + [REQUEST, begun("t3"), REQUEST, found(8), REQUEST, WRITTEN]) as network:
        assert firestore(ACCESS_TOKEN).transaction(add_one) == 9
    begins = [body_of(data) for data in network.sent[0] if b":beginTransaction " in data]
    retries = [begin["options"]["readWrite"] for begin in begins]
    assert retries == [{}, {"retryTransaction": "t1"}, {"retryTransaction": "t2"}]
    assert network.pauses == [511, 1022]


def test_it_ends_after_as_many_tries_as_were_asked_for():
    for attempts in (1, 3):
        script = [REQUEST, begun("t"), REQUEST, found(1), REQUEST, ABORTED] * attempts
        with Network(script) as network:
            fs = firestore(ACCESS_TOKEN)
            given_up = raises(TransactionAborted, lambda: fs.transaction(add_one, attempts=attempts))  # noqa: B023
        assert given_up.retry and "%d tries" % attempts in str(given_up) and "Too much contention" in str(given_up)
        assert methods(network) == ["beginTransaction", "batchGet", "commit"] * attempts
    with Network([REQUEST, begun("t"), REQUEST, found(1), REQUEST, ABORTED] * 5):
        raises(TransactionAborted, firestore(ACCESS_TOKEN).transaction, add_one)


def test_a_read_that_aborts_begins_all_of_it_again():
    script = [REQUEST, begun("t1"), REQUEST, ABORTED, REQUEST, begun("t2"), REQUEST, found(1), REQUEST, WRITTEN]
    with Network(script) as network:
        assert firestore(ACCESS_TOKEN).transaction(add_one) == 2
    assert body_of(network.sent[0][2])["options"]["readWrite"] == {"retryTransaction": "t1"}


def test_with_oauth_a_document_that_is_missing_is_none_and_a_commit_without_writes_ends_it():
    with Network([REQUEST, begun("t"), REQUEST, missing(), REQUEST, answer('{"commitTime":"%s"}' % TIME)]) as network:
        assert firestore(ACCESS_TOKEN).transaction(lambda tx: tx.get("c/d")) is None
    assert body_of(network.sent[0][2]) == {"writes": [], "transaction": "t"}


def test_what_the_function_raises_rolls_it_back_and_goes_on():
    def fail(tx):
        tx.get("c/d")
        tx.set("c/d", {"n": 1})
        raise Enough("so it is")

    with Network([REQUEST, begun("t"), REQUEST, found(1), REQUEST, ROLLED_BACK]) as network:
        assert "so it is" in str(raises(Enough, firestore(ACCESS_TOKEN).transaction, fail))
    assert network.sent[0][2] == request("POST", ":rollback", '{"transaction":"t"}', (BEARER,))
    # What is wrong with the rollback is not what matters.
    with Network([REQUEST, begun("t"), REQUEST, found(1), REQUEST, DENIED]):
        raises(Enough, firestore(ACCESS_TOKEN).transaction, fail)


def test_a_refused_read_or_commit_rolls_it_back_and_is_not_done_again():
    with Network([REQUEST, begun("t"), REQUEST, DENIED, REQUEST, ROLLED_BACK]) as network:
        raises(PermissionDenied, firestore(ACCESS_TOKEN).transaction, add_one)
    assert methods(network)[-1] == "rollback"
    expired = "The referenced transaction has expired or is no longer valid."
    for refusal, kind in (
        (DENIED, PermissionDenied),
        (error("400 Bad Request", "INVALID_ARGUMENT", expired), BadRequest),
        (error("404 Not Found", "NOT_FOUND", "No document to update"), NotFound),
        (error("409 Conflict", "ALREADY_EXISTS", "Document already exists"), AlreadyExists),
        (STALE, PreconditionFailed),
    ):
        with Network([REQUEST, begun("t"), REQUEST, found(1), REQUEST, refusal, REQUEST, ROLLED_BACK]) as network:
            raises(kind, firestore(ACCESS_TOKEN).transaction, add_one)
        assert methods(network) == ["beginTransaction", "batchGet", "commit", "rollback"]


def test_a_lost_answer_to_the_commit_is_in_doubt_and_nothing_is_done_again():
    calls = []

    def count(tx):
        calls.append(tx)
        return add_one(tx)

    late = error("504 Gateway Timeout", "DEADLINE_EXCEEDED", "late")
    for id, start in ((ACCESS_TOKEN, [REQUEST, begun("t")]), (None, [])):
        for end in ([b""], [reset()], [b"HTTP/1.1 200 OK\r\n", b""], [late]):
            calls.clear()
            with Network(start + [REQUEST, found(1), REQUEST] + end) as network:
                lost = raises(OutcomeUnknown, firestore(id).transaction, count)
            assert "may have happened" in str(lost) and not lost.retry and len(calls) == 1
            assert methods(network)[-1] == "commit"


def test_a_commit_that_was_not_attempted_is_repeated():
    busy = error("503 Service Unavailable", "UNAVAILABLE", "later")
    with Network([REQUEST, begun("t"), REQUEST, found(1), REQUEST, busy, REQUEST, WRITTEN]) as network:
        assert firestore(ACCESS_TOKEN).transaction(add_one) == 2
    assert network.sent[0][2] == network.sent[0][3]


def test_a_network_that_fails_rolls_nothing_back():
    with Network([REQUEST, begun("t"), REQUEST, b""], [REQUEST, b""], [REQUEST, b""]) as network:
        raises(NetworkError, firestore(ACCESS_TOKEN).transaction, add_one)
    assert "rollback" not in methods(network)


def test_a_query_in_a_transaction_carries_it():
    content = '[{"document":%s,"readTime":"%s"}]' % (document("c/d", fields(3)), TIME)
    with Network([REQUEST, begun("t"), REQUEST, answer(content), REQUEST, WRITTEN]) as network:
        fs = firestore(ACCESS_TOKEN)

        def total(tx):
            return [one.fields["n"] for one in tx.query(fs.query("c"))]

        assert fs.transaction(total) == [3]
    assert body_of(network.sent[0][1])["transaction"] == "t" and methods(network)[1:] == ["runQuery", "commit"]


# With any other token: what was read has to be unchanged.


def test_without_oauth_the_write_has_the_time_of_the_read_as_its_condition():
    mine = id_token(1)
    with Network([REQUEST, found(4), REQUEST, WRITTEN]) as network:
        assert firestore(mine).transaction(add_one) == 5
    lines = ("Authorization: Bearer " + mine,)
    body = '{"documents":["%s/c/d"]}' % ROOT
    assert network.sent == [
        [request("POST", ":batchGet", body, lines), commit(masked(5, unchanged()), lines=lines)],
    ]


def test_what_was_read_as_missing_must_still_be_missing():
    def make(tx):
        assert tx.get("c/d") is None
        tx.set("c/d", {"n": 1})

    with Network([REQUEST, missing(), REQUEST, WRITTEN]) as network:
        firestore().transaction(make)
    assert network.sent[0][1] == commit(update("c/d", fields(1), ',"currentDocument":{"exists":false}'))


def test_what_was_read_and_not_written_is_verified():
    def copy(tx):
        read = tx.read("c/d")
        assert read.path == "c/d" and read.update_time == TIME
        assert tx.get("c/none") is None
        tx.set("c/e", read.fields)

    with Network([REQUEST, found(4), REQUEST, missing("c/none"), REQUEST, WRITTEN]) as network:
        firestore().transaction(copy)
    writes = body_of(network.sent[0][2])["writes"]
    assert writes[0] == json.loads(update("c/e", fields(4)))
    verified = [
        {"verify": ROOT + "/c/d", "currentDocument": {"updateTime": TIME}},
        {"verify": ROOT + "/c/none", "currentDocument": {"exists": False}},
    ]
    assert len(writes) == 3 and all([write in writes for write in verified])


def test_the_documents_of_a_query_are_verified_too():
    content = '[{"document":%s,"readTime":"%s"}]' % (document("c/d", fields(3)), TIME)
    with Network([REQUEST, answer(content), REQUEST, WRITTEN]) as network:
        fs = firestore()
        fs.transaction(lambda tx: len(tx.query(fs.query("c"))))
    assert body_of(network.sent[0][1])["writes"] == [{"verify": ROOT + "/c/d", "currentDocument": {"updateTime": TIME}}]


def test_only_the_first_write_of_a_document_has_the_condition():
    def write(tx):
        tx.get("c/d")
        tx.set("c/d", {"n": 1})
        tx.update("c/d", {"at": TIMESTAMP})
        tx.delete("c/d")

    with Network([REQUEST, found(4), REQUEST, WRITTEN]) as network:
        firestore().transaction(write)
    writes = body_of(network.sent[0][1])["writes"]
    conditions = [write.get("currentDocument") for write in writes]
    assert conditions == [{"updateTime": TIME}, {"exists": True}, None]


def test_where_others_were_faster_all_of_it_is_done_again_with_what_is_there_now():
    exists = error("409 Conflict", "ALREADY_EXISTS", "Document already exists")
    gone = error("404 Not Found", "NOT_FOUND", "No document to update")
    for refusal in (ABORTED, STALE, exists, gone):
        script = [REQUEST, found(4), REQUEST, refusal, REQUEST, found(7, LATER), REQUEST, WRITTEN]
        with Network(script) as network:
            assert firestore().transaction(add_one) == 8
        assert network.sent[0][3] == commit(masked(8, unchanged(LATER)))
    with Network([REQUEST, found(4), REQUEST, STALE] * 5) as network:
        given_up = raises(TransactionAborted, firestore().transaction, add_one)
    assert "5 tries" in str(given_up) and "does not match" in str(given_up)


def test_what_depends_on_nothing_that_was_read_is_refused_at_once():
    gone = error("404 Not Found", "NOT_FOUND", "No document to update")
    exists = error("409 Conflict", "ALREADY_EXISTS", "Document already exists")
    for refusal, kind in ((gone, NotFound), (exists, AlreadyExists)):
        with Network([REQUEST, refusal]):
            raises(kind, firestore().transaction, lambda tx: tx.update("c/d", {"n": increment(1)}))


def test_another_refusal_is_not_done_again():
    with Network([REQUEST, found(4), REQUEST, DENIED]):
        raises(PermissionDenied, firestore().transaction, add_one)
    with Network([REQUEST, found(4)]):
        raises(Enough, firestore().transaction, fail_after_read)
    # An error of its own that has the name of a refusal is no refusal of the commit.
    with Network([REQUEST, found(4)]):
        raises(NotFound, firestore().transaction, not_found_after_read)


def fail_after_read(tx):
    tx.get("c/d")
    tx.delete("c/d")
    raise Enough


def not_found_after_read(tx):
    tx.get("c/d")
    raise NotFound("no such thing in it")


def test_without_reads_and_writes_nothing_is_sent():
    with Network():
        assert firestore().transaction(lambda tx: 5) == 5


def test_an_update_of_what_was_read_as_missing_makes_no_document():
    def change(tx):
        tx.get("c/d")
        tx.update("c/d", {"n": 1})

    with Network([REQUEST, missing()]):
        assert "use set" in str(raises(NotFound, firestore().transaction, change))


def test_a_create_of_what_was_read_is_refused():
    def make(tx):
        tx.get("c/d")
        tx.create("c/d", {})

    with Network([REQUEST, found(1)]):
        raises(AlreadyExists, firestore().transaction, make)


def test_reads_come_before_writes():
    def late(tx):
        tx.set("c/d", {})
        tx.get("c/d")

    with Network():
        assert "before its first write" in str(raises(InvalidArgument, firestore().transaction, late))


def test_bad_writes_and_paths_are_refused():
    for function in (
        lambda tx: tx.get("c"),
        lambda tx: tx.set("c", {}),
        lambda tx: tx.set("c/d", {"a": object()}),
        lambda tx: tx.update("c/d", {}),
        lambda tx: tx.create("c//d", {}),
        lambda tx: tx.delete(None),
    ):
        with Network():
            raises(InvalidArgument, firestore().transaction, function)


def test_an_answer_that_says_neither_is_no_missing_document():
    for body in ("[]", "{}", "5", '[{"readTime":"%s"}]' % TIME):
        with Network([REQUEST, answer(body)]):
            raises(ProtocolError, firestore().transaction, add_one)
        with Network([REQUEST, answer(body)]):
            raises(ProtocolError, firestore(ACCESS_TOKEN).transaction, add_one)


# Awaited.


def awaited(token=None):
    return aio.Firestore("demo-iot", token, timeouts=timeouts())


async def add_one_later(tx):
    n = (await tx.get("c/d"))["n"] + 1
    tx.update("c/d", {"n": n})
    return n


async def test_the_function_of_an_awaited_transaction_is_a_coroutine_function():
    script = [REQUEST, begun("t1"), REQUEST, found(4), REQUEST, ABORTED]
    with Dice(), Network(script + [REQUEST, begun("t2"), REQUEST, found(5), REQUEST, WRITTEN]) as network:
        assert await awaited(ACCESS_TOKEN).transaction(add_one_later) == 6
    assert network.sent[0][5] == commit(masked(6, '"exists":true'), transaction="t2", lines=(BEARER,))
    with Network([REQUEST, found(4), REQUEST, WRITTEN]) as network:
        assert await awaited().transaction(add_one_later) == 5
    assert network.sent[0][1] == commit(masked(5, unchanged()))


async def test_what_an_awaited_function_raises_rolls_it_back():
    async def fail(tx):
        await tx.get("c/d")
        raise Enough

    with Network([REQUEST, begun("t"), REQUEST, found(1), REQUEST, ROLLED_BACK]) as network:
        try:
            await awaited(ACCESS_TOKEN).transaction(fail)
        except Enough:
            assert methods(network)[-1] == "rollback"
        else:
            raise AssertionError("it was swallowed")


async def test_an_awaited_commit_whose_answer_was_lost_is_in_doubt():
    with Network([REQUEST, found(1), REQUEST, b""]):
        try:
            await awaited().transaction(add_one_later)
        except OutcomeUnknown as lost:
            assert not isinstance(lost, Aborted)
        else:
            raise AssertionError("it was taken for done")
