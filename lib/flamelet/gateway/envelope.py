"""Checks the envelope in which Firebase Express SDK answers: {"status": "success", "data": ..., "message": ...}.

In: the answer. Out: its data and its message, or the error that it stands for: HTTP says 200 for errors too, so the
status in the body decides, whatever its case. (Source: "Response format" of Firebase Express SDK.)
"""

from .. import _broken


def check_envelope(envelope, what: str, repeatable: bool = True) -> dict:
    """`envelope`, if it says success; else the error that it stands for is raised.

    `what` names the request; `repeatable`: doing it twice is the same as doing it once.
    """
    if not isinstance(envelope, dict) or not isinstance(envelope.get("status"), str):
        raise _broken("%s: the answer has no status: is this a Firebase Express SDK endpoint?", what)
    if envelope["status"].lower() != "success":
        from .envelope_errors import message_error

        raise message_error(what, envelope.get("message"), repeatable)
    return envelope
