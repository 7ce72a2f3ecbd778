"""Verified TLS: which servers a client talks to."""

from flamelet import Timeouts
from scenarios import outcome


def _root(ca, form):
    """The root in the file `ca`, in the form in which a user may give it."""
    if form == "file":
        return ca
    with open(ca, "rb") as file:
        return file.read()


def trusting(connect, say, url, ca, form):
    """Write and read with this root; the value, and how a reading went."""
    with connect(url, ca=_root(ca, form)) as db:
        db.set("a", {"n": 1})
        feed = db.feed("readings", (("n", 0),))
        return [db.get("a"), outcome(feed.push, 7)]


def every_call(connect, say, url, ca, timeouts, token=None):
    """The outcome of a write, a read, a reading and a stream."""
    with connect(url, token, ca=ca, timeouts=Timeouts(**timeouts)) as db:
        feed = db.feed("readings", (("n", 0),))
        stream = db.listen("a")
        return [outcome(db.set, "a", 1), outcome(db.get, "a"), outcome(feed.push, 7), outcome(stream.next, 5000)]


def contexts(connect, say, url, ca):
    """How many SSLContexts three clients, with streams and reconnects, leave for the life of the program."""
    from flamelet.net import tls as _tls

    before = len(_tls._contexts)
    for _ in range(3):
        with connect(url, ca=ca) as db:
            db.set("a", 1)
            with db.listen("a") as stream:
                stream.next(5000)
            db.close()
            db.set("a", 2)
    return len(_tls._contexts) - before


def opened(connect, say, url, options):
    """The outcome of making a client and of its first request."""
    made = outcome(connect, url, **options)
    if made[0] == "error":
        return made
    with made[1] as db:
        return outcome(db.get, "a")
