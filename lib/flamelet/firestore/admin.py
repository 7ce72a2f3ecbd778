"""Administers a Firestore database: its indexes, fields, operations, export and import.

In: names and paths of Python. Out: the dicts of the REST reference, iterators over them that hold one page, or one of
our errors. It takes an OAuth2 token. What takes a while gives an operation, a dict with its `name`, to be awaited by
`wait`; it is not begun twice: where the answer is lost, OutcomeUnknown is raised.
(Source: the REST reference of Cloud Firestore, projects.databases and what is below it.)

Limits: the path of a field holds no / and no :, not even in backticks.
"""

from .. import InvalidArgument, _broken
from ..core.runtime import const, ticks_add, ticks_diff, ticks_ms
from .field_path import join, split
from .path import collection
from .rest import call

_FIRST_PAUSE = const(250)  # milliseconds between two looks at an operation; each is twice as long as the one before
_LONGEST_PAUSE = const(10000)
_LONGEST_WAIT = const(1 << 28)
# By the number that google.rpc.Status has for each.
_CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
)
_SCOPES = ("COLLECTION", "COLLECTION_GROUP")


class Admin:
    """Made by `Firestore.admin`; `flamelet.aio` awaits its methods. A collection group is the id of its collections."""

    def __init__(self, client) -> None:
        self._client = client
        self._root = client.root[: -len("/documents")]

    def create_index(self, collection_group: str, fields, scope: str = "COLLECTION"):
        """Begin to make a composite index; the operation.

        `fields`: pairs of a path and "ASCENDING", "DESCENDING", "CONTAINS" (for arrays), or the dimension of vectors;
        `scope`: "COLLECTION", or "COLLECTION_GROUP" for queries of all collections of this id.
        """
        path = self._group(collection_group) + "/indexes"
        return self._do("POST", path, _index([_index_field(*field) for field in fields], scope))

    def indexes(self, collection_group: str = "-"):
        """The composite indexes of a collection group, or of all."""
        return self._pages(self._group(collection_group) + "/indexes", "indexes", {})

    def get_index(self, name: str):
        """The index with this full name."""
        return self._do("GET", self._named(name))

    def delete_index(self, name: str):
        """Delete the index with this full name."""
        return self._do("DELETE", self._named(name))

    def field(self, collection_group: str, path: str):
        """The configuration of a field: its indexes, its TTL; "__default__", "*" is that of all fields."""
        return self._do("GET", self._field(collection_group, path))

    def fields(self, collection_group: str = "-"):
        """The fields of a collection group, or of all, that have indexes of their own or a TTL."""
        wanted = {"filter": "indexConfig.usesAncestorConfig=false OR ttlConfig:*"}
        return self._pages(self._group(collection_group) + "/fields", "fields", wanted)

    def set_ttl(self, collection_group: str, path: str, enabled: bool = True):
        """Begin to let documents end at the time in this field, or no more; the operation."""
        body: dict = {"ttlConfig": {}} if enabled else {}
        return self._do("PATCH", self._field(collection_group, path), body, {"updateMask": "ttlConfig"})

    def set_index_config(self, collection_group: str, path: str, indexes):
        """Begin to give a field these indexes in place of the automatic ones; the operation.

        `indexes`: pairs of "ASCENDING", "DESCENDING" or "CONTAINS" and a scope, as for `create_index`; none of them:
        the field is not indexed; None: it has the automatic ones again.
        """
        body: dict = {}
        if indexes is not None:
            made = [_index([_index_field(path, mode)], scope) for mode, scope in indexes]
            body["indexConfig"] = {"indexes": made}
        return self._do("PATCH", self._field(collection_group, path), body, {"updateMask": "indexConfig"})

    def operations(self):
        """The operations that are under way, and those that were."""
        return self._pages(self._root + "/operations", "operations", {})

    def operation(self, name: str):
        """The operation with this full name, as it is now."""
        return self._do("GET", self._named(name))

    def cancel_operation(self, name: str):
        """Ask for the end of an operation; `wait` tells whether it came."""
        return self._do("POST", self._named(name) + ":cancel", {})

    def delete_operation(self, name: str):
        """Forget an operation that is done."""
        return self._do("DELETE", self._named(name))

    def wait(self, operation, deadline_ms: int = 600000):
        """The `response` of an operation, a dict or its name, when it is done.

        Timeout: it is not done by the deadline, and goes on. ResponseError: it failed; `code` and `text` say why.
        """
        if not 0 <= deadline_ms < _LONGEST_WAIT:
            raise InvalidArgument("deadline_ms is from 0 to %d, not %s" % (_LONGEST_WAIT - 1, deadline_ms))
        return self._client.run(self._wait(operation, deadline_ms))

    def database(self):
        """What there is to know of the database: its location, its type, its times."""
        return self._do("GET", self._root)

    def databases(self):
        """The databases of the project."""
        return self._pages(self._root.rsplit("/", 1)[0], "databases", {})

    def export_documents(self, uri: str, collections=()):
        """Begin to write all documents, or those of these collection groups, below "gs://BUCKET/..."; the operation.

        The `response` of it has the `outputUriPrefix`, for `import_documents`.
        """
        return self._transfer("export", "outputUriPrefix", uri, collections)

    def import_documents(self, uri: str, collections=()):
        """Begin to write the documents of an export over those that are there; the operation."""
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
        """Flow: see `wait`."""
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
        raise _broken("the answer is not that of an administration but %r: is this Firestore?", value)
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
    """The error that a google.rpc.Status stands for."""
    from ..errors import ResponseError

    codes = _CODES.split()
    number = error.get("code")
    code = codes[number] if isinstance(number, int) and 0 < number < len(codes) else "UNKNOWN"
    text = error.get("message", "")
    return ResponseError("%s failed: %s %s" % (name, code, text), 0, text, code)
