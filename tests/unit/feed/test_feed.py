"""A feed against a scripted server: the bytes of its requests, its keys, and what it does when they get lost."""

import flamelet
from flamelet.errors import NetworkError, PermissionDenied, ProtocolError, Unavailable

from helpers import raises
from scripted import HOST, NO_CONTENT, REQUEST, Network, answer, broken_pipe, database, refused, reset

FIELDS = (("temp", 1), ("hum", 0), ("rssi", 0))


def request(feed, body, key=None, parameters="print=silent"):
    """What a push should send; the length has room for six digits."""
    head = "PUT /t/%s.json?%s HTTP/1.1\r\nHost: %s\r\nContent-Length:%-6d\r\n\r\n"
    return (head % (key or feed.key, parameters, HOST, len(body)) + body).encode()


def bodies(network):
    return [data.split(b"\r\n\r\n", 1)[1].decode() for data in network.sent[0]]


def test_a_reading_is_one_put_under_a_new_key_in_one_write():
    with Network([REQUEST, NO_CONTENT] * 3) as network:
        feed = database(token={"database_secret": "secret"}).feed("/t/", FIELDS)
        keys = []
        for _ in range(3):
            assert feed.push(21.5, 40, -61) is None
            keys.append(feed.key)
            assert not feed.pending
    parameters = "print=silent&auth=secret"
    assert network.sent == [[request(feed, '{"temp":21.5,"hum":40,"rssi":-61}', key, parameters) for key in keys]]
    assert sorted(set(keys)) == keys and all([len(key) == 20 for key in keys])
    assert network.connected == [(HOST, 443)]


def test_each_kind_of_number_is_written_as_json():
    rows = (
        ((0, 0), '{"a":0,"b":0}'),
        ((-1, 7), '{"a":-1,"b":7}'),
        ((1234567890, -1234567890), '{"a":1234567890,"b":-1234567890}'),
        ((0x7FFFFFFFFFFFFFFF, -0x8000000000000000), '{"a":9223372036854775807,"b":-9223372036854775808}'),
        ((None, True), '{"a":null,"b":true}'),
        ((False, None), '{"a":false,"b":null}'),
        ((1.25, -0.5), '{"a":1.25,"b":0}'),
        ((0.0, 2.75), '{"a":0.00,"b":3}'),
        ((-12.625, 1e9), '{"a":-12.62,"b":1000000000}'),
    )
    with Network([REQUEST, NO_CONTENT] * len(rows)) as network:
        feed = database().feed("t", (("a", 2), ("b", 0)))
        for row, _ in rows:
            feed.push(*row)
    assert bodies(network) == [body for _, body in rows]
    for data in network.sent[0]:
        head, body = data.split(b"\r\n\r\n", 1)
        assert int(head.split(b"Content-Length:")[1]) == len(body)


def test_a_length_that_changes_its_digits_leaves_nothing_behind():
    values = (1, 123456789012, 1, -5, 99)
    with Network([REQUEST, NO_CONTENT] * len(values)) as network:
        feed = database().feed("t", (("a", 0),))
        for i in range(len(values)):
            feed.push(values[i])
            assert network.sent[0][i] == request(feed, '{"a":%d}' % values[i])


def test_field_names_may_be_any_key():
    with Network([REQUEST, NO_CONTENT]) as network:
        database().feed("t", (("\u00e9 '", 0), (" ", 0))).push(1, 2)
    assert bodies(network) == ['{"\u00e9 \'":1," ":2}']


def test_push_row_sends_a_list_or_a_tuple():
    with Network([REQUEST, NO_CONTENT] * 2) as network:
        feed = database().feed("t", FIELDS)
        row = [1, 2, 3]
        feed.push_row(row)
        row[0] = 4
        feed.push_row(tuple(row))
    assert bodies(network) == ['{"temp":1,"hum":2,"rssi":3}', '{"temp":4,"hum":2,"rssi":3}']


def test_push_many_is_one_patch_with_a_key_for_each_reading():
    with Network([REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 1), ("b", 0)))
        assert feed.push_many([(1.5, 2), [None, -3]]) == 2
        assert feed.push_many([]) == 0
        assert feed.push_many(()) == 0
    [[data]] = network.sent
    head, body = data.decode().split("\r\n\r\n", 1)
    first, second = body[2:22], body[body.index("},") + 3 : body.index("},") + 23]
    assert first < second
    assert body == '{"%s":{"a":1.5,"b":2},"%s":{"a":null,"b":-3}}' % (first, second)
    expected = "PATCH /t.json?print=silent HTTP/1.1\r\nHost: %s\r\nContent-Length: %d" % (HOST, len(body))
    assert head == expected


def test_a_reading_whose_connection_was_closed_is_sent_again_under_its_key():
    for end in ([b""], [reset()], [broken_pipe()], [REQUEST, b""], [REQUEST, b"HTTP/1.1 2", b""], [REQUEST, reset()]):
        with Network([REQUEST, NO_CONTENT] + end, [REQUEST, NO_CONTENT, REQUEST, NO_CONTENT]) as network:
            feed = database().feed("t", (("a", 0),))
            feed.push(1)
            feed.push(2)
            assert not feed.pending
            assert network.sent[1] == [request(feed, '{"a":2}')]
            assert network.sent[0][1:] in ([], network.sent[1])
            feed.push(3)
            assert network.sent[1][1] == request(feed, '{"a":3}')
        assert network.pauses == []


def test_a_reading_is_sent_three_times_at_most():
    with Network([REQUEST, NO_CONTENT, REQUEST, b""], [REQUEST, b""], [REQUEST, b""]) as network:
        feed = database().feed("t", (("a", 0),))
        feed.push(1)
        raises(NetworkError, feed.push, 2)
        assert feed.pending
        assert network.sent[0][1:] == network.sent[1] == network.sent[2]
    busy = answer('{"error":"busy"}', "503 Service Unavailable")
    with Network([REQUEST, NO_CONTENT] + [REQUEST, busy] * 3) as network:
        feed = database().feed("t", (("a", 0),))
        feed.push(1)
        raises(Unavailable, feed.push, 2)
        assert feed.pending


def test_a_pending_reading_is_repeated_under_its_key_and_with_its_values():
    with Network([refused()], [REQUEST, NO_CONTENT, REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        error = raises(NetworkError, feed.push, 7)
        assert error.retry and feed.pending
        key = feed.key
        feed.repeat()
        assert not feed.pending and feed.key == key
        feed.push(8)
        assert feed.key > key
        assert network.sent[1] == [request(feed, '{"a":7}', key), request(feed, '{"a":8}')]


def test_many_readings_do_not_touch_the_pending_one():
    with Network([refused()], [REQUEST, NO_CONTENT, REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        raises(NetworkError, feed.push, 7)
        feed.push_many([(1,), (22,), (333,)])
        assert feed.pending
        feed.repeat()
        assert network.sent[1][1] == request(feed, '{"a":7}')


def test_a_refused_reading_is_not_pending_and_the_feed_goes_on():
    denied = answer('{\n  "error" : "Permission denied"\n}\n', "401 Unauthorized")
    with Network([REQUEST, denied, REQUEST, NO_CONTENT, REQUEST, denied, REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        for i in range(2):
            error = raises(PermissionDenied, feed.push, i)
            assert "PUT /t/%s.json" % feed.key in str(error)
            assert not feed.pending
            feed.push(10 + i)
    assert bodies(network) == ['{"a":0}', '{"a":10}', '{"a":1}', '{"a":11}']


def test_an_answer_that_is_no_http_leaves_the_feed_usable():
    for before in ([], [REQUEST, NO_CONTENT]):
        with Network(
            before + [REQUEST, b"SSH-2.0-x\r\n"], [REQUEST, b"SSH-2.0-x\r\n"], [REQUEST, NO_CONTENT]
        ) as network:
            feed = database().feed("t", (("a", 0),))
            if before:
                feed.push(1)
            raises(ProtocolError, feed.push, 2)
            if len(network.scripts) == 2:
                network.scripts.pop(0)
            feed.push(3)
            assert network.sent[-1] == [request(feed, '{"a":3}')]


def test_a_feed_and_requests_share_the_connection():
    with Network([REQUEST, answer("1"), REQUEST, NO_CONTENT, REQUEST, answer("2"), REQUEST, NO_CONTENT]) as network:
        db = database()
        feed = db.feed("t", (("a", 0),))
        assert db.get("a") == 1
        feed.push(1)
        assert db.get("a") == 2
        feed.push(2)
    assert network.connected == [(HOST, 443)]


def test_an_answer_with_a_body_is_read_past():
    with Network([REQUEST, answer('{"a":1}'), REQUEST, answer('{"a":1}'), REQUEST, NO_CONTENT]) as network:
        feed = database().feed("t", (("a", 0),))
        for i in range(3):
            feed.push(i)
    assert network.connected == [(HOST, 443)]


def test_a_feed_at_the_root_and_one_with_a_path_in_the_url():
    with Network([REQUEST, NO_CONTENT], [REQUEST, NO_CONTENT]) as network:
        feed = database().feed("/", (("a", 0),))
        feed.push(1)
        assert network.sent[0][0].startswith(("PUT /%s.json?print=silent HTTP/1.1\r\n" % feed.key).encode())
        feed = flamelet.Database("http://localhost:9000/?ns=demo").feed("a b", (("a", 0),))
        feed.push(1)
        expected = "PUT /a%%20b/%s.json?print=silent&ns=demo HTTP/1.1\r\nHost: localhost:9000\r\n" % feed.key
        assert network.sent[1][0].startswith(expected.encode()), network.sent[1]


def test_a_would_block_at_each_step_changes_nothing():
    script = [REQUEST, NO_CONTENT, None, None, REQUEST, None]
    for byte in NO_CONTENT:
        script += [bytes([byte]), None]
    with Network(script) as network:
        feed = database().feed("t", (("a", 0),))
        feed.push(1)
        feed.push(2)
        assert network.sent[0][1] == request(feed, '{"a":2}')
