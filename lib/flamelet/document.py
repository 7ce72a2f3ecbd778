"""A document of Firestore, as it is read."""

from collections import namedtuple

# `path`: "cities/LA"; `fields`: a dict; `create_time` and `update_time`: RFC 3339 text, to the microsecond.
Document = namedtuple("Document", ("path", "fields", "create_time", "update_time"))
