"""Queries the children of a path: in an order, within a range, up to a limit.

In: `db.query(path)` and its methods, each of which returns the query. Out: `get()`: [(key, value), ...] in the order of
the service, which the JSON of its answer does not keep; `listen()`: a stream of the changes among them. A query that
the service would refuse raises InvalidArgument, with the service's text. (Source: "Filtering Data" of the REST API; the
order is that of Google's SDKs: null, false, true, numbers, strings, objects; ties by key; keys that are whole numbers
of 32 bits first.)

Memory: the answer is held whole, and its rows are sorted in place: a limit keeps it small.
"""

from .. import InvalidArgument
from ..core import url as _url
from ..core.path import keys
from ..wire import json as _json
from . import ask as _ask
from . import read as _reads
from .exchange import target
from .ordering import rows


class Query:
    """Made by `Database.query(path)`. The names are those of `firebase_admin.db.Query`."""

    def __init__(self, client, listen, path: str) -> None:
        keys(path)
        self._client = client
        self._listen = listen  # the method of the database
        self._path = path
        self._parameters: dict = {}

    def order_by_child(self, path: str):
        """Order by the value at `path` below each child."""
        if keys(path) == [""]:
            raise InvalidArgument("order_by_child takes the path of a child; order_by_value orders the children")
        return self._order_by(path.strip("/"))

    def order_by_key(self):
        """Order by key."""
        return self._order_by("$key")

    def order_by_value(self):
        """Order by the value of each child."""
        return self._order_by("$value")

    def order_by_priority(self):
        """Order by the priority of each child."""
        return self._order_by("$priority")

    def limit_to_first(self, count: int):
        """Take only the first `count` children."""
        return self._limit("limitToFirst", count)

    def limit_to_last(self, count: int):
        """Take only the last `count` children."""
        return self._limit("limitToLast", count)

    def start_at(self, value: object, key: str = ""):
        """Start at `value`; with `key`, at this key among those that have this value."""
        return self._bound("startAt", value, key, ("startAfter", "equalTo"))

    def start_after(self, value: object, key: str = ""):
        """Start after `value`; with `key`, after the child that has this value and this key."""
        return self._bound("startAfter", value, key, ("startAt", "equalTo"))

    def end_at(self, value: object, key: str = ""):
        """End at `value`, which is included."""
        return self._bound("endAt", value, key, ("endBefore", "equalTo"))

    def end_before(self, value: object, key: str = ""):
        """End before `value`, which is not included."""
        return self._bound("endBefore", value, key, ("endAt", "equalTo"))

    def equal_to(self, value: object, key: str = ""):
        """Take only the children that are equal to `value`."""
        return self._bound("equalTo", value, key, ("startAt", "startAfter", "endAt", "endBefore"))

    def get(self, **options):
        """Return [(key, value), ...] in the order of the service; `options`: parameters as for `Database.get`."""
        return self._client.run(self._get(options))

    def listen(self, **options):
        """Return a `Stream` of the changes among these children; see `Database.listen`."""
        return self._listen(self._path, query=self._text(), **options)

    def _order_by(self, index):
        return self._set("orderBy", index, ("orderBy",))

    def _limit(self, name, count):
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise InvalidArgument("%s must be a positive integer, not %r" % (name, count))
        return self._set(name, count, ("limitToFirst", "limitToLast"))

    def _bound(self, name, value, key, others):
        if isinstance(value, (dict, list, tuple)):
            raise InvalidArgument("Constraint index field must be a JSON primitive, not %r" % (value,))
        text = _json.dumps(value, None)
        if key:
            if keys(key) != [key]:
                raise InvalidArgument("the key of %s is one key, not %r" % (name, key))
            text += b"," + _json.dumps(key, None)
        return self._set(name, (value, key, text.decode()), others + (name,))

    def _set(self, name, value, others):
        for other in others:
            if other in self._parameters:
                raise InvalidArgument("%s cannot be combined with %s" % (name, other))
        self._parameters[name] = value
        return self

    def _text(self):
        """Return the parameters as text for the URL. Raises InvalidArgument if they cannot be combined."""
        index = self._parameters.get("orderBy")
        if not index:
            raise InvalidArgument("orderBy must be defined when other query parameters are defined: say order_by_...()")
        parts = []
        for name in sorted(self._parameters):
            value = self._parameters[name]
            if not isinstance(value, tuple):
                text = _json.dumps(value, None).decode()
            elif index == "$key" and (value[1] or not isinstance(value[0], str)):
                text = "Provided key index type is invalid, must be string: %r in %s"
                raise InvalidArgument(text % (value[0], name))
            else:
                text = value[2]
            parts.append("%s=%s" % (name, _url.quote(text)))
        if index == "$priority":
            # The rows are sorted by the priorities.
            parts.append("format=export")
        return "&".join(parts)

    def _get(self, options):
        """Flow: return the rows."""
        for name in options:
            if name not in ("timeout", "auth_variable_override"):
                text = "Mixing '%s' and querying parameters is not supported: a query takes timeout"
                raise InvalidArgument(text % name)
        parameters = "&".join([part for part in (self._text(), _reads.parameters(options)) if part])
        place = target(self._client, self._path, parameters)
        connection = yield from _ask.ask(self._client, "GET", place)
        return rows(_ask.value_of(connection), self._parameters["orderBy"])
