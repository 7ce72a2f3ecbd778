"""Requests through the module `requests`: that of MicroPython's firmware, that of CPython."""

import sys

import requests

from scenarios import outcome


def over_tls(connect, say, url, token, ca):
    """The outcomes of requests over TLS; on CPython with a session that trusts `ca`, where there is one."""
    transport = requests
    if ca and sys.implementation.name != "micropython":
        transport = requests.Session()
        # Else a variable of the environment, where there is one, says what is trusted.
        transport.trust_env = False
        transport.verify = ca
    with connect(url, token, transport=transport) as db:
        feed = db.feed("readings", (("n", 0),))
        return [outcome(db.set, "a", {"n": 1}), outcome(db.get, "a"), outcome(feed.push, 5)]


def redirected(connect, say, url, token):
    """The outcomes of reads and writes that are redirected."""
    with connect(url, token, transport=requests) as db:
        reads = [outcome(db.get, "a"), outcome(lambda: [list(found) for found in db.walk("", "a")])]
        return reads, [outcome(db.set, "a", 2), outcome(db.update, "", {"a": 2}), outcome(db.delete, "a")]


def streams(connect, say, url):
    """The outcomes of what needs a stream, and of a request after them."""
    with connect(url, transport=requests) as db:
        return [outcome(db.listen, "a"), outcome(db.mirror, "a"), outcome(db.get, "a")]


def gateway(connect, say, url, count, post):
    """Push so many readings to a gateway; their ids, and how many more went."""
    import flamelet

    with flamelet.Gateway(url, transport=requests) as gw:
        feed = gw.feed("readings", (("n", 0), ("half", 1)), post=post)
        ids = []
        for n in range(1, count + 1):
            feed.push(n, n / 2)
            ids.append(feed.key)
        return ids, feed.push_many([[n, -n] for n in range(1, 4)])
