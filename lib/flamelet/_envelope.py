"""The envelope in which Firebase Express SDK answers: {"status": "success", "data": ..., "message": ...}.

In: the answer. Out: its data and its message, or the error that it stands for: HTTP says 200 for errors too, so the
status in the body decides, whatever its case. (Source: "Response format" of Firebase Express SDK.)
"""

from . import broken


def unwrapped(envelope, what: str) -> dict:
    """`envelope`, if it says success; else the error that it stands for is raised. `what` names the request."""
    if not isinstance(envelope, dict) or not isinstance(envelope.get("status"), str):
        raise broken("%s: the answer has no status: is this a Firebase Express SDK endpoint?", what)
    if envelope["status"].lower() != "success":
        raise error(what, envelope.get("message"))
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
