"""Pushes with a feed of Firestore, blocking."""

import config

import flamelet

fs = flamelet.Firestore("demo", config.TOKEN, url=config.URL + "/v1", ca=config.CA)
feed = fs.feed("readings", tuple((name, 0) for name in config.NAMES))


def push(a, b, c, d):
    feed.push(a, b, c, d)
