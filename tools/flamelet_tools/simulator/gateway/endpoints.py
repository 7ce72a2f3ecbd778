"""Serves endpoints of Firebase Express SDK over the simulator's documents; no I/O.

In: collections with their attributes, actions, and complete requests. Out: an `Answer`, with the bytes that Express
sends. As on a real server, every answer of the SDK is 200, even for errors; Express itself answers in HTML, with its
texts for production: 404 for an unknown route, 400 for a body that is not JSON. Whatever is falsy in JavaScript counts
as missing.

    {"collections": {"users": ["name", "age", "email"]},
     "actions": [{"collection": "users", "endpoint": "/users", "method": "POST"},
                 {"collection": "users", "endpoint": "/users/:id", "method": "PUT", "paramKey": "id"},
                 {"collection": "users", "endpoint": "/adults", "method": "GET",
                  "query": {"attribute": "age", "operator": ">", "value": 17, "orderBy": "age", "order": "desc"}}]}

The SDK has no auth of its own; a simulator with a `token` stands for a server with middleware that requires it as a
bearer token, with our own text for a missing one. `black_hole` is what the SDK does to a list while Firestore is
down. Of values that JSON does not have, a reference is shown as its path.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import random
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from flamelet_tools.simulator.accounts.credentials import bearer
from flamelet_tools.simulator.firestore import documents, plain, query
from flamelet_tools.simulator.firestore.commit import Commit, Write
from flamelet_tools.simulator.firestore.documents import Refused
from flamelet_tools.simulator.firestore.store import Document, Path, Store, resource_name
from flamelet_tools.simulator.http.answers import HTML_TYPE, Answer, compact_json
from flamelet_tools.simulator.http.request import Request, refuse_constant

MAX_BODY_BYTES = 100 * 1024
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ACTION = {"collection", "endpoint", "method", "paramKey", "query"}
_QUERY = {"attribute", "operator", "value", "orderBy", "order", "limit"}
_OPERATORS = {
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    "==": "EQUAL",
    "!=": "NOT_EQUAL",
    ">=": "GREATER_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    "array-contains": "ARRAY_CONTAINS",
    "array-contains-any": "ARRAY_CONTAINS_ANY",
    "in": "IN",
    "not-in": "NOT_IN",
}
# The numbers that Google's client for Node.js writes before the words of Firestore.
_CODES = {"INVALID_ARGUMENT": 3, "FAILED_PRECONDITION": 9}
_ORDERS = {"asc": "ASCENDING", "desc": "DESCENDING"}
_ID_LETTERS = string.ascii_letters + string.digits
_ID_LENGTH = 20
# The largest number to which JavaScript counts one by one.
_SAFE = 2**53 - 1
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>%s</pre>
</body>
</html>
"""


@dataclass(frozen=True)
class Action:
    """A route and what it does."""

    collection: str
    attributes: tuple[str, ...]
    endpoint: str
    method: str
    param_key: str
    query: Mapping[str, Any]
    pattern: re.Pattern[str]


@dataclass
class Gateway:
    """The routes of one server, in their order, and the project whose default database is behind them."""

    actions: list[Action] = field(default_factory=list)
    project: str = "demo"


class _Page(Exception):
    """Raised to answer with a page of Express that has this text."""

    def __init__(self, status: int, text: str = ""):
        super().__init__(text)
        self.status = status
        self.text = text or HTTPStatus(status).phrase


class _Failed(Exception):
    """Raised to answer with an error of the SDK."""

    def __init__(self, message: str, status: str = "error"):
        super().__init__(message)
        self.envelope = {"status": status, "message": message}


def parse(given: Any, project: str) -> Gateway:
    """Return the gateway that `given` describes; see the top of this file. Raises: ValueError with the reason."""
    if not isinstance(given, dict) or given.keys() != {"collections", "actions"}:
        raise ValueError('a gateway is {"collections": {NAME: [ATTRIBUTE, ...]}, "actions": [...]}')
    collections, actions = given["collections"], given["actions"]
    if not isinstance(collections, dict) or not all(map(_is_names, collections.values())):
        raise ValueError("gateway: collections are {NAME: [ATTRIBUTE, ...]}")
    if not isinstance(actions, list):
        raise ValueError("gateway: actions are a list")
    return Gateway([_parse_action(action, collections, project) for action in actions], project)


def _is_names(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) and name for name in names)


def _parse_action(given: Any, collections: dict[str, list[str]], project: str) -> Action:
    if not isinstance(given, dict) or not {"collection", "endpoint", "method"} <= given.keys() <= _ACTION:
        raise ValueError(f"gateway: an action has collection, endpoint, method, maybe paramKey and query: {given!r}")
    name, endpoint, method = given["collection"], given["endpoint"], given["method"]
    if name not in collections:
        raise ValueError(f"gateway: action {endpoint}: there is no collection {name!r}")
    if method not in METHODS:
        raise ValueError(f"gateway: action {endpoint}: method must be one of {', '.join(METHODS)}, not {method!r}")
    if not isinstance(endpoint, str) or not endpoint.startswith("/"):
        raise ValueError(f"gateway: an endpoint is a path such as /users/:id, not {endpoint!r}")
    action = Action(
        name,
        tuple(collections[name]),
        endpoint,
        method,
        given.get("paramKey", ""),
        given.get("query", {}),
        _pattern(endpoint),
    )
    _check_query(action, project)
    return action


def _pattern(endpoint: str) -> re.Pattern[str]:
    """Return a route of Express as a pattern: `:name` is one part; case and a slash at the end do not matter."""
    parts = (
        f"(?P<{part[1:]}>[^/]+)" if re.fullmatch(r":[A-Za-z_]\w*", part) else re.escape(part)
        for part in endpoint.strip("/").split("/")
    )
    return re.compile("/" + "/".join(parts) + "/?", re.IGNORECASE)


def _check_query(action: Action, project: str) -> None:
    asked, where = action.query, f"gateway: action {action.endpoint}: query"
    if not isinstance(asked, dict) or not asked.keys() <= _QUERY:
        raise ValueError(f"{where} has {', '.join(sorted(_QUERY))}, not {asked!r}")
    if asked.get("operator", "==") not in _OPERATORS:
        raise ValueError(f"{where}: operator must be one of {' '.join(_OPERATORS)}, not {asked['operator']!r}")
    if asked.get("order", "asc") not in _ORDERS:
        raise ValueError(f"{where}: order must be asc or desc, not {asked['order']!r}")
    if "limit" in asked and not {"order", "operator"} & asked.keys():
        raise ValueError(f"{where}: Limit cannot be used on its own")
    if asked and action.param_key and "operator" not in asked:
        raise ValueError(f"{where}: with a paramKey it needs an operator")
    if asked and not action.param_key:
        try:
            _structured(action, asked.get("attribute", ""), asked.get("value"), database_name(project))
        except Refused as refused:
            raise ValueError(f"{where}: {refused.text}") from refused


def database_name(project: str) -> str:
    """Return the database in which a gateway of this project keeps its documents."""
    return f"projects/{project}/databases/(default)"


def concerns(gateway: Gateway | None, request: Request) -> bool:
    """Return whether a request is for the gateway: if there is one, all but those of the Realtime Database are."""
    return gateway is not None and not request.path_text.endswith(".json")


def keys_for_faults(request: Request) -> tuple[str, ...]:
    """Return the path of a request in the form that faults use."""
    return tuple(unquote(part) for part in request.path_text.split("/") if part)


def answer(gateway: Gateway, store: Store, token: str | None, request: Request) -> Answer:
    """Answer a request to the gateway.

    Args:
        gateway: its routes.
        store: the documents, changed in place.
        token: the token that the middleware requires, or None if there is none.
        request: the complete request.
    """
    if token is not None and bearer(request.headers.get("Authorization", "")) != token:
        return _envelope({"status": "error", "message": "Unauthorized"}, 401)
    try:
        body = _body(request)
        action, parameters = _route(gateway, request)
        return _envelope({"status": "success", **_ACTS[action.method](action, store, parameters, body)})
    except _Page as page_asked:
        return page(page_asked.status, page_asked.text)
    except _Failed as failed:
        return _envelope(failed.envelope)
    except Refused as refused:
        return _envelope({"status": "error", "message": f"{_CODES[refused.code]} {refused.code}: {refused.text}"})


def page(status: int, text: str = "") -> Answer:
    """Return a page of Express, or of the middleware in front of it."""
    shown = html.escape(text or HTTPStatus(status).phrase, quote=True).replace("&#x27;", "&#39;")
    return Answer(status, (_PAGE % shown).encode(), HTML_TYPE, is_express=True)


def _envelope(content: dict[str, Any], status: int = 200) -> Answer:
    body = compact_json(content)
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()[:27]
    return Answer(status, body, etag=f'W/"{len(body):x}-{digest}"', is_express=True)


def _route(gateway: Gateway, request: Request) -> tuple[Action, dict[str, str]]:
    # Express answers HEAD if there is a route for GET.
    method = "GET" if request.method == "HEAD" else request.method
    for action in gateway.actions:
        match = action.pattern.fullmatch(request.path_text)
        if match and action.method == method:
            return action, {name: _decoded(text) for name, text in match.groupdict().items()}
    raise _Page(404, f"Cannot {request.method} {request.path_text}")


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _Page(400) from None


def _body(request: Request) -> dict[str, Any]:
    """Return the body as an object; it is ignored without the JSON content type. An array becomes {index: element}."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or not request.body:
        return {}
    if len(request.body) > MAX_BODY_BYTES:
        raise _Page(413)
    try:
        value = json.loads(request.body, parse_int=_number, parse_float=_number, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise _Page(400) from None
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        raise _Page(400)
    return value


def _number(text: str) -> int | float:
    """Return a number as JavaScript reads it and its client writes it: exact whole numbers become integers."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= _SAFE else number


def _get(action: Action, store: Store, parameters: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    if action.param_key and action.query:
        found = _found(action, store, action.param_key, parameters.get(action.param_key))
        return {"data": found, "message": f"Found {len(found)} documents"}
    if action.param_key:
        path = _path(action, store, parameters)
        document = store.get(path)
        if document is None:
            raise _Failed(f"No document with id {path[-1]} found in collection {action.collection}")
        return {"data": _shown(document)}
    return {"data": _found(action, store, action.query.get("attribute", ""), action.query.get("value"))}


def _create(action: Action, store: Store, parameters: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    _check_extra(action, body)
    _check_missing(action, body)
    id = "".join(random.choices(_ID_LETTERS, k=_ID_LENGTH))
    _write(store, Write("update", (action.collection, id), plain.encode_fields(body)))
    return {"data": {"id": id}}


def _replace(action: Action, store: Store, parameters: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    _parameter(action, parameters)
    _check_extra(action, body)
    _check_missing(action, body)
    path = _path(action, store, parameters)
    _write(store, Write("update", path, plain.encode_fields(body)))
    return {"message": f"Document with id {path[-1]} was updated"}


def _update(action: Action, store: Store, parameters: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    if all(_is_falsy(body.get(name)) for name in action.attributes):
        wanted = ", ".join(action.attributes)
        raise _Failed(f"Your request body must have at least one key from documentAttributes: {wanted}")
    _check_extra(action, body)
    path = _path(action, store, parameters)
    if store.get(path) is None:
        raise _Failed(_no_entity(store, path))
    _write(store, Write("update", path, plain.encode_fields(body), [(name,) for name in body]))
    return {"message": f"Document with id {path[-1]} was updated"}


def _delete(action: Action, store: Store, parameters: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    path = _path(action, store, parameters)
    _write(store, Write("delete", path))
    return {"message": f"Document with id {path[-1]} was deleted"}


_ACTS = {"GET": _get, "POST": _create, "PUT": _replace, "PATCH": _update, "DELETE": _delete}


def _check_extra(action: Action, body: dict[str, Any]) -> None:
    extra = [name for name in body if name not in action.attributes]
    if extra:
        raise _Failed(f"Don't use these keys: {', '.join(extra)}: they are not in the schema", "ERROR")


def _check_missing(action: Action, body: dict[str, Any]) -> None:
    missing = [name for name in action.attributes if _is_falsy(body.get(name))]
    if missing:
        raise _Failed(f"Missed keys: {', '.join(missing)}", "ERROR")


def _is_falsy(value: Any) -> bool:
    """Return whether JavaScript treats a value as false; an empty array or object is true."""
    return not value and not isinstance(value, (list, dict))


def _parameter(action: Action, parameters: dict[str, str]) -> str:
    found = parameters.get(action.param_key)
    if not found:
        key, endpoint = action.param_key or "undefined", action.endpoint
        raise _Failed(f"Your endpoint should have a param with key '{key}', currently it looks like this: {endpoint}")
    return found


def _path(action: Action, store: Store, parameters: dict[str, str]) -> Path:
    id = _parameter(action, parameters)
    if "/" in id:
        # The SDK does not catch the error of its client here.
        raise _Page(500)
    return documents.parse_name(resource_name(store.name, (action.collection, id)))[1]


def _no_entity(store: Store, path: Path) -> str:
    """Return the error of Google's emulator, word for word."""
    project = store.name.split("/")[1]
    element = f'  Element {{\n    type: "{path[0]}"\n    name: "{path[1]}"\n  }}\n'
    return f'5 NOT_FOUND: no entity to update: app: "dev~{project}"\npath <\n{element}>\n'


def _write(store: Store, write: Write) -> None:
    # The gateway writes as an administrator: no rules apply.
    commit = Commit(store, store.clock.tick(), lambda *asked: None)
    commit.perform(write)
    commit.finish()


def _found(action: Action, store: Store, attribute: str, value: Any) -> list[dict[str, Any]]:
    structured = _structured(action, attribute, value, store.name)
    return [_shown(document) for document in query.select(structured, store.documents())]


def _structured(action: Action, attribute: str, value: Any, database: str) -> query.Query:
    asked = action.query
    message: dict[str, Any] = {"from": [{"collectionId": action.collection}]}
    if "operator" in asked:
        message["where"] = _where(attribute, asked["operator"], value)
    if "orderBy" in asked and "order" in asked:
        order = {"field": {"fieldPath": asked["orderBy"]}, "direction": _ORDERS[asked["order"]]}
        message["orderBy"] = [order]
    if asked.get("limit"):
        message["limit"] = asked["limit"]
    return query.parse_query(message, (), database)


def _where(attribute: str, operator: str, value: Any) -> dict[str, Any]:
    path = {"fieldPath": attribute}
    if value is None and operator in ("==", "!="):
        return {"unaryFilter": {"field": path, "op": "IS_NULL" if operator == "==" else "IS_NOT_NULL"}}
    encoded = plain.encode_fields({"value": value})["value"]
    return {"fieldFilter": {"field": path, "op": _OPERATORS[operator], "value": encoded}}


def _shown(document: Document) -> dict[str, Any]:
    # A field `id` takes the place of the document's own.
    return {"id": document.path[-1], **_json_value(plain.decode_fields(document.fields))}


def _json_value(value: Any) -> Any:
    """Return the result of JSON.stringify for a value that Google's client for Node.js has read."""
    if isinstance(value, dict):
        return {name: _json_value(item) for name, item in value.items()}
    if isinstance(value, plain.GeoPoint):
        return {"_latitude": value.latitude, "_longitude": value.longitude}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, float):
        return _json_number(value)
    if isinstance(value, plain.Reference):
        return {"_path": {"segments": value.split("/")[5:]}}
    if isinstance(value, bytes):
        return {"type": "Buffer", "data": list(value)}
    if isinstance(value, datetime):
        return {"_seconds": math.floor(value.timestamp()), "_nanoseconds": value.microsecond * 1000}
    return value


def _json_number(value: float) -> int | float | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 1e21 else value
