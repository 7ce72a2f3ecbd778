"""Readings without allocation: one prepared request, in which only the key and the numbers change.

In: a row of readings, one for each field. Out: one PUT under a new key, in one write; the answer is 204. Made for the
hot path: on an open connection `push` allocates nothing on MicroPython, with ints (31 bits on a board); a float costs
one float for rounding it. For the same reason `push` has six positional arguments and no more: `*values` would be a
tuple, and a longer frame would come from the heap. Wider rows go through `push_row`, with a list that is kept.

Every reading is written once: its key is made before it is sent, so a repeated request changes nothing.

Memory: the request, with the token: about 1.3 KiB for ever, plus 28 bytes and the name for each field.
"""

from . import _push_id, _url
from ._buffer import MAX_DECIMALS, NUMBER_WIDTH, put_int, put_number, put_text
from ._connection import DONE
from ._runtime import const
from .database import check_answer, check_key
from .errors import InvalidArgument, ResponseError

MISSING = object()
_LENGTH_DIGITS = const(6)


class Feed:
    """Made by `Database.feed(path, fields)`.

    `key` is that of the last reading; `pending`: it was not refused, and is not known to have arrived.
    """

    def __init__(self, database, path: str, fields: tuple) -> None:
        self._names = tuple(_check_field(field) for field in fields)
        if not self._names:
            raise InvalidArgument('a feed has at least one field, e.g. (("temp", 1),): a name and its decimals')
        self._decimals = tuple(field[1] for field in fields)
        self._given: list = [None] * 6
        self.pending = False
        self._database = database
        self._path = path
        self._texts = self._make_texts()
        self._parameters = None
        self._prepare()

    def _make_texts(self):
        """What stands before each number: b'{"temp":', b',"hum":'."""
        first = ("{" if i == 0 else "," for i in range(len(self._names)))
        return tuple(('%s"%s":' % (mark, name)).encode() for mark, name in zip(first, self._names))

    def _prepare(self):
        """Build the request around a key and a length that are yet to be written, unless it stands already."""
        database = self._database
        parameters = database._parameters()
        if parameters == self._parameters:
            return
        key = "-" * _push_id.SIZE
        head = "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length:%s\r\n\r\n" % (
            database._target("%s/%s" % (self._path.strip("/"), key), "print=silent"),
            _url.host_header(database._origin),
            " " * _LENGTH_DIGITS,
        )
        body = sum(len(text) + NUMBER_WIDTH for text in self._texts) + 1
        self._request = bytearray(head.encode()) + bytearray(body)
        self._key_at = head.index(key + ".json")
        self._body_at = len(head)
        self._length_at = self._body_at - 4 - _LENGTH_DIGITS
        self._parameters = parameters

    @property
    def key(self) -> str:
        """The key of the last reading."""
        return self._request[self._key_at : self._key_at + _push_id.SIZE].decode()

    def push(self, a, b=MISSING, c=MISSING, d=MISSING, e=MISSING, f=MISSING) -> None:
        """Send one reading under a new key: a number, a bool or None for each field, in the order of the fields."""
        # Written out: the frame of a loop, or of a call with as many arguments, would come from the heap.
        self._given[0] = a
        self._given[1] = b
        self._given[2] = c
        self._given[3] = d
        self._given[4] = e
        self._given[5] = f
        return self._send(self._checked_given())

    def push_row(self, row) -> None:
        """Send one reading under a new key: `row` is a list or tuple with a value for each field."""
        self._check_row(row)
        return self._send(row)

    def repeat(self) -> None:
        """Send the `pending` reading again under its key: after an error that left open whether it arrived."""
        if not self.pending:
            raise InvalidArgument("there is no pending reading to repeat: the last one arrived, or was refused")
        return self._database._run(self._again())

    def push_many(self, rows) -> int:
        """Send many readings in one PATCH, all or none; how many there were. `rows`: rows as for `push_row`."""
        return self._database._run(self._push_many(rows))

    def _checked_given(self):
        for i in range(len(self._given)):
            if (self._given[i] is MISSING) != (i >= len(self._names)):
                raise InvalidArgument("push takes %d values, one for each field" % len(self._names))
        return self._given

    def _check_row(self, row):
        if len(row) != len(self._names):
            raise InvalidArgument("a row has %d values, not %d" % (len(self._names), len(row)))

    def _send(self, row):
        connection = self._database._connection
        if not self._begin(connection, row):
            return self._database._run(self._push(row))
        # The hot path: a flow would be an object, so the exchange is stepped here.
        code = connection.step()
        while code > DONE:
            connection.wait(connection.remaining())
            code = connection.step()
        if not self._is_done(connection, code):
            self._database._run(self._again())

    def _begin(self, connection, row):
        """Begin the exchange, if the connection is open and nobody uses it."""
        if connection.sock is None or connection.busy or not connection.over:
            return False
        self._size = self._write(row)
        connection.begin(self._request, self._size)
        return True

    def _is_done(self, connection, code):
        """Whether the exchange did what it should; False where it has to be repeated, ResponseError where refused."""
        status = connection.response.status
        if code != DONE or status >= 429 or 300 <= status < 400:
            return False
        self.pending = False
        if status >= 400:
            check_answer(connection, self._request)
        return True

    def _push(self, row):
        """Flow: one reading, over a connection that may have to be opened."""
        yield from self._database._turn()
        self._prepare()
        self._size = self._write(row)
        yield from self._again()

    def _again(self):
        """Flow: the same request with all that the hot path leaves out: opening, repeating, redirects."""
        try:
            yield from self._database._answered(self._request, True, self._size)
        except ResponseError as error:
            self.pending = error.retry
            raise
        self.pending = False

    def _write(self, row):
        """Write key, length and body into the request; its size."""
        self.pending = False
        request = self._request
        _push_id.put(request, self._key_at)
        at = self._write_row(self._body_at, row)
        at_length = self._length_at
        end = put_int(request, at_length, at - self._body_at)
        while end < at_length + _LENGTH_DIGITS:
            request[end] = 32
            end += 1
        self.pending = True
        return at

    def _write_row(self, at, row):
        for i in range(len(self._texts)):
            at = self._write_field(at, i, row)
        self._request[at] = 125
        return at + 1

    def _write_field(self, at, i, row):
        at = put_text(self._request, at, self._texts[i])
        return put_number(self._request, at, row[i], self._decimals[i])

    def _push_many(self, rows):
        database = self._database
        parts = []
        for row in rows:
            self._check_row(row)
            at = self._write_row(self._body_at, row)
            parts.append(b'"%s":' % _push_id.make().encode() + self._request[self._body_at : at])
        if parts:
            body = b"{" + b",".join(parts) + b"}"
            target = database._target(self._path, "print=silent")
            yield from database._answered(database._request("PATCH", target, body), True)
        return len(parts)


def _check_field(field):
    if not isinstance(field, (tuple, list)) or len(field) != 2 or not isinstance(field[0], str):
        raise InvalidArgument("a field is (name, decimals), not %r" % (field,))
    name, decimals = field
    check_key(name)
    if not isinstance(decimals, int) or not 0 <= decimals <= MAX_DECIMALS:
        raise InvalidArgument("field %s: decimals are 0 to %d, not %r" % (name, MAX_DECIMALS, decimals))
    if '"' in name or "\\" in name:
        raise InvalidArgument("the field name %r has a quote or a backslash" % name)
    return name
