"""Reads and writes documents of Firestore in one transaction, again if others changed them meanwhile.

In: a function of a `Transaction`. Out: what the function returned, after its writes were committed.

With an OAuth2 token the service runs the transaction: beginTransaction, reads and commit carry its id. Production does
not allow that for ID tokens; there it works as in Google's web SDK: each document that was read must be unchanged at
the commit, by a condition or a `verify`; documents that a query did not find are not covered. After a lost answer
nothing is repeated: OutcomeUnknown is raised.
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

# Errors that mean that a document was changed meanwhile, if it must be unchanged.
_FASTER = (Aborted, AlreadyExists, NotFound, PreconditionFailed)


class Transaction:
    """The argument of the function of a transaction; `get`, `read` and `query` are awaited if the Firestore is."""

    def __init__(self, client, id) -> None:
        self._client = client
        self._id = id
        self._read: dict = {}  # {resource name: update time of the document, None if there was none}
        self._has_read = False
        self._writes = Writes(client)

    def get(self, path: str):
        """Return the fields of the document at `path`, or None if there is none."""
        return self._client.run(self._get(path, True))

    def read(self, path: str):
        """Return the `Document` at `path`, or None if there is none."""
        return self._client.run(self._get(path, False))

    def query(self, query):
        """Return the `Document`s of `query`, a query of the Firestore, in a list."""
        return self._client.run(self._query(query))

    def create(self, path: str, fields: dict) -> None:
        """Write a new document."""
        if "update_time" in self._take(path):
            raise AlreadyExists("create of %s: it was read, and exists: use set" % path)
        self._writes.create(path, fields)

    def set(self, path: str, fields: dict) -> None:
        """Write a document, in place of the old one."""
        self._writes.set(path, fields, **self._take(path))

    def update(self, path: str, fields: dict) -> None:
        """Write these fields of a document that exists; the names are paths."""
        condition = self._take(path)
        if "exists" in condition:
            raise NotFound("update of %s: it was read, and does not exist: use set" % path)
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
        """Return the condition that the document at `path` is as it was read; {} the second time."""
        name = name_of(self._client, path)
        if self._id or name not in self._read:
            return {}
        return _condition(self._read.pop(name))

    def attempt(self, function, awaited):
        """Flow: return (what `function` returned, None), or (None, the error if a document was changed meanwhile)."""
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
        # Documents that were read and not written.
        prefix = len(self._client.root) + 1
        for name in () if self._id else self._read:
            self._writes.verify(name[prefix:], **_condition(self._read[name]))
        transaction = b',"transaction":%s' % _json.dumps(self._id, None) if self._id else b""
        if self._writes.encoded or self._id:
            self._writes.repeatable = False
            yield from commit(self._client, self._writes, transaction, True)

    def _roll_back(self, error):
        # If the network failed, it ends by itself.
        if self._id and not isinstance(error, NetworkError):
            try:
                yield from call(self._client, "POST", self._client.root + ":rollback", {"transaction": self._id})
            except FlameletError:
                # It ends by itself here too; `error` is the one to raise.
                self._id = None


def _condition(update_time):
    return {"update_time": update_time} if update_time else {"exists": False}


def transaction(client, function, attempts, awaited):
    """Flow: run `function` in a transaction. Returns what it returned; `awaited`: that is an awaitable."""
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
        # The same error each time: nobody changed it meanwhile.
        raise last
    raise TransactionAborted("others changed the documents in each of %d tries: try later (%s)" % (attempts, last))
