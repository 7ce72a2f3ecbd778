"""A Realtime Database of a few lines for the tests of flush, behind the scripted network.

`Server.refuses(key, value)` says what its rules refuse; a PATCH is refused as a whole. `stored`: {key: value} of the
readings, `written`: {path: JSON} of other writes; `requests`: "PATCH 3" and so on, in order; `trouble`: what the next
requests meet instead of an answer: a status, or "lost" for one that is done and never answered; `delay`: milliseconds
before an answer; `hook`: called with each request.
"""

import json

from scripted import NO_CONTENT, answer, database, reset

FIELDS = (("n", 0),)
DATE = "Date: Sat, 21 Nov 2026 13:48:27 GMT\r\n"
REASONS = {"400": "Invalid data; couldn't parse JSON object, array, or value.", "401": "Permission denied"}


class Server:
    """See above."""

    def __init__(self, refuses=lambda key, value: False, status="401 Unauthorized"):
        self.refuses = refuses
        self.status = status
        self.stored = {}
        self.written = {}
        self.times = {}
        self.requests = []
        self.trouble = []
        self.hook = None
        self.delay = None

    def script(self):
        """The script of one connection; `Network.endless` takes it too."""
        return [self]

    def __call__(self, data):
        head, _, body = data.partition(b"\r\n\r\n")
        method, target = head.decode().split(" ")[:2]
        path = target.split(".json")[0]
        members = json.loads(body) if method == "PATCH" else {path.split("/")[-1]: json.loads(body or b"null")}
        self.requests.append("%s %d" % (method, len(members)))
        if self.hook:
            self.hook(self)
        trouble = self.trouble.pop(0) if self.trouble else None
        if isinstance(trouble, str) and trouble != "lost":
            return [answer('{"error":"trouble"}', trouble), self]
        if method == "GET":
            return [answer("null", headers=DATE), self]
        if any([self.refuses(key, members[key]) for key in members]):
            return [answer(json.dumps({"error": REASONS[self.status[:3]]}), self.status), self]
        if method == "PUT":
            self.written[path] = members.popitem()[1]
        for key in members:
            assert self.stored.get(key, members[key]) == members[key], "another reading under the same key"
            self.stored[key] = members[key]
            self.times[key] = self.times.get(key, 0) + 1
        if trouble == "lost":
            return [reset()]
        return ([self.delay] if self.delay else []) + [NO_CONTENT, self]

    def numbers(self):
        """The numbers of the readings, by their keys."""
        return [self.stored[key]["n"] for key in sorted(self.stored)]


def feed(box, fields=FIELDS, **options):
    """A feed of a Realtime Database."""
    return database(**options).feed("t", fields, outbox=box)


def record(one, numbers, time=None):
    for n in numbers:
        if time:
            time.move(1000)
        one.record(n)


def is_odd(key, value):
    return isinstance(value, dict) and value["n"] % 2 == 1


def is_multiple_of(number):
    return lambda key, value: isinstance(value, dict) and value["n"] % number == 0


def refused_numbers(box):
    return [json.loads(body)["n"] for _, _, body in box.refusals()]


