"""Cloud Firestore over REST: documents, queries, transactions.

In: paths like "cities/LA", and fields as a dict. Out: dicts, `Document`s, iterators, or one of our errors. Each method
makes a flow that `_run` hands to a pump: here one that blocks, in `flamelet.aio` one that is awaited. What each does is
in a module of its own, which is loaded with the first call.

Every write is sent as a commit, which does what `patch`, `createDocument` and `delete` do, and takes every condition
and transform. (Source: the REST reference of Cloud Firestore, v1.)

Memory: a document is held whole, a list a page at a time, the answer of a query a document at a time.
"""

from . import _url
from ._client import Client
from ._runtime import MICROPYTHON

URL = "https://firestore.googleapis.com/v1"


class Firestore(Client):
    """A Firestore database.

    Arguments: `project`, its id; `token`: a `Token`, its text, a dict of it, or None; `database`: the name of another
    one than the default; `url`: where the API is; `options`: as for `flamelet.Database`.

    On a desktop FIRESTORE_EMULATOR_HOST leads to the emulator, as in Google's SDKs. What the methods return is not
    annotated, since `flamelet.aio` awaits it.
    """

    awaited = False

    def __init__(self, project: str, token=None, database: str = "(default)", url: str = URL, **options) -> None:
        if not MICROPYTHON:
            from ._cpython import firestore_emulator

            url = firestore_emulator(url, options)
        super().__init__(url, token, **options)
        names = _url.check_text(project, "the project"), _url.check_text(database, "the database")
        self._root = "projects/%s/databases/%s/documents" % names

    def get(self, path: str, **options):
        """The fields of the document at `path`, None where there is none. Options: `mask`, names of the fields that
        are wanted; `read_time`, an earlier moment; `raw=True`: the document as JSON, in bytes."""
        return self._flow("get", path, options)

    def read(self, path: str, **options):
        """The `Document` at `path`, with its times, None where there is none; options as for `get`."""
        return self._flow("read", path, options)

    def create(self, collection: str, fields: dict, id: str = ""):
        """Write a new document; its id, which is made here unless it is given. AlreadyExists: there is one with it."""
        return self._flow("create", collection, fields, id)

    def set(self, path: str, fields: dict, **condition):
        """Write the document at `path` anew; the time of it, as it is then in the document's `update_time`.

        `condition`: `exists=True` or `False`, or `update_time`: only if so, else PreconditionFailed.
        """
        return self._flow("write", "set", path, fields, condition)

    def update(self, path: str, fields: dict, **condition):
        """Write these fields of a document that exists; a name may be a path, "a.b"; `flamelet.DELETE` removes one."""
        return self._flow("write", "update", path, fields, condition)

    def delete(self, path: str, **condition):
        """Delete the document at `path`, if there is one; not those below it."""
        return self._flow("write", "delete", path, None, condition)

    def call(self, method: str, path: str, body=None, **parameters):
        """Any method of the REST API: `path` behind ".../v1/", `body` a dict; the answer as a dict."""
        return self._run(self._call(method, path, body, parameters))

    def feed_base(self):
        """What a feed of this Firestore is built on."""
        from .feed import Feed

        return Feed

    def __getattr__(self, name):
        # The methods that fewer programs use.
        from ._firestore_methods import bound

        return bound(self, name)

    def _flow(self, name, *arguments):
        from . import _documents

        return self._run(getattr(_documents, name)(self, *arguments))

    def _call(self, method, path, body=None, parameters=None):
        """Flow: any method of the REST API; its answer."""
        from ._rest import call

        return (yield from call(self, method, path, body, parameters or {}))

    def _parameters(self):
        # The token goes into a header.
        return [self._query] if self._query else []
