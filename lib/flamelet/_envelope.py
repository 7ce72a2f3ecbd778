"""The envelope in which Firebase Express SDK answers: {"status": "success", "data": ..., "message": ...}.

In: the answer. Out: its data and its message, or the error that it stands for: HTTP says 200 for errors too, so the
status in the body decides, whatever its case. (Source: "Response format" of Firebase Express SDK.) What is no answer of
the SDK is a page of Express in HTML, or of whatever stands in front of it.
"""

from . import FlameletError, _json, broken

# How Google's client for Node.js begins the words of what Firestore may do later.
_LATER = ("8 RESOURCE_EXHAUSTED", "10 ABORTED", "14 UNAVAILABLE")
_PAGE_BYTES = 512


def unwrapped(envelope, what: str, repeatable: bool = True) -> dict:
    """`envelope`, if it says success; else the error that it stands for is raised.

    `what` names the request; `repeatable`: doing it twice is the same as doing it once.
    """
    if not isinstance(envelope, dict) or not isinstance(envelope.get("status"), str):
        raise broken("%s: the answer has no status: is this a Firebase Express SDK endpoint?", what)
    if envelope["status"].lower() != "success":
        found = error(what, envelope.get("message"))
        found.retry = repeatable and found.text.split(":")[0] in _LATER
        raise found
    return envelope


def error(what: str, message):
    """The error that a message of the SDK stands for."""
    from .errors import ExtraKeys, GatewayError, MissingKeys, NotFound

    text = message if isinstance(message, str) else repr(message)
    said = "%s: %s" % (what, text)
    if text.startswith("Missed keys: "):
        return MissingKeys(said, text, text[13:].split(", "))
    if text.startswith("Don't use these keys: "):
        return ExtraKeys(said, text, text[22:].split(": they are not")[0].split(", "))
    if text.startswith("No document with id "):
        return NotFound(said, 200, text, "NOT_FOUND")
    return GatewayError(said, text)


def refused(what: str, status: int, buffer, size: int):
    """The error of an answer to `what` with this HTTP status, 300 or above, and the body buffer[:size]."""
    from ._failures import told

    content = value(buffer, size)
    text = None
    if isinstance(content, bytes):
        text = _shown(content)
    elif isinstance(content, dict) and isinstance(content.get("message"), str):
        text = content["message"]
    return told(what, status, {"error": text} if text else content)


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
