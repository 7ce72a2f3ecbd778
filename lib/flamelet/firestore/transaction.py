"""Reads, then writes documents of Firestore at once, and all of it again where others were faster.

In: a function of a `Transaction`. Out: what the function returned, when its writes are there.

With an OAuth2 token the service keeps the transaction: beginTransaction, reads and commit carry it. Production refuses
that to ID tokens; there it is done as Google's web SDK does: each document that was read must be unchanged at the
commit, which says so by a condition or a `verify`; what a query did not find is not watched then. After a lost answer
nothing is done again: OutcomeUnknown.
(Source: "Transactions" of the Firestore documentation; the REST reference of beginTransaction, commit, rollback.)
"""

from .. import FlameletError, InvalidArgument, NetworkError, _broken
from ..core.backoff import pause
from ..errors import Aborted, AlreadyExists, NotFound, PreconditionFailed, TransactionAborted
from ..wire import json as _json
from .commit import commit
from .document import document, name_of
from .rest import call, call_object
from .writes import Writes

# What says that another was faster, where a document that was read has to be unchanged.
_FASTER = (Aborted, AlreadyExists, NotFound, PreconditionFailed)


class Transaction:
    """What the function of a transaction is given; `get` and `read` are awaited where the Firestore is."""

    def __init__(self, client, id) -> None:
        self._client = client
        self._id = id
        self._read: dict = {}  # {resource name: the time of what was read, None where nothing was}
        self._has_read = False
        self._writes = Writes(client)

    def get(self, path: str):
        """The fields of the document at `path`, None where there is none."""
        return self._client.run(self._get(path, True))

    def read(self, path: str):
        """The `Document` at `path`, None where there is none."""
        return self._client.run(self._get(path, False))

    def query(self, query):
        """The `Document`s that `query`, as of `Firestore.query`, finds, in a list."""
        return self._client.run(self._query(query))

    def create(self, path: str, fields: dict) -> None:
        """Write a document where there is none."""
        if "update_time" in self._take(path):
            raise AlreadyExists("create of %s: it was read, and there is such a document: set it" % path)
        self._writes.create(path, fields)

    def set(self, path: str, fields: dict) -> None:
        """Write a document anew."""
        self._writes.set(path, fields, **self._take(path))

    def update(self, path: str, fields: dict) -> None:
        """Write these fields of a document that exists; the names are paths."""
        condition = self._take(path)
        if "exists" in condition:
            raise NotFound("update of %s: it was read, and there is no such document: set it" % path)
        self._writes.update(path, fields, **condition)

    def delete(self, path: str) -> None:
        """Delete a document."""
        self._writes.delete(path, **self._take(path))

    def _get(self, path, only_fields):
        self._begin_read()
        name = name_of(self._client, path)
        body = {"documents": [name]}
        if self._id:
            body["transaction"] = self._id
        answer = yield from call(self._client, "POST", self._client.root + ":batchGet", body, None, True, True)
        found = is_missing = None
        for element in answer if isinstance(answer, list) else ():
            if "found" in element:
                found = document(self._client, element["found"])
            is_missing = is_missing or "missing" in element
        if not found and not is_missing:
            raise _broken("%s: the answer does not say whether it is there: is this Firestore?", path)
        if name not in self._read:
            self._read[name] = found and found.update_time
        return found.fields if found and only_fields else found

    def _begin_read(self):
        if self._writes.encoded:
            raise InvalidArgument("a transaction reads all that it needs before its first write")
        self._has_read = True

    def _query(self, query):
        self._begin_read()
        found = yield from query.flow(transaction=self._id or "")
        for one in found:
            self._read.setdefault(name_of(self._client, one.path), one.update_time)
        return found

    def _take(self, path):
        """The condition under which the document at `path` is as it was read; none the second time."""
        name = name_of(self._client, path)
        if self._id or name not in self._read:
            return {}
        return _condition(self._read.pop(name))

    def attempt(self, function, awaited):
        """Flow: (what `function` returned, None), or (None, the error that says that another was faster)."""
        faster: tuple = (Aborted,)
        try:
            result = function(self)
            if awaited:
                waiting = [result]
                yield waiting
                result = waiting[0]
            if self._has_read and not self._id:
                faster = _FASTER
            yield from self._commit()
            return result, None
        except Exception as error:
            if not isinstance(error, faster):
                yield from self._roll_back(error)
                raise
            return None, error

    def _commit(self):
        # What was read and not written.
        prefix = len(self._client.root) + 1
        for name in () if self._id else self._read:
            self._writes.verify(name[prefix:], **_condition(self._read[name]))
        transaction = b',"transaction":%s' % _json.dumps(self._id, None) if self._id else b""
        if self._writes.encoded or self._id:
            self._writes.repeatable = False
            yield from commit(self._client, self._writes, transaction, True)

    def _roll_back(self, error):
        # Where the network failed, it ends by itself.
        if self._id and not isinstance(error, NetworkError):
            try:
                yield from call(self._client, "POST", self._client.root + ":rollback", {"transaction": self._id})
            except FlameletError:
                # So it does here; what matters is why it was given up.
                self._id = None


def _condition(update_time):
    return {"update_time": update_time} if update_time else {"exists": False}


def transaction(client, function, attempts, awaited):
    """Flow: what `function` returned; `awaited`: it returns an awaitable."""
    keeps = client.token and client.token.kind == "access_token"
    id = None
    for attempt in range(attempts):
        if keeps:
            options: dict = {"readWrite": {"retryTransaction": id} if id else {}}
            answer = yield from call_object(client, "POST", client.root + ":beginTransaction", {"options": options})
            id = answer.get("transaction")
            if not id:
                raise _broken("beginTransaction: the answer holds no transaction: is this Firestore?")
        result, last = yield from Transaction(client, id).attempt(function, awaited)
        if not last:
            return result
        yield pause(attempt + 1, last)
    if isinstance(last, (AlreadyExists, NotFound)):
        # It is so each time: nobody was faster.
        raise last
    raise TransactionAborted("others were faster in each of %d tries: try later (%s)" % (attempts, last))
