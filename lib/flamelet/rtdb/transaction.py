"""Writes where nothing has changed meanwhile: the flows of get_if_changed, set_if_unchanged and transaction.

In: an ETag, or a function of the present value. Out: what is there, with its ETag. An ETag is opaque: the same data
has the same one, and "null_etag" stands for nothing. A conditional write is not repeated by itself, since "it was
changed" could then mean: by the lost request. A lost answer is OutcomeUnknown. ("Conditional Requests" of the REST
API; the names are those of firebase_admin.db.)

Limit: a transaction ends after 25 tries, as in Google's SDKs.
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
    """Flow: (True, value, its ETag), or (False, None, None) where the value is still the one with this ETag."""
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
    """Flow: (True, value, its ETag), or (False, the present value, its ETag) where it was changed."""
    try:
        return True, value, (yield from set(client, path, value, {"if_match": etag, "etag": True}))
    except PreconditionFailed as error:
        return False, error.value, error.etag


def transaction(client, path, function):
    """Flow: write function(present value), again while someone else is faster; what was written."""
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
            # It carries what the next try begins with: no other GET.
            value = error.value
            etag = error.etag
        # Most tries follow at once, while the value is new; two that write in step need a pause to fall out of it.
        yield 0 if attempt & 3 else getrandbits(6)
    raise TransactionAborted("%s was changed by someone else in each of %d tries: try later" % (path, _TRIES))
