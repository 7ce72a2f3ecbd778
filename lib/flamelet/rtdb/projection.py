"""Projects a stream: takes from each event, of any size, only the values whose paths match a pattern.

In: bytes of the stream, cut anywhere, and a pattern, a list of keys in which "*" stands for any. Out: the codes of
`EventParser`, but for a put or patch `PROJECTED`; `event()` then returns one of the events that the server's event
is split into. An event of the server replaces the value at a place: a put at its path, a patch at its path and each
key.
- A place above a possible match: a put of None there, since all below is gone; then a put of each match.
- A place at or below a possible match: a put of the value there, which may be None.
- Any other place: nothing, and nothing is built.
Applied in order, these events turn the projection of the old tree into the projection of the new tree.

Memory: one key or one value at a time, of at most `limit` bytes; a larger value is reported as too large. The server
must send the type of an event before its data, and its path before the data within, as the live service does.
"""

from .. import FlameletError, _broken
from ..core.path_lists import split
from ..core.runtime import const
from ..wire.json_reader import FOUND, KEY_TOO_LARGE, NEED, NOT_JSON, TOO_LARGE, Reader
from ..wire.sse import DATA, EVENT, PROJECTED, EventParser

_PLACE = const(2)  # beside the codes of Reader: the value at `place` is replaced, and the pattern goes on below it
_NO_PATH = const(-4)
_NO_DATA = const(-5)
_PIECE = const(4)  # ends EventParser.feed at the end of a line of data
_WRONG = {
    NOT_JSON: "that is not JSON",
    KEY_TOO_LARGE: "with a path or key larger than event_bytes, or than memory",
    _NO_PATH: "with its data before its path: listen without a pattern",
    _NO_DATA: "without path and data",
}
_LACKING = (MemoryError, FlameletError)  # what building a key and its place can raise


class Projection(EventParser):
    """Parses the events of a stream. `names`: as for EventParser; the first two mean put and patch."""

    def __init__(self, names: tuple, limit: int, pattern: list) -> None:
        self._reader = _EventReader(pattern, limit)
        self._code = self._piece_start = self._piece_end = 0
        super().__init__(names, limit)

    def start(self) -> None:
        """Start a new stream: its first event is the snapshot."""
        self._is_first = True
        super().start()

    def event(self):
        """Return (type, path, data, snapshot) after PROJECTED, or None at the end of an event of the server.

        Raises ProtocolError if that event is broken; the rest of it is then skipped.
        """
        reader = self._reader
        code = self._code
        if code == NEED:
            return None
        if code in _WRONG:
            raise _broken("the stream sent a %s %s", self._names[self.name].decode(), _WRONG[code])
        below = [] if code == _PLACE else reader.keys[reader.above :]
        path = "/" + "/".join(reader.place + below)
        if code == TOO_LARGE:
            return "too-large", path, reader.size, self._is_first
        value = reader.read() if code == FOUND else None
        # A null below a place that was replaced means no value.
        return None if value is None and below else ("put", path, value, self._is_first)

    def feed(self, buffer: bytearray, start: int, end: int) -> int:
        """Read buffer[start:end] as EventParser.feed does."""
        self.position = start
        while self.position < end:
            code = self._read(buffer) if self._piece_end else self._take_line(buffer, end)
            if code:
                return code
        return NEED

    def _take_line(self, buffer, end):
        code = super().feed(buffer, self.position, end)
        if self._piece_end:
            self.position = self._piece_start
            return NEED
        return self._end_event() if code == EVENT and self._is_read() else code

    def _read(self, buffer):
        """Read on in the piece of data. Returns PROJECTED or NEED."""
        code = self._read_piece(buffer)
        self.position = self._reader.position
        self._is_broken = code < 0 and code != TOO_LARGE
        if self._is_broken:
            self.position = self._piece_end
        if self.position == self._piece_end:
            self._piece_end = 0
        self._code = code
        return PROJECTED if code else NEED

    # frame: a function of its own, since a `try` makes the frame large.
    def _read_piece(self, buffer):
        try:
            return self._reader.feed(buffer, self.position, self._piece_end)
        except _LACKING:
            return KEY_TOO_LARGE

    def _end_event(self):
        reader = self._reader
        self._code = NEED if self._is_broken else reader.feed_eof() if reader.has_data else _NO_DATA
        self._is_first = False
        return PROJECTED

    def _is_read(self):
        """Return whether the data of this event is read, not collected."""
        return 0 <= self.name <= 1

    # Overrides of EventParser.

    def _begin_event(self):
        super()._begin_event()
        self._reader.start()
        self._piece_end = 0
        self._is_broken = False

    def _take_value(self, buffer, start, end):
        is_whole = super()._take_value(buffer, start, end)
        if self._field == DATA and self._is_read() and not self._is_broken:
            # With the line end, which is white space in JSON, as are those between lines of data.
            self._piece_start = start
            self._piece_end = self.position
        return is_whole

    def _keep_data(self, buffer, start, end):
        if not self._is_read():
            super()._keep_data(buffer, start, end)

    def _read_event(self):
        super()._read_event()
        self._reader.is_patch = self.name == 1

    def _end_line(self):
        return super()._end_line() or (_PIECE if self._piece_end else NEED)


class _EventReader(Reader):
    """Reads {"path": ..., "data": ...}, aimed again at each place that is replaced; adds _PLACE to Reader's codes.

    `is_patch`: the keys of data are places, too; `has_data`: that key has arrived. `place` is replaced, and the value
    that was found is at keys[above:] below it.
    """

    def __init__(self, pattern: list, value_bytes: int) -> None:
        self._wanted = pattern
        self.place: list = []
        self.above = 0
        super().__init__(["path"], value_bytes)

    def start(self) -> None:
        """Start a new event."""
        self._path = None
        self._is_path = self.is_patch = self.has_data = False
        super().start()

    def _match(self, key):
        if self._depth == 1:
            return self._begin_field(key)
        if self._depth == 2 and self.is_patch and self._open[1] == 123:
            return self._begin_place(self._path + split(key), ["data", key])
        return super()._match(key)

    def _begin_field(self, key):
        self._matched = 0
        self._is_path = key == "path"
        if self._is_path:
            self.aim(["path"])
            self._matched = 1
        elif key == "data":
            self.has_data = True
            if self._path is None:
                return _NO_PATH
            if not self.is_patch:
                return self._begin_place(self._path, ["data"])
            # No index matches "": a patch is an object.
            self.aim(["data", ""])
            self._matched = 1
        return NEED

    def _begin_place(self, place, above):
        """Look for the matches at `place`, which is at the keys `above` here. Returns _PLACE or NEED."""
        for key, wanted in zip(place, self._wanted):
            if wanted != "*" and wanted != key:
                self._matched = self._depth - 1
                return NEED
        self.place = place
        self.above = len(above)
        below = self._wanted[len(place) :]
        self.aim(above + below)
        self._matched = self._depth
        return _PLACE if below else NEED

    def _whole(self):
        code = super()._whole()
        if not self._is_path or not code:
            return code
        self._is_path = False
        path = self.read() if code == FOUND else None
        if not isinstance(path, str):
            return _NO_DATA if code == FOUND else KEY_TOO_LARGE
        self._path = split(path)
        return NEED
