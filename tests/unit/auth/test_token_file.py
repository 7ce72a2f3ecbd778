"""token.json and its two slots: after a power cut at any byte one of them can be read."""

import json
import os

from flamelet import InvalidArgument, Token
from flamelet.auth import token_file

from clock import make_key
from helpers import raises
from tokens import id_token, now


class File:
    """A token.json of its own, in a `with` block; `write` is what a tool or a person does."""

    def __init__(self, number=1, **others):
        self.name = "%s/flamelet-test%s.json" % (os.getenv("TMPDIR") or "/tmp", make_key())
        content = {"id_token": id_token(number), "refresh_token": "refresh-1", "api_key": "the-key"}
        content.update(others)
        self.write(json.dumps(content).encode())

    def write(self, content, suffix=""):
        with open(self.name + suffix, "wb") as file:
            file.write(content)

    def read(self, suffix):
        with open(self.name + suffix, "rb") as file:
            return file.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for suffix in ("", ".0", ".1"):
            try:
                os.remove(self.name + suffix)
            except OSError:
                continue  # it was never written


def renew(token, number, refresh_token="refresh-1"):
    """What a renewal does to a token, and to its file."""
    token.carry("auth=", id_token(number))
    token.refresh_token = refresh_token
    token_file.save(token, now() + 3600)


def test_a_renewed_token_is_there_after_a_restart():
    with File() as file:
        token = Token.load(file.name)
        assert token.text == id_token(1)
        for number in range(2, 6):
            renew(token, number, "refresh-%d" % number)
            token = Token.load(file.name)
            assert (token.text, token.refresh_token) == (id_token(number), "refresh-%d" % number)


def test_a_power_cut_at_any_byte_leaves_the_token_before_or_the_new_one():
    with File() as file:
        token = Token.load(file.name)
        renew(token, 2)
        renew(token, 3)
        # Number 2 stands in .1, number 3 in .0: the next one is written over number 2.
        before = file.read(".1")
        renew(token, 4)
        whole = file.read(".1")
        for size in range(len(whole) + 1):
            # What a file system may leave: nothing but the beginning, or the beginning and what stood there.
            for torn in (whole[:size], whole[:size] + before[size:], whole[:size] + bytes(len(whole) - size)):
                file.write(torn, ".1")
                text = Token.load(file.name).text
                assert text == id_token(4 if torn == whole else 3), size


def test_slots_that_hold_anything_else_are_of_no_account():
    with File() as file:
        for content in (b"", b"\n", b"{}\n0", b"[]", b"\xff" * 100, b'{"number": 1}\n123', bytes(500)):
            file.write(content, ".0")
            file.write(content, ".1")
            assert Token.load(file.name).text == id_token(1), content


def test_a_new_token_json_counts_more_than_the_slots_of_the_old_one():
    with File() as file:
        renew(Token.load(file.name), 2)
        assert Token.load(file.name).text == id_token(2)
        file.write(json.dumps({"id_token": id_token(7), "refresh_token": "r", "api_key": "k"}).encode())
        token = Token.load(file.name)
        assert token.text == id_token(7)
        renew(token, 8)
        assert Token.load(file.name).text == id_token(8)


def test_what_was_not_renewed_is_not_saved():
    with File() as file:
        renew(Token.load(file.name), 2)
        assert b"the-key" not in file.read(".1")


def test_a_token_json_that_is_gone_or_broken_is_named_and_not_shown():
    assert "nowhere.json" in str(raises(InvalidArgument, Token.load, "nowhere.json"))
    with File() as file:
        for content in (b"", b"{", b"[]", b'"secret"', b'{"id_token": "secret'):
            file.write(content)
            error = str(raises(InvalidArgument, Token.load, file.name))
            assert file.name in error and "secret" not in error
