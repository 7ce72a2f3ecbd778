"""Readings without allocation: one prepared request, in which only the key and the numbers change.

In: a row of readings, one for each field. Out: one PUT under a new key, in one write; the answer is 204. Made for the
hot path: on an open connection `push` allocates nothing on MicroPython, with ints (31 bits on a board); a float costs
one float for rounding it. For the same reason `push` has six positional arguments and no more: `*values` would be a
tuple, and a longer frame would come from the heap. Wider rows go through `push_row`, with a list that is kept.

Every reading is written once: its key is made before it is sent, so a repeated request changes nothing.

Memory: the request, with the token: about 1.3 KiB for ever, plus 28 bytes and the name for each field.
"""

from ..core import push_id as _push_id
from ..core import url as _url
from .. import FlameletError, refusal
from ..core.buffer import NUMBER_WIDTH, POWERS, put_int, put_number, put_text
from ..core.path import check_key, keys
from ..core.runtime import const
from ..net.connection import DONE


MISSING = object()
_LENGTH_DIGITS = const(6)


class Feed:
    """Made by `Database.feed(path, fields)`.

    `key` is that of the last reading; `pending`: it was not refused, and is not known to have arrived.
    """

    def __init__(self, database, path: str, fields: tuple) -> None:
        self._texts: list = []
        self._decimals: list = []
        self._room = 1  # bytes of the widest row
        for field in fields if isinstance(fields, (tuple, list)) else ():
            text = _text(field)
            self._texts.append(text)
            self._decimals.append(field[1])
            self._room += len(text) + NUMBER_WIDTH
        if not 0 < len(set(self._texts)) == len(self._texts):
            raise refusal("fields")
        self._texts[0] = b"{" + self._texts[0][1:]
        self._given: list = [None] * 6
        self.pending = False
        self._database = database
        self._path = "/".join(keys(path))
        self._parameters = None
        self._prepare()

    def _prepare(self):
        """Build the request around a key and a length that are yet to be written, unless it stands already."""
        database = self._database
        parameters = database._parameters()
        if parameters != self._parameters:
            self._parameters = parameters
            key = "-" * _push_id.SIZE
            target = database._target("%s/%s" % (self._path, key), "print=silent")
            verb = b"PUT "
            rest = " HTTP/1.1\r\nHost: %s\r\nContent-Length:" % _url.host_header(database._origin)
            if database._override:
                from ..client.method_override import overridden

                verb, rest = overridden(database, rest)
            self._length_at = len(verb) + len(target) + len(rest)
            # In pieces: with a token each copy of the whole takes more than a kilobyte.
            self._row_at = self._length_at + _LENGTH_DIGITS + 4
            self._request = request = bytearray(self._row_at + self._room)
            at = put_text(request, put_text(request, 0, verb), target.encode())
            put_text(request, put_text(request, at, rest.encode()) + _LENGTH_DIGITS, b"\r\n\r\n")
            self._key_at = request.find((key + ".json").encode())

    @property
    def key(self) -> str:
        """The key of the last reading."""
        return self._request[self._key_at : self._key_at + _push_id.SIZE].decode()

    def push(self, a, b=MISSING, c=MISSING, d=MISSING, e=MISSING, f=MISSING):
        """Send one reading under a new key: a number, a bool or None for each field, in the order of the fields."""
        # Written out: the frame of a loop, or of a call with as many arguments, would come from the heap.
        self._given[0] = a
        self._given[1] = b
        self._given[2] = c
        self._given[3] = d
        self._given[4] = e
        self._given[5] = f
        return self._send(self._given)

    def push_row(self, row):
        """Send one reading under a new key: `row` is a list or tuple with a value for each field."""
        return self._send(row)

    def repeat(self):
        """Send the `pending` reading again under its key: after an error that left open whether it arrived."""
        if not self.pending:
            raise refusal("pending")
        return self._database._run(self._again())

    def push_many(self, rows):
        """Send many readings in one PATCH, all or none; how many there were. `rows`: rows as for `push_row`."""
        from ..rtdb.push import push_many

        return self._database._run(push_many(self._database, self, rows))

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
            self._database._run(self._again(1))

    def _begin(self, connection, row):
        """Begin the exchange, if the connection is open and nobody uses it."""
        self._check(row)
        token = self._database._token
        if connection.sock is None or connection.busy or not connection.over:
            return False
        if token and token.is_stale(self._parameters):
            return False
        connection.begin(self._request, self._write(row))
        return True

    def _check(self, row):
        """One value for each field; what `push` was not given is MISSING."""
        size = len(self._texts)
        if len(row) < size or row[size - 1] is MISSING or len(row) > size and not (
            row is self._given and row[size] is MISSING
        ):
            raise refusal("row", size)

    def _is_done(self, connection, code):
        """Whether the exchange did what it should; False where it has to be repeated, ResponseError where refused."""
        status = connection.response.status
        if code != DONE or status == 503 or 300 <= status < 400:
            return False
        self.pending = status == 429 or status >= 500
        if status != 204:
            if status == 401 and self._database._token:
                from ..auth.refresh import is_blamed

                if is_blamed(self._database, connection, self._request):
                    return False
            from ..diagnosis.failures import check

            return check(connection, self._request)
        return True

    def _push(self, row):
        """Flow: one reading, over a connection that may have to be opened."""
        self._prepare()
        _push_id.forget()
        self._write(row)
        yield from self._again()

    def _again(self, attempt=0):
        """Flow: the request of `_write` with all that the hot path leaves out; `attempt`: how often it was sent."""
        try:
            yield from self._database._answered(self._request, self._size, True, attempt)
            self.pending = False
        except FlameletError as error:
            self.pending = error.retry
            raise

    def _write(self, row):
        """Write key, length and body into the request; its size."""
        request = self._request
        self.pending = False
        _push_id.put(request, self._key_at)
        at = self._length_at
        body_at = at + _LENGTH_DIGITS + 4
        self._size = self.put_row(request, self._row_at, row)
        end = put_int(request, at, self._size - body_at)
        while end < at + _LENGTH_DIGITS:
            request[end] = 32
            end += 1
        self.pending = True
        return self._size

    def put_row(self, buffer, at, row) -> int:
        """Write `row` as JSON at buffer[at]; the position behind it."""
        i = 0
        while i < len(self._texts):
            at = put_text(buffer, at, self._texts[i])
            at = put_number(buffer, at, row[i], self._decimals[i])
            i += 1
        buffer[at] = 125
        return at + 1


def _text(field):
    """What stands before the number of `field`: b',"hum":'."""
    try:
        name, decimals = field
        check_key(name)
    except (TypeError, ValueError, AttributeError):
        decimals = name = ""
    if decimals not in range(len(POWERS)) or '"' in name or "\\" in name:
        raise refusal("field", field)
    return (',"%s":' % name).encode()
