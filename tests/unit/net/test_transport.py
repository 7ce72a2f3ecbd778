"""Deadlines against a scripted server: nothing hangs, whatever it does not do."""

from flamelet.core.runtime import ticks_diff, ticks_ms
from flamelet.errors import NetworkError, OutcomeUnknown, Timeout

from helpers import raises
from scripted import CONNECTED, HOST, NO_CONTENT, REQUEST, Network, Take, answer, database, refused, timeouts

FOREVER = 60000


def times_out(network, call, earliest, latest, error=Timeout):
    """`call` raises `error` after `earliest` milliseconds and at most `latest` tries in silence; the error.

    A try takes a millisecond or more.
    """
    start, silence = ticks_ms(), network.silence
    raised = raises(error, call)
    elapsed, tries = ticks_diff(ticks_ms(), start), network.silence - silence
    assert earliest - 5 <= elapsed and tries <= latest, (elapsed, tries, raised)
    return raised


def test_a_connection_that_is_never_taken_ends_at_its_deadline():
    with Network([FOREVER], [REQUEST, answer("1")]) as network:
        db = database(timeouts=timeouts(connect=60))
        error = times_out(network, lambda: db.get("a"), 60, 600)
        assert HOST in str(error) and error.retry
        assert network.closed == [True]
        # DNS is asked again: the address may have changed.
        assert db.get("a") == 1


def test_remembered_addresses_and_those_of_dns_share_one_deadline():
    with Network([REQUEST, answer("1", headers="Connection: close\r\n")], [FOREVER], [FOREVER]) as network:
        db = database(timeouts=timeouts(connect=60))
        db.get("a")
        # One try in silence takes a millisecond or more: two deadlines would take 120.
        times_out(network, lambda: db.get("a"), 60, 60)
        assert len(network.connected) == 3 and network.lookups == [HOST, HOST]


def test_every_address_is_tried_within_the_deadline():
    with Network([refused()], [FOREVER], [REQUEST, answer("1")]) as network:
        network.addresses[HOST] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
        assert database(timeouts=timeouts(connect=100)).get("a") == 1
        assert network.connected == [("10.0.0.1", 443), ("10.0.0.2", 443), ("10.0.0.3", 443)]
        assert network.closed == [True, True, False]


def test_where_no_address_answers_the_last_reason_is_told():
    with Network([refused()], [refused()]) as network:
        network.addresses[HOST] = ["10.0.0.1", "10.0.0.2"]
        error = raises(NetworkError, database().get, "a")
        assert error.retry and "%s:443" % HOST in str(error) and "refused" in str(error).lower(), error


def test_a_host_that_dns_does_not_know_is_named():
    with Network([REQUEST, answer("1")]) as network:
        network.addresses[HOST] = OSError(-2, "Name or service not known")
        db = database()
        error = raises(NetworkError, db.get, "a")
        assert error.retry and HOST in str(error) and "DNS" in str(error), error
        del network.addresses[HOST]
        assert db.get("a") == 1


def test_a_host_without_an_address_is_named():
    with Network() as network:
        network.addresses[HOST] = []
        error = raises(NetworkError, database().get, "a")
        assert HOST in str(error), error


def test_a_new_address_is_found_where_the_remembered_one_is_gone():
    with Network([REQUEST, answer("1"), b""], [refused()], [REQUEST, answer("2")]) as network:
        network.addresses[HOST] = ["10.0.0.1"]
        db = database()
        db.get("a")
        network.addresses[HOST] = ["10.0.0.2"]
        assert db.get("a") == 2
        assert network.connected == [("10.0.0.1", 443), ("10.0.0.1", 443), ("10.0.0.2", 443)]
        assert network.lookups == [HOST, HOST]


def test_dns_that_fails_does_not_matter_while_the_remembered_address_answers():
    with Network([REQUEST, answer("1"), b""], [REQUEST, answer("2")]) as network:
        db = database()
        db.get("a")
        network.addresses[HOST] = OSError(-2, "no DNS")
        assert db.get("a") == 2
        assert network.lookups == [HOST]


def test_a_handshake_that_never_ends_meets_its_deadline():
    # On CPython it is the handshake that comes to nothing, on MicroPython the first write, which does it.
    with Network([None, CONNECTED, FOREVER], [REQUEST, answer("1")]) as network:
        db = database(timeouts=timeouts(handshake=60))
        times_out(network, lambda: db.set("n", {".sv": {"increment": 1}}), 60, 600)
        assert network.closed == [True] and network.sent == [[]]
        assert db.get("a") == 1


def test_a_first_byte_that_never_comes_meets_its_deadline():
    with Network([REQUEST, FOREVER], [REQUEST, answer("1")]) as network:
        db = database(timeouts=timeouts(first_byte=60))
        error = times_out(network, lambda: db.get("a"), 60, 600)
        assert "GET /a.json" in str(error) and HOST in str(error)
        assert network.closed == [True]
        assert db.get("a") == 1
        assert network.pauses == []


def test_a_late_answer_to_an_increment_may_have_happened():
    with Network([REQUEST, FOREVER]) as network:
        db = database(timeouts=timeouts(first_byte=60))
        times_out(network, lambda: db.set("n", {".sv": {"increment": 1}}), 60, 600, OutcomeUnknown)


def test_a_silent_connection_that_was_reused_is_tried_anew_once():
    # As after a change of the network: the old connection is dead, and nobody said so.
    with Network([REQUEST, answer("1"), REQUEST, FOREVER], [REQUEST, answer("2")]):
        db = database(timeouts=timeouts(first_byte=60))
        db.get("a")
        assert db.get("a") == 2
    with Network([REQUEST, answer("1"), REQUEST, FOREVER], [REQUEST, FOREVER]) as network:
        db = database(timeouts=timeouts(first_byte=60))
        db.get("a")
        times_out(network, lambda: db.get("a"), 120, 900)


def trickle(pieces):
    script = [REQUEST]
    for piece in pieces:
        script.append(10)
        script.append(piece)
    return script


def test_a_whole_answer_that_trickles_meets_its_deadline():
    body = [b"1"] * 500
    with Network(
        trickle([b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"] + body), [REQUEST, answer("1")]
    ) as network:
        db = database(timeouts=timeouts(answer=150))
        times_out(network, lambda: db.get("a"), 150, 800)
        assert network.closed == [True]
        assert db.get("a") == 1


def test_a_head_that_trickles_and_one_of_1xx_meet_the_deadline():
    for piece in (b"X", b"HTTP/1.1 100 Continue\r\n\r\n"):
        pieces = [b"HTTP/1.1 200 OK\r\nX: "] + [piece] * 500 if piece == b"X" else [piece] * 500
        with Network(trickle(pieces)) as network:
            db = database(timeouts=timeouts(answer=150))
            times_out(network, lambda db=db: db.get("a"), 150, 800)


def test_a_server_that_does_not_take_the_request_meets_the_deadline():
    with Network([Take(3), FOREVER]) as network:
        times_out(network, lambda: database(timeouts=timeouts(first_byte=60)).set("a", 1), 60, 600)
        assert network.closed == [True]


def test_a_server_that_takes_the_request_byte_by_byte_meets_the_deadline():
    script = []
    for _ in range(200):
        script.append(10)
        script.append(Take(1))
    with Network(script) as network:
        db = database(timeouts=timeouts(answer=150))
        times_out(network, lambda: db.set("a", "x" * 1000), 150, 800)
        assert 3 < len(network.sent[0]) < 50


def test_a_slow_answer_within_the_deadlines_is_read():
    with Network(trickle([NO_CONTENT[:3], NO_CONTENT[3:-1], NO_CONTENT[-1:]])):
        database(timeouts=timeouts(first_byte=200)).set("a", 1)


def test_a_feed_meets_the_same_deadlines():
    with Network([REQUEST, NO_CONTENT, REQUEST, FOREVER], [REQUEST, FOREVER]) as network:
        feed = database(timeouts=timeouts(first_byte=60)).feed("t", (("a", 0),))
        feed.push(1)
        times_out(network, lambda: feed.push(2), 120, 900)
        assert feed.pending
        assert network.sent[0][1] == network.sent[1][0]
