"""Pushes with flamelet, blocking."""

import config

import flamelet

database = flamelet.Database(config.URL, config.TOKEN, ca=config.CA)
feed = database.feed(config.PATH, tuple((name, 1) for name in config.NAMES))


def push(a, b, c, d):
    feed.push(a, b, c, d)
