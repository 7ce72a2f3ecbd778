"""Administers a Firestore database: its indexes, fields, operations, export and import.

In: names and paths of Python. Out: the dicts of the REST reference, iterators over them that hold one page, or one of
our errors. It needs an OAuth2 token. A method that takes a while returns an operation, a dict with its `name`, for
`wait`. It is not repeated automatically: if the answer is lost, OutcomeUnknown is raised.
(Source: the REST reference of Cloud Firestore, projects.databases and what is below it.)

Limits: the path of a field must not hold / or :, not even in backticks.
"""

from .. import InvalidArgument, _broken
from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms
from .field_path import join, split
from .path import collection
from .rest import call

_FIRST_PAUSE = const(250)  # milliseconds between two requests for an operation; each pause is twice the one before
_LONGEST_PAUSE = const(10000)
_LONGEST_WAIT = const(1 << 28)
# In the order of their numbers in google.rpc.Status.
_CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
)
_SCOPES = ("COLLECTION", "COLLECTION_GROUP")


class Admin:
    """Made by `Firestore.admin`; with `flamelet.aio` its methods are awaited. A collection group is named by its id."""

    def __init__(self, client) -> None:
        self._client = client
        self._root = client.root[: -len("/documents")]

    def create_index(self, collection_group: str, fields, scope: str = "COLLECTION"):
        """Begin to make a composite index. Returns the operation.

        `fields`: pairs of a path and "ASCENDING", "DESCENDING", "CONTAINS" (for arrays), or the dimension of vectors;
        `scope`: "COLLECTION", or "COLLECTION_GROUP" for queries of all collections of this id.
        """
        path = self._group(collection_group) + "/indexes"
        return self._do("POST", path, _index([_index_field(*field) for field in fields], scope))

    def indexes(self, collection_group: str = "-"):
        """Iterate over the composite indexes of a collection group, or of all."""
        return self._pages(self._group(collection_group) + "/indexes", "indexes", {})

    def get_index(self, name: str):
        """Return the index with this full name."""
        return self._do("GET", self._named(name))

    def delete_index(self, name: str):
        """Delete the index with this full name."""
        return self._do("DELETE", self._named(name))

    def field(self, collection_group: str, path: str):
        """Return the configuration of a field: its indexes, its TTL.

        `field("__default__", "*")`: that of all fields.
        """
        return self._do("GET", self._field(collection_group, path))

    def fields(self, collection_group: str = "-"):
        """Iterate over the fields of a collection group, or of all, that have indexes of their own or a TTL."""
        wanted = {"filter": "indexConfig.usesAncestorConfig=false OR ttlConfig:*"}
        return self._pages(self._group(collection_group) + "/fields", "fields", wanted)

    def set_ttl(self, collection_group: str, path: str, enabled: bool = True):
        """Begin to delete documents at the time in this field, or stop that. Returns the operation."""
        body: dict = {"ttlConfig": {}} if enabled else {}
        return self._do("PATCH", self._field(collection_group, path), body, {"updateMask": "ttlConfig"})

    def set_index_config(self, collection_group: str, path: str, indexes):
        """Begin to give a field these indexes in place of the automatic ones. Returns the operation.

        `indexes`: pairs of "ASCENDING", "DESCENDING" or "CONTAINS" and a scope, as for `create_index`. An empty list:
        the field is not indexed; None: it has the automatic ones again.
        """
        body: dict = {}
        if indexes is not None:
            made = [_index([_index_field(path, mode)], scope) for mode, scope in indexes]
            body["indexConfig"] = {"indexes": made}
        return self._do("PATCH", self._field(collection_group, path), body, {"updateMask": "indexConfig"})

    def operations(self):
        """Iterate over the operations, present and past."""
        return self._pages(self._root + "/operations", "operations", {})

    def operation(self, name: str):
        """Return the operation with this full name, as it is now."""
        return self._do("GET", self._named(name))

    def cancel_operation(self, name: str):
        """Ask to cancel an operation; `wait` shows whether it was."""
        return self._do("POST", self._named(name) + ":cancel", {})

    def delete_operation(self, name: str):
        """Delete the record of an operation that is done."""
        return self._do("DELETE", self._named(name))

    def wait(self, operation, deadline_ms: int = 600000):
        """Wait until an operation, a dict or its name, is done. Returns its `response`.

        Raises Timeout if it is not done by the deadline; it goes on. Raises ResponseError if it failed; `code` and
        `text` say why.
        """
        if not 0 <= deadline_ms < _LONGEST_WAIT:
            raise InvalidArgument("deadline_ms is from 0 to %d, not %s" % (_LONGEST_WAIT - 1, deadline_ms))
        return self._client.run(self._wait(operation, deadline_ms))

    def database(self):
        """Return the properties of the database: its location, its type, its times."""
        return self._do("GET", self._root)

    def databases(self):
        """Iterate over the databases of the project."""
        return self._pages(self._root.rsplit("/", 1)[0], "databases", {})

    def export_documents(self, uri: str, collections=()):
        """Begin to write all documents, or those of these collection groups, below "gs://BUCKET/...". Returns the
        operation.

        Its `response` has the `outputUriPrefix` for `import_documents`.
        """
        return self._transfer("export", "outputUriPrefix", uri, collections)

    def import_documents(self, uri: str, collections=()):
        """Begin to write the documents of an export over the existing ones. Returns the operation."""
        return self._transfer("import", "inputUriPrefix", uri, collections)

    def _transfer(self, what, key, uri, collections):
        body = {key: uri}
        if collections:
            body["collectionIds"] = list(collections)
        return self._do("POST", "%s:%sDocuments" % (self._root, what), body)

    def _do(self, method, path, body=None, parameters=None):
        return self._client.run(call(self._client, method, path, body, parameters, method == "GET"))

    def _pages(self, path, key, parameters):
        from .pages import Pages

        def ask(page_token):
            if page_token:
                parameters["pageToken"] = page_token
            answer = yield from call(self._client, "GET", path, None, parameters)
            return _checked(_checked(answer, dict).get(key, []), list), answer.get("nextPageToken")

        return Pages(self._client, ask)

    def _group(self, collection_group):
        if collection_group != "__default__" and len(collection(collection_group)) != 1:
            raise InvalidArgument("a collection group is an id, not the path %r" % collection_group)
        return "%s/collectionGroups/%s" % (self._root, collection_group)

    def _field(self, collection_group, path):
        if path != "*":
            path = join(split(path))
        if "/" in path or ":" in path:
            raise InvalidArgument("the field %r holds / or :, which the URL of a field cannot" % path)
        return "%s/fields/%s" % (self._group(collection_group), path)

    def _named(self, name):
        if not isinstance(name, str) or not name.startswith(self._root + "/"):
            raise InvalidArgument("a name is in full, as %s/..., not %r" % (self._root, name))
        return name

    def _wait(self, operation, ms):
        """Flow: wait for an operation; see `wait`."""
        if not isinstance(operation, dict):
            operation = {"name": operation}
        name = self._named(operation.get("name"))
        end = ticks_add(ticks_ms(), ms)
        pause = _FIRST_PAUSE
        while not operation.get("done"):
            left = ticks_diff(end, ticks_ms())
            if left <= 0:
                from .. import Timeout

                raise Timeout("%s is not done within %d ms: it goes on; wait again" % (name, ms))
            yield min(pause, left)
            pause = min(2 * pause, _LONGEST_PAUSE)
            operation = _checked((yield from call(self._client, "GET", name)), dict)
        if "error" in operation:
            raise _failure(name, _checked(operation["error"], dict))
        return operation.get("response", {})


def _checked(value, kind):
    if not isinstance(value, kind):
        raise _broken("an unexpected answer, %r: is this Firestore?", value)
    return value


def _index(fields, scope):
    if scope not in _SCOPES:
        raise InvalidArgument("a scope is COLLECTION or COLLECTION_GROUP, not %r" % (scope,))
    return {"queryScope": scope, "fields": fields}


def _index_field(path, mode):
    made = {"fieldPath": path if path == "*" else join(split(path))}
    if mode in ("ASCENDING", "DESCENDING"):
        made["order"] = mode
    elif mode == "CONTAINS":
        made["arrayConfig"] = mode
    elif isinstance(mode, int) and mode > 0 and mode is not True:
        made["vectorConfig"] = {"dimension": mode, "flat": {}}
    else:
        raise InvalidArgument("a mode is ASCENDING, DESCENDING, CONTAINS or the dimension of vectors, not %r" % (mode,))
    return made


def _failure(name, error):
    """Return the error for a google.rpc.Status."""
    from ..errors import ResponseError

    codes = _CODES.split()
    number = error.get("code")
    code = codes[number] if isinstance(number, int) and 0 < number < len(codes) else "UNKNOWN"
    text = error.get("message", "")
    return ResponseError("%s failed: %s %s" % (name, code, text), 0, text, code)
