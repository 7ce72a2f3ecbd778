"""Defines the errors: one hierarchy; each error says whether a retry helps.

Every error of flamelet is a `FlameletError`. Its text says what is wrong and what to do. Its attributes:

- `retry`: True if the same call may succeed later without a change.
- `status`: the HTTP status of the answer, 0 if there was none.
- `text`: the server's own words, "" if there were none.

A `ResponseError` also has a `code`, which says why the server refused.
"""

from . import FlameletError, InvalidArgument, NetworkError, ProtocolError, Timeout  # noqa: F401


class TLSError(NetworkError):
    """The server could not be verified; nothing was sent. `retry`: whether it only broke, or the clock is not set."""

    retry = False


class OutcomeUnknown(NetworkError):
    """The request was sent and the answer was lost: it may have happened, and a repeat could do it twice."""

    retry = False


def in_doubt(error) -> OutcomeUnknown:
    """Return the error for a request that was sent, is not idempotent, and failed with `error`."""
    return OutcomeUnknown("%s: it may have happened: look before you repeat it" % error)


class ClockNotSet(FlameletError):
    """The clock of the device is not set, and the operation needs the time."""

    retry = True


class ResponseError(FlameletError):
    """The server answered with an HTTP error status.

    `code` names the cause and `action` says what to do: "TOKEN_EXPIRED", "never" (see diagnosis/answers.py).
    `retry_after`: seconds that the server asks to wait, 0 if it does not say.
    """

    retry_after = 0

    def __init__(self, message: str, status: int = 0, text: str = "", code: str = "", action: str = "never"):
        super().__init__(message)
        self.status = status
        self.text = text
        self.code = code
        self.action = action


class BadRequest(ResponseError):
    """400, and other answers that refuse the request itself: change it."""


class Unauthenticated(ResponseError):
    """401 because of the token: mint or refresh it."""


class PermissionDenied(ResponseError):
    """401 or 403 because of the rules: this token may not do this."""


class NotFound(ResponseError):
    """404: no such database, document or route."""


class AlreadyExists(ResponseError):
    """409: a document with this id exists."""


class Aborted(ResponseError):
    """409: it conflicted with another request; nothing was written."""

    retry = True


class PreconditionFailed(ResponseError):
    """412, and Firestore's FAILED_PRECONDITION: someone else changed it, or an index is missing.

    From the Realtime Database, `value` is the present value and `etag` its ETag.
    """

    value: object = None
    etag = ""


class TransactionAborted(FlameletError):
    """Others changed the data in every attempt; nothing was written."""

    retry = True


class ResourceExhausted(ResponseError):
    """429: too many requests, or the quota is used up."""

    retry = True


class Unavailable(ResponseError):
    """500 and above: the server failed. 503 means that the request was not attempted."""

    retry = True


class GatewayError(ResponseError):
    """An endpoint of Firebase Express SDK answered "error"; `text` is its message, which may have several lines."""

    def __init__(self, message: str, text: str = "", keys=()):
        super().__init__(message, 200, text, "GATEWAY_ERROR")
        self.keys = keys


class MissingKeys(GatewayError):
    """`keys` of the schema are missing in the document, or have values that count as missing: 0, "", False, None."""


class ExtraKeys(GatewayError):
    """The document has `keys` that are not in the schema."""


class StreamCancelled(FlameletError):
    """The server ended the stream for good; `text` holds the server's words."""

    def __init__(self, message: str, text: str = ""):
        super().__init__(message)
        self.text = text
