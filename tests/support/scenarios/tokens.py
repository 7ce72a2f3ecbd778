"""Tokens that end, and what a client with one sees. `token`: as in token.json."""

import gc
import time

from flamelet import Token
from scenarios import outcome

DEADLINE_SECONDS = 20
PAUSE_SECONDS = 0.02


def push_over_ends(connect, say, url, options, token, ends):
    """Push 0, 1, 2, ... until the token was renewed so often; how many readings there were."""
    mine = Token(token)
    with connect(url, mine, **options) as db:
        feed = db.feed("devices/d1/readings", (("n", 0),))
        n = 0
        for _ in range(ends):
            end = mine.end
            deadline = time.time() + DEADLINE_SECONDS
            while mine.end == end:
                if time.time() > deadline:
                    raise OSError("the token was not renewed in time")
                feed.push(n)
                n += 1
                time.sleep(PAUSE_SECONDS)
        return n


def each_operation(connect, say, url, options, tokens):
    """With each token one operation: get, set, push of a feed, the first event of a stream; the outcomes."""
    outcomes = []
    for i in range(len(tokens)):
        with connect(url, Token(tokens[i]), **options) as db:
            if i == 0:
                outcomes.append(outcome(db.get, "devices/d1/a"))
            elif i == 1:
                outcomes.append(outcome(db.set, "devices/d1/b", 2))
            elif i == 2:
                outcomes.append(outcome(db.feed("devices/d1/readings", (("n", 0),)).push, 3))
            else:
                outcomes.append(outcome(_first_data, db))
    return outcomes


def _first_data(db):
    with db.listen("devices/d1/a") as stream:
        return stream.next(DEADLINE_SECONDS * 1000).data


def mirror(connect, say, url, options, token):
    """Mirror until there is an "end"; how often each change was told, the value, and how often it was reconnected."""
    told = {}
    with connect(url, Token(token), **options) as db, db.mirror("devices/d1/log") as mirror:
        for change in mirror:
            say(change.path)
            # What is there at the start comes as a whole.
            for path in ["/" + key for key in change.value] if change.path == "/" else [change.path]:
                told[path] = told.get(path, 0) + 1
            # Behind a reconnect the end may come before what else was written meanwhile.
            if len(told) == (mirror.value or {}).get("end"):
                return [told, mirror.value, mirror._stream.reconnects]


def ask(connect, say, url, options, token, path, count):
    """Get `path` so often; what came of it, each outcome once, in the order in which they came."""
    outcomes = []
    with connect(url, Token(token), **options) as db:
        for _ in range(count):
            one = outcome(db.get, path)
            if one not in outcomes:
                outcomes.append(one)
    return outcomes


def ask_after(connect, say, url, options, token, seconds, count):
    """Wait so many seconds with a token, then get so often; what came of it, each outcome once."""
    outcomes = []
    with connect(url, Token(token), **options) as db:
        time.sleep(seconds)
        for _ in range(count):
            one = outcome(db.get, "devices/d1/a")
            if one not in outcomes:
                outcomes.append(one)
    return outcomes


def with_file(connect, say, url, options, file):
    """Get with the token of `file`, again and again until it was renewed; the last outcome, and what was not saved."""
    mine = Token.load(file)
    end = mine.end
    deadline = time.time() + DEADLINE_SECONDS
    with connect(url, mine, **options) as db:
        last = outcome(db.get, "devices/d1/a")
        while mine.end == end and time.time() < deadline:
            time.sleep(PAUSE_SECONDS)
            last = outcome(db.get, "devices/d1/a")
    return [last, repr(mine.unsaved)]


def two_clients(connect, say, url, options, token, seconds):
    """Two clients with one token, before and after its end: what they got."""
    mine = Token(token)
    with connect(url, mine, **options) as one, connect(url, mine, **options) as other:
        before = [outcome(db.get, "devices/d1/a") for db in (one, other)]
        time.sleep(seconds)
        return before + [outcome(db.get, "devices/d1/a") for db in (one, other, one)]


def wrong_clock(connect, say, url, options, token, seconds, off_by):
    """Get by a clock that is wrong by so many seconds (None: it was never set), at once and `seconds` later."""
    from flamelet.auth import credential

    epoch_ms = credential.epoch_ms
    credential.epoch_ms = lambda: 0 if off_by is None else epoch_ms() + off_by * 1000
    try:
        mine = Token(token)
    finally:
        # On a desktop the module stays loaded, for other tokens.
        credential.epoch_ms = epoch_ms
    with connect(url, mine, **options) as db:
        outcomes = [outcome(db.get, "devices/d1/a")]
        time.sleep(seconds)
        return outcomes + [outcome(db.get, "devices/d1/a") for _ in range(3)]


def heap_of_pushes(connect, say, url, options, token, seconds, count):
    """Let the token end; the bytes that so many pushes leave and take then, and as many under heap_lock()."""
    import micropython

    mine = Token(token)
    old = mine.text
    db = connect(url, mine, **options)
    feed = db.feed("devices/d1/readings", (("n", 0), ("m", 0)))
    feed.push(0, 0)
    time.sleep(seconds)
    for n in range(3):
        feed.push(n, 1)

    def push():
        for n in range(count):
            feed.push(n, -n)

    gc.collect()
    gc.disable()
    left = gc.mem_alloc()
    taken = micropython.mem_total()
    push()
    taken = micropython.mem_total() - taken
    left = gc.mem_alloc() - left
    micropython.heap_lock()
    try:
        push()
    finally:
        micropython.heap_unlock()
    gc.enable()
    db.close()
    return [mine.text != old, left, taken]


def heap_of_refusals(connect, say, url, options, token, count):
    """How much the heap grows over so many operations, all refused for their token."""
    with connect(url, Token(token), **options) as db:
        heaps = []
        for _ in range(2):
            for _ in range(count):
                first = outcome(db.get, "devices/d1/a")[0]
                if first != "error":
                    raise OSError("it was not refused")
            gc.collect()
            heaps.append(gc.mem_alloc())
        return heaps[1] - heaps[0]


def heap_of_awaited_pushes(connect, say, url, options, token, count):
    """How much the heap grows over so many pushes that are awaited."""
    with connect(url, Token(token), **options) as db:
        feed = db.feed("devices/d1/readings", (("n", 0),))
        heaps = []
        for _ in range(2):
            for n in range(count):
                feed.push(n)
            gc.collect()
            heaps.append(gc.mem_alloc())
        return heaps[1] - heaps[0]
