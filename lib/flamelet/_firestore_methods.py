"""The methods of `Firestore` that fewer programs use: loaded with the first one that is asked for.

Each takes the Firestore as its first argument; a flow is handed to its pump, so that `flamelet.aio` awaits it.
"""


def batch(fs):
    """`Writes` to be filled: batch.set(path, fields), .create, .update, .delete, .verify; then fs.commit(batch)."""
    from ._writes import Writes

    return Writes(fs)


def commit(fs, batch):
    """Do all of the writes of `batch`, or none; the time of each."""
    from ._documents import commit

    return fs._run(commit(fs, batch))


def batch_write(fs, batch):
    """Do each of the writes of `batch` by itself; for each (its time, None) or (None, the reason). OAuth2 only."""
    from ._many import batch_write

    return fs._run(batch_write(fs, batch))


def batch_get(fs, paths, **options):
    """Iterate over (path, `Document` or None) of many documents, in the order in which they come."""
    from ._many import batch_get

    return batch_get(fs, paths, options)


def list(fs, collection, **options):
    """Iterate over the documents of a collection, a page at a time.

    Options: `page_size`, `order_by`, `mask`, `show_missing`, `read_time`.
    """
    from ._pages import documents

    return documents(fs, collection, options)


def collections(fs, path=""):
    """Iterate over the ids of the collections below the document at `path`, or of the database. OAuth2 only."""
    from ._pages import collections

    return collections(fs, path)


def describe(fs, path):
    """(the `Document`, the ids of the collections below it). OAuth2 only."""
    from ._many import describe

    return fs._run(describe(fs, path))


def transaction(fs, function, attempts=5):
    """What `function(tx)` returns; its reads and writes happen at once, again where others were faster.

    `tx` has get, query, create, set, update and delete. Where the answer to the commit is lost, OutcomeUnknown is
    raised, and `function` is not called again.
    """
    from ._firestore_transaction import transaction

    return fs._run(transaction(fs, function, attempts))


def query(fs, collection):
    """A `Query` of a collection: query("cities").where("pop", ">", 1000000).order_by("pop").limit(3)."""
    from . import structured_query

    return structured_query.Query(fs, collection)


def query_group(fs, collection):
    """A `Query` of all collections of this id, wherever they are."""
    from . import structured_query

    return structured_query.Query(fs, collection, all_descendants=True)


def reference(fs, path):
    """A `Reference` to the document at `path`, to be stored in a field."""
    from ._value_types import Reference
    from .document import name_of

    return Reference(name_of(fs, path))


def feed(fs, collection, fields, time="", outbox=None):
    """A feed of readings as documents of a collection; `fields`: a tuple of (name, decimals).

    `time`: the name of a field that the service sets to the time of the request.
    """
    from . import firestore_feed
    from ._hot_feed import feed_class

    base = feed_class(firestore_feed, fs.feed_base())
    if not outbox:
        return base(fs, collection, fields, time)
    from . import _record_firestore, recording

    return recording.recording(base, _record_firestore, outbox, fs, collection, fields, time)


def admin(fs):
    """The administration of the database: indexes, fields, operations, export and import."""
    from .firestore_admin import Admin

    return Admin(fs)


_METHODS: dict = {
    "batch": batch,
    "batch_get": batch_get,
    "batch_write": batch_write,
    "collections": collections,
    "commit": commit,
    "describe": describe,
    "feed": feed,
    "list": list,
    "query": query,
    "query_group": query_group,
    "reference": reference,
    "transaction": transaction,
}


def bound(fs, name: str):
    """The method `name` of `fs`; AttributeError where there is none."""
    if name == "admin":
        return admin(fs)
    method = _METHODS.get(name)
    if not method:
        raise AttributeError("a Firestore has no %s" % name)
    return lambda *arguments, **options: method(fs, *arguments, **options)
