"""Makes the error for a failure at an endpoint of Firebase Express SDK.

In: the message in an envelope that says error; or the body of an answer with an HTTP error status, which is an HTML
page of Express, or of a proxy. Out: an error with the server's words. Loaded with the first one.
"""

from .. import FlameletError
from ..diagnosis.failures import error_of
from ..errors import ExtraKeys, GatewayError, MissingKeys, NotFound, in_doubt
from ..wire import json as _json

# How Google's client for Node.js begins the text of temporary errors of Firestore.
_LATER = ("8 RESOURCE_EXHAUSTED", "10 ABORTED", "14 UNAVAILABLE")
_PAGE_BYTES = 512


def message_error(what: str, message, repeatable: bool):
    """Return the error for a message of the SDK to the request `what`; `repeatable`: it is idempotent."""
    text = message if isinstance(message, str) else repr(message)
    said = "%s: %s" % (what, text)
    if text.startswith("Missed keys: "):
        return MissingKeys(said, text, text[13:].split(", "))
    if text.startswith("Don't use these keys: "):
        return ExtraKeys(said, text, text[22:].split(": they are not")[0].split(", "))
    if text.startswith("No document with id "):
        return NotFound(said, 200, text, "NOT_FOUND")
    found = GatewayError(said, text)
    found.retry = repeatable and text.split(":")[0] in _LATER
    return found


def http_error(what: str, status: int, buffer, size: int, repeatable: bool = True):
    """Return the error for an answer to `what` with this HTTP status, 300 or above, and the body buffer[:size].

    It is OutcomeUnknown if the request may have been done, and is not idempotent (not `repeatable`).
    """
    content = value(buffer, size)
    text = None
    if isinstance(content, bytes):
        text = _shown(content)
    elif isinstance(content, dict) and isinstance(content.get("message"), str):
        text = content["message"]
    found = error_of(what, status, {"error": text} if text else content)
    if not repeatable and status >= 500 and status not in (501, 503):
        return in_doubt(found)
    return found


def value(buffer, size: int):
    """Return the value of buffer[:size], or its beginning as bytes if it is not JSON."""
    try:
        return _json.loads(buffer, memoryview(buffer), size)
    except FlameletError:
        return bytes(buffer[: min(size, _PAGE_BYTES)])


def _shown(page):
    """Return the text of an error page of Express, or None for another page."""
    start = page.find(b"<pre>")
    end = page.find(b"<", start + 5)
    if start < 0 or end < 0:
        return None
    try:
        return str(page[start + 5 : end], "utf-8")
    except UnicodeError:
        return None
