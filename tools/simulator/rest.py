"""The REST API of the Realtime Database: what a request does to the data and what it answers; no I/O.

In: a database and a request that has been read whole. Out: an `Answer`, and the `Change` that streams are to hear, if
it wrote. Refusals are raised as `Refusal`. Queries, priorities, rules and `.settings` are not played yet: a request
for them is refused by name, so that no test passes by being misunderstood. Texts of refusals that no public record
shows (unknown parameter, method, condition not supported, missing `.json`) are our choice, as is that `print=silent`
keeps the ETag header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from . import tree
from .answers import Answer, Refusal, compact_json, etag, pretty_json
from .events import Change
from .tree import INVALID_OBJECT, INVALID_PATH, INVALID_VALUE, InvalidData, Node, Path

DEFAULT_NAMESPACE = "demo-default-rtdb"
NO_DATA = "Error: No data supplied."
PERMISSION_DENIED = "Permission denied"
BAD_ID_TOKEN = "Could not parse auth token."
BAD_ACCESS_TOKEN = "Unauthorized request."

_KNOWN_PARAMETERS = {
    "ac", "access_token", "auth", "auth_variable_override", "disableTriggers", "ns", "print", "shallow", "sse",
}  # fmt: skip
_NOT_PLAYED = {
    "callback", "download", "dryRun", "endAt", "endBefore", "equalTo", "format", "limitToFirst", "limitToLast",
    "orderBy", "startAfter", "startAt", "timeout", "writeSizeLimit", "x-http-method-override",
}  # fmt: skip
_NOT_PLAYED_KEYS = {".info", ".priority", ".settings", ".value"}
_HOST = re.compile(r"([a-z0-9-]+)\.(?:firebaseio\.com|[a-z0-9-]+\.firebasedatabase\.app)(?::\d+)?", re.IGNORECASE)


@dataclass
class Database:
    """One database: its data, and the makers of time and keys."""

    push_id: Callable[[int], str]
    root: Node = None

    def get(self, path: Path) -> Node:
        return tree.get(self.root, path)

    def put(self, path: Path, node: Node) -> None:
        self.root = tree.put(self.root, path, node)


@dataclass
class Request:
    """A request as far as the database is concerned; `target` is path and query as they were sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    path_text: str = field(init=False)
    query: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.path_text, _, query = self.target.partition("?")
        self.query = dict(parse_qsl(query, keep_blank_values=True))

    @property
    def is_stream(self) -> bool:
        return self.method == "GET" and "text/event-stream" in self.headers.get("Accept", "")


def namespace(request: Request) -> str:
    """The name of the database that the request is for: `ns=`, or else the name in its Host header."""
    match = _HOST.fullmatch(request.headers.get("Host", ""))
    return request.query.get("ns") or (match.group(1).lower() if match else DEFAULT_NAMESPACE)


def parse_path(text: str) -> Path:
    """The keys of the path of a URL: `/a/b.json` and `/a/b/.json` are the same.

    Raises: Refusal.
    """
    if not text.endswith(".json"):
        raise Refusal(404, "append .json to your request URI to use the REST API.")
    keys = tuple(_unquote(part) for part in text.removesuffix(".json").split("/") if part)
    special = _NOT_PLAYED_KEYS.intersection(keys)
    if special:
        raise Refusal(400, f"The simulator does not play {special.pop()} yet.")
    if any("/" in key for key in keys):
        raise Refusal(400, INVALID_PATH)
    return _valid(tree.split_path, "/".join(keys))


def check_auth(request: Request, token: str | None) -> None:
    """Refuses a request that does not carry `token`; with None every request passes, whatever it carries.

    Raises: Refusal.
    """
    if token is None:
        return
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    access_token = request.query.get("access_token") or (bearer if scheme.lower() == "bearer" else "")
    id_token = request.query.get("auth", "")
    if token in (id_token, access_token):
        return
    if id_token:
        raise Refusal(401, BAD_ID_TOKEN)
    raise Refusal(401, BAD_ACCESS_TOKEN if access_token else PERMISSION_DENIED)


def check_parameters(request: Request) -> None:
    """Refuses parameters that do not exist, or that the simulator does not play.

    Raises: Refusal.
    """
    for name in request.query:
        if name in _NOT_PLAYED:
            raise Refusal(400, f"The simulator does not play the parameter {name} yet.")
        if name not in _KNOWN_PARAMETERS:
            raise Refusal(400, f"The request does not support the query parameter {name}.")
    if request.query.get("print", "pretty") not in ("pretty", "silent"):
        raise Refusal(400, "print must be pretty or silent.")


def perform(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    """Does what the request asks.

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
    return verb(database, request, path, now_ms)


def _get(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    _refuse_condition(request)
    node = database.get(path)
    known = request.headers.get("If-None-Match")
    tag = etag(node) if known is not None or _wants_etag(request) else None
    if known is not None and known == tag:
        return Answer(304, etag=tag), None
    is_shallow = request.query.get("shallow") == "true"
    return _answer(request, tree.shallow(node) if is_shallow else tree.to_json(node), tag), None


def _put(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    data = _parse_body(request.body, INVALID_VALUE)
    old = database.get(path)
    mismatch = _mismatch(request, old)
    if mismatch:
        return mismatch, None
    node = _valid(tree.parse_value, data, path, old, now_ms)
    database.put(path, node)
    return _answer(request, tree.to_json(node), _etag_if_wanted(request, node)), Change("put", path)


def _post(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    _refuse_condition(request)
    data = _parse_body(request.body, INVALID_VALUE)
    key = database.push_id(now_ms)
    child = (*path, key)
    node = _valid(tree.parse_value, data, child, None, now_ms)
    database.put(child, node)
    return _answer(request, {"name": key}, _etag_if_wanted(request, node)), Change("put", child)


def _patch(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    _refuse_condition(request)
    if _wants_etag(request):
        raise Refusal(400, "X-Firebase-ETag is not supported for PATCH.")
    data = _parse_body(request.body, INVALID_OBJECT)
    nodes = _valid(tree.parse_update, data, path, database.root, now_ms)
    for keys, node in nodes.items():
        database.put(path + keys, node)
    shown = {key: tree.to_json(node) for key, node in zip(data, nodes.values(), strict=True)}
    return _answer(request, shown, None), Change("patch", path, tuple(nodes)) if nodes else None


def _delete(database: Database, request: Request, path: Path, now_ms: int) -> tuple[Answer, Change | None]:
    mismatch = _mismatch(request, database.get(path))
    if mismatch:
        return mismatch, None
    database.put(path, None)
    return _answer(request, None, _etag_if_wanted(request, None)), Change("put", path)


_VERBS = {"GET": _get, "PUT": _put, "POST": _post, "PATCH": _patch, "DELETE": _delete}


def _answer(request: Request, value: Any, tag: str | None) -> Answer:
    style = request.query.get("print")
    if style == "silent":
        return Answer(204, etag=tag)
    return Answer(200, pretty_json(value) if style == "pretty" else compact_json(value), etag=tag)


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
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, text) from None


def _refuse_constant(name: str) -> None:
    # Python's parser takes NaN and Infinity, which JSON does not have.
    raise ValueError(name)


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
