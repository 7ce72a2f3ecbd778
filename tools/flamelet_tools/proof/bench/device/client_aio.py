"""Pushes with flamelet.aio: `push` returns an awaitable."""

import config

from flamelet import aio

database = aio.Database(config.URL, config.TOKEN, ca=config.CA)
feed = database.feed(config.PATH, tuple((name, 1) for name in config.NAMES))


def push(a, b, c, d):
    return feed.push(a, b, c, d)
