"""Writes the bytes of answers as the live service sends them: heads, JSON, error bodies, stream events.

In: status, body and the few headers that vary. Out: bytes, with headers in the order and case of the live services. Not
documented, so chosen here: the position of `ETag`, `Location`, `Retry-After` and `Content-Disposition` in the head, the
head of a 307, the bytes around a `callback`, and the form of `cancel` (its text as a JSON string, as the documentation
says of all `data`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

JSON_TYPE = "application/json; charset=utf-8"
API_TYPE = "application/json; charset=UTF-8"
JAVASCRIPT_TYPE = "application/javascript; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass
class Answer:
    """An answer to a request. `body` None means that it has no body at all, not even an empty one (204, 304).

    `is_api`: it comes from another Google service, which has a different head and sends its body chunked if the client
    `knows_chunks`; a client of HTTP/1.0 does not (RFC 9112, section 6.1). `is_express`: it comes from an Express
    server.
    """

    status: int
    body: bytes | None = None
    content_type: str = JSON_TYPE
    etag: str | None = None
    location: str | None = None
    retry_after: int | None = None
    download: str | None = None
    is_api: bool = False
    knows_chunks: bool = True
    is_express: bool = False


class Refusal(Exception):
    """The request is refused with this status and text."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status
        self.text = text


def error(status: int, text: str) -> Answer:
    """Return an answer whose body is the service's error object."""
    return Answer(status, pretty_json({"error": text}))


def api_answer(value: Any, status: int = 200) -> Answer:
    """Return an answer of one of Google's other services."""
    body = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    # Half of a surrogate pair, which a client may have escaped in JSON, has no UTF-8.
    return Answer(status, body.encode(errors="replace"), API_TYPE, is_api=True)


def api_error(status: int, message: str, name: str = "", **more: Any) -> Answer:
    """Return an error in the form of those services; `name` is its `status`, such as INVALID_ARGUMENT."""
    named = {"status": name} if name else {}
    return api_answer({"error": {"code": status, "message": message, **more, **named}}, status)


def body(answer: Answer) -> bytes:
    """Return the body of `answer` as it is sent, with its framing."""
    if not (answer.is_api and answer.knows_chunks):
        return answer.body or b""
    if not answer.body:
        return b""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(answer.body), answer.body)


def head(answer: Answer, keep_alive: bool) -> bytes:
    """Return the head of `answer`, with the blank line at its end."""
    if answer.is_express:
        return _express_head(answer, keep_alive)
    return _api_head(answer, keep_alive) if answer.is_api else _database_head(answer, keep_alive)


def _api_head(answer: Answer, keep_alive: bool) -> bytes:
    lines = [status_line(answer.status), f"Content-Type: {answer.content_type}", "Vary: Origin"]
    lines += [f"Date: {formatdate(usegmt=True)}", "Server: ESF"]
    lines.append("Cache-Control: no-cache, no-store, max-age=0, must-revalidate")
    if answer.retry_after is not None:
        lines.append(f"Retry-After: {answer.retry_after}")
    if answer.body is not None:
        length = f"Content-Length: {len(answer.body)}"
        lines.append("Transfer-Encoding: chunked" if answer.knows_chunks else length)
    if not keep_alive:
        lines.append("Connection: close")
    return join(lines)


def _database_head(answer: Answer, keep_alive: bool) -> bytes:
    lines = [status_line(answer.status), "Server: nginx", f"Date: {formatdate(usegmt=True)}"]
    if answer.body is not None:
        lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    if answer.location is not None:
        lines.append(f"Location: {answer.location}")
    if answer.retry_after is not None:
        lines.append(f"Retry-After: {answer.retry_after}")
    if answer.download is not None:
        lines.append(f"Content-Disposition: attachment; filename*=UTF-8''{quote(answer.download, safe='')}")
    lines.append("Access-Control-Allow-Origin: *")
    if answer.etag is not None:
        lines.append(f"ETag: {answer.etag}")
    lines += ["Cache-Control: no-cache", "Strict-Transport-Security: max-age=31556926; includeSubDomains; preload"]
    return join(lines)


def _express_head(answer: Answer, keep_alive: bool) -> bytes:
    lines = [status_line(answer.status), "X-Powered-By: Express"]
    if answer.content_type == HTML_TYPE:
        lines += ["Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff"]
    if answer.retry_after is not None:
        lines.append(f"Retry-After: {answer.retry_after}")
    lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body or b'')}"]
    if answer.etag is not None:
        lines.append(f"ETag: {answer.etag}")
    lines.append(f"Date: {formatdate(usegmt=True)}")
    lines += ["Connection: keep-alive", "Keep-Alive: timeout=5"] if keep_alive else ["Connection: close"]
    return join(lines)


def chunked_head(head: bytes) -> bytes:
    """Return `head` for a body that is sent in chunks."""
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length:")]
    return b"\r\n".join([lines[0], b"Transfer-Encoding: chunked", *lines[1:]])


def in_chunks(body: bytes, size: int) -> bytes:
    """Return `body` in chunks of `size` bytes, without the empty last chunk."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def compact_json(value: Any) -> bytes:
    """Return JSON without spaces, with unescaped UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def pretty_json(value: Any) -> bytes:
    """Return JSON as in `print=pretty` and error bodies: two spaces for each level of objects, ` : `, one LF."""
    return (_pretty(value, "\n") + "\n").encode()


def _pretty(value: Any, newline: str) -> str:
    if isinstance(value, dict) and value:
        inner = newline + "  "
        members = (f"{json.dumps(key, ensure_ascii=False)} : {_pretty(child, inner)}" for key, child in value.items())
        return "{" + inner + ("," + inner).join(members) + newline + "}"
    if isinstance(value, list) and value:
        return "[ " + ", ".join(_pretty(item, newline) for item in value) + " ]"
    return json.dumps(value, ensure_ascii=False)


def status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"


def join(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
