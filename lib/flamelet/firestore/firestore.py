"""Reads, writes and queries Cloud Firestore over REST: documents, queries, transactions.

In: paths like "cities/LA", and fields as a dict. Out: dicts, `Document`s, iterators, or one of our errors. Each method
makes a flow, in a module that is loaded with the first call, and hands it to the pump of the client: here one that
blocks, in `flamelet.aio` one that awaits.

Every write is sent as a commit, which can do what `patch`, `createDocument` and `delete` do, with every condition and
transform. (Source: the REST reference of Cloud Firestore, v1.)

Memory: one document, one page of a list, or one document of a query at a time.
"""

from ..client.client import Client, Service
from ..core import url as _url
from ..core.runtime import MICROPYTHON

URL = "https://firestore.googleapis.com/v1"


class FirestoreClient(Client):
    """A client whose token goes into a header. `root`: the path of the documents of a database."""

    def __init__(self, root: str, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.root = root

    def parameters(self):
        """Return the query parameters of every request."""
        return [self.query] if self.query else []


class Firestore(Service):
    """A Firestore database.

    Arguments: `project`: its id; `token`: a `Token`, its text, its dict, or None; `database`: the name, if not the
    default; `url`: of the API; `options`: as for `flamelet.Database`.

    On a desktop FIRESTORE_EMULATOR_HOST selects the emulator, as in Google's SDKs.
    """

    awaited = False  # whether the function of a transaction returns an awaitable

    def __init__(self, project: str, token=None, database: str = "(default)", url: str = URL, **options) -> None:
        if not MICROPYTHON:
            from ..core.emulators import firestore_emulator

            url = firestore_emulator(url, options)
        names = _url.check_text(project, "the project"), _url.check_text(database, "the database")
        root = "projects/%s/databases/%s/documents" % names
        self._client = FirestoreClient(root, self._pump, url, token, **options)

    def get(self, path: str, **options):
        """Return the fields of the document at `path`, or None if there is none.

        Options: `mask`: names of the fields to read; `read_time`: an earlier time; `raw=True`: return JSON, in bytes.
        """
        from . import read as module

        return self._client.run(module.get(self._client, path, options))

    def read(self, path: str, **options):
        """Return the `Document` at `path`, with its times, or None if there is none; options as for `get`."""
        from . import read as module

        return self._client.run(module.read(self._client, path, options))

    def create(self, collection: str, fields: dict, id: str = ""):
        """Write a new document. Returns its id, made here unless `id` is given. Raises AlreadyExists if that exists."""
        from . import commit as module

        return self._client.run(module.create(self._client, collection, fields, id))

    def set(self, path: str, fields: dict, **condition):
        """Write the document at `path`, in place of the old one. Returns its `update_time`.

        `condition`: `exists=True` or `False`, or `update_time`: raise PreconditionFailed unless it is met.
        """
        from . import commit as module

        return self._client.run(module.write(self._client, "set", path, fields, condition))

    def update(self, path: str, fields: dict, **condition):
        """Write these fields of an existing document.

        A name may be a path, "a.b"; `flamelet.DELETE` removes a field.
        """
        from . import commit as module

        return self._client.run(module.write(self._client, "update", path, fields, condition))

    def delete(self, path: str, **condition):
        """Delete the document at `path`, if there is one, but not those below it."""
        from . import commit as module

        return self._client.run(module.write(self._client, "delete", path, None, condition))

    def call(self, method: str, path: str, body=None, **parameters):
        """Call any method of the REST API: `path`: the part after ".../v1/"; `body`: a dict. Returns the answer."""
        from .rest import call

        return self._client.run(call(self._client, method, path, body, parameters))

    def batch(self):
        """Return new `Writes`: call batch.set(path, fields), create, update, delete, verify; then fs.commit(batch)."""
        from .writes import Writes

        return Writes(self._client)

    def commit(self, batch):
        """Apply all writes of `batch`, or none. Returns the time of each."""
        from .commit import commit

        return self._client.run(commit(self._client, batch))

    def batch_write(self, batch):
        """Apply each write of `batch` by itself. Returns (time, None) or (None, reason) for each. OAuth2 only."""
        from .batch_requests import batch_write

        return self._client.run(batch_write(self._client, batch))

    def batch_get(self, paths, **options):
        """Iterate over (path, `Document` or None) of many documents, in the order of the answer."""
        from .batch_requests import batch_get

        return batch_get(self._client, paths, options)

    def list(self, collection, **options):
        """Iterate over the documents of a collection, a page at a time.

        Options: `page_size`, `order_by`, `mask`, `show_missing`, `read_time`.
        """
        from .pages import documents

        return documents(self._client, collection, options)

    def collections(self, path=""):
        """Iterate over the ids of the collections below the document at `path`, or of the database. OAuth2 only."""
        from .pages import collections

        return collections(self._client, path)

    def describe(self, path):
        """Return (the `Document` at `path`, the ids of the collections below it). OAuth2 only."""
        from .batch_requests import describe

        return self._client.run(describe(self._client, path))

    def transaction(self, function, attempts=5):
        """Run `function(tx)` in a transaction, again if others change the documents. Returns what it returned.

        `tx` is a `Transaction`, with get, read, query, create, set, update and delete. If the answer to the commit is
        lost, OutcomeUnknown is raised, and `function` is not called again.
        """
        from .transaction import transaction

        return self._client.run(transaction(self._client, function, attempts, self.awaited))

    def query(self, collection):
        """Return a `Query` of a collection: query("cities").where("pop", ">", 1000000).order_by("pop").limit(3)."""
        from . import query as structured_query

        return structured_query.Query(self._client, collection)

    def query_group(self, collection):
        """Return a `Query` of all collections with this id, anywhere in the database."""
        from . import query as structured_query

        return structured_query.Query(self._client, collection, all_descendants=True)

    def reference(self, path):
        """Return a `Reference` to the document at `path`, which can be stored in a field."""
        from .document import name_of
        from .value_types import Reference

        return Reference(name_of(self._client, path))

    def feed(self, collection, fields, time="", outbox=None):
        """Return a feed of readings as documents of a collection; `fields`: a tuple of (name, decimals).

        `time`: the name of a field that the service sets to the time of the request.
        """
        # heap: through the package, whose imports leave no holes on a board.
        from . import reading

        feed = self._new_feed(reading.Reading(self._client, collection, fields, time))
        if outbox:
            from . import records

            return records.recording(feed, outbox, collection)
        return feed

    @property
    def admin(self):
        """The administration of the database: indexes, fields, operations, export and import."""
        from .admin import Admin

        return Admin(self._client)
