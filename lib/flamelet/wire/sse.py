"""Parses server-sent events (WHATWG HTML, section 9.2.6, "Interpreting an event stream").

In: bytes in a buffer, cut anywhere. Out: `NEED`, `EVENT` (in `data[:data_length]` and `name`) or `TOO_LARGE` (an
event whose data went over the limit: it is skipped to its end and reported once; the stream goes on).

Memory: `data` grows by doubling up to the limit and is kept; `_value` has 64 bytes. Known event names are reported as
their index in the tuple that is given, so nothing is allocated for them.

Limits, and why: an event has at most `limit` bytes of data (8 KiB by default: the Realtime Database sends the whole
value at every reconnect on one line, so the line is as long as the payload). The fields that matter (event, data, id,
retry) have at most 5 letters; the value of a field other than `data` has at most 64 bytes, a longer one is ignored.
"""

from ..core.copy import copy
from ..core.runtime import const

NEED = const(0)
EVENT = const(1)
TOO_LARGE = const(2)
PROJECTED = const(3)  # of a `Projection`, which then has an `event()`
_BOM = b"\xef\xbb\xbf"
_NAME = const(0)  # in the name of a field
_SPACE = const(1)  # after its colon: one space is dropped
_VALUE = const(2)
_IGNORED = const(0)
DATA = const(1)
_EVENT = const(2)
_ID = const(3)
_RETRY = const(4)


class EventParser:
    """Parses one stream after another. `names`: the known event types, in UTF-8; `limit`: the most bytes of data of one
    event.

    After EVENT or TOO_LARGE: `name` is an index into `names`, -1 for another name, `other_name` then its bytes;
    `size` is the number of bytes of data that arrived, `data_length` of those that were kept in `data`, and `view` a
    memoryview of `data`. `last_event_id` (bytes) and `retry` (milliseconds, -1 if none was set) are as the server
    sent them.
    """

    def __init__(self, names: tuple, limit: int = 8192) -> None:
        self._names = names
        self.limit = limit
        self._value = bytearray(64)
        self.data = bytearray(min(limit, 256))
        self.view = memoryview(self.data)
        self.last_event_id = b""
        self.retry = -1
        self.start()

    def start(self) -> None:
        """Start a new stream: drop an event that was cut, keep the last id."""
        self.position = 0
        self._id = self.last_event_id
        self._bom = 0
        self._after_cr = False
        self._begin_event()
        self._begin_line()

    def _begin_event(self):
        self._is_complete = False
        self._has_data = False
        self.size = self.data_length = 0
        self.name = -1
        self.other_name = b"message"

    def _begin_line(self):
        self._state = _NAME
        self._field = _IGNORED
        self._held = 0

    def feed(self, buffer: bytearray, start: int, end: int) -> int:
        """Read buffer[start:end] up to the end of the next event. Returns its code; feed the rest from `position`."""
        if self._is_complete:
            self._begin_event()
        self.position = start
        if self._bom < 3:
            self._skip_bom(buffer, end)
        while self.position < end:
            if self._end_of_line(buffer, end):
                code = self._end_line()
                if code:
                    return code
        return NEED

    def _skip_bom(self, buffer, end):
        while self._bom < 3 and self.position < end:
            if buffer[self.position] != _BOM[self._bom]:
                # Not a byte order mark: the bytes that looked like its beginning begin an unknown field.
                self._held = self._bom
                self._value[0] = _BOM[0]
                self._bom = 3
                return
            self._bom += 1
            self.position += 1

    def _end_of_line(self, buffer, end):
        """Read a byte of a field's name, or what has arrived of its value. Returns True at the end of the line."""
        if self._state == _VALUE:
            return self._take_value(buffer, self.position, end)
        byte = buffer[self.position]
        self.position += 1
        if self._after_cr:
            self._after_cr = False
            if byte == 10:
                return False
        if self._state == _SPACE:
            self._state = _VALUE
            if byte != 32:
                self.position -= 1
            return False
        if byte == 58:
            self._begin_value()
        elif byte == 10 or byte == 13:
            self._after_cr = byte == 13
            return True
        elif self._held < 6:
            self._value[self._held] = byte
            self._held += 1
        return False

    def _begin_value(self):
        """Find out which field it is: its name is complete."""
        name = self._value
        size = self._held
        if size == 4 and name.startswith(b"data"):
            self._field = DATA
            if self._has_data:
                self._keep_data(b"\n", 0, 1)
            self._has_data = True
        elif size == 5 and name.startswith(b"event"):
            self._field = _EVENT
        elif size == 2 and name.startswith(b"id"):
            self._field = _ID
        elif size == 5 and name.startswith(b"retry"):
            self._field = _RETRY
        self._held = 0
        self._state = _SPACE

    def _take_value(self, buffer, start, end):
        stop = buffer.find(b"\n", start, end)
        if stop >= 0:
            end = stop
        cut = buffer.find(b"\r", start, end)
        if cut >= 0:
            end = stop = cut
        if self._field == DATA:
            self._keep_data(buffer, start, end)
        elif self._field != _IGNORED:
            self._keep_value(buffer, start, end)
        self.position = end
        if stop < 0:
            return False
        self._after_cr = buffer[stop] == 13
        self.position = stop + 1
        return True

    def _keep_value(self, buffer, start, end):
        if self._held + end - start > len(self._value):
            self._field = _IGNORED
        else:
            self._held = copy(self._value, self._held, buffer, start, end)

    def _keep_data(self, buffer, start, end):
        self.size += end - start
        if self.size > len(self.data) and not (self.size <= self.limit and self._grow()):
            # Too large: what fits is kept, since the beginning says what changed.
            end = min(end, start + len(self.data) - self.data_length)
        self.data_length = copy(self.data, self.data_length, buffer, start, end)

    def _grow(self):
        """Make room for `size` bytes in `data`. Returns whether there is room now."""
        try:
            data = bytearray(min(self.limit, max(self.size, 2 * len(self.data))))
        except MemoryError:
            # As if the limit had been reached: it is reported as too large, and the stream goes on.
            self.size = self.limit + 1
            return False
        data[: self.data_length] = self.view[: self.data_length]
        self.data = data
        self.view = memoryview(data)
        return True

    def _end_line(self):
        if self._state == _NAME and self._held == 0:
            return self._dispatch()
        if self._state == _NAME:
            self._begin_value()
        if self._field == _EVENT:
            self._read_event()
        elif self._field == _ID:
            if self._value.find(b"\0", 0, self._held) < 0:
                self._id = bytes(self._value[: self._held])
        elif self._field == _RETRY:
            value = self._value[: self._held]
            if value.isdigit() and self._held < 9:
                self.retry = int(value)
        self._begin_line()
        return NEED

    def _read_event(self):
        for i in range(len(self._names)):
            name = self._names[i]
            if len(name) == self._held and self._value.startswith(name):
                self.name = i
                return
        self.name = -1
        self.other_name = bytes(self._value[: self._held]) or b"message"

    def _dispatch(self):
        self.last_event_id = self._id
        if not self._has_data:
            self._begin_event()
            return NEED
        self._is_complete = True
        return TOO_LARGE if self.size > self.limit else EVENT
