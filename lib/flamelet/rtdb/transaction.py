"""Reads and writes on condition that nothing has changed: the flows of get_if_changed, set_if_unchanged, transaction.

In: an ETag, or a function of the present value. Out: the present value, with its ETag. An ETag is opaque: the same data
has the same one, and "null_etag" means that there is none. A conditional write is not repeated automatically, since the
value could have been changed by the lost request. A lost answer raises OutcomeUnknown. ("Conditional Requests" of the
REST API; the names are those of firebase_admin.db.)

Limit: a transaction ends after 25 attempts, as in Google's SDKs.
"""

from .. import InvalidArgument
from ..client.request import build
from ..core import url as _url
from ..core.runtime import const, getrandbits
from ..errors import PreconditionFailed, TransactionAborted
from .ask import etag_of, value_of
from .exchange import target
from .read import get
from .write import set

_TRIES = const(25)


def get_if_changed(client, path, etag):
    """Flow: return (True, value, its ETag), or (False, None, None) if the value still has this ETag."""
    headers = ("If-None-Match: " + _url.check_text(etag, "an ETag"),)
    request = build(client, "GET", target(client, path), b"", headers)
    connection = yield from client.exchange(request, len(request), True)
    if connection.response.status == 304:
        return False, None, None
    if connection.response.status >= 300:
        from ..diagnosis.failures import refused

        raise refused(connection, request)
    return True, value_of(connection), etag_of(connection)


def set_if_unchanged(client, path, etag, value):
    """Flow: write `value`. Returns (True, value, ETag), or (False, present value, its ETag) if it was changed."""
    try:
        return True, value, (yield from set(client, path, value, {"if_match": etag, "etag": True}))
    except PreconditionFailed as error:
        return False, error.value, error.etag


def transaction(client, path, function):
    """Flow: write function(present value), again as long as others change it. Returns what was written."""
    if not callable(function):
        raise InvalidArgument("a transaction takes a function of the present value, not %r" % (function,))
    value, etag = yield from get(client, path, {"etag": True})
    yield 0
    for attempt in range(_TRIES):
        new = function(value)
        try:
            yield from set(client, path, new, {"if_match": etag})
            return new
        except PreconditionFailed as error:
            # It has the present value, so no GET is needed.
            value = error.value
            etag = error.etag
        # Most attempts follow at once, while the value is new; two clients that write in step need a random pause.
        yield 0 if attempt & 3 else getrandbits(6)
    raise TransactionAborted("%s was changed by someone else in each of %d tries: try later" % (path, _TRIES))
