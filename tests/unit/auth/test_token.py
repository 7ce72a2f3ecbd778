"""Tokens: what is taken, how it is sent, and that it is never shown."""

import json
import os

from flamelet import InvalidArgument, Token

from clock import make_key
from helpers import raises
from tokens import jwt, now

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


def test_each_kind_is_sent_as_the_database_wants_it():
    assert Token(JWT).parameter == "auth=" + JWT
    assert Token({"id_token": JWT}).parameter == "auth=" + JWT
    assert Token("ya29.a0Af").parameter == "access_token=ya29.a0Af"
    assert Token({"access_token": "other"}).parameter == "access_token=other"
    assert Token({"database_secret": "secret"}).parameter == "auth=secret"


def test_each_kind_but_a_database_secret_is_sent_as_a_bearer_token():
    assert Token(JWT).headers == ("Authorization: Bearer " + JWT,)
    assert Token({"access_token": "ya29.a+b/c%"}).headers == ("Authorization: Bearer ya29.a+b/c%",)
    raises(InvalidArgument, lambda: Token({"database_secret": "secret"}).headers)


def test_a_token_of_app_check_stands_beside_it():
    token = Token({"id_token": JWT, "app_check": "eyJ.app+check"})
    assert token.parameter == "auth=" + JWT + "&ac=eyJ.app%2Bcheck"
    assert token.headers == ("Authorization: Bearer " + JWT, "X-Firebase-AppCheck: eyJ.app+check")
    assert token.text == JWT


def test_what_a_url_would_take_otherwise_is_percent_encoded():
    token = Token({"database_secret": "a+b/c=&d#"})
    assert token.parameter == "auth=a%2Bb%2Fc%3D%26d%23" and token.text == "a+b/c=&d#"


def test_a_string_of_another_kind_is_refused_until_one_says_what_it_is():
    assert "database_secret" in str(raises(InvalidArgument, Token, "a" * 40))
    assert Token({"database_secret": "a" * 40}).kind == "database_secret"


def test_a_token_is_of_the_kind_that_it_is_called():
    for content in ({"id_token": "ya29.x"}, {"id_token": "abc"}, {"access_token": JWT}, {"id_token": "eyJ.!.x"}):
        raises(InvalidArgument, Token, content)
    for content in ({}, {"id_token": JWT, "access_token": "ya29.x"}, {"refresh_token": "r", "api_key": "k"}):
        assert "flamelet mint" in str(raises(InvalidArgument, Token, content))


def test_a_custom_token_is_refused():
    text = jwt({"aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"})
    assert "exchange" in str(raises(InvalidArgument, Token, text))


def test_a_private_key_is_refused():
    key = {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----", "client_email": "a@b"}
    assert "never" in str(raises(InvalidArgument, Token, key))


def test_a_refresh_token_needs_its_api_key():
    assert "api_key" in str(raises(InvalidArgument, Token, {"id_token": JWT, "refresh_token": "r"}))


def test_what_is_no_token_is_refused_without_showing_it():
    for text in ("", "secret\r\nX: y", "secret token", "secret\n", "secret\u00e9", "\0secret", "secret.x"):
        assert "secret" not in str(raises(InvalidArgument, Token, text)).replace("database_secret", "")
    for value in (None, 5, b"secret", ["secret"], {"id_token": "secret"}, {"id_token": 5}, {"id_token": ["secret"]}):
        assert "secret" not in str(raises(InvalidArgument, Token, value)).replace("database_secret", "")


def test_a_token_does_not_show_itself():
    token = Token({"id_token": JWT, "refresh_token": "secret", "api_key": "secret", "app_check": "secret"})
    for shown in (repr(token), str(token), "%s %r" % (token, [token])):
        assert "secret" not in shown and JWT not in shown


def test_only_a_token_with_a_refresh_token_is_ever_due():
    for content in (JWT, jwt({"exp": 1}), "ya29.x", {"access_token": "x", "expires_at": 1}):
        assert not Token(content).is_due()
    for left, is_due in ((3600, False), (310, False), (30, False), (0, True), (-1000000, True)):
        token = Token({"id_token": jwt({"exp": now() + left}), "refresh_token": "r", "api_key": "k"})
        assert token.is_due() == is_due, left


def test_a_token_is_loaded_from_a_file():
    assert load(json.dumps({"id_token": JWT, "expires_in": "3600"}).encode()).parameter == "auth=" + JWT
    assert load(b'{"access_token": "ya29.x"}').parameter == "access_token=ya29.x"


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
        assert "secret" not in error.replace("database_secret", ""), content
    assert "nowhere.json" in str(raises(InvalidArgument, Token.load, "nowhere.json"))
    assert "flamelet-test" in str(raises(InvalidArgument, load, b"[]"))
