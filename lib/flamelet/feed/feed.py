"""Sends readings without allocation: one prepared request, in which only the key and the numbers change.

A program uses a `Feed`, which with an outbox is a `RecordingFeed`. `Reading` is its request: each service has its own
in its reading.py. In: a row of values, one for each field. Out: one write under a new key, which is made before it is
sent, so a repeat is idempotent.

The hot path: on an open connection `push` allocates nothing on MicroPython with ints (31 bits on a board); a float
costs one float for rounding. That is why `push` has six positional arguments: `*values` would be a tuple, and a longer
frame would come from the heap. Use `push_row` for wider rows, with a list that is kept.

Memory: the request with the token, about 1.3 KiB, and 28 bytes and the name for each field, permanently.
"""

from .. import FlameletError, _invalid
from ..core import push_id as _push_id
from ..core.buffer import NUMBER_WIDTH, POWERS, put_int, put_number, put_text
from ..core.path import check_key
from ..core.runtime import const
from ..net.connection import DONE

_TYPING = const(0)
if _TYPING:
    # For mypy: MicroPython drops what is below a constant 0.
    from collections.abc import Callable, Generator

MISSING = object()
_LENGTH_DIGITS = const(6)


class Feed:
    """Made by `feed` of a service. `reading`: the request that is sent."""

    def __init__(self, reading) -> None:
        self.reading = reading

    @property
    def key(self) -> str:
        """The key of the last reading."""
        return self.reading.key

    @property
    def pending(self) -> bool:
        """Whether the last reading may not have arrived, and was not refused."""
        return self.reading.pending

    def push(self, a, b=MISSING, c=MISSING, d=MISSING, e=MISSING, f=MISSING):
        """Send one reading under a new key: a number, a bool or None for each field, in the order of the fields."""
        # frame: a loop, or a call with as many arguments, would take it from the heap.
        given = self.reading.given
        given[0] = a
        given[1] = b
        given[2] = c
        given[3] = d
        given[4] = e
        given[5] = f
        return self.push_row(given)

    def push_row(self, row):
        """Send one reading under a new key: `row` is a list or tuple with a value for each field."""
        reading = self.reading
        client = reading.client
        connection = client.connection
        if not reading.begin(connection, row):
            return client.run(reading.push(row))
        # heap: a flow would be an object, so the exchange is stepped here.
        code = reading.step(connection)
        while code > DONE:
            connection.wait(connection.remaining())
            code = reading.step(connection)
        if code != DONE or not reading.is_done(connection):
            client.run(reading.again(1))

    def repeat(self):
        """Send the `pending` reading again under its key, after an error that left open whether it arrived."""
        reading = self.reading
        if not reading.pending:
            raise _invalid("pending")
        return reading.client.run(reading.again())

    def push_many(self, rows):
        """Send many readings in one request, all or none; to a gateway one after another. Returns how many.

        `rows`: rows as for `push_row`.
        """
        return self.reading.client.run(self.reading.push_many(rows))


class Reading:
    """The prepared request of a feed.

    A subclass has:
    - `prepare()`: builds `request` around a key and a length that are yet to be written, unless it exists already;
    - `is_done(connection)`: whether the answer says that it was written; False if it has to be sent again;
    - `answered(attempt)`: the flow that sends the request with everything that the hot path omits;
    - `push_many(rows)`: the flow of `Feed.push_many`.
    """

    prepare: "Callable[[], None]"
    is_done: "Callable[..., bool]"
    answered: "Callable[[int], Generator]"
    push_many: "Callable[..., Generator]"
    request: bytearray
    key_at: int

    def __init__(self, client, fields) -> None:
        self.texts: list = []  # what is written before each number
        self.decimals: list = []
        self.room = 1  # bytes of the widest row
        for field in fields if isinstance(fields, (tuple, list)) else ():
            text = _text(field)
            self.texts.append(text)
            self.decimals.append(field[1])
            self.room += len(text) + NUMBER_WIDTH
        if not 0 < len(set(self.texts)) == len(self.texts):
            raise _invalid("fields")
        self.texts[0] = b"{" + self.texts[0][1:]
        self.given: list = [None] * 6
        self.pending = False
        self.client = client
        self.parameters: list = [None]  # matches no request
        self.prepare()

    def new_request(self, length_at, before=0):
        """Make the request, with its length at `length_at`, and `before` bytes of body before the row. Returns it."""
        self.length_at = length_at
        body_at = length_at + _LENGTH_DIGITS + 4
        self.row_at = body_at + before
        self.request = bytearray(self.row_at + self.room)
        put_text(self.request, body_at - 4, b"\r\n\r\n")
        return self.request

    @property
    def key(self):
        """The key that the request holds."""
        return self.request[self.key_at : self.key_at + _push_id.SIZE].decode()

    def begin(self, connection, row):
        """Write the reading and begin the exchange, if the connection is open and not in use.

        Returns whether it did.
        """
        self.check(row)
        token = self.client.token
        if connection.sock is None or connection.in_use or not connection.idle:
            return False
        if token and token.is_stale(self.parameters):
            return False
        connection.begin(self.request, self.write(row))
        return True

    def check(self, row):
        """Raise InvalidArgument unless `row` has one value for each field; MISSING: not given to `push`."""
        size = len(self.texts)
        if len(row) < size or row[size - 1] is MISSING or len(row) > size and not (
            row is self.given and row[size] is MISSING
        ):
            raise _invalid("row", size)

    def step(self, connection):
        """Move the exchange on. Returns DONE, FAILED, or what it waits for."""
        return connection.step()

    def push(self, row):
        """Flow: send one reading, over a connection that may have to be opened."""
        self.prepare()
        _push_id.forget()
        self.write(row)
        yield from self.again()

    def again(self, attempt=0):
        """Flow: send the request of `write`; `attempt`: how often it was sent already."""
        try:
            yield from self.answered(attempt)
            self.pending = False
        except FlameletError as error:
            self.pending = error.retry
            raise

    def write(self, row):
        """Write key, length and body into the request. Returns its size."""
        request = self.request
        self.pending = False
        _push_id.put(request, self.key_at)
        at = self.length_at
        body_at = at + _LENGTH_DIGITS + 4
        self.size = self.put_row(request, self.row_at, row)
        end = put_int(request, at, self.size - body_at)
        while end < at + _LENGTH_DIGITS:
            request[end] = 32
            end += 1
        self.pending = True
        return self.size

    def put_row(self, buffer, at, row) -> int:
        """Write `row` as JSON at buffer[at]. Returns the position after it."""
        i = 0
        while i < len(self.texts):
            at = put_text(buffer, at, self.texts[i])
            at = put_number(buffer, at, row[i], self.decimals[i])
            i += 1
        buffer[at] = 125
        return at + 1


def _text(field):
    """Return what is written before the number of `field`: b',"hum":'."""
    try:
        name, decimals = field
        check_key(name)
    except (TypeError, ValueError, AttributeError):
        decimals = name = ""
    if decimals not in range(len(POWERS)) or '"' in name or "\\" in name:
        raise _invalid("field", field)
    return (',"%s":' % name).encode()
