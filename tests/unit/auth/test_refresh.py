"""Renewing tokens against a scripted server: when it is asked, how often, and what becomes of what waits for it."""

import asyncio
import json
import os

from flamelet import Token, aio
from flamelet.core import push_id
from flamelet.errors import (
    NetworkError,
    OutcomeUnknown,
    PermissionDenied,
    ProtocolError,
    TLSError,
    Unauthenticated,
    Unavailable,
)

from clock import Clock, make_key
from helpers import raises
from scripted import (
    CONNECTED,
    HOST,
    NO_CONTENT,
    REQUEST,
    URL,
    Network,
    answer,
    database,
    get,
    put,
    refused,
    reset,
    timeouts,
)
from tokens import id_token, question, refusal, renewal, token

HEAP = "1m"
TOKEN_HOST = "securetoken.googleapis.com"


def expired(text="Auth token is expired"):
    return answer('{\n  "error" : "%s"\n}\n' % text, "401 Unauthorized")


def auth(number):
    return "auth=" + id_token(number)


def with_auth(number, path="/a.json"):
    return get("%s?%s" % (path, auth(number)))


def hosts(network):
    return [address[0] for address in network.connected]


def test_a_token_that_is_due_is_renewed_before_the_request_is_sent():
    with Network([REQUEST, renewal(2)], [REQUEST, answer("5")]) as network:
        assert database(token(left=0)).get("a") == 5
    assert network.sent == [[question()], [with_auth(2)]]
    assert hosts(network) == [TOKEN_HOST, HOST] == network.verified


def test_a_token_that_serves_is_not_renewed():
    with Network([REQUEST, answer("5")]) as network:
        assert database(token(left=3600)).get("a") == 5
    assert len(network.sent) == 1


def test_it_is_renewed_a_while_before_it_ends_by_the_ticks():
    mine = token(left=0)
    script = [REQUEST, answer("1")] * 2
    with Network([REQUEST, renewal(2)], script, [REQUEST, renewal(3)], [REQUEST, answer("2")]) as network:
        db = database(mine)
        assert db.get("a") == 1
        network.skip(3200 * 1000)
        assert db.get("a") == 1
        network.skip(101 * 1000)
        assert db.get("a") == 2
    assert network.sent[1:] == [[with_auth(2)] * 2, [question()], [with_auth(3)]]


def test_after_a_401_that_blames_the_token_it_is_renewed_and_the_request_is_repeated_once():
    for text in ("Auth token is expired", "Could not parse auth token.", "Missing claim 'kid' in auth header."):
        mine = token()
        old = mine.parameter
        with Network([REQUEST, expired(text)], [REQUEST, renewal(2)], [REQUEST, NO_CONTENT]) as network:
            database(mine).set("a", {"b": 1})
        target = "/a.json?print=silent&"
        assert network.sent == [[put(target + old, '{"b":1}')], [question()], [put(target + auth(2), '{"b":1}')]]


def test_what_cannot_be_repeated_is_repeated_after_a_401_too():
    script = [REQUEST, renewal(2)], [REQUEST, answer('{"name":"k"}'), REQUEST, b""]
    with Network([REQUEST, expired()], *script):
        db = database(token())
        assert db.push("a", 1, server_key=True) == "k"
        raises(OutcomeUnknown, lambda: db.push("a", 1, server_key=True))


def test_a_new_token_that_is_refused_too_ends_it_and_nobody_asks_for_a_while():
    with Network([REQUEST, expired()], [REQUEST, renewal(2)], [REQUEST, expired()]) as network:
        db = database(token())
        error = raises(Unauthenticated, db.get, "a")
        assert error.text == "Auth token is expired" and "mint a new token" in str(error)
        for _ in range(50):
            raises(Unauthenticated, db.get, "a")
        assert len(network.connected) == 3
        # A minute later it tries again.
        network.scripts += [[REQUEST, renewal(3)], [REQUEST, answer("1")]]
        network.skip(61 * 1000)
        assert db.get("a") == 1


def test_a_hundred_refusals_by_the_rules_renew_nothing():
    denied = answer('{"error":"Permission denied"}', "401 Unauthorized")
    mine = token()
    with Network([REQUEST, denied] * 200) as network:
        db = database(mine)
        feed = db.feed("t", (("x", 0),))
        for i in range(100):
            raises(PermissionDenied, db.get, "a")
            raises(PermissionDenied, feed.push, i)
    assert len(network.sent) == 1 and len(network.sent[0]) == 200


def test_a_refused_refresh_token_says_what_to_do_and_is_not_asked_again_for_a_while():
    for message, advice in (
        ("TOKEN_EXPIRED", "mint"),
        ("USER_DISABLED", "enable"),
        ("USER_NOT_FOUND", "mint"),
        ("INVALID_REFRESH_TOKEN", "mint"),
        ("API key not valid. Please pass a valid API key.", "api_key"),
    ):
        with Network([REQUEST, refusal(message)]) as network:
            db = database(token(left=0))
            for _ in range(50):
                error = raises(Unauthenticated, db.get, "a")
                assert error.text == message and advice in str(error), error
                assert "the-key" not in str(error) and "refresh-1" not in str(error)
            assert len(network.connected) == 1
            network.scripts += [[REQUEST, renewal(2)], [REQUEST, answer("1")]]
            network.skip(61 * 1000)
            assert db.get("a") == 1


def test_while_the_old_token_serves_a_renewal_that_fails_disturbs_nobody():
    for trouble in ([refused()], [REQUEST, reset()], [REQUEST, answer("{}", "500 Oh")], [REQUEST, answer("<html>")]):
        with Network() as network:
            network.scripts += [[REQUEST, answer("1")]]
            mine = token(left=3600)
            old = mine.parameter
            db = database(mine)
            assert db.get("a") == 1
            network.skip(3400 * 1000)
            # Three tries where that may help; then the request goes out with what there is.
            count = 1 if trouble[-1] == answer("<html>") else 3
            network.scripts += [list(trouble) for _ in range(count)]
            if trouble[0] is not REQUEST:
                # DNS is asked again, and its address is tried.
                network.scripts += [list(trouble)] * 2
            network.scripts += [[REQUEST, answer("2")] * 2]
            assert db.get("a") == 2 and db.get("a") == 2
            assert network.sent[-1] == [get("/a.json?" + old)] * 2
            network.skip(40 * 1000)
            network.scripts += [[REQUEST, renewal(2)], [REQUEST, answer("3")]]
            assert db.get("a") == 3


def test_when_the_token_has_ended_the_failure_of_its_renewal_is_told():
    for trouble, kind, count in (
        # DNS is asked again, and its address is tried.
        ([refused()], NetworkError, 5),
        ([REQUEST, answer("{}", "500 Oh")], Unavailable, 3),
        ([REQUEST, answer("<html>")], ProtocolError, 1),
        ([REQUEST, answer('{"id_token":"x"}')], ProtocolError, 1),
        ([CONNECTED, OSError("self-signed certificate")], TLSError, 1),
        ([CONNECTED, reset()], TLSError, 3),
    ):
        with Network() as network:
            network.scripts += [list(trouble) for _ in range(count)]
            db = database(token(left=0))
            error = raises(kind, db.get, "a")
            assert "refresh-1" not in str(error) and "the-key" not in str(error)
            network.scripts += [[REQUEST, renewal(2)], [REQUEST, answer("1")]]
            assert db.get("a") == 1


def test_a_feed_renews_its_token_and_writes_each_reading_once():
    mine = token()
    with Network([REQUEST, NO_CONTENT] * 2, [REQUEST, renewal(2)], [REQUEST, NO_CONTENT] * 2) as network:
        feed = database(mine).feed("t", (("x", 0),))
        feed.push(1)
        feed.push(2)
        network.skip(3599 * 1000)
        feed.push(3)
        feed.push(4)
    assert [request.rsplit(b"\r\n\r\n")[1] for request in network.sent[0] + network.sent[2]] == [
        b'{"x":%d}' % i for i in (1, 2, 3, 4)
    ]
    assert all(auth(2).encode() in request for request in network.sent[2])


def test_a_reading_that_meets_an_ended_token_arrives_under_its_key():
    mine = token()
    scripts = [REQUEST, NO_CONTENT, REQUEST, expired()], [REQUEST, renewal(2)], [REQUEST, NO_CONTENT] * 2
    with Network(*scripts) as network:
        feed = database(mine).feed("t", (("x", 0),))
        feed.push(1)
        feed.push(2)
        key = feed.key
        assert not feed.pending
        feed.push(3)
    first, second = network.sent[0][1], network.sent[2][0]
    assert key.encode() in first and key.encode() in second and auth(2).encode() in second
    assert first.endswith(b'{"x":2}') and second.endswith(b'{"x":2}')
    assert [len(requests) for requests in network.sent] == [2, 1, 2]


def test_a_refresh_token_that_changes_is_used_from_then_on():
    mine = token(left=0)
    first = [REQUEST, renewal(2, 3600, "refresh-2")], [REQUEST, answer("1")]
    with Network(*first, [REQUEST, renewal(3)], [REQUEST, answer("2")]) as network:
        db = database(mine)
        assert db.get("a") == 1
        network.skip(3600 * 1000)
        assert db.get("a") == 2
    assert network.sent[2] == [question("refresh-2")]


def test_one_token_of_two_clients_is_renewed_once():
    mine = token()
    scripts = [[REQUEST, answer("1")], [REQUEST, renewal(2)], [REQUEST, answer("2")], [REQUEST, answer("3")]]
    with Network(*scripts) as network:
        one = database(mine)
        other = database(mine)
        assert one.get("a") == 1
        network.skip(3600 * 1000)
        assert one.get("a") == 2
        assert other.get("a") == 3
    assert hosts(network) == [HOST, TOKEN_HOST, HOST, HOST]


def test_an_access_token_that_has_ended_says_mint_again_and_is_not_sent_for_a_while():
    with Network([REQUEST, expired("Unauthorized request."), REQUEST, answer("1")]) as network:
        db = database("ya29.x")
        for _ in range(20):
            error = raises(Unauthenticated, db.get, "a")
            assert "mint" in str(error) and "firebase.database" in str(error)
        network.skip(61 * 1000)
        assert db.get("a") == 1
    assert len(network.sent[0]) == 2


def test_a_clock_that_was_never_set_counts_from_the_start_and_is_mended_by_the_answer():
    date = "Date: Sat, 21 Nov 2026 13:48:27 GMT\r\n"
    with Clock(epoch=0) as clock:
        from flamelet.auth import credential
        from flamelet.core import clock as _date

        kept = credential.epoch_ms
        credential.epoch_ms = _date.epoch_ms = lambda: clock.epoch
        try:
            mine = token(left=-3600)
            # By the clock of 1970 nobody can say: it is taken for new, and the server knows better.
            assert not mine.is_due()
            scripts = [REQUEST, expired()], [REQUEST, renewal(2, headers=date)], [REQUEST, answer("1")]
            with Network(*scripts):
                assert database(mine).get("a") == 1
            assert abs(push_id.offset[0] - 1795268907000) < 1000
        finally:
            credential.epoch_ms = _date.epoch_ms = kept


def test_tasks_that_wait_for_a_token_share_one_renewal():
    async def together(mine):
        one = aio.Database(URL, mine, timeouts=timeouts())
        other = aio.Database(URL, mine, timeouts=timeouts())
        return await asyncio.gather(one.get("a"), other.get("a"), one.get("a"))

    mine = token(left=0)
    with Network([REQUEST, renewal(2)]) as network:
        network.endless = [REQUEST, answer("1")] * 3
        assert asyncio.run(together(mine)) == [1, 1, 1]
    assert hosts(network).count(TOKEN_HOST) == 1


def test_a_token_is_renewed_where_the_file_says():
    mine = token(left=0, token_uri="http://127.0.0.1:9099/securetoken.googleapis.com/v1/token")
    with Network([REQUEST, renewal(2)], [REQUEST, answer("1")]) as network:
        assert database(mine).get("a") == 1
    assert network.sent[0][0].startswith(
        b"POST /securetoken.googleapis.com/v1/token?key=the-key HTTP/1.1\r\nHost: 127.0.0.1:9099\r\n"
    )
    assert hosts(network) == ["127.0.0.1", HOST]


def test_a_redirected_request_goes_where_it_was_with_its_new_token():
    moved = b"HTTP/1.1 307 Moved\r\nLocation: https://s-1.firebaseio.com/a.json?ns=demo\r\nContent-Length: 0\r\n\r\n"
    scripts = [REQUEST, moved], [REQUEST, expired()], [REQUEST, renewal(2)], [REQUEST, answer("1")]
    with Network(*scripts) as network:
        assert database(token()).get("a") == 1
    assert hosts(network) == [HOST, "s-1.firebaseio.com", TOKEN_HOST, "s-1.firebaseio.com"]
    assert network.sent[3] == [get("/a.json?ns=demo&" + auth(2), "s-1.firebaseio.com")]


def test_within_a_budget_of_one_the_renewal_takes_the_place_of_the_connection():
    with Network([REQUEST, answer("1")], [REQUEST, renewal(2)], [REQUEST, answer("2")]) as network:
        db = database(token(), budget=1)
        assert db.get("a") == 1
        network.skip(3600 * 1000)
        assert db.get("a") == 2
    assert network.closed == [True, True, False]


def test_a_bare_token_without_its_refresh_token_is_never_renewed():
    with Network([REQUEST, expired()]) as network:
        db = database(Token(id_token(1)))
        assert "mint" in str(raises(Unauthenticated, db.get, "a"))
    assert len(network.connected) == 1


def test_a_renewal_is_saved_and_a_flash_that_fails_disturbs_nobody():
    name = "%s/flamelet-test%s.json" % (os.getenv("TMPDIR") or "/tmp", make_key())
    content = {"id_token": id_token(1), "refresh_token": "refresh-1", "api_key": "the-key"}
    with open(name, "w") as file:
        json.dump(content, file)
    mine = Token.load(name)
    _, base, number = mine.file
    scripts = []
    for i in range(2, 6):
        scripts += [[REQUEST, renewal(i)], [REQUEST, answer("1")]]
    with Network(*scripts) as network:
        db = database(mine)
        for i in range(2, 6):
            if i == 3:
                mine.file = "/nowhere/token.json", base, number
            elif i == 4:
                mine.file = name, base, number
            network.skip(3600 * 1000)
            assert db.get("a") == 1
            assert isinstance(mine.unsaved, OSError) == (i == 3)
            assert Token.load(name).text == id_token(2 if i == 3 else i)
            number = mine.file[2]
    for suffix in ("", ".0", ".1"):
        os.remove(name + suffix)


def test_an_answer_is_read_cut_anywhere_and_in_any_order():
    text = id_token(2)
    content = '{ "expires_in" : "3600",\n  "a_key_that_is_longer_than_others": "x", "id_token":"%s",' % text
    content += '"another_key_that_is_long":"id_token","id":"","refresh_token": "refresh-1", "user_id":"id_token" }'
    whole = answer(content)
    body_at = whole.find(b"\r\n\r\n") + 4
    cuts = [[whole[:at], whole[at:]] for at in range(body_at, len(whole), 7)]
    cuts.append([whole[at : at + 1] for at in range(len(whole))])
    for pieces in cuts:
        with Network([REQUEST] + pieces, [REQUEST, answer("1")]):
            mine = token(left=0)
            assert database(mine).get("a") == 1
            assert (mine.text, mine.refresh_token) == (text, "refresh-1")


def test_an_answer_that_holds_no_token_is_refused_and_the_old_one_stays():
    good = '"id_token":"%s","refresh_token":"r","expires_in":"3600"' % id_token(2)
    for content in (
        "{}",
        "",
        "<html>",
        '{"id_token":5}',
        "{%s}" % good.replace("3600", "soon"),
        "{%s}" % good.replace("refresh_token", "other"),
        "{%s}" % good.replace('"r"', '"a b"'),
        "{%s}" % good.replace('"r"', '"a\\\\b"'),
        '{"id_token":"%s"}' % ("x" * 9000),
        b'{"id_token":"eyJ\xff"}',
        b'{"id\xff":"x"}',
    ):
        with Network([REQUEST, answer(content)], [REQUEST, renewal(2)], [REQUEST, answer("1")]):
            mine = token(left=0)
            old = mine.text
            db = database(mine)
            raises(ProtocolError, db.get, "a")
            assert mine.text == old
            assert db.get("a") == 1


def test_a_stream_whose_token_is_revoked_moves_to_a_new_one():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    first = b'event: put\ndata: {"path":"/","data":1}\n\n'
    revoked = b"event: auth_revoked\ndata: credential is no longer valid\n\n"
    mine = token()
    scripts = [REQUEST, head, first, revoked, b""], [REQUEST, renewal(2)], [REQUEST, head, first]
    with Network(*scripts) as network, database(mine).listen("c") as stream:
        assert stream.next().data == 1
        event = stream.next()
        assert event.data == 1 and event.snapshot
    assert network.sent[1] == [question()]
    assert auth(2).encode() in network.sent[2][0]


def test_a_stream_whose_token_was_renewed_meanwhile_needs_no_other():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    first = b'event: put\ndata: {"path":"/","data":1}\n\n'
    revoked = b"event: auth_revoked\ndata: credential is no longer valid\n\n"
    mine = token()
    waits = [REQUEST, head, first, 100, revoked, b""]
    scripts = waits, [REQUEST, renewal(2)], [REQUEST, answer("5")], [REQUEST, head, first]
    with Network(*scripts) as network, database(mine) as db:
        stream = db.listen("c")
        assert stream.next().data == 1
        network.skip(3599 * 1000)
        assert db.get("a") == 5
        assert stream.next().data == 1
    assert hosts(network).count(TOKEN_HOST) == 1


def test_a_stream_that_is_refused_with_a_new_token_too_ends_with_the_words_of_the_server():
    scripts = [REQUEST, expired()], [REQUEST, renewal(2)], [REQUEST, expired()]
    with Network(*scripts), database(token()).listen("c") as stream:
        error = raises(Unauthenticated, stream.next)
        assert error.text == "Auth token is expired"


def test_a_walk_renews_its_token():
    scripts = [REQUEST, expired()], [REQUEST, renewal(2)], [REQUEST, answer('{"a":1}')]
    with Network(*scripts):
        assert list(database(token()).walk("users", "*")) == [("a", 1)]
