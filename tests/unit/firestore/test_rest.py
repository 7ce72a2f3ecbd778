"""What is repeated, when, and what is not: Firestore's refusals and lost answers against a scripted server."""

import flamelet
from flamelet.diagnosis import answers
from flamelet.errors import (
    Aborted,
    AlreadyExists,
    BadRequest,
    NetworkError,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    ResourceExhausted,
    Timeout,
    Unauthenticated,
    Unavailable,
)

from firestoring import (
    ACCESS_TOKEN,
    HOST,
    TIME,
    WRITTEN,
    Dice,
    body_of,
    commit,
    document,
    error,
    firestore,
    request,
    update,
)
from helpers import raises
from scripted import CONNECTED, REQUEST, Network, answer, refused, reset, timeouts
from tokens import id_token, question, renewal, token

HEAP = "512k"
GOOD = answer(document("c/d"))
GET = request("GET", "/c/d")
# What the service says of a token that has ended, as it was seen.
EXPIRED = (
    '{"error":{"code":401,"message":"Request had invalid authentication credentials. Expected OAuth 2 access token, '
    "login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/"
    'devconsole-project.","status":"UNAUTHENTICATED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",'
    '"reason":"ACCESS_TOKEN_EXPIRED","domain":"googleapis.com"}]}}'
)
INDEX = (
    "The query requires an index. You can create it here: https://console.firebase.google.com/v1/r/project/demo-iot/"
    "firestore/indexes?create_composite=Ckpwcm9qZWN0cy9kZW1vLWlvdC9kYXRhYmFzZXMvKGRlZmF1bHQpL2NvbGxlY3Rpb25Hcm91cHM"
)
NEVER = (
    ("400 Bad Request", "INVALID_ARGUMENT", "Invalid value", BadRequest, "INVALID_ARGUMENT"),
    ("400 Bad Request", "FAILED_PRECONDITION", "stale", PreconditionFailed, "FAILED_PRECONDITION"),
    ("400 Bad Request", "OUT_OF_RANGE", "beyond", BadRequest, "BAD_REQUEST"),
    ("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient", PermissionDenied, "PERMISSION_DENIED"),
    ("403 Forbidden", "PERMISSION_DENIED", "insufficient authentication scopes", PermissionDenied, "SCOPE_MISSING"),
    ("404 Not Found", "NOT_FOUND", "The database x does not exist", NotFound, "NOT_FOUND"),
    ("409 Conflict", "ALREADY_EXISTS", "Document already exists", AlreadyExists, "ALREADY_EXISTS"),
    ("501 Not Implemented", "UNIMPLEMENTED", "no such method", BadRequest, "UNIMPLEMENTED"),
    ("401 Unauthorized", "UNAUTHENTICATED", "invalid credentials", Unauthenticated, "TOKEN_EXPIRED"),
)  # fmt: skip
BACKOFF = (
    ("429 Too Many Requests", "RESOURCE_EXHAUSTED", "Bandwidth exhausted", ResourceExhausted, "TOO_MANY_REQUESTS"),
    ("500 Internal Server Error", "DATA_LOSS", "Something", Unavailable, "SERVER_ERROR"),
    ("502 Bad Gateway", "", "from in between", Unavailable, "SERVER_ERROR"),
    ("504 Gateway Timeout", "DEADLINE_EXCEEDED", "Deadline exceeded", Unavailable, "DEADLINE_EXCEEDED"),
    ("409 Conflict", "ABORTED", "Too much contention on these documents.", Aborted, "ABORTED"),
)
LONG = timeouts(first_byte=60000, answer=60000)


def in_doubt(write):
    """Run it; OutcomeUnknown says to look before repeating it."""
    assert "may have happened" in str(raises(OutcomeUnknown, write))


# never


def test_what_the_table_says_is_never_repeated_is_asked_once():
    for status, canonical, message, kind, code in NEVER:
        for wrapped in (False, True):
            with Network([REQUEST, error(status, canonical, message, wrapped)]) as network:
                found = raises(kind, firestore(timeouts=LONG).get, "c/d")
            assert type(found) is kind and found.action == "never" and not found.retry
            assert (found.text, found.code, found.status) == (message, code, int(status[:3])), found
            assert "GET /v1/projects/demo-iot" in str(found) and network.sent == [[GET]] and not network.pauses


def test_a_write_that_adds_up_gets_the_same_refusals():
    for status, canonical, message, kind, _ in NEVER:
        with Network([REQUEST, error(status, canonical, message)]) as network:
            raises(kind, firestore().update, "c/d", {"n": flamelet.increment(1)})
        assert len(network.sent[0]) == 1


# backoff


def test_pauses_double_up_to_the_deadline_and_the_error_is_then_told():
    for status, canonical, message, kind, code in BACKOFF:
        for wrapped in (False, True):
            with Dice(), Network([REQUEST, error(status, canonical, message, wrapped)] * 7) as network:
                found = raises(kind, firestore(timeouts=LONG).get, "c/d")
            assert type(found) is kind and found.code == code and found.retry and found.text == message
            assert network.sent == [[GET] * 7], network.sent
            # The seventh, of half a minute, would end too late.
            assert network.pauses == [511, 1022, 2044, 4088, 8176, 16352]


def test_pauses_are_random_from_nothing_to_their_longest():
    script = [REQUEST, error("504 Gateway Timeout", "DEADLINE_EXCEEDED", "late")] * 3 + [REQUEST, GOOD]
    with Dice() as dice, Network(script):
        firestore(timeouts=LONG).get("c/d")
    assert dice.bits == [9, 9, 9]
    seen = []
    for _ in range(4):
        with Network(script) as network:
            firestore(timeouts=LONG).get("c/d")
            seen.append(tuple(network.pauses))
            assert sum(network.pauses) <= 511 + 1022 + 2044
    # Four times the same three numbers of nine bits are no chance.
    assert len(set(seen)) > 1


def test_no_pause_is_longer_than_half_a_minute():
    script = [REQUEST, error("500 Internal Server Error", "DATA_LOSS", "x")] * 9 + [REQUEST, GOOD]
    with Dice(), Network(script) as network:
        assert firestore(timeouts=timeouts(first_byte=60000, answer=600000)).get("c/d") == {}
    assert network.pauses[-3:] == [30000] * 3 and len(network.pauses) == 9


def test_the_deadline_of_the_answer_ends_the_tries():
    with Dice(), Network([REQUEST, error("504 Gateway Timeout", "DEADLINE_EXCEEDED", "late")]) as network:
        raises(Unavailable, firestore(timeouts=timeouts(answer=500)).get, "c/d")
    assert network.pauses == []


def test_a_server_that_recovers_gives_the_answer_of_the_last_try():
    busy = error("503 Service Unavailable", "UNAVAILABLE", "try later")
    with Dice(), Network([REQUEST, busy] * 4 + [REQUEST, GOOD]) as network:
        assert firestore(timeouts=LONG).get("c/d") == {}
    # Two by whoever exchanges requests, and then those of the policy.
    assert network.pauses == [511, 1022, 511, 511]
    assert network.sent == [[GET] * 5]


def test_a_503_is_repeated_for_every_write_since_it_was_not_attempted():
    busy = error("503 Service Unavailable", "UNAVAILABLE", "try later")
    with Dice(), Network([REQUEST, busy] * 4 + [REQUEST, WRITTEN]) as network:
        assert firestore(timeouts=LONG).update("c/d", {"n": flamelet.increment(1)}) == TIME
    assert len(set(network.sent[0])) == 1 and len(network.sent[0]) == 5


# once


def test_an_internal_and_an_unknown_error_are_repeated_once():
    for canonical in ("INTERNAL", "UNKNOWN"):
        trouble = error("500 Internal Server Error", canonical, "An error occurred.")
        with Dice(), Network([REQUEST, trouble] * 2) as network:
            found = raises(Unavailable, firestore(timeouts=LONG).get, "c/d")
        assert (found.code, found.action, found.retry) == (canonical, "once", True)
        assert network.sent == [[GET] * 2] and network.pauses == [511]
        with Network([REQUEST, trouble, REQUEST, GOOD]):
            assert firestore(timeouts=LONG).get("c/d") == {}


# transaction


def test_a_write_outside_of_a_transaction_that_was_aborted_is_repeated_even_if_it_adds_up():
    aborted = error("409 Conflict", "ABORTED", "Transaction lock timeout.")
    with Dice(), Network([REQUEST, aborted] * 2 + [REQUEST, WRITTEN]) as network:
        assert firestore(timeouts=LONG).update("c/d", {"n": flamelet.increment(1)}) == TIME
    assert network.pauses == [511, 1022] and len(set(network.sent[0])) == 1


# quota


def test_where_the_quota_is_used_up_it_waits_longest_and_says_so():
    exceeded = error("429 Too Many Requests", "RESOURCE_EXHAUSTED", "Quota exceeded.")
    with Network([REQUEST, exceeded] * 2) as network:
        found = raises(ResourceExhausted, firestore(timeouts=LONG).get, "c/d")
    assert (found.code, found.action, found.text) == ("QUOTA_EXCEEDED", "quota", "Quota exceeded.")
    assert network.pauses == [30000] and "quota is used up" in str(found) and found.retry
    # Where there is no time for that, at once.
    with Network([REQUEST, exceeded]) as network:
        raises(ResourceExhausted, firestore(timeouts=timeouts(answer=20000)).get, "c/d")
    assert network.pauses == []


def test_each_action_of_the_table_is_one_of_those_that_are_tested_here():
    actions = {row.split("|")[4] for row in answers.TABLE.strip().split("\n")}
    assert actions == {"never", "backoff", "once", "transaction", "quota"}


# Bodies.


def test_a_plain_error_body_and_a_page_are_told_too():
    plain = answer('{"error":"Permission denied"}', "403 Forbidden")
    with Network([REQUEST, plain]):
        assert raises(PermissionDenied, firestore().get, "c/d").text == "Permission denied"
    for body in ("<html>Forbidden</html>", "", "[]", "[1,2]", "null", '{"error":{}}', '{"error":{"message":5}}'):
        with Network([REQUEST, answer(body, "403 Forbidden")]):
            found = raises(PermissionDenied, firestore().get, "c/d")
        assert found.code == "PERMISSION_DENIED"


def test_an_error_body_of_more_than_two_kilobytes_keeps_all_of_its_words():
    message = "long " * 1000
    for wrapped in (False, True):
        with Network([REQUEST, error("400 Bad Request", "INVALID_ARGUMENT", message, wrapped)]):
            assert raises(BadRequest, firestore().get, "c/d").text == message


def test_a_page_of_an_error_that_is_larger_than_memory_is_read_past():
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1000000\r\n\r\n"
    with Network([REQUEST, head] + [b"x" * 5000] * 200 + [REQUEST, GOOD]) as network:
        fs = firestore(timeouts=LONG)
        assert fs.get("c/d") == {}
        assert len(network.pauses) <= 1 and len(network.sent) == 1


def test_the_link_that_creates_an_index_is_kept_as_it_came():
    for wrapped in (False, True):
        with Network([REQUEST, error("400 Bad Request", "FAILED_PRECONDITION", INDEX, wrapped)]) as network:
            query = firestore().query("c").where("a", "==", 1).order_by("b")
            found = raises(PreconditionFailed, list, query)
        assert found.text == INDEX and INDEX in str(found) and len(network.sent[0]) == 1
        assert (found.code, found.action) == ("INDEX_MISSING", "never")


# Lost answers.


def lost():
    """What a server may do instead of an answer, once it has the request."""
    return ([REQUEST, b""], [REQUEST, reset()], [REQUEST, b"HTTP/1.1 200 OK\r\nContent-Le", b""])


def test_a_write_that_may_be_done_twice_is_repeated_after_a_lost_answer():
    for end in lost():
        with Network(end, [REQUEST, WRITTEN]) as network:
            assert firestore().set("c/d", {"a": flamelet.maximum(1)}) == TIME
        assert network.sent[0] == network.sent[1]


def test_a_write_that_may_not_be_done_twice_is_in_doubt_after_a_lost_answer():
    writes = (
        lambda fs: fs.update("c/d", {"n": flamelet.increment(1)}),
        lambda fs: fs.set("c/d", {}, exists=False),
        lambda fs: fs.set("c/d", {}, update_time=TIME),
        lambda fs: fs.delete("c/d", exists=True),
        lambda fs: fs.create("c", {}, "mine"),
    )
    for write in writes:
        for end in lost():
            with Network(end) as network:
                in_doubt(lambda: write(firestore()))  # noqa: B023
            assert len(network.sent) == 1


def test_a_write_that_may_not_be_done_twice_is_in_doubt_after_a_500_502_or_504():
    for status, canonical in (
        ("500 Internal Server Error", "INTERNAL"),
        ("500 Internal Server Error", "UNKNOWN"),
        ("502 Bad Gateway", ""),
        ("504 Gateway Timeout", "DEADLINE_EXCEEDED"),
    ):
        with Network([REQUEST, error(status, canonical, "x")]) as network:
            in_doubt(lambda: firestore(timeouts=LONG).update("c/d", {"n": flamelet.increment(1)}))
        assert network.pauses == [] and len(network.sent[0]) == 1


def test_a_batch_and_a_batch_write_with_one_write_that_adds_up_are_not_repeated():
    for method in ("commit", "batch_write"):
        with Network([REQUEST, b""]):
            fs = firestore()
            batch = fs.batch()
            batch.set("c/d", {})
            batch.update("c/d", {"n": flamelet.increment(1)})
            in_doubt(lambda: getattr(fs, method)(batch))  # noqa: B023


def test_what_could_not_be_sent_is_no_doubt():
    with Network([refused()]):
        error = raises(NetworkError, firestore().update, "c/d", {"n": flamelet.increment(1)})
    assert error.retry and not isinstance(error, OutcomeUnknown)


def test_a_server_that_never_answers_ends_by_the_deadline():
    with Network([CONNECTED, REQUEST]):
        raises(Timeout, firestore(timeouts=timeouts(first_byte=50)).get, "c/d")
    with Network([CONNECTED, REQUEST]):
        fs = firestore(timeouts=timeouts(first_byte=50))
        in_doubt(lambda: fs.update("c/d", {"n": flamelet.increment(1)}))


# create


def created(*scripts):
    """(what create came to, the network): an id made here, with these scripts."""
    with Network(*scripts) as network:
        return firestore(timeouts=LONG).create("c", {"a": 1}), network


def test_a_create_whose_answer_was_lost_knows_its_document_by_the_409():
    exists = [REQUEST, error("409 Conflict", "ALREADY_EXISTS", "Document already exists")]
    late = [REQUEST, error("504 Gateway Timeout", "DEADLINE_EXCEEDED", "late")]
    for scripts in [(end, exists) for end in lost()] + [(late + exists,)]:
        id, network = created(*scripts)
        sent = [data for connection in network.sent for data in connection]
        more = ',"currentDocument":{"exists":false}'
        assert sent == [commit(update("c/" + id, '{"a":{"integerValue":"1"}}', more))] * 2


def test_a_create_whose_request_was_lost_is_made_by_the_repeat():
    id, network = created([REQUEST, b""], [REQUEST, WRITTEN])
    assert len(id) == 20 and network.sent[0] == network.sent[1]


def test_a_create_that_stays_in_doubt_says_so():
    denied = error("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient permissions.")
    # An address that is known and refuses is looked up once more.
    for more in ([[REQUEST, b""]], [[refused()], [refused()]], [[REQUEST, denied]]):
        with Network([REQUEST, b""], *more):
            in_doubt(lambda: firestore().create("c", {}))


def test_a_create_whose_id_is_taken_is_an_error():
    exists = error("409 Conflict", "ALREADY_EXISTS", "Document already exists: c/mine")
    for id in ("mine", ""):
        with Network([REQUEST, exists]):
            assert raises(AlreadyExists, firestore().create, "c", {}, id).text.endswith("c/mine")


# 401


def healed(ask, good):
    """What `ask(fs)` gives where the first token has ended; the requests before and after the renewal."""
    mine = token()
    old = mine.text
    with Network([REQUEST, answer(EXPIRED, "401 Unauthorized")], [REQUEST, renewal(2)], [REQUEST, good]) as network:
        result = ask(firestore(mine))
    assert [address[0] for address in network.connected] == [HOST, "securetoken.googleapis.com", HOST]
    assert network.sent[1] == [question()]
    [first], [second] = network.sent[0], network.sent[2]
    assert second == first.replace(old.encode(), id_token(2).encode()) != first
    assert second.count(id_token(2).encode()) == 1 and b"Authorization: Bearer " + id_token(2).encode() in second
    return result


def test_a_401_is_healed_by_a_renewal_and_the_header_is_replaced():
    assert healed(lambda fs: fs.get("c/d", mask=("a",)), GOOD) == {}
    assert healed(lambda fs: fs.set("c/d", {"a": "Authorization: Bearer x"}), WRITTEN) == TIME
    # It was refused, so nothing was added.
    assert healed(lambda fs: fs.update("c/d", {"n": flamelet.increment(1)}), WRITTEN) == TIME
    assert len(healed(lambda fs: fs.create("c", {}), WRITTEN)) == 20
    assert healed(lambda fs: list(fs.list("c")), answer("{}")) == []


def test_a_401_of_a_query_is_healed_too():
    expired = answer(EXPIRED, "401 Unauthorized")
    with Network([REQUEST, expired], [REQUEST, renewal(2)], [REQUEST, answer("[]")]) as network:
        assert list(firestore(token()).query("c")) == []
    assert id_token(2).encode() in network.sent[2][0] and network.sent[1] == [question()]


def test_an_oauth_token_that_has_ended_says_to_mint_and_nobody_asks_for_a_while():
    with Network([REQUEST, answer(EXPIRED, "401 Unauthorized")]) as network:
        fs = firestore(ACCESS_TOKEN)
        for _ in range(10):
            found = raises(Unauthenticated, fs.get, "c/d")
            assert "mint a new token" in str(found) and "ya29.secret" not in str(found)
        network.scripts.append([REQUEST, GOOD])
        network.skip(61 * 1000)
        assert fs.get("c/d") == {}


def test_a_refusal_by_the_rules_renews_nothing():
    denied = error("403 Forbidden", "PERMISSION_DENIED", "Missing or insufficient permissions.")
    with Network([REQUEST, denied] * 20) as network:
        fs = firestore(token())
        for _ in range(20):
            raises(PermissionDenied, fs.get, "c/d")
    assert len(network.sent) == 1


def test_no_error_holds_the_token():
    for script in ([REQUEST, b""], [refused()], [REQUEST, error("400 Bad Request", "INVALID_ARGUMENT", "x")]):
        with Network(script):
            try:
                firestore(ACCESS_TOKEN).update("c/d", {"n": flamelet.increment(1)})
            except flamelet.FlameletError as found:
                assert "ya29" not in str(found) and "Bearer" not in str(found)
            else:
                raise AssertionError("it was not refused")


def test_the_requests_of_one_client_share_a_connection():
    with Network([REQUEST, GOOD, REQUEST, WRITTEN, REQUEST, answer("{}")]) as network:
        fs = firestore()
        fs.get("c/d")
        fs.set("c/d", {})
        list(fs.list("c"))
    assert len(network.sent[0]) == 3 and len(body_of(network.sent[0][1])["writes"]) == 1
