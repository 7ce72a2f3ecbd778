"""What the tests of Firestore's client share: the client, the bytes it should send, and what a server answers."""

import json

import flamelet
from flamelet.core import backoff
from flamelet.firestore import rest

import scripted
from scripted import answer, timeouts

# What keeps time beside the modules that the scripted network knows.
scripted.TIMED = scripted.TIMED + (rest,)

RANDOM = (backoff,)
HOST = "firestore.googleapis.com"
ROOT = "projects/demo-iot/databases/(default)/documents"
TIME = "2026-11-21T12:00:00.123456Z"
LATER = "2026-11-21T12:00:01.000000Z"
JSON = "Content-Type: application/json"
ACCESS_TOKEN = {"access_token": "ya29.secret"}
BEARER = "Authorization: Bearer ya29.secret"
WRITTEN = answer('{"writeResults":[{"updateTime":"%s"}],"commitTime":"%s"}' % (TIME, TIME))


def firestore(token=None, **options):
    """A Firestore whose deadlines a test can wait for."""
    options.setdefault("timeouts", timeouts())
    return flamelet.Firestore("demo-iot", token, **options)


def request(method, path, body=None, lines=()):
    """The bytes that should be sent; `path`: behind the documents of the database; `body`: its JSON."""
    head = ["%s /v1/%s%s HTTP/1.1" % (method, ROOT, path), "Host: " + HOST]
    if body is not None:
        head.append(JSON)
    head += lines
    if body is not None:
        head.append("Content-Length: %d" % len(body.encode()))
    return ("\r\n".join(head) + "\r\n\r\n" + (body or "")).encode()


def commit(*writes, transaction=None, lines=()):
    """The bytes of a commit of `writes`, each as JSON."""
    more = ',"transaction":"%s"' % transaction if transaction else ""
    return request("POST", ":commit", '{"writes":[%s]%s}' % (",".join(writes), more), lines)


def update(path, fields="{}", more=""):
    """The JSON of a write of a document."""
    return '{"update":{"name":"%s/%s","fields":%s}%s}' % (ROOT, path, fields, more)


def document(path, fields="{}", update_time=TIME):
    """The JSON of a document as the service sends it."""
    text = '{"name":"%s/%s","fields":%s,"createTime":"%s","updateTime":"%s"}'
    return text % (ROOT, path, fields, TIME, update_time)


def error(status, canonical, message, wrapped=False):
    """The answer that says so: an object, or an array of one."""
    body = json.dumps({"error": {"code": int(status[:3]), "message": message, "status": canonical}})
    return answer("[%s]" % body if wrapped else body, status)


def body_of(data):
    """The JSON in the body of a request."""
    return json.loads(data.split(b"\r\n\r\n", 1)[1])


def target_of(data):
    """The target of a request, behind the documents of the database."""
    target = data.split(b" ", 2)[1].decode()
    assert target.startswith("/v1/" + ROOT), target
    return target[len("/v1/" + ROOT) :]


class Dice:
    """What is random in the pauses between two tries: in a `with` block each one is the longest that it may be.

    `bits`: what is asked for each time.
    """

    def __init__(self):
        self.bits = []

    def _roll(self, bits):
        self.bits.append(bits)
        return (1 << bits) - 1

    def __enter__(self):
        self._kept = [(module, module.getrandbits) for module in RANDOM]
        for module in RANDOM:
            module.getrandbits = self._roll
        return self

    def __exit__(self, *_):
        for module, getrandbits in self._kept:
            module.getrandbits = getrandbits
