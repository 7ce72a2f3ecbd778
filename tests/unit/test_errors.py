"""Errors: one hierarchy, whether a retry helps, and which one an answer or a failure stands for."""

import sys

from flamelet import FlameletError, InvalidArgument, NetworkError, Timeout, errors
from flamelet.core.url import Origin
from flamelet.diagnosis import failures
from flamelet.net import connection
from flamelet.wire import chunked, codes, http1

from helpers import raises

RETRY = {
    "InvalidArgument": False,
    "NetworkError": True,
    "Timeout": True,
    "TLSError": False,
    "OutcomeUnknown": False,
    "ProtocolError": False,
    "ClockNotSet": True,
    "ResponseError": False,
    "BadRequest": False,
    "Unauthenticated": False,
    "PermissionDenied": False,
    "NotFound": False,
    "PreconditionFailed": False,
    "TransactionAborted": True,
    "ResourceExhausted": True,
    "Unavailable": True,
    "StreamCancelled": False,
}
REQUEST = b"PUT /devices/d1/state.json?auth=secret HTTP/1.1\r\nHost: demo\r\n\r\n"


class Failed:
    """What failures.py asks a connection."""

    def __init__(self, failure=0, error=None, status=0, body=b""):
        self.failure = failure
        self.error = error
        self.origin = Origin(False, "localhost", 9000)
        self.new = self.sent = True
        self.answer_bytes = 1000
        self.body = bytearray(body + b"rest of an older body")
        self.body_size = len(body)
        self.response = http1.Response()
        self.response.status = status


def test_each_error_is_ours_and_says_whether_a_retry_helps():
    for name in RETRY:
        kind = getattr(errors, name)
        assert issubclass(kind, FlameletError), name
        error = kind("the text")
        assert (str(error), error.retry, error.status, error.text) == ("the text", RETRY[name], 0, ""), name


def test_who_catches_network_errors_catches_what_may_have_happened_too():
    for name in ("Timeout", "TLSError", "OutcomeUnknown"):
        assert issubclass(getattr(errors, name), NetworkError)
    assert errors.NetworkError is NetworkError and errors.InvalidArgument is InvalidArgument


def test_refusals_of_the_live_service_become_their_errors():
    for status, text, kind in (
        (400, "Invalid data; couldn't parse JSON object, array, or value.", "BadRequest"),
        (401, "Permission denied", "PermissionDenied"),
        (401, "Auth token is expired", "Unauthenticated"),
        (401, "Could not parse auth token.", "Unauthenticated"),
        (401, "Unauthorized request.", "Unauthenticated"),
        (403, "Permission denied", "PermissionDenied"),
        (404, "404 Not Found", "NotFound"),
        (405, "Method not allowed", "BadRequest"),
        (412, "ETag mismatch", "PreconditionFailed"),
        (429, "Quota exceeded.", "ResourceExhausted"),
        (500, "Internal server error.", "Unavailable"),
        (503, "Service unavailable", "Unavailable"),
        (599, "?", "Unavailable"),
    ):
        body = ('{\n  "error" : "%s"\n}\n' % text).encode()
        error = failures.refused(Failed(status=status, body=body), REQUEST)
        assert type(error) is getattr(errors, kind), (status, text)
        assert (error.status, error.text) == (status, text)
        assert str(status) in str(error) and text in str(error)
        assert "PUT /devices/d1/state.json" in str(error) and "secret" not in str(error)


def test_a_page_of_html_is_shown_by_its_beginning():
    body = b"<html><title>502 Bad Gateway</title>" + b" " * 500
    error = failures.refused(Failed(status=502, body=body), REQUEST)
    assert type(error) is errors.Unavailable and "502 Bad Gateway" in error.text and len(error.text) < 120


def test_an_answer_that_is_no_json_names_what_came():
    page = b"<!DOCTYPE html><title>Welcome to the hotel</title>"
    error = raises(errors.ProtocolError, failures.check, Failed(status=200, body=page), REQUEST)
    assert "DOCTYPE" in str(error) and "localhost" in str(error) and "secret" not in str(error)
    raises(errors.PermissionDenied, failures.check, Failed(status=403, body=b'{"error":"Permission denied"}'), REQUEST)
    assert failures.check(Failed(status=200, body=b'{"name":"-O"}'), REQUEST) is True


def test_each_failure_becomes_an_error_with_words():
    kinds = (
        (codes.NOT_HTTP, errors.ProtocolError),
        (codes.TOO_LONG, errors.ProtocolError),
        (codes.BAD_HEADER, errors.ProtocolError),
        (codes.BAD_LENGTH, errors.ProtocolError),
        (codes.BAD_CODING, errors.ProtocolError),
        (codes.BAD_CHUNK, errors.ProtocolError),
        (codes.TRUNCATED, NetworkError),
        (codes.LATE, Timeout),
        (codes.CLOSED, NetworkError),
        (codes.TOO_LARGE, errors.ProtocolError),
        (codes.BROKEN, NetworkError),
    )
    texts = []
    for failure, kind in kinds:
        error = failures.failed(Failed(failure, OSError(104)), REQUEST)
        assert type(error) is kind, failure
        assert "PUT /devices/d1/state.json" in str(error) and "secret" not in str(error)
        texts.append(str(error))
    assert len(set(texts)) == len(kinds)
    assert type(failures.failed(Failed(codes.BROKEN, MemoryError()), REQUEST)) is errors.ProtocolError


def test_the_codes_have_the_values_that_their_modules_give_them():
    # On MicroPython such constants have no name: CPython's are looked at.
    if sys.implementation.name == "micropython":
        return
    names = [name for name in dir(codes) if name.isupper()]
    assert len(names) == 11
    modules = connection, http1, chunked
    for name in names:
        given = [getattr(module, "_" + name) for module in modules if hasattr(module, "_" + name)]
        assert given and set(given) == {getattr(codes, name)}, name
    states = [name for name in dir(chunked) if hasattr(http1, name) and name.startswith("_") and name[1].isupper()]
    assert len(states) >= 5
    assert [getattr(chunked, name) for name in states] == [getattr(http1, name) for name in states]
