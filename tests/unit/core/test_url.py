"""URLs: what is taken, what is refused, and that nothing unprintable reaches a request line."""

from flamelet.core import url as _url
from flamelet.errors import InvalidArgument

from helpers import raises

WORDS32 = True


def test_a_url_is_taken_apart():
    for url, expected in (
        ("https://demo.firebaseio.com", (True, "demo.firebaseio.com", 443, "", "")),
        ("https://demo.firebaseio.com/", (True, "demo.firebaseio.com", 443, "/", "")),
        ("HTTPS://Demo.FirebaseIO.com/A/b", (True, "demo.firebaseio.com", 443, "/A/b", "")),
        ("https://h:8443/a?ns=demo&x=1", (True, "h", 8443, "/a", "ns=demo&x=1")),
        ("https://h?ns=demo", (True, "h", 443, "", "ns=demo")),
        ("https://h/a?b?c", (True, "h", 443, "/a", "b?c")),
        ("https://h/a#b?c", (True, "h", 443, "/a", "")),
        ("https://h:/a", (True, "h", 443, "/a", "")),
        ("http://localhost:9000", (False, "localhost", 9000, "", "")),
        ("http://127.0.0.1/", (False, "127.0.0.1", 80, "/", "")),
        ("http://[::1]:9000/a", (False, "::1", 9000, "/a", "")),
        ("https://[2001:DB8::1]", (True, "2001:db8::1", 443, "", "")),
    ):
        origin, path, query = _url.parse(url)
        assert (origin.tls, origin.host, origin.port, path, query) == expected, url


def test_what_is_no_url_is_refused_and_named():
    for url in (
        "",
        "demo.firebaseio.com",
        "//demo.firebaseio.com",
        "https:/demo",
        "https//demo",
        "ftp://demo",
        "https://",
        "https:///path",
        "https://:443",
        "https://user@demo",
        "https://user:password@demo",
        "https://de*mo",
        "https://demo%41",
        "https://[::1]x",
        "https://[::1]443",
        "https://demo:0",
        "https://demo:65536",
        "https://demo:-1",
        "https://demo:a",
        "https://demo:1:2",
        "https://de mo",
        "https://demo/a b",
        "https://demo\r\nX: y",
        "https://demo/\n",
        "https://demo/\t",
        "https://demo/\0",
        "https://d\u00e9mo",
        "https://demo/\u00e9",
    ):
        raises(InvalidArgument, _url.parse, url)
    for url in (None, 5, b"https://demo"):
        assert "the URL is a str" in str(raises(InvalidArgument, _url.parse, url))


def test_plain_http_is_for_this_machine_only():
    for host in ("localhost", "127.0.0.1", "127.1.2.3", "[::1]"):
        assert not _url.parse("http://%s:80/" % host)[0].tls
    for host in ("example.com", "10.0.0.1", "127.evil.com", "localhost.evil.com", "[::2]", "0.0.0.0", "128.0.0.1"):
        assert "https://" in str(raises(InvalidArgument, _url.parse, "http://%s/" % host))
        assert not _url.parse("http://%s/" % host, True)[0].tls


def test_the_host_header_has_the_port_where_it_is_not_the_usual_one():
    for url, header in (
        ("https://demo", "demo"),
        ("https://demo:443", "demo"),
        ("https://demo:80", "demo:80"),
        ("http://localhost:80", "localhost"),
        ("http://localhost:443", "localhost:443"),
        ("http://[::1]", "[::1]"),
        ("https://[::1]:8443", "[::1]:8443"),
    ):
        assert _url.host_header(_url.parse(url)[0]) == header, url


def test_text_with_anything_unprintable_is_refused_without_showing_it():
    assert _url.check_text("a!~", "the token") == "a!~"
    for letter in ("\r", "\n", "\0", " ", "\t", "\x7f", "\x1b", "\u00e9", "\u2028"):
        error = raises(InvalidArgument, _url.check_text, "secret" + letter, "the token")
        assert "the token" in str(error) and "secret" not in str(error)
    raises(InvalidArgument, _url.check_text, None, "the token")


def test_all_but_the_unreserved_characters_are_percent_encoded():
    unreserved = "AZaz09-_.~"
    assert _url.quote(unreserved) == unreserved
    assert _url.quote("") == ""
    assert _url.quote("a b/c?d&e=f%+\"'\r\n\0") == "a%20b%2Fc%3Fd%26e%3Df%25%2B%22%27%0D%0A%00"
    assert _url.quote("\u00e9\U0001f600") == "%C3%A9%F0%9F%98%80"
