"""Serves the REST API of the Realtime Database: applies a request to the data and answers it; no I/O.

In: a database and a complete request. Out: an `Answer` and, after a write, the `Change` for the streams. Refusals are
raised as `Refusal`. Refusals that are not documented (method, unsupported condition, missing `.json`, unknown host or
database, `.info`, settings) have texts of our own. Also chosen here: the answer to a wrong region has only its text,
`print=silent` keeps the ETag header, rules judge a PATCH of `{}` as a write of its own path, and a simulator without
rules allows everything and needs no index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flamelet_tools.simulator.accounts.accounts import Accounts
from flamelet_tools.simulator.accounts.credentials import PERMISSION_DENIED, BadCredential, Identity, identify
from flamelet_tools.simulator.http.answers import JAVASCRIPT_TYPE, Answer, Refusal, compact_json, pretty_json
from flamelet_tools.simulator.http.request import Request, refuse_constant
from flamelet_tools.simulator.rtdb import parameters, query, rules, tree
from flamelet_tools.simulator.rtdb.event_bytes import etag
from flamelet_tools.simulator.rtdb.events import Change
from flamelet_tools.simulator.rtdb.query import Query
from flamelet_tools.simulator.rtdb.rules import Access, Rules
from flamelet_tools.simulator.rtdb.tree import INVALID_OBJECT, INVALID_PATH, INVALID_VALUE, InvalidData, Node, Path

DEFAULT_NAMESPACE = "demo-default-rtdb"
NO_DATA = "Error: No data supplied."
OPEN_RULES = {"rules": {".read": True, ".write": True}}

INFO = ".info"
SETTINGS = ".settings"
DEFAULT_SETTINGS = {"defaultWriteSizeLimit": "large", "strictTriggerValidation": False}
_SETTING_VALUES: dict[str, tuple[Any, ...]] = {
    "defaultWriteSizeLimit": tuple(name for name in parameters.WRITE_SIZE_LIMITS if name != "tiny"),
    "strictTriggerValidation": (False, True),
}

NOT_FOUND = "The specified Realtime Database was not found."
WRONG_REGION = "Database lives in a different region. Please change your database URL to https://%s"
# The region whose databases have names under firebaseio.com.
DEFAULT_REGION = "us-central1"

_NAME = re.compile(r"[a-z0-9-]+")
_HOST = re.compile(r"(([a-z0-9-]+)\.(?:firebaseio\.com|[a-z0-9-]+\.firebasedatabase\.app))(?::\d+)?")
_FIREBASE_HOST = re.compile(r"(?:.*\.)?(?:firebaseio\.com|firebasedatabase\.app)(?::\d+)?")


@dataclass
class Database:
    """One database: its data, its rules and settings, and the generator of its keys. Without rules everything is
    allowed.
    """

    push_id: Callable[[int], str]
    root: Node = None
    rules: Rules | None = None
    settings: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_SETTINGS))

    def get(self, path: Path) -> Node:
        return tree.get(self.root, path)

    def put_all(self, path: Path, nodes: dict[Path, Node]) -> None:
        self.root = tree.put_all(self.root, path, nodes)


def parse_databases(databases: Mapping[str, str]) -> dict[str, str]:
    """Return the databases with their regions, including the default one.

    Raises: ValueError.
    """
    for text in (*databases, *databases.values()):
        if not _NAME.fullmatch(text):
            raise ValueError(f"{text!r} is not the name of a database or of a region: use a-z, 0-9 and -")
    return {DEFAULT_NAMESPACE: DEFAULT_REGION, **databases}


def namespace(request: Request, regions: Mapping[str, str] | None) -> str:
    """Return the name of the database that the request is for: `ns=`, or else the name in its Host header.

    Args:
        regions: the existing databases with their regions, or None for any.
    Raises: Refusal for a Firebase host that does not belong to a database, such as `DB.REGION.firebaseio.com`, for a
    database that does not exist, and for a host with a wrong region.
    """
    host = request.headers.get("Host", "").lower()
    match = _HOST.fullmatch(host)
    if not match and _FIREBASE_HOST.fullmatch(host):
        raise Refusal(404, NOT_FOUND)
    name = request.query.get("ns") or (match[2] if match else DEFAULT_NAMESPACE)
    if regions is None:
        return name
    if name not in regions:
        raise Refusal(404, NOT_FOUND)
    right_host = _host_of(name, regions[name])
    # A host with another name was reached by a redirect.
    if match and match[2] == name and match[1] != right_host:
        raise Refusal(404, WRONG_REGION % right_host)
    return name


def parse_path(text: str) -> Path:
    """Return the keys in the path of a URL: `/a/b.json` and `/a/b/.json` are the same.

    Raises: Refusal.
    """
    if not text.endswith(".json"):
        raise Refusal(404, "append .json to your request URI to use the REST API.")
    keys = tuple(_unquote(part) for part in text.removesuffix(".json").split("/") if part)
    if any("/" in key for key in keys):
        raise Refusal(400, INVALID_PATH)
    if keys[:1] in ((INFO,), (SETTINGS,)):
        return keys
    return _valid(tree.split_path, "/".join(keys))


def check_auth(database: Database, request: Request, accounts: Accounts, token: str | None, now_ms: int) -> None:
    """Identify who sends the request, and refuse it without `token`; if that is None, every credential is accepted.

    With rules a request without a credential is accepted too: the rules judge it.

    Raises: Refusal.
    """
    header = request.headers.get("Authorization", "")
    try:
        request.identity = identify(request.query, header, accounts, token, database.rules is not None, now_ms)
    except BadCredential as bad:
        raise Refusal(401, str(bad)) from None


def may_read(database: Database, identity: Identity, path: Path, asked: Query | None, now_ms: int) -> bool:
    """Return whether the rules allow this identity to read; without rules everybody may."""
    if database.rules is None or identity.is_admin:
        return True
    return rules.may_read(database.rules, path, Access(identity.auth, now_ms, database.root, asked))


def check_read(database: Database, request: Request, path: Path, asked: Query | None, now_ms: int) -> None:
    """Refuse a read that the rules do not allow, and a query without an index.

    Raises: Refusal.
    """
    if not may_read(database, request.identity, path, asked, now_ms):
        raise Refusal(401, PERMISSION_DENIED)
    if asked and database.rules and not rules.has_index(database.rules, path, asked):
        place = "/" + "/".join(path)
        index = f'"{query.index_of(asked)}"'
        raise Refusal(400, f'Index not defined, add ".indexOn": {index}, for path "{place}", to the rules')


def check_parameters(request: Request, path: Path) -> None:
    """Refuse parameters that do not exist, or that the request does not support.

    Raises: Refusal.
    """
    _valid(parameters.check, request.method, request.is_stream, path[:1] == (SETTINGS,), request.pairs)


def query_of(request: Request) -> Query | None:
    """Return the query of a GET, or None if it reads the whole node.

    Raises: Refusal.
    """
    return _valid(query.parse_query, request.query)


def shows_priorities(request: Request) -> bool:
    """Return whether the answer, or the events of the stream, include priorities."""
    return request.query.get("format") == "export"


def perform(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    """Carry out a request.

    Args:
        database: is changed in place.
        request: its credentials and parameters have been checked.
        path: the path of the request, parsed.
        now_ms: the time of the request.
    Raises: Refusal; nothing is changed then.
    """
    verb = _VERBS.get(request.method)
    if verb is None:
        raise Refusal(405, f"The method {request.method} is not supported.")
    if path[:1] == (INFO,):
        return _info(request, path), None
    if path[:1] == (SETTINGS,):
        return _settings(database, request, path), None
    return verb(database, request, path, now_ms)


def _get(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    _refuse_condition(request)
    asked = query_of(request)
    check_read(database, request, path, asked, now_ms)
    node = query.filtered(asked, database.get(path))
    known = request.headers.get("If-None-Match")
    tag = etag(node) if known is not None or _wants_etag(request) else None
    if known is not None and known == tag:
        return Answer(304, etag=tag), None
    is_shallow = request.query.get("shallow") == "true"
    if not is_shallow and tree.size(node) > parameters.MAX_READ_BYTES:
        raise Refusal(400, parameters.READ_TOO_BIG)
    value = tree.shallow(node) if is_shallow else tree.to_json(node, shows_priorities(request))
    answer = _answer(request, value, tag)
    answer.download = request.query.get("download")
    return answer, None


def _put(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    data = _parse_body(request.body, INVALID_VALUE)
    node = _valid(tree.parse_value, data, path, database.get(path), now_ms)
    mismatch = _write(database, request, path, {(): node}, now_ms)
    if mismatch:
        return mismatch, None
    # Read back from the database, because a priority without a value leaves nothing.
    return _answer(request, tree.to_json(node), _etag_if_wanted(request, database.get(path))), Change("put", path)


def _post(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    _refuse_condition(request)
    if tree.is_priority(path):
        raise Refusal(400, INVALID_PATH)
    data = _parse_body(request.body, INVALID_VALUE)
    key = database.push_id(now_ms)
    child = (*path, key)
    if len(child) > tree.MAX_DEPTH:
        raise Refusal(400, tree.TOO_DEEP)
    node = _valid(tree.parse_value, data, child, None, now_ms)
    _write(database, request, child, {(): node}, now_ms)
    return _answer(request, {"name": key}, _etag_if_wanted(request, node)), Change("put", child)


def _patch(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    _refuse_condition(request)
    if _wants_etag(request):
        raise Refusal(400, "X-Firebase-ETag is not supported for PATCH.")
    data = _parse_body(request.body, INVALID_OBJECT)
    if tree.is_priority(path):
        raise Refusal(400, INVALID_PATH)
    nodes = _valid(tree.parse_update, data, path, database.root, now_ms)
    shown = {key: tree.to_json(node) for key, node in zip(data, nodes.values(), strict=True)}
    _write(database, request, path, nodes, now_ms)
    return _answer(request, shown, None), Change("patch", path, tuple(nodes)) if nodes else None


def _delete(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    mismatch = _write(database, request, path, {(): None}, now_ms)
    if mismatch:
        return mismatch, None
    return _answer(request, None, _etag_if_wanted(request, None)), Change("put", path)


def _write(database: Database, request: Request, path: Path, nodes: dict[Path, Node], now_ms: int) -> Answer | None:
    """Write the nodes if the size limit and the rules allow it; return a 412 if the condition does not hold."""
    limit = request.query.get("writeSizeLimit") or database.settings["defaultWriteSizeLimit"]
    replaced = sum(tree.size(database.get(path + keys)) for keys in nodes)
    if len(request.body) + replaced > parameters.WRITE_SIZE_LIMITS[limit]:
        raise Refusal(400, parameters.WRITE_TOO_BIG)
    is_judged = database.rules is not None and not request.identity.is_admin
    root = _judged(database, request, path, nodes, now_ms) if is_judged else None
    mismatch = _mismatch(request, database.get(path))
    if mismatch and not may_read(database, request.identity, path, None, now_ms):
        raise Refusal(401, PERMISSION_DENIED)
    if mismatch:
        return mismatch
    database.root = root if is_judged else tree.put_all(database.root, path, nodes)
    return None


def _judged(database: Database, request: Request, path: Path, nodes: dict[Path, Node], now_ms: int) -> Node:
    """Return the whole tree after the write, once the rules have allowed each written path."""
    assert database.rules is not None
    root = database.root
    for keys in nodes:
        root = tree.forked(root, path + keys)
    root = tree.put_all(root, path, nodes)
    access = Access(request.identity.auth, now_ms, database.root)
    if not all(rules.may_write(database.rules, path + keys, access, root) for keys in nodes or [()]):
        raise Refusal(401, PERMISSION_DENIED)
    return root


def is_setting(name: str, value: Any) -> bool:
    """Return whether there is a setting with this name that may have this value."""
    # Compared with its type, because 1 and true are equal in Python.
    return (type(value), value) in [(type(allowed), allowed) for allowed in _SETTING_VALUES.get(name, ())]


def _host_of(name: str, region: str) -> str:
    return f"{name}.firebaseio.com" if region == DEFAULT_REGION else f"{name}.{region}.firebasedatabase.app"


def _info(request: Request, path: Path) -> Answer:
    # Its clock is the one that `timestamp` writes, so the offset is 0.
    if request.method != "GET":
        raise Refusal(400, ".info can only be read.")
    return _answer(request, tree.to_json(tree.get({"connected": True, "serverTimeOffset": 0}, path[1:])), None)


def _settings(database: Database, request: Request, path: Path) -> Answer:
    if database.rules is not None and not request.identity.is_admin:
        raise Refusal(401, PERMISSION_DENIED)
    name = "/".join(path[1:])
    if name == "rules" and request.method in ("GET", "PUT"):
        return _get_rules(database, request) if request.method == "GET" else _put_rules(database, request)
    if name not in _SETTING_VALUES:
        raise Refusal(400, f"There is no setting {name}; there are rules, {', '.join(_SETTING_VALUES)}.")
    if request.method == "GET":
        return _answer(request, database.settings[name], None)
    if request.method != "PUT":
        raise Refusal(405, f"The method {request.method} is not supported for settings.")
    value = _parse_body(request.body, INVALID_VALUE)
    if not is_setting(name, value):
        raise Refusal(400, f"{name} must be {' or '.join(map(json.dumps, _SETTING_VALUES[name]))}.")
    database.settings[name] = value
    return _answer(request, value, None)


def _get_rules(database: Database, request: Request) -> Answer:
    # As they were written, including comments; the strict form is JSON.
    present = database.rules
    if present is None or request.query.get("format") == "strict":
        return _answer(request, present.data if present else OPEN_RULES, None)
    return Answer(200, present.text.encode())


def _put_rules(database: Database, request: Request) -> Answer:
    if not request.body.strip():
        raise Refusal(400, NO_DATA)
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        raise Refusal(400, INVALID_VALUE) from None
    new = _valid(rules.parse_rules, text)
    if request.query.get("dryRun") != "true":
        database.rules = new
    return _answer(request, {"status": "ok"}, None)


_VERBS = {"GET": _get, "PUT": _put, "POST": _post, "PATCH": _patch, "DELETE": _delete}


def _answer(request: Request, value: Any, tag: str | None) -> Answer:
    style = request.query.get("print")
    if style == "silent":
        return Answer(204, etag=tag)
    body = pretty_json(value) if style == "pretty" else compact_json(value)
    callback = request.query.get("callback")
    if callback is None:
        return Answer(200, body, etag=tag)
    return Answer(200, b"%s(%s);" % (callback.encode(), body), JAVASCRIPT_TYPE, etag=tag)


def _mismatch(request: Request, node: Node) -> Answer | None:
    wanted = request.headers.get("if-match")
    if wanted is None or wanted == etag(node):
        return None
    return Answer(412, compact_json(tree.to_json(node)), etag=etag(node))


def _refuse_condition(request: Request) -> None:
    if "if-match" in request.headers:
        raise Refusal(400, f"if-match is not supported for {request.method}.")


def _wants_etag(request: Request) -> bool:
    return request.headers.get("X-Firebase-ETag", "").lower() == "true"


def _etag_if_wanted(request: Request, node: Node) -> str | None:
    return etag(node) if _wants_etag(request) else None


def _parse_body(body: bytes, text: str) -> Any:
    if not body.strip():
        raise Refusal(400, NO_DATA)
    try:
        return json.loads(body.decode(), parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, text) from None


def _unquote(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise Refusal(400, INVALID_PATH) from None


def _valid(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except InvalidData as refused:
        raise Refusal(400, str(refused)) from None
