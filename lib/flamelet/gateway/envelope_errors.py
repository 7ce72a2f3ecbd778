"""Says what went wrong at an endpoint of Firebase Express SDK, as one of our errors.

In: the message in an envelope that says error; or the body of an answer that HTTP calls an error, which is a page of
Express in HTML, or of whatever stands in front of it. Out: an error with the server's words. Loaded with the first one.
"""

from .. import FlameletError
from ..diagnosis.failures import error_of
from ..errors import ExtraKeys, GatewayError, MissingKeys, NotFound, in_doubt
from ..wire import json as _json

# How Google's client for Node.js begins the words of what Firestore may do later.
_LATER = ("8 RESOURCE_EXHAUSTED", "10 ABORTED", "14 UNAVAILABLE")
_PAGE_BYTES = 512


def message_error(what: str, message, repeatable: bool):
    """The error that a message of the SDK stands for; `repeatable`: doing it twice is the same as doing it once."""
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
    """The error of an answer to `what` with this HTTP status, 300 or above, and the body buffer[:size].

    OutcomeUnknown where it leaves open whether the request was done, and twice is not as once (not `repeatable`).
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
    """buffer[:size] as a value; as bytes the beginning of what is no JSON."""
    try:
        return _json.loads(buffer, memoryview(buffer), size)
    except FlameletError:
        return bytes(buffer[: min(size, _PAGE_BYTES)])


def _shown(page):
    """What a page of Express says; None of any other page."""
    start = page.find(b"<pre>")
    end = page.find(b"<", start + 5)
    if start < 0 or end < 0:
        return None
    try:
        return str(page[start + 5 : end], "utf-8")
    except UnicodeError:
        return None
