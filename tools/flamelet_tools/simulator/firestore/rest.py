"""Serves the REST API of Cloud Firestore: applies a request to the databases and answers it; no I/O.

In: a complete request below `/v1/projects/`. Out: an `Answer`. As on the live service, a parameter that the method does
not have is refused, the streaming methods (batchGet, runQuery, runAggregationQuery) answer with an array, which also
holds their errors, and permissions of ID tokens are checked. `DELETE /emulator/v1/projects/P/databases/D/documents`
empties a database, as in Google's emulator. Not served: listening, `fields=`, formats other than JSON. Not documented,
so chosen here: a database exists as soon as it is named, the texts for page tokens and read times that are no longer
valid, and the body of a 404 for an unknown path.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote

from flamelet_tools.simulator.accounts import credentials
from flamelet_tools.simulator.accounts.accounts import Accounts
from flamelet_tools.simulator.firestore import admin, documents, messages, query, rules
from flamelet_tools.simulator.firestore.admin_operations import CODES
from flamelet_tools.simulator.firestore.commit import Commit, Write, parse_writes
from flamelet_tools.simulator.firestore.documents import FieldPath, Refused, camel_case, invalid
from flamelet_tools.simulator.firestore.rules import Identity, Rules
from flamelet_tools.simulator.firestore.store import Clock, Document, Path, Store, resource_name, sort_key
from flamelet_tools.simulator.firestore.transactions import Read, Transaction, Transactions, check_read_time
from flamelet_tools.simulator.http.answers import API_TYPE, HTML_TYPE, Answer, compact_json
from flamelet_tools.simulator.http.request import Request, refuse_constant

PREFIX = "/v1/"
_EMULATOR = "/emulator/v1/"
MAX_BODY_BYTES = 11_534_336
DEFAULT_PAGE = 20
MAX_PAGE = 300
MAX_BATCH = 500
_ID_LETTERS = string.ascii_letters + string.digits
_DOCUMENTS = re.compile(r"(projects/[^/]+/databases/[^/]+)/documents(?:/(.*?))?(?::([a-zA-Z]+))?")
_STREAMING = ("batchGet", "runQuery", "runAggregationQuery")
# The parameters of every Google API that have an effect here.
_SYSTEM_PARAMETERS = {"access_token", "alt", "$alt", "key", "prettyPrint", "$prettyPrint", "quotaUser"}
_READ_PARAMETERS = ("mask.fieldPaths", "transaction", "readTime")
_PRECONDITION_PARAMETERS = ("currentDocument.exists", "currentDocument.updateTime")
_NOT_FOUND = b"<!DOCTYPE html>\n<html lang=en><title>Error 404 (Not Found)!!1</title><p>There is no such URL.\n"


@dataclass
class Firestore:
    """All databases of a simulator, by `projects/P/databases/D`; without rules everybody may read and write."""

    rules: Rules | None = None
    clock: Clock = field(default_factory=Clock)
    stores: dict[str, Store] = field(default_factory=dict)
    transactions: dict[str, Transactions] = field(default_factory=dict)
    administration: admin.Administration = field(init=False)

    def __post_init__(self) -> None:
        self.administration = admin.Administration(self.stores, self.clock)

    def store(self, database: str) -> Store:
        """Return the documents of a database; it is created empty on first use."""
        if database not in self.stores:
            self.stores[database] = Store(database, self.clock)
        return self.stores[database]

    def transactions_of(self, database: str) -> Transactions:
        """Return the transactions of a database."""
        if database not in self.transactions:
            self.transactions[database] = Transactions(self.store(database))
        return self.transactions[database]


@dataclass
class _Call:
    """A request: the method of the RPC API that it calls, the identity of the caller, and its parts."""

    firestore: Firestore
    identity: Identity
    store: Store
    path: Path
    parameters: dict[str, list[str]]
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The resource name that the URL has."""
        return resource_name(self.store.name, self.path)

    @property
    def transactions(self) -> Transactions:
        return self.firestore.transactions_of(self.store.name)

    def parameter(self, name: str) -> str | None:
        """Return the last value of a parameter."""
        return self.parameters.get(name, [None])[-1]

    def allow(self, method: str, path: Path, before: Document | None, after: Document | None) -> None:
        rules.check(self.firestore.rules, self.identity, method, path, before, after)


@dataclass
class _Snapshot:
    """The read time of a request, or None for now; and the transaction that it reads in, or has begun."""

    read_time: int
    at: int | None = None
    transaction: Transaction | None = None
    is_new: bool = False

    def read(self, read: Read) -> Any:
        """Return the result of `read` at that time; the transaction records it."""
        if self.transaction:
            self.transaction.reads.append(read)
        return read(self.at)


@dataclass(frozen=True)
class _Method:
    """A method: its name in the RPC API, its function, and the parameters and members of the body that it accepts."""

    rpc: str
    act: Callable[[_Call], Any]
    parameters: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def concerns(request: Request) -> bool:
    """Return whether a request is for Firestore."""
    return request.path_text.startswith((PREFIX + "projects/", _EMULATOR + "projects/"))


def is_streaming(request: Request) -> bool:
    """Return whether the answer, including an error, is an array."""
    return request.path_text.endswith(tuple(":" + verb for verb in _STREAMING))


def keys_for_faults(request: Request) -> tuple[str, ...]:
    """Return the path of a request in the form that faults use."""
    return tuple(unquote(part) for part in request.path_text.split("/") if part)


def answer(firestore: Firestore, accounts: Accounts, token: str | None, request: Request) -> Answer:
    """Answer a request to Firestore.

    Args:
        firestore: is changed in place.
        accounts: the accounts whose tokens are verified.
        token: the credential that is required, or None if any is accepted.
        request: the complete request.
    """
    try:
        found = _perform(firestore, accounts, token, request)
    except RecursionError:
        return error(invalid(), request)
    except Refused as refused:
        return error(refused, request)
    return found if isinstance(found, Answer) else _answer(found, request)


def error(refused: Refused, request: Request) -> Answer:
    """Return an error in the form of the requested method."""
    details = {"details": refused.details} if refused.details else {}
    found = {"error": {"code": refused.status, "message": refused.text, "status": refused.code, **details}}
    return _answer([found] if is_streaming(request) else found, request, refused.status)


def _answer(value: Any, request: Request, status: int = 200) -> Answer:
    pretty = (request.query.get("prettyPrint") or request.query.get("$prettyPrint")) != "false"
    write = partial(_write, pretty)
    # As Google's servers write a stream: the elements one by one.
    body = b"[" + b"\n,\r\n".join(map(write, value)) + b"\n]" if isinstance(value, list) else write(value)
    return Answer(status, body + b"\n" if pretty else body, API_TYPE, is_api=True)


def _write(pretty: bool, value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode(errors="replace") if pretty else compact_json(value)


def _perform(firestore: Firestore, accounts: Accounts, token: str | None, request: Request) -> Any:
    if request.path_text.startswith(_EMULATOR):
        return _clear(firestore, request)
    path = request.path_text.removeprefix(PREFIX)
    if admin.concerns(path):
        return _administer(firestore, accounts, token, request, path)
    match = _DOCUMENTS.fullmatch(path)
    method, match = (_find_method(request.method, match), match) if match else (None, None)
    if match and method is None:
        # Not a method: the colon is part of an id.
        match = re.fullmatch(r"(projects/[^/]+/databases/[^/]+)/documents/(.*)()", path)
        method = _find_method(request.method, match) if match else None
    if method is None or match is None:
        return Answer(404, _NOT_FOUND, HTML_TYPE, is_api=True)
    identity = _identify(firestore, accounts, token, request, method.rpc)
    keys = tuple(_unquote(match[2]).split("/")) if match[2] else ()
    store = firestore.store(_unquote(match[1]))
    firestore.administration.settle(time.time())
    parameters = _parameters(request, method.parameters)
    body = documents.members(_body(request.body), method.members)
    return method.act(_Call(firestore, identity, store, keys, parameters, body))


def _find_method(verb: str, match: re.Match[str]) -> _Method | None:
    if match[3]:
        return _CUSTOM_METHODS.get(match[3]) if verb == "POST" else None
    if not match[2]:
        return None
    is_collection = unquote(match[2]).count("/") % 2 == 0
    return _METHODS.get((verb, is_collection)) or _METHODS.get((verb, not is_collection))


def _identify(firestore: Firestore, accounts: Accounts, token: str | None, request: Request, rpc: str) -> Identity:
    given = credentials.bearer(request.headers.get("Authorization", "")) or request.query.get("access_token", "")
    identity = rules.identify(given, accounts, rpc, time.time_ns() // 1_000_000)
    if token is not None and given and given != token:
        raise rules.unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", rpc)
    if token is not None and not given and firestore.rules is None:
        raise rules.denied()
    return identity


def _administer(firestore: Firestore, accounts: Accounts, token: str | None, request: Request, path: str) -> Any:
    rules.check_admin(_identify(firestore, accounts, token, request, "Admin"))
    body = _body(request.body) if request.body.strip() else None
    return admin.perform(firestore.administration, request.method, path, request.query, body, time.time())


def _clear(firestore: Firestore, request: Request) -> Any:
    match = _DOCUMENTS.fullmatch(request.path_text.removeprefix(_EMULATOR))
    if request.method != "DELETE" or not match or match[2] or match[3]:
        return Answer(404, _NOT_FOUND, HTML_TYPE, is_api=True)
    firestore.store(_unquote(match[1])).clear()
    firestore.transactions_of(_unquote(match[1])).end_all()
    return {}


def _parameters(request: Request, known: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in request.pairs:
        if name in _SYSTEM_PARAMETERS:
            continue
        json_name = camel_case(name)
        if json_name not in known:
            text = f"Cannot bind query parameter. Field '{name}' could not be found in request message."
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}": {text}')
        found.setdefault(json_name, []).append(value)
    return found


def _body(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise invalid(f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes.")
    try:
        found = json.loads(body.decode() or "{}", parse_constant=refuse_constant)
    except ValueError:
        raise invalid() from None
    if not isinstance(found, dict):
        raise invalid()
    return found


def _unquote(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise invalid("Invalid resource name.") from None


# Documents


def _get(call: _Call) -> Any:
    _, path = documents.parse_name(call.name)
    mask = documents.parse_mask(call.parameters.get("mask.fieldPaths"))
    snapshot = _snapshot(call, {name: values[-1] for name, values in call.parameters.items()})
    found = snapshot.read(partial(call.store.get, path))
    call.allow("get", path, found, None)
    if found is None:
        raise Refused(404, "NOT_FOUND", f'Document "{call.name}" not found.')
    return documents.to_json(found, mask)


def _create(call: _Call) -> Any:
    collection = _collection(call)
    id = call.parameter("documentId") or new_id()
    documents.check_id(id)
    return _write_one(call, Write("update", (*collection, id), documents.parse_fields(_fields(call)), exists=False))


def new_id() -> str:
    """Return an id for a document without a given one."""
    return "".join(random.choices(_ID_LETTERS, k=20))


def _patch(call: _Call) -> Any:
    _, path = documents.parse_name(call.name)
    mask = documents.parse_mask(call.parameters.get("updateMask.fieldPaths"))
    write = Write("update", path, documents.parse_fields(_fields(call)), mask)
    return _write_one(_with_precondition(call, write), write)


def _delete(call: _Call) -> Any:
    _, path = documents.parse_name(call.name)
    write = Write("delete", path)
    return _write_one(_with_precondition(call, write), write)


def _fields(call: _Call) -> Any:
    return call.body.get("fields", {})


def _with_precondition(call: _Call, write: Write) -> _Call:
    exists, update_time = (call.parameter(name) for name in _PRECONDITION_PARAMETERS)
    if exists not in (None, "true", "false") or exists and update_time:
        raise invalid()
    write.exists = None if exists is None else exists == "true"
    write.update_time = None if update_time is None else documents.parse_time(update_time)
    return call


def _write_one(call: _Call, write: Write) -> Any:
    mask = documents.parse_mask(call.parameters.get("mask.fieldPaths"))
    commit = Commit(call.store, call.firestore.clock.tick(), call.allow)
    commit.perform(write)
    commit.finish()
    written = commit.changes[write.path]
    return documents.to_json(written, mask) if written else {}


# Lists


def _list(call: _Call) -> Any:
    collection = _collection(call)
    mask = documents.parse_mask(call.parameters.get("mask.fieldPaths"))
    show_missing = call.parameter("showMissing") == "true"
    order_by = call.parameter("orderBy")
    if show_missing and order_by:
        raise invalid("cannot specify an order when show_missing is true")
    if show_missing:
        rules.check_admin(call.identity)
    call.allow("list", collection, None, None)
    last, snapshot = _page_start(call, {name: values[-1] for name, values in call.parameters.items()})
    listed = snapshot.read(partial(_listed, call.store, collection, order_by, show_missing))
    page, token = _page(call.parameter("pageSize"), _rest(list(listed), tuple(last)), snapshot)
    shown = [_shown(call.store.name, path, listed[path], mask) for path in page]
    return {**({"documents": shown} if shown else {}), **token}


def _listed(
    store: Store, collection: Path, order_by: str | None, show_missing: bool, at: int | None
) -> dict[Path, Document | None]:
    """Return the documents of a collection by path, in order; None for those that only have others below them."""
    if order_by:
        selected = query.parse_query(_ordered(collection, order_by), collection[:-1], store.name)
        return {document.path: document for document in query.select(selected, store.documents(at))}
    length = len(collection) + 1
    below = (document.path for document in store.documents(at) if document.path[: length - 1] == collection)
    paths = sorted({path[:length] for path in below}, key=sort_key)
    found = {path: store.get(path, at) for path in paths}
    return {path: document for path, document in found.items() if document or show_missing}


def _ordered(collection: Path, order_by: str) -> dict[str, Any]:
    """Return the query for an `orderBy` such as `pop desc, name`. Raises: Refused."""
    orders = []
    for clause in order_by.split(","):
        path, _, direction = clause.strip().partition(" ")
        wanted = {"": "ASCENDING", "asc": "ASCENDING", "desc": "DESCENDING"}.get(direction.strip().lower())
        if wanted is None:
            raise invalid(f'Invalid order by clause "{clause}".')
        orders.append({"field": {"fieldPath": path}, "direction": wanted})
    return {"from": [{"collectionId": collection[-1]}], "orderBy": orders}


def _shown(database: str, path: Path, document: Document | None, mask: list[FieldPath] | None) -> dict[str, Any]:
    return documents.to_json(document, mask) if document else {"name": resource_name(database, path)}


def _list_collection_ids(call: _Call) -> Any:
    if call.path:
        documents.parse_name(call.name)
    rules.check_admin(call.identity)
    last, snapshot = _page_start(call, call.body)
    found = snapshot.read(partial(_collection_ids, call.store, call.path))
    page, token = _page(call.body.get("pageSize"), _rest(found, tuple(last)), snapshot)
    return {**({"collectionIds": [id for (id,) in page]} if page else {}), **token}


def _collection_ids(store: Store, path: Path, at: int | None) -> list[Path]:
    """Return the ids of the collections below a document, each in a path of its own."""
    below = (document.path[len(path) :] for document in store.documents(at) if document.path[: len(path)] == path)
    return sorted({rest[:1] for rest in below if rest}, key=sort_key)


def _collection(call: _Call) -> Path:
    """Return the collection in the URL. Raises: Refused."""
    if len(call.path) % 2 == 0:
        parent = resource_name(call.store.name, call.path[:-1])
        raise invalid(f'Document parent name "{parent}" lacks "/" at index {len(parent)}.')
    if len(call.path) > 1:
        documents.parse_name(resource_name(call.store.name, call.path[:-1]))
    documents.check_id(call.path[-1])
    return call.path


def _page_start(call: _Call, given: Mapping[str, Any]) -> tuple[list[str], _Snapshot]:
    """Return the ids that the previous page ended with, and the read time of all pages. Raises: Refused."""
    token = given.get("pageToken")
    if not token:
        return [], _snapshot(call, given)
    try:
        read_time, *last = json.loads(base64.urlsafe_b64decode(token))
        at = check_read_time(documents.format_time(read_time), call.firestore.clock.tick())
    except (ValueError, TypeError):
        raise _bad_page_token() from None
    return last, _Snapshot(at, at)


def _rest(found: list[Path], last: Path) -> list[Path]:
    """Return what follows the previous page, or everything if there is none. Raises: Refused."""
    if not last:
        return found
    if last not in found:
        raise _bad_page_token()
    return found[found.index(last) + 1 :]


def _bad_page_token() -> Refused:
    return invalid("invalid page token")


def _page(asked: Any, found: list[Path], snapshot: _Snapshot) -> tuple[list[Path], dict[str, str]]:
    try:
        wanted = int(asked or 0)
    except (TypeError, ValueError):
        raise invalid() from None
    if wanted < 0:
        raise invalid("Page size must be nonnegative.")
    size = min(wanted or DEFAULT_PAGE, MAX_PAGE)
    page = found[:size]
    # As in the service, a full page has a token even if nothing follows.
    if len(page) < size:
        return page, {}
    token = compact_json([snapshot.read_time, *page[-1]])
    return page, {"nextPageToken": base64.urlsafe_b64encode(token).decode()}


# Reads of many


def _snapshot(call: _Call, given: Mapping[str, Any]) -> _Snapshot:
    """Return the consistency that a request asks for. Raises: Refused."""
    wanted = [name for name in ("transaction", "newTransaction", "readTime") if name in given]
    if len(wanted) > 1:
        raise invalid()
    now = call.firestore.clock.tick()
    if not wanted:
        return _Snapshot(now)
    if wanted == ["readTime"]:
        at = check_read_time(given["readTime"], now)
        return _Snapshot(at, at)
    if wanted == ["transaction"]:
        transaction = call.transactions.get(given["transaction"])
    else:
        rules.check_admin(call.identity)
        transaction = call.transactions.begin(given["newTransaction"])
    return _Snapshot(transaction.read_time, transaction.read_time, transaction, "newTransaction" in given)


def _batch_get(call: _Call) -> Any:
    names = call.body.get("documents", [])
    if not isinstance(names, list):
        raise invalid()
    paths = {name: documents.parse_name(name, call.store.name)[1] for name in names}
    mask = documents.parse_mask_object(call.body.get("mask"))
    snapshot = _snapshot(call, call.body)
    elements = []
    for name, path in paths.items():
        found = snapshot.read(partial(call.store.get, path))
        call.allow("get", path, found, None)
        elements.append({"found": documents.to_json(found, mask)} if found else {"missing": name})
    return _streamed(elements, snapshot)


def _streamed(elements: list[dict[str, Any]], snapshot: _Snapshot) -> list[dict[str, Any]]:
    read_time = documents.format_time(snapshot.read_time, 6)
    timed = [{**element, "readTime": read_time} for element in elements]
    return [{"transaction": snapshot.transaction.id}, *timed] if snapshot.is_new and snapshot.transaction else timed


def _run_query(call: _Call) -> Any:
    asked = call.body.get("structuredQuery")
    if asked is None:
        raise invalid("only structured queries are supported")
    return _query(call, asked, asked, query.run)


def _run_aggregation_query(call: _Call) -> Any:
    asked = call.body.get("structuredAggregationQuery")
    if asked is None:
        raise invalid("Only structured aggregation queries are supported.")
    return _query(
        call, asked, messages.read(messages.AGGREGATION_QUERY, asked).get("structuredQuery", {}), query.aggregate
    )


def _query(call: _Call, asked: Any, structured_query: Any, run: Callable[..., list[dict[str, Any]]]) -> Any:
    parent, name, administration = _parent(call), call.store.name, call.firestore.administration
    collection, all_descendants = query.parse_scope(structured_query)
    call.allow("list", (*(("**",) if all_descendants else parent), collection or "*"), None, None)
    snapshot = _snapshot(call, call.body)
    indexes = administration.ready_indexes(name) if administration.needs_indexes else None
    read = lambda at: run(asked, call.store.documents(at), parent, name, indexes)  # noqa: E731
    return _streamed(snapshot.read(read), snapshot)


def _partition_query(call: _Call) -> Any:
    rules.check_admin(call.identity)
    at = _snapshot(call, {name: call.body[name] for name in ("readTime",) if name in call.body}).at
    asked = {name: value for name, value in call.body.items() if name != "readTime"}
    return query.partition(asked, call.store.documents(at), _parent(call), call.store.name)


def _parent(call: _Call) -> Path:
    return documents.parse_name(call.name)[1] if call.path else ()


# Writes of many


def _commit(call: _Call) -> Any:
    _check_root(call)
    transaction = call.transactions.get(call.body["transaction"]) if call.body.get("transaction") else None
    writes = parse_writes(call.body.get("writes", []), call.store.name)
    if transaction:
        call.transactions.check_commit(transaction, bool(writes))
    commit = Commit(call.store, call.firestore.clock.tick(), call.allow)
    for write in writes:
        commit.perform(write)
    results = commit.results()
    commit.finish()
    if not writes and not transaction:
        return {}
    return {**({"writeResults": results} if results else {}), "commitTime": documents.format_time(commit.time, 6)}


def _batch_write(call: _Call) -> Any:
    _check_root(call)
    rules.check_admin(call.identity)
    writes = parse_writes(call.body.get("writes", []), call.store.name)
    if len(writes) > MAX_BATCH:
        raise invalid(f"maximum {MAX_BATCH} writes allowed per request")
    if len({write.path for write in writes}) < len(writes):
        raise invalid("the same document cannot be written more than once in a single request")
    results: list[dict[str, Any]] = []
    statuses: list[dict[str, Any]] = []
    for write in writes:
        commit = Commit(call.store, call.firestore.clock.tick(), call.allow)
        try:
            commit.perform(write)
            results += commit.results()
            statuses.append({})
            commit.finish()
        except Refused as refused:
            results.append({})
            statuses.append({"code": CODES[refused.code][0], "message": refused.text})
    return {"writeResults": results, "status": statuses} if writes else {}


def _begin_transaction(call: _Call) -> Any:
    _check_root(call)
    rules.check_admin(call.identity)
    return {"transaction": call.transactions.begin(call.body.get("options")).id}


def _rollback(call: _Call) -> Any:
    _check_root(call)
    call.transactions.roll_back(call.body.get("transaction", ""))
    return {}


def _check_root(call: _Call) -> None:
    if call.path:
        raise Refused(404, "NOT_FOUND", "Method not found.")


_CONSISTENCY = ("transaction", "newTransaction", "readTime")
_LIST_PARAMETERS = ("pageSize", "pageToken", "orderBy", "showMissing", *_READ_PARAMETERS)
# By the HTTP method, and whether the path is that of a collection.
_METHODS: dict[tuple[str, bool], _Method] = {
    ("GET", False): _Method("GetDocument", _get, _READ_PARAMETERS),
    ("GET", True): _Method("ListDocuments", _list, _LIST_PARAMETERS),
    ("POST", True): _Method("CreateDocument", _create, ("documentId", "mask.fieldPaths"), documents.DOCUMENT_MEMBERS),
    ("PATCH", False): _Method(
        "UpdateDocument",
        _patch,
        ("updateMask.fieldPaths", "mask.fieldPaths", *_PRECONDITION_PARAMETERS),
        documents.DOCUMENT_MEMBERS,
    ),
    ("DELETE", False): _Method("DeleteDocument", _delete, _PRECONDITION_PARAMETERS),
}
_CUSTOM_METHODS = {
    "batchGet": _Method("BatchGetDocuments", _batch_get, members=("documents", "mask", *_CONSISTENCY)),
    "batchWrite": _Method("BatchWrite", _batch_write, members=("writes", "labels")),
    "beginTransaction": _Method("BeginTransaction", _begin_transaction, members=("options",)),
    "commit": _Method("Commit", _commit, members=("writes", "transaction")),
    "rollback": _Method("Rollback", _rollback, members=("transaction",)),
    "listCollectionIds": _Method(
        "ListCollectionIds", _list_collection_ids, members=("pageSize", "pageToken", "readTime")
    ),
    "runQuery": _Method("RunQuery", _run_query, members=("structuredQuery", "explainOptions", *_CONSISTENCY)),
    "runAggregationQuery": _Method(
        "RunAggregationQuery",
        _run_aggregation_query,
        members=("structuredAggregationQuery", "explainOptions", *_CONSISTENCY),
    ),
    "partitionQuery": _Method(
        "PartitionQuery",
        _partition_query,
        members=("structuredQuery", "partitionCount", "pageToken", "pageSize", "readTime"),
    ),
}
