"""Tokens: what is taken, how it is sent, and that it is never shown."""

import json
import os

from flamelet import InvalidArgument, Token

from clock import make_key
from helpers import raises

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkMSJ9."


def load(content):
    """Token.load of a file with this content."""
    name = "%s/flamelet-test%s.json" % (os.getenv("TMPDIR") or "/tmp", make_key())
    with open(name, "wb") as file:
        file.write(content)
    try:
        return Token.load(name)
    finally:
        os.remove(name)


def test_an_id_token_is_sent_as_auth_and_googles_as_access_token():
    assert Token(JWT).parameter == "auth=" + JWT
    assert Token("ya29.a0Af").parameter == "access_token=ya29.a0Af"


def test_what_a_url_would_take_otherwise_is_percent_encoded():
    assert Token("a+b/c=&d#").parameter == "auth=a%2Bb%2Fc%3D%26d%23"


def test_what_is_no_token_is_refused_without_showing_it():
    for text in ("", "secret\r\nX: y", "secret token", "secret\n", "secret\u00e9", "\0secret"):
        assert "secret" not in str(raises(InvalidArgument, Token, text))
    for value in (None, 5, b"secret", ["secret"], {"id_token": "secret"}):
        assert "secret" not in str(raises(InvalidArgument, Token, value))


def test_a_token_does_not_show_itself():
    token = Token("secret")
    assert "secret" not in repr(token) and "secret" not in str(token) and "secret" not in "%s %r" % (token, [token])


def test_a_token_is_loaded_from_a_file():
    assert load(json.dumps({"id_token": JWT, "expires_in": "3600"}).encode()).parameter == "auth=" + JWT
    assert load(b'{"access_token": "ya29.x"}').parameter == "access_token=ya29.x"
    assert load(b'{"id_token": "i", "access_token": "a"}').parameter == "auth=i"


def test_a_file_without_a_token_is_refused_by_name_and_without_showing_it():
    for content in (
        b"",
        b"secret",
        b"[]",
        b'"secret"',
        b"null",
        b"{}",
        b'{"token": "secret"}',
        b'{"id_token": ""}',
        b'{"id_token": null}',
        b'{"id_token": 5}',
        b'{"id_token": ["secret"]}',
        b'{"id_token": "secret\\n"}',
        b'{"id_token": "secret',
    ):
        error = str(raises(InvalidArgument, load, content))
        assert "secret" not in error, content
    assert "nowhere.json" in str(raises(InvalidArgument, Token.load, "nowhere.json"))
    assert "flamelet-test" in str(raises(InvalidArgument, load, b"{}"))
