"""The HTTP machine: framing, the headers that matter, and what is refused. Each answer is cut in every way."""

from flamelet.wire import codes, http1

from feeding import read_answer, read_every_way

WORDS32 = True

LIVE_204 = (
    b"HTTP/1.1 204 No Content\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 13:48:27 GMT\r\nConnection: keep-alive\r\n"
    b"Access-Control-Allow-Origin: *\r\nCache-Control: no-cache\r\n"
    b"Strict-Transport-Security: max-age=31556926; includeSubDomains; preload\r\n\r\n"
)


def head(*lines, status=b"HTTP/1.1 200 OK"):
    return b"\r\n".join((status,) + lines) + b"\r\n\r\n"


def read(*lines, status=b"HTTP/1.1 200 OK", body=b""):
    return read_every_way(head(*lines, status=status) + body)


def assert_refused(code, data):
    assert read_every_way(data).code == code, data


# Framing.


def test_a_body_ends_at_its_content_length():
    answer = read(b"Content-Length: 5", body=b"12345")
    assert (answer.code, answer.status, answer.length, answer.body) == (http1.END, 200, 5, b"12345")
    assert answer.keep_alive and not answer.chunked


def test_a_content_length_of_zero_is_an_empty_body():
    answer = read(b"Content-Length: 0")
    assert (answer.code, answer.length, answer.body) == (http1.END, 0, b"")


def test_a_content_length_may_be_repeated_and_have_zeros_in_front():
    assert read(b"Content-Length: 3", b"content-length: 003", body=b"abc").body == b"abc"


def test_chunks_are_joined():
    answer = read(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n")
    assert (answer.code, answer.length, answer.chunked) == (http1.END, -1, True)
    assert answer.body == b"abcabcdefghijklmnopqrstuvwxyz"


def test_chunk_extensions_and_trailers_are_skipped():
    body = b'3;name=value;x="y"\r\nabc\r\n2 ;a\r\nde\r\n000;last\r\nContent-Length: 77\r\nX-Check: 1\r\n\r\n'
    answer = read(b"Transfer-Encoding: Chunked", body=body)
    assert (answer.code, answer.length, answer.body) == (http1.END, -1, b"abcde")


def test_line_feeds_alone_end_lines_too():
    data = b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nConnection: close\n\n3\nabc\n0\n\n"
    answer = read_every_way(data)
    assert (answer.code, answer.body, answer.keep_alive) == (http1.END, b"abc", False)


def test_line_ends_within_a_body_are_body():
    assert read(b"Content-Length: 8", body=b"\r\n\r\n0\r\n\n").body == b"\r\n\r\n0\r\n\n"


def test_a_body_without_length_ends_with_the_connection():
    answer = read(b"Content-Type: text/plain", body=b"until the end\r\n")
    assert (answer.code, answer.length, answer.body) == (http1.END, -1, b"until the end\r\n")
    assert not answer.keep_alive


def test_204_and_304_have_no_body_whatever_their_head_says():
    for status in (b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"):
        for line in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Server: nginx"):
            answer = read(line, status=status)
            assert (answer.code, answer.body, answer.keep_alive) == (http1.END, b"", True)


def test_the_answer_to_a_head_request_has_no_body():
    for line in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Server: nginx"):
        data = head(line)
        answer = read_every_way(data, bodiless=True)
        assert (answer.code, answer.body, answer.taken) == (http1.END, b"", len(data))


def test_the_live_204_is_read():
    answer = read_every_way(LIVE_204)
    assert (answer.code, answer.status, answer.keep_alive) == (http1.END, 204, True)
    assert answer.headers == {b"date": b"Sat, 21 Nov 2026 13:48:27 GMT"}


def test_1xx_answers_are_skipped():
    forerunners = head(status=b"HTTP/1.1 100 Continue") + head(
        b"Link: </a>", b"Content-Length: 9", b"Connection: close", b"ETag: x", status=b"HTTP/1.1 103 Early Hints"
    )
    answer = read_every_way(forerunners + head(b"Content-Length: 2", status=b"HTTP/1.1 201 Created") + b"ok")
    assert (answer.code, answer.status, answer.length, answer.body) == (http1.END, 201, 2, b"ok")
    assert answer.keep_alive and not answer.headers


def test_one_parser_reads_answer_after_answer():
    answers = LIVE_204 + head(b"Content-Length: 2", b"ETag: a", status=b"HTTP/1.1 412 Precondition Failed") + b"10"
    answers += head(b"Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n"
    buffer = bytearray(answers)
    response = http1.Response()
    response.wanted = (b"etag",)
    seen = []
    at = 0
    for _ in range(3):
        response.start(False)
        body = b""
        code = http1.NEED
        while code != http1.END:
            code = response.feed(buffer, at, len(buffer))
            assert code > 0
            if code == http1.BODY:
                body += bytes(buffer[response.piece_start : response.piece_end])
            at = response.position
        seen.append((response.status, dict(response.headers), response.length, response.chunked, body))
    assert seen == [(204, {}, -1, False, b""), (412, {b"etag": b"a"}, 2, False, b"10"), (200, {}, -1, True, b"x")]
    assert at == len(buffer)


def test_a_reason_may_be_missing_or_long():
    for status in (b"HTTP/1.1 404", b"HTTP/1.1 404 ", b"HTTP/1.1 404 " + b"Not Found " * 30):
        answer = read(b"Content-Length: 0", status=status)
        assert (answer.code, answer.status) == (http1.END, 404)


def test_a_line_longer_than_the_first_buffer_is_read_when_cut():
    location = b"https://s-usc1c-nss-200.firebaseio.com/" + b"a" * 700 + b".json?ns=demo&sse=true"
    answer = read(b"Location: " + location, b"Content-Length: 0", status=b"HTTP/1.1 307 Temporary Redirect")
    assert (answer.code, answer.headers) == (http1.END, {b"location": location})


# Headers.


def test_header_names_are_read_in_any_case():
    for change in (bytes.upper, bytes.lower, bytes):
        lines = [change(name) + b": " + value for name, value in ((b"Content-Length", b"2"), (b"Connection", b"close"))]
        lines += [change(name) + b": Value" for name in (b"ETag", b"Location", b"Retry-After")]
        answer = read(*lines, body=b"ok")
        assert (answer.body, answer.keep_alive) == (b"ok", False)
        assert answer.headers == {b"etag": b"Value", b"location": b"Value", b"retry-after": b"Value"}


def test_white_space_around_a_value_is_dropped():
    answer = read(b"ETag:\t a b \t ", b"Content-Length:3", b"Location:", b"Date: \t", body=b"abc")
    assert (answer.body, answer.headers) == (b"abc", {b"etag": b"a b", b"location": b"", b"date": b""})


def test_only_the_headers_that_are_wanted_are_kept():
    lines = (b"Content-Length: 0", b"Server: nginx", b"Location: /", b"X-ETag: 1", b"ETag2: 2", b"Etah: 3")
    assert read(*lines).headers == {b"location": b"/"}
    buffer = bytearray(head(*lines))
    response = http1.Response()
    assert response.feed(buffer, 0, len(buffer)) == http1.HEAD
    assert response.headers == {}


def test_headers_may_be_as_short_as_can_be():
    answer = read(b"A:", b"B:c", b"D:", b"E: ", b"Content-Length:0", b"F:")
    assert (answer.code, answer.headers) == (http1.END, {})


def test_of_a_repeated_header_the_last_is_kept():
    assert read(b"ETag: a", b"ETag: b", b"Content-Length: 0").headers == {b"etag": b"b"}


def test_trailers_change_nothing():
    trailers = b"Content-Length: 9\r\nConnection: close\r\nETag: late\r\nTransfer-Encoding: gzip\r\n\r\n"
    answer = read(b"Transfer-Encoding: chunked", b"ETag: a", body=b"1\r\nx\r\n0\r\n" + trailers)
    assert (answer.code, answer.body, answer.keep_alive) == (http1.END, b"x", True)
    assert (answer.headers, answer.length) == ({b"etag": b"a"}, -1)


def test_a_similar_name_is_another_header():
    lines = (b"Content-Lengthy: 9", b"X-Content-Length: 9", b"Content+Length: 9", b"Connectiom: close")
    answer = read(*lines + (b"Content-Length: 1",), body=b"x")
    assert (answer.code, answer.body, answer.keep_alive) == (http1.END, b"x", True)


def test_connection_is_a_list_of_options():
    for value in (
        b"close",
        b"Close",
        b"foo, close",
        b"close,foo",
        b" ,close , x",
        b"keep-alive, close",
        b"close, keep-alive",
    ):
        assert not read(b"Connection: " + value, b"Content-Length: 0").keep_alive, value
    for value in (b"keep-alive", b"Keep-Alive, foo", b"clos", b"lose", b"c, lose", b"", b",", b"upgrade"):
        assert read(b"Connection: " + value, b"Content-Length: 0").keep_alive, value


def test_close_wins_over_keep_alive_in_another_line():
    for status in (b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK"):
        lines = (b"Connection: close", b"Connection: keep-alive", b"Content-Length: 0")
        assert not read(*lines, status=status).keep_alive
        assert not read(lines[1], lines[0], lines[2], status=status).keep_alive


def test_http_1_0_closes_unless_it_says_otherwise():
    status = b"HTTP/1.0 200 OK"
    assert not read(b"Content-Length: 0", status=status).keep_alive
    assert read(b"Content-Length: 0", b"Connection: Keep-Alive", status=status).keep_alive


# What is refused.


def test_what_is_not_http_is_refused():
    for data in (
        b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        b"<!DOCTYPE html><html></html>\n",
        b"\x15\x03\x01\x00\x02\x02\x16 and then what",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 -20 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1\t200 OK\r\n\r\n",
        b"HTTP/1.1 200\rOK\r\n\r\n",
        b"HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    ):
        assert_refused(codes.NOT_HTTP, data)


def test_a_peer_that_never_sends_a_line_end_is_refused_at_its_first_bytes():
    response = http1.Response()
    assert response.feed(bytearray(b"220 smtp"), 0, 8) == codes.NOT_HTTP


def test_malformed_headers_are_refused():
    for line in (
        b"no colon",
        b": no name",
        b"Content-Length : 5",
        b"Content-Length\t: 5",
        b" folded: header",
        b"Foo: bar\r\n  folded",
        b"Foo: bar\r\n\tfolded",
        b"Foo: a\rb",
        b"Foo: a\r",
        b"\r",
        b"Foo: a\rContent-Length: 5",
        b"Foo\r: a",
    ):
        assert_refused(codes.BAD_HEADER, head(line))


def test_malformed_lengths_are_refused():
    for value in (b"", b" ", b"-1", b"+5", b"5, 5", b"5 5", b"0x5", b"1_0", b"5.0", b"five", b"1234567890", b"\xb2"):
        assert_refused(codes.BAD_LENGTH, head(b"Content-Length: " + value))


def test_lengths_that_contradict_each_other_are_refused():
    assert_refused(codes.BAD_LENGTH, head(b"Content-Length: 5", b"Content-Length: 6"))
    assert_refused(codes.BAD_LENGTH, head(b"Content-Length: 5", b"Transfer-Encoding: chunked"))
    assert_refused(codes.BAD_LENGTH, head(b"Transfer-Encoding: chunked", b"Content-Length: 5"))


def test_other_transfer_codings_are_refused():
    for value in (
        b"gzip",
        b"identity",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked;q=1",
        b"xchunked",
        b"chunke",
        b"",
    ):
        assert_refused(codes.BAD_CODING, head(b"Transfer-Encoding: " + value))
    assert_refused(codes.BAD_CODING, head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"))


def test_malformed_chunks_are_refused():
    for body in (
        b"\r\n",
        b"x\r\nabc\r\n",
        b"-1\r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3 4\r\nabc\r\n",
        b"3g\r\nabc\r\n",
        b"3,\r\nabc\r\n",
        b";ext\r\n",
        b"3\rabc\r\n",
        b"3;a\rb\r\nabc\r\n",
        b"3\r\r\nabc\r\n",
        b"10000000\r\n",
        b"00000003\r\nabc\r\n",
        b"FFFFFFFFFFFFFFFF\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc\r\r\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
    ):
        assert_refused(codes.BAD_CHUNK, head(b"Transfer-Encoding: chunked") + body)


def test_an_answer_that_is_cut_is_told_at_every_place():
    answers = (
        head(b"Content-Length: 5") + b"12345",
        head(b"Transfer-Encoding: chunked") + b"3;x\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n",
        head(status=b"HTTP/1.1 100 Continue") + LIVE_204,
    )
    for data in answers:
        assert read_answer([data]).code == http1.END
        for end in range(len(data)):
            assert read_answer([data[:end]]).code == codes.TRUNCATED, data[:end]


def test_a_head_has_at_most_8_kib():
    padding = b"X-Padding: " + b"x" * 87 + b"\r\n"  # 100 bytes
    begin = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    rest = 8192 - 81 * len(padding) - len(begin) - 2
    fits = begin + 81 * padding + b"Y:" + b"y" * (rest - 4) + b"\r\n\r\n"
    over = begin + 81 * padding + b"Y:" + b"y" * (rest - 3) + b"\r\n\r\n"
    assert (len(fits), len(over)) == (8192, 8193)
    assert_whole_and_byte_by_byte(http1.END, fits)
    assert_whole_and_byte_by_byte(codes.TOO_LONG, over)


def assert_whole_and_byte_by_byte(code, data):
    assert read_answer([data]).code == code
    assert read_answer(data[i : i + 1] for i in range(len(data))).code == code


def test_a_head_that_never_ends_is_refused():
    line = b"X-Again: and again\r\n"
    assert read_answer([b"HTTP/1.1 200 OK\r\n"] + [line] * 410).code == codes.TOO_LONG
    assert read_answer([b"HTTP/1.1 200 OK\r\nX: "] + [b"x" * 100] * 82).code == codes.TOO_LONG
    assert read_answer([b"HTTP/1.1 100 Continue\r\n\r\n"] * 350).code == codes.TOO_LONG


def test_trailers_that_never_end_are_refused():
    pieces = [head(b"Transfer-Encoding: chunked") + b"0\r\n"] + [b"X-Again: and again\r\n"] * 410
    assert read_answer(pieces).code == codes.TOO_LONG


def test_a_line_between_chunks_that_never_ends_is_refused():
    begin = head(b"Transfer-Encoding: chunked")
    assert read_answer([begin + b"1;"] + [b"x" * 100] * 82).code == codes.TOO_LONG
    assert read_answer([begin + b"1\r\na"] + [b"\r" * 100] * 82).code == codes.TOO_LONG


def test_the_lines_between_chunks_do_not_add_up():
    chunk = b"1;" + b"x" * 98 + b"\r\na\r\n"
    answer = read_answer([head(b"Transfer-Encoding: chunked")] + [chunk] * 200 + [b"0\r\n\r\n"])
    assert (answer.code, answer.body) == (http1.END, b"a" * 200)
