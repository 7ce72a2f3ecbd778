"""Checks the envelope in which Firebase Express SDK answers: {"status": "success", "data": ..., "message": ...}.

In: the answer. Out: the envelope, or the error in it. The HTTP status is 200 for errors too, so the status in the body
counts, in any case of letters. (Source: "Response format" of Firebase Express SDK.)
"""

from .. import _broken


def check_envelope(envelope, what: str, repeatable: bool = True) -> dict:
    """Return `envelope` if it says success. Raises its error otherwise.

    `what` names the request; `repeatable`: it is idempotent.
    """
    if not isinstance(envelope, dict) or not isinstance(envelope.get("status"), str):
        raise _broken("%s: the answer has no status: is this a Firebase Express SDK endpoint?", what)
    if envelope["status"].lower() != "success":
        from .envelope_errors import message_error

        raise message_error(what, envelope.get("message"), repeatable)
    return envelope
